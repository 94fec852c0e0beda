"""The built image, run by the engine's own client. The variables are those of make."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

DOCKER = os.environ.get("DOCKER", "docker")
BUILD_FLAGS = os.environ.get("DOCKER_BUILD_FLAGS", "").split()
IMAGE = os.environ.get("IMAGE", "smoke-gate:dev")


@dataclass(frozen=True)
class Ended:
    """What a container left behind."""

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
