"""The content of the image, and the command line in it as anybody would start it."""

import json
import shutil
from pathlib import Path

import pytest

from tests.container.image import IMAGE, ROOT, built_from, docker, run, run_python

LIMIT = 470_000_000  # bytes, unpacked
STORE = ("--tracking-uri=sqlite:///mlflow.db",)

HOLDS = """
import http.server, importlib, importlib.metadata, importlib.util, json, os, pathlib, shutil, threading, warnings
os.environ |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-central-1"}
warnings.simplefilter("error")
facts = {}

facts["unwanted"] = [name for name in ("pip", "setuptools", "wheel", "ensurepip") if importlib.util.find_spec(name)]
facts["unwanted"] += [name for name in ("pip", "pip3", "gcc", "cc", "ld", "strip") if shutil.which(name)]
facts["caches"] = [str(path) for folder in ("/root/.cache", "/var/cache/apt", "/var/lib/apt/lists")
                   for path in pathlib.Path(folder).rglob("*") if path.is_file()]
facts["setuid"] = [str(path) for folder in ("/bin", "/sbin", "/usr", "/opt") for path in pathlib.Path(folder).rglob("*")
                   if path.is_file() and path.stat().st_mode & 0o6000]
site = pathlib.Path(importlib.metadata.distribution("smoke-gate").locate_file(""))
facts["uncompiled"] = [str(path) for path in site.rglob("*.py")
                       if not pathlib.Path(importlib.util.cache_from_source(str(path))).exists()]

import docker, dulwich.porcelain
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import matplotlib
    matplotlib.use("agg")
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

# a name in Korean and Japanese, and no box for any of its characters
warnings.filterwarnings("error", message="Glyph .* missing")
figure = Figure()
figure.text(0, 0, "기준 基準 ベース 基准", family=["DejaVu Sans", "WenQuanYi Micro Hei"])
figure.savefig("/tmp/names.png")
facts["drawn"] = pathlib.Path("/tmp/names.png").stat().st_size > 0

# a new store runs every migration of MLflow's schema
warnings.simplefilter("ignore")
facts["experiments"] = [one.name for one in MlflowClient("sqlite:////tmp/new.db").search_experiments()]

class Bucket(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'<ListBucketResult><Contents><Key>run/model.pt</Key><Size>5</Size></Contents></ListBucketResult>'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["MLFLOW_S3_ENDPOINT_URL"] = f"http://127.0.0.1:{server.server_address[1]}"
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
facts["s3"] = [(one.path, one.file_size) for one in get_artifact_repository("s3://bucket/run").list_artifacts()]

print(json.dumps(facts))
"""


def test_it_holds_what_is_needed_and_nothing_else():
    ended = run_python(HOLDS)
    assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == {
        "unwanted": [],
        "caches": [],
        "setuid": [],
        "uncompiled": [],
        "drawn": True,
        "experiments": ["Default"],
        "s3": [["model.pt", 5]],
    }


def test_it_says_what_it_is_and_stays_small():
    (facts,) = json.loads(docker("image", "inspect", IMAGE).stdout)
    assert facts["Size"] <= LIMIT
    assert facts["Config"]["User"] == ""  # root: the files that GitHub mounts belong to different users
    labels = facts["Config"]["Labels"]
    names = {"title", "description", "licenses", "version", "revision"}
    assert {f"org.opencontainers.image.{name}" for name in names} <= labels.keys()
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_the_same_sources_make_the_same_files(tmp_path):
    context = tmp_path / "context"
    shutil.copytree(ROOT / "src", context / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "requirements", context / "requirements")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, context)
    first, second = installed_from(context), installed_from(context)
    assert first == second != ""


def installed_from(context: Path) -> str:
    """Build our own part once more, on the packages that the cache has, and return the hash of everything installed."""
    whole = "tar --sort=name -C /opt -cf /tmp/whole smoke-gate && sha256sum /tmp/whole"
    with built_from("ARG SOURCE_DATE_EPOCH=0\n", context, "--target=build") as image:
        return docker("run", "--rm", "--network=none", image, "sh", "-c", whole).stdout


def test_anybody_may_run_it_offline_and_read_only(store, tmp_path):
    """spec: action-image"""
    plain = run("check", *STORE, options=[f"--volume={store}:/work", "--workdir=/work"])
    assert plain.code == 0, plain.stdout + plain.stderr
    assert plain.stdout.startswith("ALL PASS · 12 of 12 runs · 8 of 8 gates")

    written = tmp_path / "written"
    written.mkdir()
    written.chmod(0o777)
    no_more = ["--cap-drop=ALL", "--security-opt=no-new-privileges"]
    careful = ["--user=1000:1000", "--read-only", "--tmpfs=/tmp", "--ipc=none", *no_more]  # without /dev/shm
    mounted = [f"--volume={store}:/data/matrix:ro", f"--volume={written}:/written", "--workdir=/data/matrix"]
    shut_in = run("check", *STORE, "--output-dir=/written", options=[*careful, *mounted])
    assert shut_in.code == 0, shut_in.stdout + shut_in.stderr
    assert decided(written) == decided(store / "outputs")

    nowhere = run("check", *STORE, "--output-dir=/written", options=["--read-only", *mounted])
    assert nowhere.code == 2
    assert "in a container give it one: --tmpfs /tmp" in nowhere.stderr


def decided(outputs: Path) -> dict[str, object]:
    """Return what a verdict file says that must not depend on where, when and as whom it was made."""
    (file,) = outputs.glob("smoke_verdict_*.json")
    document = json.loads(file.read_text())
    return {key: document[key] for key in ("verdict", "gates", "checks", "evidence_sha256", "policy_sha256")}


def test_a_verdict_is_replayed_from_its_file_alone(store):
    mounted = [f"--volume={store}:/work", "--workdir=/work"]
    made = run("check", *STORE, options=mounted)
    (file,) = store.glob("outputs/smoke_verdict_*.json")
    (store / "mlflow.db").unlink()
    again = run("reproduce", f"outputs/{file.name}", options=mounted)
    assert (made.code, again.code) == (0, 0), again.stdout + again.stderr
    assert "ALL PASS" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--help",), 0, "Usage: smoke-gate"),
        (("--version",), 0, "smoke-gate, version "),
        (("chekc",), 2, "No such command 'chekc'"),
        (("check", "--policy=nowhere.yml"), 2, "nowhere.yml"),
        (("check", "--tracking-uri=sqlite:///nowhere.db"), 3, "nowhere.db"),
    ],
)
def test_arguments_are_the_command_line(arguments, code, message):
    """spec: action-image"""
    ended = run(*arguments, options=["--workdir=/tmp"])
    assert ended.code == code
    assert message in ended.stdout + ended.stderr


def test_without_arguments_it_is_the_action():
    """spec: action-image"""
    ended = run(options=["--env=INPUT_COMMENT=sometimes"])
    assert ended.code == 2
    assert "input `comment`: found 'sometimes'" in ended.stderr


def test_nothing_is_imported_from_the_checkout(tmp_path):
    for name in ("click.py", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit('the checkout was imported')\n")
    mounted = [f"--volume={tmp_path}:/work", "--workdir=/work", "--env=PYTHONPATH=/work"]
    ended = run("--version", options=mounted)
    assert (ended.code, ended.stderr) == (0, "")
