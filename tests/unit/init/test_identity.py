"""The guesses of where runs say which cell and seed they are."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from smoke_gate.gates.proposal import RunShape
from smoke_gate.init.identity import (
    MOST_CELLS,
    MOST_FALLBACK_CELLS,
    Identity,
    identity_at,
    identity_of,
)
from smoke_gate.init.places import CELLS, SEEDS, Shape


def run(index: int, parent: str | None = None, **facts: Any) -> RunShape:
    return RunShape(run_id=f"r{index}", start_time=index, parent=parent, **facts)


def shape(*runs: RunShape, parents: tuple[RunShape, ...] = ()) -> Shape:
    return Shape(
        experiments=("stage05",),
        runs=(*parents, *runs),
        parents={parent.run_id: parent for parent in parents},
    )


def guessed(*runs: RunShape, parents: tuple[RunShape, ...] = ()) -> Identity:
    return identity_of(shape(*runs, parents=parents))


def of_params(*rows: dict[str, str]) -> Identity:
    return guessed(*(run(index, params=row) for index, row in enumerate(rows)))


def matrix(cell: str, seed: str, cells: tuple[str, ...] = ("a", "b"), **more: str) -> list[dict[str, str]]:
    return [{cell: name, seed: number, **more} for name, number in product(cells, ("1", "2", "3"))]


@pytest.mark.parametrize(
    ("cell", "seed"),
    [
        ("cell", "seed"),
        ("variant", "random_seed"),
        ("model/name", "seed_everything"),
        ("estimator", "clf__random_state"),
        ("anything", "trainer/seed"),
    ],
)
def test_params(cell: str, seed: str):
    found = of_params(*matrix(cell, seed, epochs="2", lr="0.1"))
    assert (found.cell, found.seed, found.fit) == (f"params.{cell}", f"params.{seed}", 1)
    assert (found.cells, found.seeds, found.missing) == (("a", "b"), ("1", "2", "3"), ())


def test_a_name_for_cells_beats_another_that_fits_alike():
    rows = [{**row, "color": row["variant"], "backbone": row["variant"]} for row in matrix("variant", "seed")]
    assert of_params(*rows).cell == "params.variant"
    assert (
        of_params(*({k: v for k, v in row.items() if k != "variant"} for row in rows)).cell
        == "params.backbone"
    )


def test_what_fits_beats_a_name():
    rows = [
        {"model": "resnet", "augment": augment, "seed": seed}
        for augment, seed in product(("mixup", "none"), "123")
    ]
    assert of_params(*rows).cell == "params.augment"


def test_a_template_of_two_params():
    rows = [
        {"method": method, "pretrained": pretrained, "seed": seed, "out": f"/runs/{method}{pretrained}{seed}"}
        for method, pretrained, seed in product(("lora", "full"), ("yes", "no"), "12")
    ]
    found = of_params(*rows)
    assert found.cell == "{params.method}/{params.pretrained}"
    assert len(found.cells) == 4


def test_a_template_of_three_params():
    rows = [
        {"net": net, "loss": loss, "norm": norm, "seed": seed}
        for net, loss, norm, seed in product(("gru", "cnn"), ("l1", "l2"), ("bn", "ln"), "12")
    ]
    assert set(of_params(*rows).cell.strip("{}").split("}/{")) == {"params.net", "params.loss", "params.norm"}


def test_tags():
    found = guessed(*(run(i, tags=row) for i, row in enumerate(matrix("variant", "seed"))))
    assert (found.cell, found.seed) == ("tags.variant", "tags.seed")


def test_what_mlflow_tags_is_no_cell():
    rows = [
        {"mlflow.user": name, "mlflow.note": name, "seed": seed}
        for name, seed in product(("ada", "bob"), "12")
    ]
    assert not guessed(*(run(i, tags=row, name="x") for i, row in enumerate(rows))).cell.startswith(
        "tags.mlflow"
    )


@pytest.mark.parametrize(
    "name",
    [
        "{cell}-s{seed}", "{cell}_seed{seed}", "{cell}-seed={seed}", "seed{seed}-{cell}", "{cell}-{seed}",
        "{cell} s{seed}",
    ],
)  # fmt: skip
def test_names(name: str):
    pairs = list(product(("resnet", "vit-b"), ("42", "123")))
    found = guessed(*(run(i, name=name.format(cell=cell, seed=seed)) for i, (cell, seed) in enumerate(pairs)))
    assert (found.cells, found.seeds) == (("resnet", "vit-b"), ("42", "123"))


def test_the_cell_in_the_name_and_the_seed_in_a_param():
    pairs = list(product(("resnet", "vit"), ("42", "123")))
    found = guessed(*(run(i, name=cell, params={"seed": seed}) for i, (cell, seed) in enumerate(pairs)))
    assert (found.seed, found.cells) == ("params.seed", ("resnet", "vit"))


def test_parents_are_no_members_of_the_matrix_and_may_hold_its_cells():
    parents = tuple(RunShape(run_id=name, name=name, params={"net": name}) for name in ("gru", "lstm"))
    children = [
        run(i, parent=net, params={"seed": seed})
        for i, (net, seed) in enumerate(product(("gru", "lstm"), "12"))
    ]
    found = guessed(*children, parents=parents)
    assert (found.cell, found.seed, found.asked) == ("parent.params.net", "params.seed", 4)


def test_one_cell_only():
    rows = [{"model": "gru", "seed": seed, "out": f"/runs/{seed}"} for seed in "123"]
    found = of_params(*rows)
    assert (found.cell, found.cells) == ("params.model", ("gru",))


def test_one_run_a_cell():
    rows = [{"variant": name, "epochs": "2"} for name in ("a", "b", "c")]
    assert (of_params(*rows).cell, of_params(*rows).seed) == ("params.variant", "none")


def test_random_names_say_nothing():
    names = ("gaudy-moth-123", "rare-shrike-7", "bold-fox-99", "calm-owl-4")
    found = guessed(*(run(i, name=name) for i, name in enumerate(names)))
    assert (found.is_found, found.seed, found.cells) == (False, "none", names)


def test_names_that_mlflow_made_up_are_neither_cells_nor_seeds():
    names = ("gaudy-moth-1", "gaudy-moth-2", "rare-shrike-1", "rare-shrike-2")
    runs = [run(i, name=name, params={"seed": "7"}) for i, name in enumerate(names)]
    assert guessed(*runs).cell.startswith("run_name:")
    found = guessed(*(replace(one, has_random_name=True) for one in runs))
    assert (found.is_found, found.seed, found.cells) == (False, "none", names)


def test_a_made_up_name_of_a_parent_is_no_cell():
    parents = tuple(
        RunShape(run_id=name, name=name, tags={"mlflow.runName": name}) for name in ("gaudy-moth-1", "sweep")
    )
    runs = [
        run(i, parent=parent.run_id, params={"seed": seed})
        for i, (parent, seed) in enumerate(product(parents, "12"))
    ]
    assert guessed(*runs, parents=parents).cell == "parent.tags.mlflow.runName"
    random = (replace(parents[0], has_random_name=True), parents[1])
    found = guessed(*runs, parents=random)
    assert (found.is_found, found.cell) == (False, "run_name:(?P<cell>.+)")


def test_only_the_newest_names_are_cells_where_nothing_else_is():
    found = guessed(*(run(i, name=f"x{chr(97 + i % 26)}{chr(97 + i // 26)}") for i in range(50)))
    assert len(found.cells) == MOST_FALLBACK_CELLS
    assert run(49).run_id in {one.run_id for one in found.selected.values()}


def test_reruns_and_holes():
    rows = [("a", "1"), ("a", "02"), ("b", "1"), ("b", "1")]
    found = of_params(*({"cell": cell, "seed": seed} for cell, seed in rows))
    assert found.selected["b", "1"].run_id == "r3"
    assert (found.seeds, found.missing) == (("1", "2"), (("b", "2"),))


@pytest.mark.parametrize("tries", [2, 3])
def test_each_pair_was_run_again(tries: int):
    found = of_params(*tries * matrix("cell", "seed", lr="0.1"))
    assert (found.cell, found.seed, found.is_found) == ("params.cell", "params.seed", True)
    assert {run.run_id for run in found.selected.values()} == {f"r{6 * tries - n}" for n in range(1, 7)}


def test_a_rerun_on_newer_code_is_no_other_cell():
    runs = [
        run(index, params=row, tags={"git_commit": commit * 40, "git_dirty": dirty})
        for index, ((commit, dirty), row) in enumerate(
            product((("a", "true"), ("b", "false")), matrix("cell", "seed"))
        )
    ]
    assert (guessed(*runs).cell, guessed(*runs).is_found) == ("params.cell", True)


def test_runs_of_a_search_are_no_reruns():
    rows = [{"model": "gru", "seed": "1", "lr": str(index)} for index in range(MOST_CELLS + 1)]
    assert not of_params(*rows).is_found


def test_what_the_user_says_is_found():
    runs = shape(*(run(i, params=row) for i, row in enumerate(9 * matrix("cell", "seed"))))
    assert not identity_of(runs).is_found
    assert identity_at(runs, "params.cell", "params.seed").is_found


def test_values_that_cannot_be_names():
    rows = [{"cell": cell * 70, "net": cell, "seed": seed} for cell, seed in product(("a", "b"), "12")]
    assert of_params(*rows).cell == "params.net"


@pytest.mark.parametrize("odd", ["b\tc", "b\u200b", "b" * 70])
def test_one_odd_value_costs_no_column(odd: str):
    found = of_params(*matrix("cell", "seed", ("a", "b", odd), epochs="2"))
    assert (found.cell, found.cells) == ("params.cell", ("a", "b", odd))


def test_a_seed_is_a_number():
    rows = [{"cell": cell, "random_state": state} for cell, state in product(("a", "b"), ("None", "1"))]
    assert of_params(*rows).seed != "params.random_state"


def test_an_answer_is_read_as_check_reads_it():
    runs = shape(*(run(i, params=row) for i, row in enumerate(matrix("net", "k"))))
    found = identity_at(runs, "{params.net}-x", "params.k")
    assert (found.cells, found.seeds) == (("a-x", "b-x"), ("1", "2", "3"))


@pytest.mark.parametrize(
    ("cell", "seed"),
    [
        ("none", "params.k"), ("run_name:x", "none"), ("params.a", "run_name:x"), ("{params.a", "none"),
        ("run_name:(", "none"),
    ],
)  # fmt: skip
def test_answers_that_are_no_place(cell: str, seed: str):
    with pytest.raises(ValueError):
        identity_at(shape(run(1)), cell, seed)


# --- what is never a cell ---------------------------------------------------------------------------------------------

NEVER = {
    "train_time_sec": ("30.5", "31.5"),
    "timestamp": ("1714558272", "1714558333"),
    "started_at": ("2024-05-01T10:00:12", "2024-05-01T11:00:12"),
    "run_status": ("completed", "resumed"),
    "state": ("COMPLETE", "PRUNED"),
    "best_val_acc": ("0.5", "0.6"),
    "test_acc": ("0.5", "0.6"),
    "Run ID": ("c0ffee", "badc0de"),
    "uuid": ("x", "y"),
    "git_commit": ("x", "y"),
    "model": ("3f2a9c1e77", "aa90b2c11d"),
    "net": ("<Net object at 0x7f12c0d>", "<Net object at 0x7f12c1d>"),
    "_instantiator": ("mine", "yours"),
    "output_dir": ("a", "b"),
    "data": ("/data/a", "/data/b"),
    "root": (r"C:\data\a", r"C:\data\b"),
    "source": ("s3://a/b", "s3://a/c"),
    "server": ("10.0.0.1:80", "10.0.0.2:80"),
    "hostname": ("n1", "n2"),
    "user.name": ("ada", "bob"),
    "mlflow.source.name": ("a.py", "b.py"),
    "environment.numpy": ("1", "2"),
}


@pytest.mark.parametrize("key", NEVER)
@pytest.mark.parametrize("kind", ["params", "tags"])
def test_what_is_known_at_the_end_or_made_anew_is_no_cell(key: str, kind: str):
    facts: list[dict[str, Any]] = [
        {"params": {"seed": seed}, kind: {"seed": seed, key: value}}
        for value, seed in product(NEVER[key], "12")
    ]
    found = guessed(*(run(i, None, **own) for i, own in enumerate(facts)))
    assert key not in found.cell
    assert all(key not in one.cell for one in found.others)


def test_times_are_no_seeds():
    rows = [{"model": model, "seed": str(1_714_558_272 + index)} for index, model in enumerate("aabb")]
    assert (of_params(*rows).cell, of_params(*rows).seed) == ("params.model", "none")
    long = [{"model": model, "seed": seed} for model, seed in product("ab", ("20240501", "3735928559"))]
    assert of_params(*long).seed == "params.seed"


# --- settings that differ, and questions ------------------------------------------------------------------------------


def test_settings_that_differ_within_pairs_are_a_part_of_the_cell():
    rows = [{"model": model, "fold": fold, "seed": seed} for model, fold, seed in product("ab", "01", "12")]
    assert (of_params(*rows).cell, of_params(*rows).seed) == ("{params.model}/{params.fold}", "params.seed")


def test_folds_are_seeds_where_the_seed_is_the_same():
    rows = [{"model": model, "fold": fold, "seed": "42"} for model, fold in product("ab", "012")]
    assert (of_params(*rows).cell, of_params(*rows).seed) == ("params.model", "params.fold")


def test_a_setting_that_one_rerun_changed_is_told():
    rows = [*matrix("model", "seed", epochs="5"), {"model": "a", "seed": "1", "epochs": "50"}]
    found = of_params(*rows)
    assert (found.cell, found.is_found, found.repeated_with) == ("params.model", True, ("params.epochs",))


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        (
            [{"lr": rate, "width": width} for rate, width in product("123", "45")],
            {"params.lr", "params.width"},
        ),
        ([{"lr": rate} for rate in "123"], {"params.lr"}),
        ([{"model": "ab"[index // 3], "seed": str(index)} for index in range(6)], {"params.model"}),
        ([{"h": "ab"[index % 2], "lr": f"0.{index}7", "seed": "1"} for index in range(9)], {"params.h"}),
    ],
)
def test_what_is_uncertain_is_asked(rows: list[dict[str, str]], asked: set[str]):
    found = of_params(*rows)
    assert not found.is_found
    assert asked <= {one.cell for one in found.others}


@pytest.mark.parametrize(("of_parents", "of_children"), [(True, False), (True, True), (False, False)])
def test_parents_that_alone_hold_models_are_the_runs(of_parents: bool, of_children: bool):
    parents = tuple(
        RunShape(run_id=name, params={"estimator": name}, has_model=of_parents)
        for name in ("Ridge()", "Lasso()")
    )
    children = [
        run(i, parent=name, params={"alpha": alpha}, has_model=of_children)
        for i, (name, alpha) in enumerate(product(("Ridge()", "Lasso()"), "12"))
    ]
    found = guessed(*children, parents=parents)
    assert (found.cell == "params.estimator") is (of_parents and not of_children)


def test_the_experiment_may_be_the_cell_or_a_part_of_it():
    rows = list(product(("base", "distilled"), ("gru", "tcn"), "12"))
    runs = [
        run(i, params={"model": model, "seed": seed}, experiment=name)
        for i, (name, model, seed) in enumerate(rows)
    ]
    both = Shape(experiments=("base", "distilled"), runs=tuple(runs))
    assert identity_of(both).cell == "{params.model}/{experiment}"
    alone = replace(both, runs=tuple(one for one in runs if one.params["model"] == "gru"))
    assert identity_of(alone).cell == "experiment"


def test_the_page_lists_the_usual_places():
    page = (Path(__file__).parents[3] / "docs" / "init.md").read_text(encoding="utf-8")
    assert [name for name in (*SEEDS, *CELLS) if name != "experiment" and f"`{name}`" not in page] == []
