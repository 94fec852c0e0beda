"""`pip install smoke-gate` in fresh environments: beside an old MLflow and NumPy, and beside the newest on Debian."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from smoke_gate.hashing import data_hash
from smoke_gate.verdict_file.write import document_json
from tests.container.image import BUILD_FLAGS, ROOT, Ended, docker
from tests.unit.report.judgements import judgement

pytestmark = pytest.mark.timeout(900)  # pip installs MLflow

TRAINING = """
import json, sys
from smoke_gate import contract
imported = {name.partition(".")[0] for name in sys.modules} & {"click", "mlflow", "numpy", "pydantic", "yaml"}
import mlflow
import numpy as np

train, val, test = np.arange(48.0).reshape(3, 8, 2)
np.savez("model.npz", weights=train)
np.save("train.npy", train)
np.savez("golden.npz", **{"input.a": np.zeros(3), "input.b": np.ones(3), "expected.rmse": np.float64(1)})
mlflow.set_experiment("fresh")
with mlflow.start_run() as run:
    contract.log_plan(cell="A3", seed=42, commit="a" * 40)
    contract.log_definition({"name": "rmse"}, key="rmse_definition_hash")
    contract.log_data_hashes(train=train, val=val, test=[test[::2], test[::-1]])
    contract.log_units(dlinear_output_unit="kW")
    contract.log_scaler_space(dlinear_output_scaler_space_signature=contract.data_hash(train))
    contract.log_environment()
    contract.log_counts(train=train, val=8, test=list(test))
    contract.data_overlap(train.astype("float32"), train[:3])
    contract.log_checkpoint("model.npz")
found = mlflow.get_run(run.info.run_id).data
files = [file.path for file in mlflow.tracking.MlflowClient().list_artifacts(run.info.run_id, "checkpoints")]
print(json.dumps({"imported": sorted(imported), "params": found.params, "tags": found.tags, "files": files}))
"""
METRIC = "def rmse(a, b):\n    return ((a - b) ** 2).mean() ** 0.5\n"
NO_MLFLOW = """
import numpy as np
from smoke_gate import contract
try:
    contract.log_plan(cell="A3", seed=42)
except contract.ContractError as error:
    print(error)
"""


@dataclass(frozen=True)
class Fresh:
    """An environment and a folder; ``run`` runs a command of the environment in the folder."""

    folder: Path
    run: Callable[..., Ended]

    def installed(self, *requirements: str) -> None:
        done = self.run("python", "-m", "pip", "install", "--quiet", "--no-compile", *requirements)
        assert done.code == 0, done.stderr


STORE = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_TRACKING_URI": "./mlruns"}


def here(folder: Path) -> Iterator[Fresh]:
    """Yield an environment of this machine's Python."""
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    variables = {"HOME": str(folder), "PATH": "/usr/bin:/bin"} | STORE
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}

    def run(program: str, *arguments: str) -> Ended:
        done = subprocess.run(
            [folder / "env/bin" / program, *arguments],
            cwd=folder, env=variables | kept, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    yield Fresh(folder, run)


def on_debian(folder: Path) -> Iterator[Fresh]:
    """Yield an environment of Debian's Python, in the stage of the Dockerfile that has pip."""
    built = docker("build", *BUILD_FLAGS, "--quiet", "--target=build", str(ROOT), timeout=800)
    assert built.code == 0, built.stderr
    image = built.stdout.strip()
    options = ["--network=host", f"--volume={folder}:/work", "--workdir=/work"]
    options += [f"--env={name}={value}" for name, value in STORE.items()]
    started = docker("run", "--detach", "--rm", "--init", *options, image, "sleep", "infinity")
    assert started.code == 0, started.stderr
    container = started.stdout.strip()

    def run(program: str, *arguments: str) -> Ended:
        return docker("exec", container, f"/env/bin/{program}", *arguments, timeout=800)

    try:
        assert docker("exec", container, "python3", "-m", "venv", "/env").code == 0
        yield Fresh(folder, run)
    finally:
        docker("rm", "--force", container)


def oldest() -> list[str]:
    """Return the oldest releases that the package says it works with; NumPy's is the newest before 2."""
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return [one.replace(">=", "==") for one in needed if not one.startswith("numpy")] + ["numpy==1.26.*"]


OLD = [*oldest(), "mlflow==2.9.*", "sqlalchemy<2.1"]  # this MLflow does not know SQLAlchemy 2.1
NEWEST = ["--upgrade", "numpy", "mlflow-skinny"]
PLACES = {"debian": (on_debian, NEWEST)} | ({"here": (here, OLD)} if sys.version_info[:2] == (3, 11) else {})


@pytest.fixture(scope="module", params=PLACES)
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    """An environment with the package, with an MLflow, and with a run that a training script logged."""
    folder = tmp_path_factory.mktemp("fresh")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    for name, text in {"train.py": TRAINING, "metric.py": METRIC, "no_mlflow.py": NO_MLFLOW}.items():
        (folder / name).write_text(text)
    (folder / "verdict.json").write_text(json.dumps(document_json(judgement().document)))
    (folder / "definition.json").write_text('{"name": "rmse"}')
    make, beside = PLACES[request.param]
    for made in make(folder):
        made.installed(wheel.name)
        without = made.run("python", "no_mlflow.py")
        assert without.stdout.startswith('MLflow is not installed. Type: pip install "mlflow>=2.9"'), (
            without.stderr
        )
        made.installed(*beside)
        trained = made.run("python", "train.py")
        assert trained.code == 0, trained.stderr
        (folder / "trained.json").write_text(trained.stdout.splitlines()[-1])
        yield made


def test_a_training_script_logs_what_the_gates_read(fresh):
    found = json.loads((fresh.folder / "trained.json").read_text())
    assert found["imported"] == []
    assert found["params"]["data_overlap"] == "3"
    assert found["params"].keys() >= {"cell", "seed", "rmse_definition_hash", "test_data_hash", "val_count"}
    assert found["tags"]["git_commit"] == "a" * 40
    assert sorted(found["files"]) == ["checkpoints/MANIFEST.json", "checkpoints/model.npz"]
    version = fresh.run("python", "-c", "import numpy; print(numpy.__version__)").stdout.strip()
    assert found["tags"]["environment.numpy"] == version


def test_a_data_hash_is_the_same_with_every_numpy(fresh):
    import numpy as np

    done = fresh.run("smoke-gate", "hash", "train.npy", "definition.json")
    assert done.stdout.splitlines()[0] == f"{data_hash(np.arange(16.0).reshape(8, 2))}  train.npy"
    assert done.code == 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["explain", "G2"], "G2 unit_contract"),
        (["reproduce", "verdict.json"], "reproduced: "),
        (["bite", "verdict.json"], judgement().document.headline),
        (["policy", "--schema"], "{"),
    ],
)
def test_commands_that_need_no_extra(fresh, command, said):
    done = fresh.run("smoke-gate", *command)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith(said)


def test_a_metric_is_registered_and_held_against_its_worked_example(fresh):
    where = ["--experiment", "fresh", "--key", "rmse_definition_hash", "--tracking-uri", "./mlruns"]
    done = fresh.run("smoke-gate", "preregister", "definition.json", "--golden", "golden.npz", *where)
    assert done.code == 0, done.stderr
    done = fresh.run("smoke-gate", "golden", "metric:rmse", *where)
    assert done.code == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "PASS rmse: 1.0, expected 1.0"


@pytest.mark.parametrize("command", [["check"], ["demo"], ["init"], ["reproduce", "verdict.json", "--live"]])
def test_a_command_that_lacks_its_extra_says_the_line_to_type(fresh, command):
    done = fresh.run("smoke-gate", *command)
    assert done.code == 2
    assert 'is not installed. Type: pip install "smoke-gate[check]"' in done.stderr
    assert fresh.run("smoke-gate", command[0], "-h").code == 0
