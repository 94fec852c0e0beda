"""The command line: exit codes, messages, options and their environment, and what is imported for them."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import sleep
from typing import Any
from unittest import mock

import numpy as np
import pytest

from smoke_gate import __version__
from smoke_gate.cli import interrupting, run
from smoke_gate.cli.check import check
from smoke_gate.hashing import data_hash, definition_hash

POLICY = """\
version: 1
experiments: [stage05]
plan:
  cells: [B0, A3]
  seeds: [42, 123]
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def modules_after(*arguments: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    code = (
        "import sys; from smoke_gate.cli import run; run(sys.argv[1:]); "
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), ("explain", "G2"), ("policy",), ("check", "--policy", "wrong.yml")],
)
def test_quick_commands_do_not_import_mlflow(arguments: tuple[str, ...]):
    Path("smoke-gate.yml").write_text(POLICY)
    Path("wrong.yml").write_text("version: 2\n")

    imported = modules_after(*arguments)

    assert not imported & {"mlflow", "numpy", "sqlalchemy", "matplotlib", "dulwich", "github"}
    assert "smoke_gate.cli" in imported


def test_version(capsys: pytest.CaptureFixture[str]):
    assert run(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chekc"], "No such command"),
        (["check", "--threshhold", "2"], "--threshold"),
        (["check", "--workers", "0"], "--workers"),
        (["check", "--artifact-path-map", "nowhere"], "expected OLD=NEW"),
        (["check", "--sha", "c0ffee"], "expected a whole commit hash"),
        (["check", "--sha", ""], "expected a whole commit hash"),
        (["check", "--policy", "none.yml"], "none.yml"),
        (["check", "--threshold", "many", "--cells", "A", "--seeds", "1"], "threshold"),
        (["explain", "G9"], "G9"),
        (["hash", "none.npy"], "none.npy"),
        (["demo", "--sabotage", "nothing"], "unknown sabotage"),
        (["demo", "--dir", ""], "found nothing, expected a folder"),
        (
            ["demo", "--dir", "/proc/x"],
            "/proc/x cannot be used: No such file or directory; choose another --dir",
        ),
        (["check", "--output-dir", ""], "found nothing, expected a folder"),
        (["check", "--output-dir", "out\udcff"], "argument 3 is not UTF-8"),
        (["check", "--wait", "9" * 401 + "d"], "expected a duration"),
        (["golden", "math:hypot", "--atol", "inf"], "found inf, expected a finite number"),
        (["golden", "math:hypot", "--rtol", "nan"], "found nan, expected a finite number"),
    ],
)
def test_what_is_wrong_on_the_command_line_ends_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    """spec: exit-codes"""
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert "Traceback" not in printed.err
    assert not printed.out


def test_a_variable_that_is_no_text_is_named_and_not_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret\udcff@host")

    assert run(["check"]) == 2

    assert capsys.readouterr().err == "smoke-gate: MLFLOW_TRACKING_URI is not UTF-8\n"


def test_a_usage_error_starts_no_workflow_command(capsys: pytest.CaptureFixture[str]):
    assert run(["check", "--policy", "x", "##[error]\n::error::y"]) == 2

    lines = capsys.readouterr().err.splitlines()
    assert not [line for line in lines if line.startswith("::") or "##[" in line]


@pytest.mark.parametrize(
    "make", [Path.mkdir, lambda path: path.symlink_to("nowhere")], ids=["folder", "link"]
)
def test_a_default_policy_that_cannot_be_read_is_no_missing_one(make, capsys: pytest.CaptureFixture[str]):
    make(Path("smoke-gate.yml"))

    assert run(["policy", "--cells", "A", "--seeds", "1"]) == 2

    assert "smoke-gate.yml: cannot be read" in capsys.readouterr().err


def test_every_policy_error_is_told_with_its_place(capsys: pytest.CaptureFixture[str]):
    Path("smoke-gate.yml").write_text(POLICY.replace("seeds", "sedes") + "profil: basic\n")

    assert run(["check"]) == 2

    said = capsys.readouterr().err
    assert "smoke-gate.yml:5:3: plan.sedes" in said
    assert "smoke-gate.yml:6:1: profil" in said


def test_a_store_that_is_not_there_ends_with_3_and_is_not_made(capsys: pytest.CaptureFixture[str]):
    """spec: exit-codes"""
    Path("smoke-gate.yml").write_text(POLICY)

    assert run(["check", "--tracking-uri", "sqlite:///typo.db"]) == 3

    assert "typo.db" in capsys.readouterr().err
    assert not Path("typo.db").exists()
    assert not Path("outputs").exists()


def test_credentials_are_not_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """spec: credentials-not-shown"""
    Path("smoke-gate.yml").write_text(POLICY)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    assert run(["check", "--tracking-uri", "http://me:secret@127.0.0.1:9"]) == 3

    printed = capsys.readouterr()
    assert "127.0.0.1:9" in printed.err
    assert "secret" not in printed.err + printed.out


def test_a_bug_is_told_without_a_traceback_and_gives_no_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """spec: exit-codes"""

    def broken(_gate: str | None, _width: int) -> str:
        raise KeyError("a secret")

    monkeypatch.setattr("smoke_gate.report.explain.explain", broken)

    assert run(["explain"]) == 3

    said = capsys.readouterr().err
    assert "unexpected KeyError" in said
    assert "Traceback" not in said
    assert "a secret" not in said


@pytest.mark.parametrize("ending", [SystemExit(0), GeneratorExit()], ids=repr)
def test_nothing_that_code_raises_is_a_pass(
    ending: BaseException, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """spec: exit-codes"""
    monkeypatch.setattr("smoke_gate.report.explain.explain", mock.Mock(side_effect=ending))

    assert run(["explain"]) == 3

    assert f"unexpected {type(ending).__name__}" in capsys.readouterr().err


def test_a_second_signal_leaves_time_to_clean_up():
    interrupt = interrupting()
    with mock.patch("smoke_gate.cli.monotonic", side_effect=[100.0, 100.0, 104.9, 105.0, 105.0]):
        with pytest.raises(KeyboardInterrupt):
            interrupt(signal.SIGINT, None)
        interrupt(signal.SIGTERM, None)
        with pytest.raises(KeyboardInterrupt):
            interrupt(signal.SIGTERM, None)


HELD = """
import signal, sys, time
from pathlib import Path
from tempfile import TemporaryDirectory
import smoke_gate.cli as cli
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # who started the tests may have had it ignored, as nohup does
@cli.commands.command("hold")
def hold():
    with TemporaryDirectory(dir=".") as folder:
        for number in range(2000):
            Path(folder, str(number)).touch()
        print("ready", flush=True)
        time.sleep(60)
sys.argv = ["smoke-gate", "hold"]
cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
def test_signals_one_after_the_other_leave_nothing_behind(number):
    with subprocess.Popen(
        [sys.executable, "-c", HELD], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "ready\n"
        while process.poll() is None:
            process.send_signal(number)
            sleep(0.002)
        assert (process.returncode, process.stderr.read().strip()) == (
            3,
            "smoke-gate: interrupted: no verdict",
        )
    assert not list(Path().iterdir())


TOLD = """
import os, sys
import smoke_gate.cli as cli
@cli.commands.command("tell")
def tell():
    print(*sorted({"HOME", "MLFLOW_TRACKING_TOKEN", "AWS_ACCESS_KEY_ID", "GITHUB_REPOSITORY"} & os.environ.keys()))
sys.argv = ["smoke-gate", "tell"]
cli.main()
"""


def test_a_variable_that_is_set_to_nothing_is_not_set():
    empty = {
        "HOME": "",
        "MLFLOW_TRACKING_TOKEN": "",
        "AWS_ACCESS_KEY_ID": "",
        "GITHUB_REPOSITORY": "org/repo",
    }
    done = subprocess.run(
        [sys.executable, "-c", TOLD], env={**os.environ, **empty}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "GITHUB_REPOSITORY\n"


# --- policy -----------------------------------------------------------------------------------------------------------


def test_the_effective_policy_can_be_used_as_a_policy(capsys: pytest.CaptureFixture[str]):
    """spec: policy-effective"""
    Path("smoke-gate.yml").write_text(POLICY)
    assert run(["policy", "--threshold", "3"]) == 0
    printed = capsys.readouterr().out
    Path("effective.yml").write_text(printed)

    assert run(["policy", "--policy", "effective.yml"]) == 0

    assert capsys.readouterr().out == printed
    assert "fail_threshold: 3" in printed


def test_an_option_comes_before_its_variable_and_that_before_the_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """spec: cli-precedence"""
    Path("smoke-gate.yml").write_text(POLICY)
    monkeypatch.setenv("SMOKE_GATE_EXPERIMENT", "by-variable")
    monkeypatch.setenv("SMOKE_GATE_THRESHOLD", "7")

    assert run(["policy", "--threshold", "3"]) == 0

    printed = capsys.readouterr().out
    assert "by-variable" in printed
    assert "fail_threshold: 3" in printed


@pytest.mark.parametrize("text", ["load forecasting, b\n\nc", "load forecasting\nb,,c\n"])
def test_a_variable_holds_several_experiments_as_the_actions_input_does(
    text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SMOKE_GATE_EXPERIMENT", text)

    assert run(["policy", "--cells", "A", "--seeds", "1"]) == 0

    assert "experiments: [load forecasting, b, c]\n" in capsys.readouterr().out


def test_a_variable_holds_several_parts_of_the_path_map(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SMOKE_GATE_ARTIFACT_PATH_MAP", "/my runs=/a, b\n\nnowhere\n")

    assert run(["check"]) == 2

    assert "found 'nowhere', expected OLD=NEW" in capsys.readouterr().err


def test_every_option_of_check_has_its_variable():
    """spec: cli-precedence"""
    options = [one for one in check.params if one.opts != ["--help"]]
    assert {one.opts[0]: one.envvar for one in options} == {
        one.opts[0]: "SMOKE_GATE_" + one.opts[0][2:].upper().replace("-", "_") for one in options
    }


def test_cells_are_split_at_commas_and_lines_and_trimmed(capsys: pytest.CaptureFixture[str]):
    assert run(["policy", "--cells", "B0, A3\nA4,", "--seeds", "1,2"]) == 0
    printed = capsys.readouterr().out
    assert all(f"{cell}:" in printed for cell in ("B0", "A3", "A4"))


@pytest.mark.parametrize(
    ("option", "title"), [(["--schema"], "policy"), (["--schema", "verdict"], "verdict")]
)
def test_the_schemas_are_printed(option: list[str], title: str, capsys: pytest.CaptureFixture[str]):
    assert run(["policy", *option]) == 0
    assert title in json.loads(capsys.readouterr().out)["title"]


# --- hash -------------------------------------------------------------------------------------------------------------


def test_data_and_definition_hashes(capsys: pytest.CaptureFixture[str]):
    first, second = np.arange(6.0), np.ones((2, 2))
    np.save("one.npy", first)
    np.savez("two.npz", first, second)
    Path("definition.json").write_text('{"metric": "pape", "unit": "kW"}')
    Path("definition.yml").write_text("unit: kW\nmetric: pape\n")

    assert run(["hash", "one.npy", "two.npz", "definition.json", "definition.yml"]) == 0

    definition = definition_hash({"metric": "pape", "unit": "kW"})
    assert capsys.readouterr().out.splitlines() == [
        f"{data_hash(first)}  one.npy",
        f"{data_hash([first, second])}  two.npz",
        f"{definition}  definition.json",
        f"{definition}  definition.yml",
    ]


def test_a_file_name_starts_no_workflow_command(capsys: pytest.CaptureFixture[str]):
    names = ["##[error]x.json", "a\n::error::x.json"]
    for name in names:
        Path(name).write_text("{}")

    assert run(["hash", *names]) == 0

    assert capsys.readouterr().out.splitlines() == [
        f"{definition_hash({})}  ## [error]x.json",
        f"{definition_hash({})}  a\\n::error::x.json",
    ]


def array_file(shape: str) -> bytes:
    """A .npy file whose header has a shape, and little behind it."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(8)


def archive(array: "np.ndarray[Any, Any]") -> bytes:
    content = io.BytesIO()
    np.savez(content, array)
    return content.getvalue()


ARCHIVE = archive(np.arange(8))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.npy", b"\x93NUMPY"),
        ("empty.npz", b""),
        ("notes.txt", b"text"),
        ("nan.json", b'{"x": NaN}'),
        ("cut.npz", ARCHIVE[:-30]),
        ("damaged.npz", ARCHIVE.replace(b"\x93NUMPY", b"\x93NUMPI")),
        ("header.npy", array_file("(8, ")),
        ("vast.npy", array_file("(9999999999999,)")),
    ],
)
def test_what_has_no_hash_is_refused(name: str, content: bytes, capsys: pytest.CaptureFixture[str]):
    Path(name).write_bytes(content)

    assert run(["hash", name]) == 2

    error = capsys.readouterr().err
    assert name in error
    assert "bug" not in error
