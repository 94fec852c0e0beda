import re
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

from smoke_gate import extras
from smoke_gate.cli import run
from smoke_gate.errors import ExitCode
from smoke_gate.extras import MODULES, MissingExtraError, need_check, to_install

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
DECLARED: dict[str, list[str]] = PROJECT["optional-dependencies"]


def missing(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.fixture
def without(monkeypatch):
    """Makes modules look as if they were not installed."""

    def set_missing(*modules: str) -> None:
        monkeypatch.setattr(extras, "find_spec", lambda name: None if name in modules else find_spec(name))

    return set_missing


@pytest.fixture
def mlflow(monkeypatch):
    """Makes another version of MLflow look installed, or none."""

    def set_version(found: str | None) -> None:
        monkeypatch.setattr(extras, "_installed_mlflow", lambda: found)

    return set_version


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in requirements}


def test_every_extra_is_known_by_its_modules():
    assert MODULES.keys() == DECLARED.keys()


def test_the_modules_of_check_are_those_of_its_distributions():
    distributions = packages_distributions()
    found = {distributions[module][0].lower() for module in MODULES["check"]}
    assert found | {"mlflow-skinny"} == names(DECLARED["check"])
    oldest = ".".join(map(str, extras.OLDEST_MLFLOW_TO_CHECK))
    assert f"mlflow-skinny>={oldest}" in DECLARED["check"]


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("jinja2", "check"),
        ("dulwich.repo", "check"),
        ("google", "gcs"),
        ("google.cloud", "gcs"),
        ("azure", "azure"),
        ("azure.storage.blob", "azure"),
        ("psycopg2", "postgres"),
        ("pymysql", "mysql"),
        ("boto3", "s3"),
    ],
)
def test_a_missing_module_is_answered_by_the_line_to_type(without, module, extra):
    without(*(name for modules in MODULES.values() for name in modules))
    assert f'is not installed. Type: pip install "smoke-gate[{extra}]"' in (to_install(missing(module)) or "")


@pytest.mark.parametrize(
    "error",
    [
        missing("somebodys_package"),
        missing("googler"),
        ImportError("no name"),
        ImportError(
            "cannot import name 'x' from 'sqlalchemy.pool'", name="sqlalchemy.pool"
        ),  # which is installed
        ValueError("no import at all"),
    ],
)
def test_what_no_extra_brings_gets_no_advice(error):
    assert to_install(error) is None


def test_a_missing_mlflow_is_named(mlflow):
    mlflow(None)
    assert (to_install(missing("mlflow")) or "").startswith(
        'MLflow is not installed. Type: pip install "mlflow>=2.9"'
    )


def test_a_part_that_an_old_mlflow_lacks_is_told_with_its_version(mlflow):
    mlflow("2.3.1")
    assert "MLflow 2.3.1 lacks what is needed here" in (to_install(missing("mlflow.entities.trace")) or "")


def test_the_environment_is_whole():
    need_check()


@pytest.mark.parametrize("module", ["mlflow", *MODULES["check"]])
def test_check_looks_for_every_module_before_it_starts(without, module):
    without(module)
    with pytest.raises(
        MissingExtraError, match=rf'^{module} is not installed. Type: pip install "smoke-gate\[check\]"$'
    ):
        need_check()


def test_beside_an_old_mlflow_the_extra_goes_elsewhere(without, mlflow):
    mlflow("2.9.2")
    with pytest.raises(
        MissingExtraError, match=r"2\.9\.2 is too old for this command.*environment of its own"
    ):
        need_check()
    without("rich")
    with pytest.raises(MissingExtraError, match=r"rich is not installed.*environment has 2\.9\.2"):
        need_check()


@pytest.mark.parametrize("command", ["check", "demo", "init", "action", "publish"])
def test_a_command_without_its_extra(without, capsys, command):
    without("jinja2")
    file = ["verdict.json"] if command == "publish" else []
    assert run([command, *file]) == ExitCode.USAGE
    assert (
        'smoke-gate: jinja2 is not installed. Type: pip install "smoke-gate[check]"'
        in capsys.readouterr().err
    )
    assert run([command, "--help"]) == ExitCode.OK


def test_the_contract_imports_nothing_that_training_code_may_lack():
    """spec: contract-light"""
    script = "import sys, smoke_gate.contract; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"click", "mlflow", "numpy", "pydantic", "requests", "yaml"} | {*MODULES["check"]}
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize("framework", ["lightning", "transformers"])
def test_a_callback_without_its_framework_says_what_to_type(framework):
    with pytest.raises(
        ImportError, match=f"(?i){framework} is not installed. Type: pip install .*{framework}"
    ):
        import_module(f"smoke_gate.integrations.{framework}")


def test_training_code_that_imports_the_contract_imports_no_callback():
    code = "import sys, smoke_gate.contract, smoke_gate.integrations.facts; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"mlflow", "numpy", "torch", "lightning", "transformers"} & set(done.stdout.split())
