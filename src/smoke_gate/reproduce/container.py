"""The replay inside the image that made the verdict: no network, nothing writable, only the file mounted.

It is the report's `docker run` line (:mod:`smoke_gate.report.reproduction`), by the engine's own interface. Nothing is
pulled: which image runs on a machine is its owner's decision, and a verdict file may name any.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from smoke_gate.errors import UsageError
from smoke_gate.report.reproduction import WORKING_DIRECTORY
from smoke_gate.text import shortened
from smoke_gate.verdict_file.document import VerdictDocument

if TYPE_CHECKING:
    from docker import DockerClient

_SECONDS = 120
_LONGEST_QUOTE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """The result of `smoke-gate reproduce FILE` in an image; ``output`` is its standard output."""

    image: str
    exit_code: int
    output: str


def image_of(document: VerdictDocument) -> str:
    """Return the image that made a verdict, by its digest.

    Raises:
        UsageError: It was not made in a published image.

    """
    image = document.tool.image_digest
    if image is None:
        raise UsageError(
            "the verdict was not made in a published image, so its file names none: name one with --image"
        )
    return image


def replay_in(image: str, file: Path) -> Contained:
    """Replay a verdict file in an image that is on this machine.

    Raises:
        UsageError: No engine answers, the image is not there, or it cannot run smoke-gate.

    """
    from docker.errors import DockerException

    try:
        with _engine() as client:
            _check_image(client, image)
            return _run(client, image, file)
    except DockerException as error:
        reason = shortened(" ".join(str(error).split()), _LONGEST_QUOTE)
        raise UsageError(f"the Docker engine cannot run {image}: {reason}") from None


@contextmanager
def _engine() -> Iterator["DockerClient"]:
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=_SECONDS)
    except DockerException as error:
        reason = shortened(" ".join(str(error).split()), _LONGEST_QUOTE)
        raise UsageError(
            f"no Docker engine answers ({reason}). Start one, or name it in DOCKER_HOST; only --docker needs one"
        ) from None
    try:
        yield client
    finally:
        client.close()


def _check_image(client: "DockerClient", image: str) -> None:
    from docker.errors import ImageNotFound

    try:
        client.images.get(image)
    except ImageNotFound:
        raise UsageError(_absent(client, image)) from None


def _absent(client: "DockerClient", image: str) -> str:
    repository = image.partition("@")[0]
    others = {
        name
        for found in client.images.list(name=repository)
        for name in found.attrs.get("RepoDigests") or found.tags
    }
    if others:
        return (
            f"the verdict was made by {image}, and this engine has {repository} only as {', '.join(sorted(others))}: "
            f"docker pull {image}, or name one with --image"
        )
    return f"this engine has no image {image}: docker pull {image}, or name one with --image"


def _run(client: "DockerClient", image: str, file: Path) -> Contained:
    container = client.containers.create(
        image,
        ["reproduce", file.name],
        network_mode="none",
        read_only=True,
        tmpfs={"/tmp": ""},  # noqa: S108 - the container's own
        working_dir=WORKING_DIRECTORY,
        volumes={str(file.resolve()): {"bind": f"{WORKING_DIRECTORY}/{file.name}", "mode": "ro"}},
    )
    try:
        container.start()
        exit_code = int(container.wait(timeout=_SECONDS)["StatusCode"])
        output = container.logs(stdout=True, stderr=False).decode(errors="replace")
        complaint = container.logs(stdout=False, stderr=True).decode(errors="replace")
    finally:
        container.remove(force=True)
    if exit_code not in (0, 1):
        reason = shortened(" ".join(complaint.split()), _LONGEST_QUOTE)
        raise UsageError(f"{image} cannot replay {file.name} (exit code {exit_code}): {reason}")
    return Contained(image=image, exit_code=exit_code, output=output)
