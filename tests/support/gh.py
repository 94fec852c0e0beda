"""Stands in for GitHub's command line: what the scripts in workflows ask of it, on a state in the file ``$STATE``."""

import hashlib
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
        case ["api", _]:
            answer(api(state))
        case ["run", "list"]:
            answer(state["runs"])
        case ["run", "download"]:
            download(state["artifacts"], ARGUMENTS[2], Path(str(option("--dir"))))
        case _:
            publish(state["releases"], ARGUMENTS[2])
    STATE.write_text(json.dumps(state))


def api(state: dict[str, Any]) -> Any:
    """Do one request about trees, commits, tags and releases."""
    (path,) = (one for one in ARGUMENTS if one.startswith("repos/"))
    place, _, name = path.partition("/git/")[2].partition("/")
    match place, name:
        case "trees", "":
            return {"sha": hashlib.sha256(sys.stdin.buffer.read()).hexdigest()}
        case "commits", "":
            sha = f"commit-{len(state['commits'])}"
            state["commits"][sha] = json.load(sys.stdin)["tree"]
            return {"sha": sha}
        case "commits", _:
            return {"tree": {"sha": state["commits"][name]}}
        case "ref", _:
            return {"object": {"sha": state["tags"].get(name) or refuse("Not Found")}}
        case "refs", "":
            return tag(state["tags"], field("ref").removeprefix("refs/"), exists=False)
        case "refs", _:
            return tag(state["tags"], name, exists=True)
        case _:
            return path.rpartition("/")[2] in (state["releases"] or []) or refuse("Not Found")


def tag(tags: dict[str, str], name: str, *, exists: bool) -> dict[str, str]:
    """Make a tag, or move one that exists."""
    if (name in tags) is not exists:
        refuse("Reference does not exist" if exists else "Reference already exists")
    tags[name] = field("sha")
    return {"ref": name}


def publish(releases: list[str] | None, name: str) -> None:
    """Make a release; None: GitHub is out of order."""
    if releases is None:
        refuse("try again")
    releases.append(name)


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


def field(name: str) -> str:
    """Return a field of a request."""
    (value,) = (one.removeprefix(f"{name}=") for one in ARGUMENTS if one.startswith(f"{name}="))
    return value


if __name__ == "__main__":
    main()
