"""`init`, then `check`, on stores as real training code leaves them: none of it has heard of smoke-gate."""

import io
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smoke_gate.cli import run
from smoke_gate.gates.checkpoint_settings import CheckpointsSettings
from smoke_gate.gates.metric_ratio import MetricRatioSettings
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.load import load_policy
from tests.support.recorded import MINUTE, START, Recipe, changed, fingerprint, matrix, npz, record
from tests.support.stores import file_store, sqlite_store
from tests.support.terminal import TERMINAL, on_terminal

URI = "sqlite:///mlflow.db"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A project's folder, which is the working directory too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


SAYS = "by this policy, `smoke-gate check` says:"


def told(*arguments: str) -> tuple[int, list[str]]:
    """The exit code of a command, and what it says, which is said on."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = run(arguments)
    sys.stdout.write(out.getvalue())
    return code, out.getvalue().splitlines()


def initialised() -> Policy:
    """The policy that init writes: it leaves the store alone, and says of each gate what `check` then says."""
    before = Path("mlflow.db").read_bytes()
    code, said = told("init", "--tracking-uri", URI, "--yes")
    assert code == 0
    assert Path("mlflow.db").read_bytes() == before
    code, judged = told("check", "--tracking-uri", URI)
    assert code in (0, 1)
    judged = judged[: next(index for index, line in enumerate(judged) if line.startswith("verdict_file: "))]
    start = said.index(SAYS) + 1
    assert said[start : start + len(judged)] == judged
    return load_policy(Path("smoke-gate.yml"))


def verdict() -> dict[str, Any]:
    (path,) = Path("outputs").glob("smoke_verdict_*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def statuses() -> dict[str, str]:
    return {gate["id"]: gate["status"] for gate in verdict()["gates"]}


def recorded(runs: list[Recipe]) -> None:
    """Record runs that start a minute apart, in this order."""
    client = sqlite_store(Path("mlflow.db").absolute())
    record(client, [replace(one, start=START + index * MINUTE) for index, one in enumerate(runs)])


# --- real shapes ------------------------------------------------------------------------------------------------------


def nested(runs: list[Recipe]) -> None:
    """Record runs below the parents `sweep-lstm` and `sweep-gru`, which have nothing but their names."""
    client = sqlite_store(Path("mlflow.db").absolute())
    parents = record(client, [Recipe(name="sweep-lstm"), Recipe(name="sweep-gru")])
    children = [
        replace(one, tags={"mlflow.parentRunId": parents[one.tags["parent"]]}, start=START + index * MINUTE)
        for index, one in enumerate(runs, 1)
    ]
    record(client, children)


NESTED = [(net, seed) for net in ("lstm", "gru") for seed in (7, 8, 9)]


def test_children_of_parents_that_have_no_params():
    nested(
        [
            Recipe(
                name=f"child-{index}",
                params={"net": net, "seed": str(seed), "lr": "0.1"},
                tags={"parent": f"sweep-{net}"},
                metrics={"rmse": (1.5 + index,)},
            )
            for index, (net, seed) in enumerate(NESTED)
        ]
    )

    policy = initialised()

    assert (policy.runs.cell, policy.runs.seed) == ("params.net", "params.seed")
    assert list(policy.plan.cells) == ["lstm", "gru"]
    assert verdict()["summary"]["found"] == 6
    assert verdict()["unidentified"] == 2


def test_names_that_say_nothing():
    recorded(
        [
            Recipe(name=name, metrics={"acc": (0.5,)})
            for name in ("gaudy-moth-123", "rare-shrike-7", "it's a: #run")
        ]
    )

    policy = initialised()

    assert policy.runs.seed == "none"
    assert len(policy.plan.cells) == 3
    assert "NOTHING IN THE RUNS SAYS" in Path("smoke-gate.yml").read_text()


def test_names_that_mlflow_made_up_beside_a_seed():
    recorded(
        [
            Recipe(name=name, params={"seed": "7"}, metrics={"acc": (0.5 + index,)})
            for index, name in enumerate(("gaudy-moth-123", "rare-shrike-7", "bold-fox-99"))
        ]
    )

    policy = initialised()

    assert (policy.runs.cell, policy.runs.seed) == ("run_name:(?P<cell>.+)", "none")
    assert "NOTHING IN THE RUNS SAYS" in Path("smoke-gate.yml").read_text()


def test_reruns():
    recorded([plain(model, seed) for _ in range(2) for model in ("net", "linear") for seed in (0, 1)])

    policy = initialised()

    assert (policy.runs.cell, policy.runs.seed) == ("params.model", "params.seed")
    assert (list(policy.plan.cells), policy.plan.seeds) == (["net", "linear"], ("0", "1"))
    assert "NOTHING IN THE RUNS SAYS" not in Path("smoke-gate.yml").read_text()


def test_a_store_that_keeps_the_contract():
    recorded(matrix())

    policy = initialised()

    assert policy.profile == "contract"
    assert (policy.runs.cell, policy.runs.seed) == ("params.cell", "params.seed")
    assert all(getattr(policy.gates, name).enabled for name in type(policy.gates).model_fields)
    assert statuses()["G1"] == "PASS"
    assert statuses()["G6"] == "PASS"


def plain(model: str, seed: int, **facts: Any) -> Recipe:
    """Return the run of a training script that does not use smoke-gate."""
    number = 10 * len(model) + seed
    run = Recipe(
        name=f"{model}-{seed}",
        params={"model": model, "seed": str(seed), "lr": "0.05"},
        metrics={
            "train_loss": (number, 1.0 + seed),
            "val_loss": (number, 1.1 + seed),
            "rmse": (0.5 + number,),
        },
    )
    return changed(run, **facts)


def test_a_nan_is_no_reason_to_ask_for_less(capsys):
    recorded(
        [
            plain("net", 0),
            plain("net", 1),
            plain("linear", 0),
            plain("linear", 1, metrics={"val_loss": (1.0, float("nan"))}),
        ]
    )

    policy = initialised()

    assert policy.plan.required_metrics == ("rmse", "train_loss", "val_loss")
    assert policy.settings(MetricRatioSettings).enabled
    assert (statuses()["G0"], statuses()["G5"]) == ("FAIL", "FAIL")
    assert "linear/1: val_loss is NaN" in capsys.readouterr().out


def test_a_ratio_out_of_its_band_is_judged(capsys):
    recorded(
        [
            plain("net", 0),
            plain("net", 1),
            plain("linear", 0, metrics={"val_loss": (1.0, 21.0)}),
            plain("linear", 1),
        ]
    )
    assert initialised().settings(MetricRatioSettings).enabled
    assert "linear/0: val_loss / train_loss is 21 " in capsys.readouterr().out


def test_a_metric_that_one_run_lost_is_asked_for():
    recorded([plain("net", seed) for seed in (0, 1, 2)] + [plain("net", 3, metrics={"rmse": None})])
    assert "rmse" in initialised().plan.required_metrics
    assert statuses()["G0"] == "FAIL"


def test_a_metric_that_half_of_the_runs_lack_is_named(capsys):
    recorded([plain("net", 0), plain("net", 1, metrics={"rmse": None})])
    assert initialised().plan.required_metrics == ("val_loss", "train_loss")
    assert "not in required_metrics, since most runs do not log it: rmse\n" in capsys.readouterr().out


def test_on_a_terminal_lines_wrap_and_code_does_not(folder):
    recorded([plain("net", 0), plain("net", 1)])
    arguments = ["-m", "smoke_gate", "init", "--tracking-uri", URI, "--yes"]
    environment = {**TERMINAL, "COLUMNS": "60", "NO_COLOR": "1"}
    lines = on_terminal(arguments, environment).splitlines()
    code = [line for line in lines if line[:5].isspace() and line[5] != " "]
    assert code
    assert any(len(line) > 60 for line in code)
    assert [line for line in lines if len(line) > 60 and line not in code and "`" not in line] == []


def test_checkpoints_of_no_known_format_are_checkpoints(capsys):
    recorded(
        [
            plain("net", seed, artifacts={"checkpoints/model.bin": b"of no format %d" % seed})
            for seed in (0, 1)
        ]
    )
    assert initialised().settings(CheckpointsSettings).paths == ("checkpoints/**",)
    assert statuses()["G3"] == "WARNING"
    assert "contract.log_checkpoint" not in capsys.readouterr().out


def test_the_users_own_modules_are_proposed():
    """The newest run's pickles are read; names of libraries are not the user's, and stay a question."""
    own, partial = b"cmine.model\nNet\n)\x81}U\x01wNsb0", b"cfunctools\npartial\n0"
    recorded(
        [
            plain(
                "net", seed, artifacts={"checkpoints/model.pkl": b"\x80\x02" + own + partial + b"K%d." % seed}
            )
            for seed in (1, 2)
        ]
    )
    assert initialised().settings(CheckpointsSettings).allow_globals == ("mine.model.*",)
    (found,) = {
        check["observed"]
        for check in verdict()["checks"]
        if (check["kind"], check["status"]) == ("globals", "WARNING")
    }
    assert "functools.partial" in found


def test_checkpoints_of_some_runs_are_asked_of_all():
    recorded([plain("net", 0, artifacts={"out/model.npz": npz("0")}), plain("net", 1)])
    initialised()
    assert statuses()["G3"] == "FAIL"


def test_a_file_store(folder):
    with file_store(folder / "mlruns") as client:
        record(client, [Recipe(name=f"a-s{seed}", metrics={"m": (float(seed),)}) for seed in (1, 2)])
    before = fingerprint(folder / "mlruns")
    assert run(["init", "--yes"]) == 0
    assert fingerprint(folder / "mlruns") == before
    assert run(["check"]) in (0, 1, 4)


def test_ragged_matrices_name_what_is_missing():
    pairs = [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"), ("c", "1")]
    recorded(
        [
            Recipe(name="r", params={"variant": cell, "seed": seed}, metrics={"m": (1.5 + index,)})
            for index, (cell, seed) in enumerate(pairs)
        ]
    )

    policy = initialised()

    assert list(policy.plan.cells) == ["a", "b", "c"]
    text = Path("smoke-gate.yml").read_text()
    assert "No finished run: c/2." in text
    ready = text.replace("  # exclude:", "  exclude:").replace("  #   - {cell", "    - {cell")
    Path("smoke-gate.yml").write_text(ready)
    assert run(["check", "--tracking-uri", URI]) == 0


HOSTILE = [
    '"; rm -rf /',
    "{{ x }}",
    "null",
    "042",
    "# no",
    "a: b",
    "한국어 🧪",
    "::error::x",
    "yes",
    "- a",
    "'",
    "\\n",
    "x" * 60,
]


def test_names_of_all_kinds():
    recorded(
        [
            Recipe(name="r", params={"cell": cell, "seed": seed}, metrics={"m": (index + int(seed) / 10,)})
            for index, cell in enumerate(HOSTILE)
            for seed in ("1", "2")
        ]
    )

    policy = initialised()

    assert list(policy.plan.cells) == HOSTILE
    assert verdict()["summary"]["found"] == 2 * len(HOSTILE)


# --- the command ------------------------------------------------------------------------------------------------------


def two_runs() -> None:
    recorded(
        [
            Recipe(name="r", params={"cell": "a", "seed": seed, "net": "n"}, metrics={"m": (float(seed),)})
            for seed in ("1", "2")
        ]
    )


def test_the_workflow_is_one():
    two_runs()
    assert run(["init", "--yes", "--tracking-uri", URI, "--output", "policies/it's.yml"]) == 0
    workflow = Path(".github/workflows/smoke-gate.yml").read_text()
    assert "uses: org/smoke-gate@v1" in workflow
    assert "policy: 'policies/it''s.yml'" in workflow
    tool = Path(sys.executable).parent / "actionlint"
    subprocess.run([tool, ".github/workflows/smoke-gate.yml"], check=True)


def test_a_policy_is_not_overwritten_unless_forced(capsys):
    """spec: init"""
    two_runs()
    Path("smoke-gate.yml").write_text("mine")
    assert run(["init", "--yes", "--tracking-uri", URI]) == 2
    assert "smoke-gate.yml is there already" in capsys.readouterr().err
    assert [str(path) for path in Path().rglob("*.yml")] == ["smoke-gate.yml"]
    assert Path("smoke-gate.yml").read_text() == "mine"
    assert run(["init", "--yes", "--force", "--tracking-uri", URI]) == 0
    assert Path("smoke-gate.yml").read_text() != "mine"


def test_a_workflow_that_is_there_is_kept_unless_forced(capsys):
    two_runs()
    workflow = Path(".github/workflows/smoke-gate.yml")
    workflow.parent.mkdir(parents=True)
    workflow.write_text("mine")
    assert run(["init", "--yes", "--tracking-uri", URI]) == 0
    assert run(["init", "--yes", "--tracking-uri", URI, "--output", "b/two.yml"]) == 0
    first, second = [line for line in capsys.readouterr().out.splitlines() if line.startswith("kept: ")]
    assert first == f"kept: {workflow} is there already; --force overwrites"
    assert "it needs `policy: b/two.yml`" in second
    assert workflow.read_text() == "mine"
    assert load_policy(Path("b/two.yml")).experiments == ("stage05",)
    assert run(["init", "--yes", "--force", "--tracking-uri", URI]) == 0
    assert workflow.read_text() != "mine"


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ([], "smoke-gate check"),
        (["--tracking-uri", URI], f"smoke-gate check --tracking-uri {URI}"),
        (["--output", "my policy.yml"], "smoke-gate check --policy 'my policy.yml'"),
    ],
)
def test_the_next_command_is_the_one_that_works(options: list[str], command: str, capsys):
    two_runs()
    assert run(["init", "--yes", *options]) == 0
    assert capsys.readouterr().out.endswith(f"next: read the policy, then `{command}`\n")


@pytest.fixture
def answers(monkeypatch) -> Callable[[str], None]:
    import io

    return lambda text: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_answers_are_taken(answers, capsys):
    two_runs()
    answers("params.net\n\ncontract\n")
    assert run(["init", "--tracking-uri", URI]) == 0
    policy = load_policy(Path("smoke-gate.yml"))
    assert (policy.runs.cell, policy.profile) == ("params.net", "contract")


def test_an_answer_that_is_the_guess_is_the_guess(answers):
    recorded([Recipe(name=f"x{chr(97 + index)}", metrics={"acc": (0.5,)}) for index in range(25)])
    answers("\n\n\n")
    assert run(["init", "--tracking-uri", URI]) == 0
    assert len(load_policy(Path("smoke-gate.yml")).plan.cells) == 20
    assert "NOTHING IN THE RUNS SAYS" in Path("smoke-gate.yml").read_text()


def test_an_answer_counts_however_often_the_pairs_were_run(answers):
    recorded([plain("net", seed) for _ in range(4) for seed in (0, 1)])
    answers("params.model\nparams.seed\n\n")
    assert run(["init", "--tracking-uri", URI]) == 0
    assert "NOTHING IN THE RUNS SAYS" not in Path("smoke-gate.yml").read_text()


def test_answers_that_find_nothing_are_asked_again(answers, capsys):
    two_runs()
    answers("params.nowhere\n\nrun_name:x\n\n\n\n\n")
    assert run(["init", "--tracking-uri", URI]) == 0
    said = capsys.readouterr().out
    assert "no finished run states both params.nowhere and params.seed" in said
    assert "(?P<cell>" in said
    assert load_policy(Path("smoke-gate.yml")).runs.cell == "params.cell"


def test_no_answer_writes_nothing(answers, capsys):
    two_runs()
    answers("")
    assert run(["init", "--tracking-uri", URI]) == 2
    assert "--yes" in capsys.readouterr().err
    assert not Path("smoke-gate.yml").exists()


def test_no_finished_run(capsys):
    recorded([Recipe(name="r", status="RUNNING")])
    assert run(["init", "--yes", "--tracking-uri", URI]) == 2
    assert "1 unfinished" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (
            "cell",
            "`smoke-gate init` writes one from the runs, or name it. The runs of stage05 have: --cells a --seeds 1",
        ),
        (
            "net",
            "no run of stage05 has a cell and a seed (params.cell and params.seed): `smoke-gate init` looks where",
        ),
    ],
)
def test_who_has_no_plan_is_sent_here(key: str, said: str, capsys):
    recorded([Recipe(name="r", params={key: "a", "seed": "1"}, metrics={"m": (1.5,)})])
    assert run(["check", "--tracking-uri", URI]) == 2
    assert said in capsys.readouterr().err


NAMES = ("load forecasting", "$(touch x); y", "it's")


def without_a_plan(cells: tuple[str, ...], seeds: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what check says of runs of these cells and seeds if there is no plan."""
    pairs = [(cell, seed) for cell in cells for seed in seeds or (None,)]
    params = [{"cell": cell} | ({"seed": seed} if seed else {}) for cell, seed in pairs]
    recorded([Recipe(name="r", params=one, metrics={"m": (float(n),)}) for n, one in enumerate(params)])
    if not seeds:
        Path("smoke-gate.yml").write_text("{version: 1, runs: {seed: none}, profile: basic}")
    assert run(["check", "--tracking-uri", URI]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("seeds", [(), ("1", "2")])
def test_the_named_options_can_be_pasted(seeds: tuple[str, ...], capsys):
    _, _, ready = without_a_plan(NAMES, seeds, capsys).partition(" have: ")
    options = shlex.split(ready)
    assert options == ["--cells", ",".join(sorted(NAMES)), *(["--seeds", "1,2"] if seeds else [])]
    assert run(["check", "--tracking-uri", URI, "--profile", "basic", *options]) == 0


@pytest.mark.parametrize("name", ["a,b", "a\nb", " a", "##[error]a", "a\u200b"])
def test_what_no_option_can_say_is_for_a_policy_file(name: str, capsys):
    said = without_a_plan(("c", name), ("1",), capsys)
    assert "--cells" not in said
    assert "can be said in a policy file only" in said
    assert "and seeds '1';" in said


def test_a_policy_without_a_plan_is_not_written_anew(capsys):
    two_runs()
    Path("smoke-gate.yml").write_text("version: 1\n")
    assert run(["check", "--tracking-uri", URI]) == 2
    assert "write `plan: {cells: […], seeds: […]}` into smoke-gate.yml, or name it" in capsys.readouterr().err


def test_no_store(capsys):
    assert run(["init", "--yes", "--tracking-uri", URI]) == 3
    assert "there is no tracking store" in capsys.readouterr().err
    assert not Path("smoke-gate.yml").exists()
