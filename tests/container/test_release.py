"""A release is tried as strangers get it: the image from a registry, the package from an index, both on loopback."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from smoke_gate import __version__
from tests.container.image import IMAGE, docker
from tests.support.http import serving

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / ".github/release"
PLATFORM = "linux/amd64"
Done = subprocess.CompletedProcess[str]


def script(name: str, *arguments: str, **variables: str) -> Done:
    return subprocess.run(
        [sys.executable, str(SCRIPTS / name), *arguments],
        env={**os.environ, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def engine(*command: str) -> str:
    done = docker(*command)
    assert done.code == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry on a free port; its address."""
    assert shutil.which("docker-registry"), "These tests need a registry: apt-get install docker-registry"
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    subprocess.run([str(SCRIPTS / "registry.sh"), str(port), str(folder)], check=True)
    yield f"127.0.0.1:{port}"
    os.kill(int((folder / "pid").read_text()), signal.SIGTERM)


@pytest.fixture(scope="module")
def pushed(registry: str) -> str:
    """The image as a release pushes it: its name with its digest."""
    name = f"{registry}/lab/smoke-gate"
    engine("tag", IMAGE, f"{name}:{__version__}")
    engine("push", "--quiet", f"{name}:{__version__}")
    digests = engine("image", "inspect", "--format", '{{join .RepoDigests "\\n"}}', f"{name}:{__version__}")
    (digest,) = [line for line in digests.splitlines() if line.startswith(f"{name}@")]
    engine("image", "rm", f"{name}:{__version__}")
    return digest


def test_a_pushed_image_is_pulled_without_a_login_and_judges(pushed):
    done = script("try_image.py", pushed, __version__, PLATFORM)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{PLATFORM}: smoke-gate {__version__} was pulled without a login" in done.stdout


def test_an_image_of_another_version_is_refused(pushed):
    done = script("try_image.py", pushed, "9.9.9", PLATFORM)
    assert done.returncode == 1
    assert "must have the version 9.9.9. It says" in done.stderr


def test_an_image_that_strangers_do_not_get_is_refused(registry):
    lost = f"{registry}/lab/smoke-gate@sha256:{'0' * 64}"
    done = script("try_image.py", lost, __version__, PLATFORM)
    assert done.returncode == 1
    assert "cannot be pulled for linux/amd64 without a login" in done.stderr
    assert "Make the package public" in done.stderr


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An index that has the package; its address."""
    folder = tmp_path_factory.mktemp("index")
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder / "smoke-gate"),
        str(ROOT),
    ]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)

    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

    with serving(Files) as url:
        yield url


@pytest.mark.timeout(900)  # pip installs everything that the package needs
def test_a_package_is_installed_from_its_index_and_runs(index):
    done = script("try_package.py", __version__, PIP_EXTRA_INDEX_URL=index, PIP_NO_COMPILE="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "was installed into an empty environment, and runs" in done.stdout


def test_a_version_that_the_index_does_not_have_is_refused(index):
    done = script("try_package.py", "9.9.9", PIP_EXTRA_INDEX_URL=index)
    assert done.returncode == 1
    assert "smoke-gate 9.9.9 cannot be installed" in done.stderr
