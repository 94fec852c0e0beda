"""The proposals of each gate for the runs that are there, and the metrics that are asked for."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from smoke_gate.gates import BUILT_IN
from smoke_gate.gates.proposal import Files, Proposal, RunShape, Seen
from smoke_gate.init.guess import main_metric, metrics_of, profile_of
from smoke_gate.init.places import Shape

HASH = "0123456789abcdef"
DEFINITION = HASH * 4


def runs_with(*params: dict[str, str], metrics: Sequence[dict[str, float]] = ()) -> list[RunShape]:
    rows = metrics or [{} for _ in params]
    return [
        RunShape(run_id=f"r{i}", params=own, metrics=row)
        for i, (own, row) in enumerate(zip(params, rows, strict=True))
    ]


def with_metrics(*metrics: dict[str, float]) -> list[RunShape]:
    return runs_with(*({} for _ in metrics), metrics=metrics)


def seen(
    runs: Sequence[RunShape],
    files: Sequence[Files] | None = None,
    *,
    registered: bool = False,
    stated: bool = True,
) -> Seen:
    return Seen(runs=runs, files=files or [Files() for _ in runs], registered=registered, stated=stated)


def proposal(
    gate_id: str, runs: Sequence[RunShape], files: Sequence[Files] | None = None, **facts: bool
) -> Proposal:
    gate = next(one for one in BUILT_IN if one.id == gate_id)
    found = gate.propose(seen(runs, files, **facts))
    assert found is not None
    return found


def left(*paths: str) -> list[Files]:
    """One run for each path."""
    return [Files(paths=(path, "logs/train.log")) for path in paths]


def test_the_profile_is_what_the_runs_mean():
    assert profile_of(Shape(experiments=("e",), runs=(), registered=True), []) == "contract"
    plain = Shape(experiments=("e",), runs=())
    assert profile_of(plain, runs_with({"pape_definition_hash": DEFINITION})) == "contract"
    assert profile_of(plain, runs_with({"train_data_hash": HASH})) == "basic"


@pytest.mark.parametrize(
    ("registered", "hashes", "logged"),
    [
        (True, (DEFINITION, DEFINITION), True),
        (False, (DEFINITION, DEFINITION), False),
        (True, (DEFINITION, DEFINITION[::-1]), True),
        (True, (DEFINITION, "short"), True),
        (True, ("short", "short"), False),
    ],
)
def test_definition(registered: bool, hashes: tuple[str, str], logged: bool):
    found = proposal(
        "G1", runs_with(*({"pape_definition_hash": one} for one in hashes)), registered=registered
    )
    assert found.is_logged is logged


def test_definition_of_another_metric():
    found = proposal("G1", runs_with({"mae_definition_hash": DEFINITION}, {}, {}), registered=True)
    assert found.settings == {"key": "mae_definition_hash"}
    assert found.found == "1 of 3 runs log mae_definition_hash, and there is a preregistration"
    assert (
        'key="mae_definition_hash"'
        in proposal("G1", runs_with({"mae_definition_hash": DEFINITION})).to_log[0]
    )


def test_units():
    complete = {
        "use_vq": "True", "vq_input_unit": "kW", "dlinear_output_unit": "kW", "vq_scaler_space_signature": "s",
        "dlinear_output_scaler_space_signature": "s",
    }  # fmt: skip
    assert proposal("G2", runs_with(complete, {"use_vq": "False"})).is_logged
    assert proposal("G2", runs_with({**complete, "vq_input_unit": ""})).is_logged
    assert not proposal("G2", runs_with({"use_vq": "True"})).is_logged
    assert not proposal("G2", runs_with({"use_vq": "False"})).is_logged


def test_units_are_judged_of_runs_that_say_that_they_have_a_quantiser():
    flag = 'mlflow.log_param("use_vq", True)'
    assert proposal("G2", runs_with({})).to_log[0].startswith(flag)
    assert not [
        line for line in proposal("G2", runs_with({"use_vq": "True"})).to_log if line.startswith(flag)
    ]


@pytest.mark.parametrize(
    ("files", "paths"),
    [
        (left("checkpoints/a.pt", "checkpoints/b.safetensors"), None),
        (
            left("model/checkpoints/e=1/e=1.ckpt", "model/checkpoints/e=2/e=2.ckpt"),
            ("model/checkpoints/**/*.ckpt",),
        ),
        (left("weights.pth", "weights.pth"), ("*.pth",)),
        (left("out/best.pt", "out/last/x.pt"), ("out/**/*.pt",)),
        (left("a[1]/b.pt", "a[1]/c.pt"), ("a?1?/*.pt",)),
        (left("checkpoints/model.json", "checkpoints/model"), None),
        (left("checkpoints/model.json", "out/x.pt"), ("checkpoints/**", "out/*.pt")),
        ([Files(models=1), Files(models=1)], None),
        (left("model/MLmodel", "model/MLmodel"), None),
        ([Files(paths=("net/MLmodel", "net/data/model.pth"))] * 2, None),  # found without a pattern
        ([Files(paths=("net/MLmodel", "net/data/model.pth", "a.pt"))] * 2, ("*.pt",)),
        (
            [Files(paths=("out/net/MLmodel", "out/net/model.pkl"))] * 2,
            ("out/net/*.pkl",),
        ),  # too deep for that
    ],
)
def test_checkpoints(files: list[Files], paths: tuple[str, ...] | None):
    found = proposal("G3", runs_with({}, {}), files)
    assert found.is_logged
    assert found.found == "2 of 2 runs have checkpoints or MLflow models"
    assert found.settings == ({"paths": paths} if paths else {"required": "true"})


def test_checkpoints_of_some_runs_only():
    found = proposal("G3", runs_with({}, {}), [*left("weights.pth"), Files()])
    assert found.is_logged
    assert found.found == "1 of 2 runs have checkpoints or MLflow models"
    none = proposal("G3", runs_with({}), left("checkpoints/MANIFEST.json"))
    assert "log_checkpoint" in none.to_log[0]


def test_files_that_could_not_be_read_are_said_and_not_counted():
    unread = Files(unread="the host is away")
    for gate, what in (("G3", "checkpoints or MLflow models"), ("G4", "PNG figures")):
        none = proposal(gate, runs_with({}, {}), [unread, unread])
        assert none.found == "the artifacts of 2 of 2 runs could not be read: the host is away"
        assert none.is_logged
        one = proposal(gate, runs_with({}, {}), [Files(), unread])
        why = "the artifacts of 1 of 2 runs could not be read: the host is away"
        assert one.found == f"0 of 1 runs have {what}; {why}"


def test_figures():
    assert proposal("G4", runs_with({}), left("figures/a.png")).settings == {"required": "true"}
    assert proposal("G4", runs_with({}), left("plots/a.png")).settings == {"paths": ("plots/*.png",)}
    assert not proposal("G4", runs_with({})).is_logged


@pytest.mark.parametrize(
    ("names", "value"),
    [
        (("train_loss", "val_loss"), None),
        (("train/loss", "val/loss"), "val/loss / train/loss"),
        (("train/loss_epoch", "train/loss_step", "val/loss"), "val/loss / train/loss_epoch"),
        (("training.loss", "validation.loss"), "`validation.loss` / `training.loss`"),
        (("train_mse", "val_mse", "val_r2", "train_r2"), "val_mse / train_mse"),
        (("train_mae", "val_mae", "train_total_loss", "val_total_loss"), "val_total_loss / train_total_loss"),
    ],
)
def test_ratio_of_losses(names: tuple[str, ...], value: str | None):
    found = proposal("G5", with_metrics(dict.fromkeys(names, 1.5), dict.fromkeys(names, 2.5)))
    assert found.is_logged
    assert found.settings == ({"rules": ({"value": value, "min": "0.2", "max": "5"},)} if value else {})


@pytest.mark.parametrize(
    "rows",
    [
        [{"train_loss": 1.0, "val_loss": 9.0}],
        [{"train_loss": 0.0, "val_loss": 1.0}],
        [{"train_loss": 1.0, "val_loss": float("nan")}],
        [{"train_loss": 1.0, "val_loss": 1.0}] * 2 + [{"train_loss": 1.0}],
    ],
)
def test_ratios_that_will_fail_are_judged_all_the_same(rows: list[dict[str, float]]):
    assert proposal("G5", with_metrics(*rows)).is_logged


@pytest.mark.parametrize(
    "rows",
    [
        [{"train_loss": 1.0, "val_loss": 1.0}, {"train_loss": 1.0}],
        [{"train_loss": 1.0, "val_auc_loss": 1.0}],
    ],
)
def test_no_ratio(rows: list[dict[str, float]]):
    found = proposal("G5", with_metrics(*rows))
    assert not found.is_logged
    assert found.found == "most runs log no validation and training loss with similar names"


def test_data_hashes():
    contract = {f"{split}_data_hash": HASH for split in ("train", "val", "test")}
    assert proposal("G6", runs_with(contract)).settings == {}
    other = {"sha_train": HASH, "sha_val": HASH}
    assert proposal("G6", runs_with(other)).settings == {"key": "sha_{split}", "splits": ("train", "val")}
    assert not proposal("G6", runs_with(contract, {})).is_logged
    assert not proposal("G6", runs_with({"train_data_hash": HASH})).is_logged


def test_what_one_run_lacks_is_asked_for():
    contract = {f"{split}_data_hash": HASH for split in ("train", "val", "test")}
    lacking = {**contract, "test_data_hash": "broken"}
    found = proposal("G6", runs_with(contract, contract, lacking))
    assert found.settings == {}
    assert found.found.startswith("2 of 3 runs log train_data_hash, ")


def test_a_metric_is_asked_for_where_most_runs_log_it_whatever_they_log():
    whole, broken, lost = {"rmse": 1.0, "vq_loss": 1.0}, {"rmse": float("nan")}, {"vq_loss": float("inf")}
    runs = with_metrics(whole, broken, lost, {"rmse": float("inf")})
    assert metrics_of(seen(runs)) == (("rmse",), {}, ("vq_loss",))


def test_required_metrics_are_shared_and_telling():
    plain = {"val_loss": 1.0, "acc": 0.5, "epoch": 2.0, "fit_time": 3.0, "system/cpu": 1.0, "lr-Adam": 0.1}
    runs = with_metrics(plain, {**plain, "extra": 1.0, "eval_time": 1.0})
    assert metrics_of(seen(runs)) == (("acc", "val_loss"), {}, ("extra",))
    many = {f"m{index:02}": 1.0 for index in range(20)} | {"val_loss": 1.0}
    required, _, _ = metrics_of(seen(with_metrics(many)))
    assert len(required) == 8
    assert "val_loss" in required


@pytest.mark.parametrize(
    ("logged", "found"),
    [
        ({"A": 2, "B": 2}, "plan"),
        ({"A": 2, "B": 0}, "A"),
        ({"A": 2, "B": 1}, "plan"),
        ({"A": 1, "B": 0}, "rare"),
        (
            {"A": 2, "B": 2, "C": 0},
            "A and B",
        ),  # most runs log it, and all runs of C lack it: C is not meant to
    ],
)
def test_a_metric_of_some_cells_is_asked_of_these(logged: dict[str, int], found: str):
    pairs = [(cell, seed) for cell in logged for seed in ("1", "2")]
    rows = [
        {"val_loss": 1.0, **({"vq_loss": 1.0} if int(seed) <= logged[cell] else {})} for cell, seed in pairs
    ]
    required, of_cells, rare = metrics_of(replace(seen(with_metrics(*rows)), pairs=pairs))
    where = "plan" if "vq_loss" in required else "rare" if "vq_loss" in rare else " and ".join(of_cells)
    assert where == found
    assert all(own == ("vq_loss",) for own in of_cells.values())


@pytest.mark.parametrize(
    ("metrics", "keys", "meant"),
    [
        ((), (), None),
        (("train_loss", "val_loss"), (), "val_loss"),
        (("train/loss_epoch", "val/acc", "val/loss"), (), "val/acc"),
        (("training_score", "training_log_loss"), (), "training_score"),
        (("test_acc", "val_acc", "acc"), (), "test_acc"),
        (("pape", "rmse", "val_loss"), ("pape_definition_hash",), "pape"),
        (("codebook_usage", "val_loss"), (), "val_loss"),
    ],
)
def test_the_metric_of_the_matrix(metrics: tuple[str, ...], keys: tuple[str, ...], meant: str | None):
    assert main_metric(metrics, keys) == meant


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (True, "2 pairs have a finished run"),
        (False, "2 pairs have a finished run, known by nothing but their names"),
    ],
)
def test_plan(stated: bool, found: str):
    plan = proposal("G0", runs_with({}, {}), stated=stated)
    assert (plan.found, plan.is_logged, plan.settings) == (found, stated, {})


def test_a_comparison_is_proposed_as_the_runs_are():
    pairs = [(cell, seed) for cell in ("A", "B") for seed in ("1", "2", "3")]
    runs = runs_with(
        *(
            {
                "dropout": f"0.{(int(seed) + len(pairs)) % 2}",
                "epochs": "50",
                "note": "x",
                "seed": seed,
                "id": f"{i}a",
            }
            for i, (_, seed) in enumerate(pairs)
        )
    )
    runs[0] = replace(runs[0], params={**runs[0].params, "dropout": "0.7"})
    found = BUILT_IN[-1].propose(
        Seen(runs=runs, files=[Files() for _ in runs], registered=False, stated=True, pairs=pairs)
    )
    assert found is not None
    assert found.settings == {"varies": ("dropout",), "constant": ("epochs",)}
    assert found.is_logged
