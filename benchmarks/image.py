"""The size of the image, next to one that only installs the same packages, and how long `check` takes in it.

The plain image is built here, from the same base: `pip install` of what pyproject.toml names, with `mlflow` for
`mlflow-skinny`. The times are of whole `docker run`s on the demo's twelve runs, in turn with `import mlflow`; the ratio
is of each pair. Usage: python benchmarks/image.py [--demo FOLDER] [--runs N] [--no-plain]
DOCKER, IMAGE and DOCKER_BUILD_FLAGS are those of make.
"""

import argparse
import gzip
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

DOCKER = os.environ.get("DOCKER", "docker")
IMAGE = os.environ.get("IMAGE", "smoke-gate:dev")
PLAIN = "smoke-gate-benchmark:plain"
RECIPE = """
FROM debian:trixie-slim
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip
RUN pip install --break-system-packages {packages}
"""
CHUNK = 1 << 20


def main() -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, help="a folder that `smoke-gate demo --dir` made")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--no-plain", action="store_true", help="do not build the plain image")
    arguments = parser.parse_args()
    print_size(IMAGE)
    if not arguments.no_plain:
        build_plain()
        print_size(PLAIN)
    with tempfile.TemporaryDirectory() as scratch:
        demo = arguments.demo or make_demo(Path(scratch, "demo"))
        measure(demo.resolve(), arguments.runs)


def print_size(image: str) -> None:
    """Print how large an image is, unpacked and as it travels."""
    (facts,) = json.loads(docker("image", "inspect", image))
    print(f"{image}: {facts['Size'] / 1e6:.0f} MB unpacked, {gzipped(image) / 1e6:.0f} MB gzipped")


def gzipped(image: str) -> int:
    """Return the bytes of the compressed layers, as `docker save | gzip -6` has them."""
    with tempfile.TemporaryFile() as file:
        with subprocess.Popen([DOCKER, "save", image], stdout=subprocess.PIPE) as save:
            assert save.stdout is not None
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6) as packed:
                while chunk := save.stdout.read(CHUNK):
                    packed.write(chunk)
        if save.returncode:
            sys.exit(f"{DOCKER} save {image} failed")
        return file.tell()


def build_plain() -> None:
    """Build the image that anybody would write first."""
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["check"], *extras["s3"]]
    packages = shlex.join(one.replace("mlflow-skinny", "mlflow") for one in wanted)
    flags = shlex.split(os.environ.get("DOCKER_BUILD_FLAGS", ""))
    docker("build", *flags, "--quiet", "--tag", PLAIN, "-", text=RECIPE.format(packages=packages))


def measure(demo: Path, runs: int) -> None:
    """Time the commands in turn, and print medians and the ratios."""
    mounted = ["run", "--rm", "--network", "none", f"--volume={demo}:/work", "--workdir=/work"]
    check = [*mounted, IMAGE, "check", "--tracking-uri=sqlite:///mlflow.db"]
    bare = [*mounted, "--entrypoint=python", IMAGE, "-c", "import mlflow"]
    commands = {"import mlflow": bare, "check --no-figures": [*check, "--no-figures"], "check": check}
    for command in commands.values():
        seconds(command)  # a first run warms the disk's cache
    rounds = [{name: seconds(command) for name, command in commands.items()} for _ in range(runs)]
    for name in commands:
        middle = statistics.median(one[name] for one in rounds)
        ratios = sorted(one[name] / one["import mlflow"] for one in rounds)
        spread = f"median {statistics.median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}, {runs} rounds"
        print(f"docker run, {name}: {middle:.2f} s; to import mlflow: {spread}")


def seconds(command: Sequence[str]) -> float:
    """Return the wall time of a command that must succeed."""
    start = time.perf_counter()
    docker(*command)
    return time.perf_counter() - start


def docker(*arguments: str, text: str | None = None) -> str:
    """Run the client, which must succeed, and return what it printed."""
    return subprocess.run(
        [DOCKER, *arguments], check=True, input=text, stdout=subprocess.PIPE, text=True
    ).stdout


def make_demo(folder: Path) -> Path:
    """Train the twelve runs."""
    subprocess.run(
        [sys.executable, "-m", "smoke_gate", "demo", "--dir", str(folder)], check=True, stdout=sys.stderr
    )
    return folder


if __name__ == "__main__":
    main()
