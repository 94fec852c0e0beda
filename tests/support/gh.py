"""Stands in for GitHub's command line: what the scripts in workflows ask of it, on a state in the file ``$STATE``."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

ARGUMENTS = sys.argv[1:]
STATE = Path(os.environ.get("STATE", os.devnull))


def main() -> None:
    """Do one command."""
    state = json.loads(STATE.read_text())
    match ARGUMENTS[:2]:
        case ["run", "list"]:
            answer(state["runs"])
        case ["run", "download"]:
            download(state["artifacts"], ARGUMENTS[2], Path(str(option("--dir"))))
        case _:
            refuse(f"unknown command {ARGUMENTS}")
    STATE.write_text(json.dumps(state))


def download(artifacts: list[str], run: str, folder: Path) -> None:
    """Unpack the artifact of a run, whose number is its content."""
    if run not in artifacts:
        refuse("no valid artifacts found to download")
    folder.mkdir()
    (folder / "smoke_verdict_1.json").write_text(run)


def answer(found: Any) -> None:
    """Print what was found, or what ``--jq`` makes of it."""
    text, jq = json.dumps(found), option("--jq")
    sys.stdout.write(subprocess.check_output(["jq", "-r", jq], input=text, text=True) if jq else text)


def refuse(message: str) -> NoReturn:
    """Print what is wrong where an answer would be, as gh does, and end."""
    sys.stdout.write(json.dumps({"message": message}))
    sys.exit(1)


def option(name: str) -> str | None:
    """Return an option's value."""
    return ARGUMENTS[ARGUMENTS.index(name) + 1] if name in ARGUMENTS else None


if __name__ == "__main__":
    main()
