"""Says what a release is made of: `python .github/release/facts.py >>"$GITHUB_OUTPUT"`.

Reads the variable REGISTRY (the host name of the image registry) and those of `github_api.py`. Exits with 1, and says
why, where the checkout is not ready to be released.
"""

import os
import re
import subprocess
from pathlib import Path

from github_api import Api, stop


def main() -> None:
    """Print the version, the commit's time and the image's name."""
    version = version_of(Path("src/smoke_gate/__init__.py").read_text(encoding="utf-8"))
    notes_of(Path("CHANGELOG.md").read_text(encoding="utf-8"), version)
    registry = os.environ.get("REGISTRY", "")
    if not registry:
        stop("The repository's variable REGISTRY is not set. docs/release.md says what it is.")
    if Api.of_the_job().get(f"git/ref/tags/v{version}") is not None:
        stop(f"v{version} is released already. Raise `__version__`, and give CHANGELOG.md a section for it.")
    print(f"version={version}")
    print(f"epoch={time_of_the_commit()}")
    print(f"image={registry}/{os.environ['GITHUB_REPOSITORY'].lower()}")


def version_of(source: str) -> str:
    """Return the version that the package names."""
    found = re.search(r'^__version__ = "(\d+\.\d+\.\d+)"$', source, flags=re.MULTILINE)
    if found is None:
        stop("src/smoke_gate/__init__.py names no version of the form 1.2.3.")
    return found[1]


def notes_of(changelog: str, version: str) -> str:
    """Return the section of a version, without its heading; the heading has the day of the release."""
    heading = rf"^## {re.escape(version)} \(\d{{4}}-\d{{2}}-\d{{2}}\)\n"
    found = re.search(heading + r"(.*?)(?=^## |\Z)", changelog, flags=re.MULTILINE | re.DOTALL)
    if found is None:
        stop(f"CHANGELOG.md has no section `## {version} (YYYY-MM-DD)` with the day of the release.")
    return found[1].strip()


def time_of_the_commit() -> str:
    """Return the time of the commit in seconds since 1970: the same commit gives the same bytes."""
    command = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
