"""Runs a pushed image as a stranger gets it: `python .github/release/try_image.py IMAGE@DIGEST VERSION PLATFORM…`.

For each platform, the image is pulled without any login, says its version, and judges the demo's matrix without a
network. Reads the variable DOCKER, the engine's client (`docker`).
"""

import os
import subprocess
import sys
import tempfile

from github_api import stop

_SECONDS = 1800  # of a demo on an emulated processor


def main(image: str, version: str, *platforms: str) -> None:
    """Try each platform."""
    if not platforms:
        stop("Name at least one platform, such as linux/amd64.")
    for platform in platforms:
        with tempfile.TemporaryDirectory() as nobody:
            pull(image, platform, nobody)
        said = run(image, platform, "--version")
        if said.stdout.split()[-1:] != [version]:
            stop(f"{image} on {platform} must have the version {version}. It says {said.stdout.strip()!r}.")
        if "ALL PASS" not in run(image, platform, "demo", "--dir", "/tmp/demo").stdout:
            stop(f"{image} on {platform} does not find that the demo's matrix passes.")
        print(f"{platform}: smoke-gate {version} was pulled without a login, and judged the demo's matrix")


def pull(image: str, platform: str, config: str) -> None:
    """Pull the image with an empty configuration: nobody is logged in."""
    environment = {**os.environ, "DOCKER_CONFIG": config}
    done = docker("pull", "--quiet", "--platform", platform, image, environment=environment)
    if done.returncode != 0:
        stop(
            f"{image} cannot be pulled for {platform} without a login: {done.stderr.strip()} "
            "Make the package public in the registry, and run the failed jobs again (docs/release.md)."
        )


def run(image: str, platform: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the image, which must succeed."""
    done = docker("run", "--rm", "--network", "none", "--platform", platform, image, *command)
    if done.returncode != 0:
        stop(f"`{' '.join(command)}` fails in {image} on {platform}:\n{done.stdout}{done.stderr}")
    return done


def docker(*command: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of the engine's client."""
    client = os.environ.get("DOCKER", "docker").split()
    return subprocess.run(
        [*client, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
