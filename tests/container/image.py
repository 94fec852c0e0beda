"""The built image, run by the engine's own client. The variables are those of make."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).parents[2]
DOCKER = os.environ.get("DOCKER", "docker")
BUILD_FLAGS = os.environ.get("DOCKER_BUILD_FLAGS", "").split()
IMAGE = os.environ.get("IMAGE", "smoke-gate:dev")


@dataclass(frozen=True)
class Ended:
    """The output and the files that a container left."""

    code: int
    stdout: str
    stderr: str


def docker(*arguments: str, text: str | None = None, timeout: float = 240) -> Ended:
    """Run the client."""
    done = subprocess.run(
        [DOCKER, *arguments], input=text, capture_output=True, text=True, timeout=timeout, check=False
    )
    return Ended(code=done.returncode, stdout=done.stdout, stderr=done.stderr)


def run(*arguments: str, options: Sequence[str] = (), network: str = "none") -> Ended:
    """Run the image's command line."""
    return docker("run", "--rm", "--network", network, *options, IMAGE, *arguments)


def run_python(script: str, options: Sequence[str] = ()) -> Ended:
    """Run a script by the image's Python, without a network."""
    entry = ["--network", "none", "--entrypoint", "python"]
    return docker("run", "--rm", "-i", *entry, *options, IMAGE, "-IB", "-", text=script)


@contextmanager
def built_from(step: str, context: Path, *options: str) -> Iterator[str]:
    """Build by the Dockerfile, from a step of it on without the cache, and yield the name of what came of it.

    A variable before the step makes it another one: ``--no-cache`` would put the result in the place of the real one's.
    """
    recipe, name = (ROOT / "Dockerfile").read_text(encoding="utf-8"), f"smoke-gate-test:{uuid4()}"
    assert recipe.count(step) == 1
    recipe = recipe.replace(step, f"ENV TEST={name}\n{step}")
    ended = docker("build", *BUILD_FLAGS, f"--tag={name}", "--file=-", *options, str(context), text=recipe)
    assert ended.code == 0, ended.stderr
    try:
        yield name
    finally:
        docker("rmi", "--force", name)
