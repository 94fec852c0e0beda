"""Tags a release: `python .github/release/tag.py IMAGE@DIGEST VERSION [--dry-run]`, in a checkout of the commit.

The tag is of a commit of its own. In its tree, `action.yml` names the image by its digest, and `.github` is not there:
a job's token may not move a tag from one set of workflow files to another. `vX.Y.Z` is made, `vX` is moved to it, and
the release gets the changelog's section. What an attempt before did already is left as it is, so that the job may run
again. A tag `vX.Y.Z` of other files is an error. `--dry-run` reads only, and prints what it would do.

Reads the variables GITHUB_SHA and those of `github_api.py`.
"""

import argparse
import os
import re
from pathlib import Path
from typing import Any

from facts import notes_of
from github_api import Api, stop

LEFT_OUT = ".github"
_IMAGE = re.compile(r"\S+@sha256:[0-9a-f]{64}")
_LINES = (
    (re.compile(r"^  image: Dockerfile$", re.MULTILINE), "  image: docker://{}"),
    (re.compile(r'^    SMOKE_GATE_IMAGE_DIGEST: ""$', re.MULTILINE), "    SMOKE_GATE_IMAGE_DIGEST: {}"),
)


def main() -> None:
    """Make the tree, the commit, the tags and the release."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("image")
    parser.add_argument("version")
    parser.add_argument("--dry-run", action="store_true")
    asked = parser.parse_args()
    api, head = Api.of_the_job(), os.environ["GITHUB_SHA"]
    entries = tree_entries(api, head, action_with(asked.image))
    notes = notes_of(Path("CHANGELOG.md").read_text(encoding="utf-8"), asked.version)
    name, major = f"v{asked.version}", f"v{asked.version.partition('.')[0]}"
    if asked.dry_run:
        print(
            f"Would commit {len(entries)} entries on {head}: {', '.join(entry['path'] for entry in entries)}"
        )
        print(f"Would tag it {name}, move {major} to it, and release it with these notes:\n\n{notes}")
        return
    commit = tagged_commit(api, name, head, entries)
    move(api, major, commit)
    if api.get(f"releases/tags/{name}") is None:
        title = f"smoke-gate {asked.version}"
        api.send("POST", "releases", {"tag_name": name, "name": title, "body": notes})
    print(f"{name} and {major} are {commit}")


def action_with(image: str) -> str:
    """Return the text of `action.yml` that names the image."""
    if not _IMAGE.fullmatch(image):
        stop(f"The image must be named by its digest (NAME@sha256:…), not {image!r}.")
    text = Path("action.yml").read_text(encoding="utf-8")
    for line, wanted in _LINES:
        text, number = line.subn(wanted.format(image), text)
        if number != 1:
            stop(f"action.yml must have exactly one line that matches {line.pattern}; it has {number}.")
    return text


def tree_entries(api: Api, head: str, action: str) -> list[dict[str, Any]]:
    """Return what the tag's root folder holds: that of the commit, with another `action.yml`."""
    tree = api.get(f"git/trees/{head}")
    if tree is None or tree["truncated"]:
        stop(f"GitHub does not list the files of {head}.")
    kept = [entry for entry in tree["tree"] if entry["path"] not in (LEFT_OUT, "action.yml")]
    own = {"path": "action.yml", "mode": "100644", "type": "blob", "content": action}
    return [{key: entry[key] for key in ("path", "mode", "type", "sha")} for entry in kept] + [own]


def tagged_commit(api: Api, name: str, head: str, entries: list[dict[str, Any]]) -> str:
    """Return the commit of the tag, which is made where it is not there yet."""
    tree = api.send("POST", "git/trees", {"tree": entries})["sha"]
    tag = api.get(f"git/ref/tags/{name}")
    if tag is None:
        message = f"{name}\n\nBuilt from {head}."
        made = api.send("POST", "git/commits", {"message": message, "tree": tree, "parents": [head]})
        api.send("POST", "git/refs", {"ref": f"refs/tags/{name}", "sha": made["sha"]})
        return str(made["sha"])
    commit = str(tag["object"]["sha"])
    found = api.get(f"git/commits/{commit}")
    if found is None or found["tree"]["sha"] != tree:
        stop(f"{name} exists and holds other files. A release is not changed: raise the version.")
    return commit


def move(api: Api, tag: str, commit: str) -> None:
    """Point a tag at a commit, whether or not it is there."""
    if api.get(f"git/ref/tags/{tag}") is None:
        api.send("POST", "git/refs", {"ref": f"refs/tags/{tag}", "sha": commit})
    else:
        api.send("PATCH", f"git/refs/tags/{tag}", {"sha": commit, "force": True})


if __name__ == "__main__":
    main()
