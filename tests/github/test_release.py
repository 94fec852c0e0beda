"""The scripts of a release, run as the workflow runs them, against GitHub's API over a real git repository."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from tests.github.openapi import example, violation
from tests.support.http import serving

ROOT = Path(__file__).parents[2]
IMAGE = f"registry.example/lab/smoke-gate@sha256:{'a' * 64}"
PREFIX = "/repos/lab/smoke-gate/"
NOTES = "First version.\n\n### Added\n\n- Everything."
CHANGELOG = f"# Changelog\n\n## 1.2.3 (2026-12-01)\n\n{NOTES}\n\n## 1.2.2 (2026-11-01)\n\nOlder.\n"
NOT_FOUND = {"message": "Not Found", "documentation_url": "https://docs.example", "status": "404"}
Done = subprocess.CompletedProcess[str]


@dataclass
class GitDatabase:
    """GitHub's git database and its releases. What it holds is a real repository; ``refusing`` are verbs it refuses."""

    folder: Path
    releases: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    refusing: str = ""

    def git(self, *command: str, stdin: str = "", **variables: str) -> str:
        """Run git in the repository."""
        done = subprocess.run(
            ["git", "-c", "user.name=lab", "-c", "user.email=lab@example.org", *command],
            cwd=self.folder, input=stdin, capture_output=True, text=True, check=True, env={**os.environ, **variables},
        )  # fmt: skip
        return done.stdout.strip()

    def files(self, revision: str) -> list[str]:
        """Return the paths of a revision's files."""
        return self.git("ls-tree", "-r", "--name-only", revision).splitlines()

    @property
    def tags(self) -> dict[str, str]:
        """The tags and what they point at."""
        lines = self.git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/tags").splitlines()
        return dict(line.split() for line in lines)

    def answer(self, verb: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer a request."""
        kind, _, name = path.removeprefix(PREFIX).removeprefix("git/").partition("/")
        match verb, kind, name:
            case "GET", "trees", _:
                return 200, self._tree(name)
            case "POST", "trees", _:
                return 201, self._tree(self.git("mktree", stdin="".join(map(self._line, body["tree"]))))
            case "GET", "commits", _:
                return 200, self._commit(name)
            case "POST", "commits", _:
                parents = [word for parent in body["parents"] for word in ("-p", parent)]
                return 201, self._commit(
                    self.git("commit-tree", body["tree"], *parents, stdin=body["message"])
                )
            case "GET", "ref", _:
                sha = self.tags.get(name.removeprefix("tags/"))
                return (404, NOT_FOUND) if sha is None else (200, self._ref(name, sha))
            case "POST", "refs", _:
                self.git("update-ref", body["ref"], body["sha"], "0" * 40)
                return 201, self._ref(body["ref"].removeprefix("refs/"), body["sha"])
            case "PATCH", "refs", _:
                self.git("update-ref", f"refs/{name}", body["sha"])
                return 200, self._ref(name, body["sha"])
            case "GET", "releases", _:
                found = self.releases.get(name.removeprefix("tags/"))
                return (404, NOT_FOUND) if found is None else (200, found)
            case "POST", "releases", _:
                made = {**example("release"), **body}
                self.releases[body["tag_name"]] = made
                return 201, made
            case _:
                raise LookupError(f"{verb} {path}")

    def _line(self, entry: dict[str, Any]) -> str:
        sha = entry.get("sha") or self.git("hash-object", "-w", "--stdin", stdin=entry["content"])
        return f"{entry['mode']} {entry['type']} {sha}\t{entry['path']}\n"

    def _tree(self, revision: str) -> dict[str, Any]:
        lines = [line.split(None, 3) for line in self.git("ls-tree", revision).splitlines()]
        entries = [
            dict(zip(("mode", "type", "sha", "path"), line, strict=True), url="https://api.example")
            for line in lines
        ]
        tree = self.git("rev-parse", f"{revision}^{{tree}}")
        return example("git-tree", sha=tree, truncated=False, tree=entries)

    def _commit(self, sha: str) -> dict[str, Any]:
        tree = {"sha": self.git("rev-parse", f"{sha}^{{tree}}"), "url": "https://api.example"}
        return example("git-commit", sha=sha, tree=tree)

    def _ref(self, name: str, sha: str) -> dict[str, Any]:
        target = {"type": "commit", "sha": sha, "url": "https://api.example"}
        return example("git-ref", ref=f"refs/{name}", object=target)


def handler(database: GitDatabase) -> type[BaseHTTPRequestHandler]:
    """Return what serves the database."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            path = unquote(self.path)
            database.asked.append(f"{self.command} {path.removeprefix(PREFIX)}")
            if self.headers["Authorization"] != "Bearer token":
                status, said = 401, dict(NOT_FOUND, message="Bad credentials")
            elif self.command in database.refusing:
                status, said = 403, dict(NOT_FOUND, message="Resource not accessible by integration")
            else:
                status, said = database.answer(self.command, path, json.loads(content or b"{}"))
            found = json.dumps(said).encode()
            described = re.sub(r"(git/refs?)/tags/", r"\1/tags%2F", path)  # there a name is one segment
            if wrong := violation(self.command, described, {}, content, status, found):
                database.violations.append(wrong)
            self.send_response(HTTPStatus(status))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        do_GET = do_POST = do_PATCH = answer  # noqa: N815 - the names of http.server

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


@dataclass
class Checkout:
    """A clone of the repository on a runner."""

    folder: Path
    github: GitDatabase
    url: str

    def run(self, script: str, *arguments: str, **variables: str) -> Done:
        """Run a script of the release."""
        facts = {
            "GITHUB_API_URL": self.url, "GITHUB_REPOSITORY": "lab/smoke-gate", "GH_TOKEN": "token",
            "GITHUB_SHA": self.github.git("rev-parse", "main"), "REGISTRY": "registry.example",
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, str(self.folder / ".github/release" / script), *arguments],
            cwd=self.folder, env={"PATH": os.environ["PATH"], **facts, **variables}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    def tag(self, *options: str, image: str = IMAGE) -> Done:
        """Tag the release 1.2.3."""
        return self.run("tag.py", image, "1.2.3", *options)


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A repository whose main is ready for the release 1.2.3."""
    folder = tmp_path / "smoke-gate"
    shutil.copytree(ROOT / ".github", folder / ".github")
    shutil.copyfile(ROOT / "action.yml", folder / "action.yml")
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    (folder / "docs").mkdir()
    (folder / "docs" / "action.md").write_text("How to.\n")
    (folder / "src/smoke_gate").mkdir(parents=True)
    (folder / "src/smoke_gate/__init__.py").write_text('__version__ = "1.2.3"\n')
    github = GitDatabase(folder)
    github.git("init", "--quiet", "--initial-branch=main")
    github.git("add", ".")
    github.git("commit", "--quiet", "--message=Ready", GIT_COMMITTER_DATE="2026-12-01T00:00:00Z")
    with serving(handler(github)) as url:
        yield Checkout(folder, github, url.rstrip("/"))
    assert github.violations == []


# --- facts ------------------------------------------------------------------------------------------------------------


def test_the_facts_are_outputs(checkout):
    done = checkout.run("facts.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "version=1.2.3",
        "epoch=1796083200",
        "image=registry.example/lab/smoke-gate",
    ]


@pytest.mark.parametrize(
    ("path", "text", "variables", "why"),
    [
        ("src/smoke_gate/__init__.py", '__version__ = "1.2.3.dev1"', {}, "names no version"),
        ("CHANGELOG.md", "## 1.2.3 (unreleased)\n", {}, "has no section `## 1.2.3 (YYYY-MM-DD)`"),
        ("CHANGELOG.md", "## 1.2.30 (2026-12-01)\n", {}, "has no section `## 1.2.3 (YYYY-MM-DD)`"),
        ("NOTES", "", {"REGISTRY": ""}, "REGISTRY is not set"),
    ],
    ids=["development version", "not dated", "another version", "no registry"],
)
def test_a_checkout_that_is_not_ready_is_refused(checkout, path, text, variables, why):
    (checkout.folder / path).write_text(text)
    done = checkout.run("facts.py", **variables)
    assert done.returncode == 1
    assert why in done.stderr
    assert "version=" not in done.stdout


def test_a_version_is_released_once(checkout):
    assert checkout.tag().returncode == 0
    done = checkout.run("facts.py")
    assert (done.returncode, done.stderr.startswith("v1.2.3 is released already.")) == (1, True)


# --- the tag ----------------------------------------------------------------------------------------------------------


def test_a_tag_names_its_image_and_has_no_workflows(checkout):
    assert checkout.tag().returncode == 0
    github = checkout.github
    assert github.files("v1.2.3") == [
        path for path in github.files("main") if not path.startswith(".github/")
    ]
    released = yaml.safe_load(github.git("show", "v1.2.3:action.yml"))
    assert released["runs"]["image"] == f"docker://{IMAGE}"
    assert released["runs"]["env"] == {"SMOKE_GATE_IMAGE_DIGEST": IMAGE}
    assert github.git("diff", "--stat", "main", "v1.2.3", "--", "docs", "src", "CHANGELOG.md") == ""
    assert github.git("rev-parse", "v1.2.3^") == github.git("rev-parse", "main")
    assert github.releases["v1.2.3"]["body"] == NOTES


def test_the_major_tag_moves_from_one_set_of_workflows_to_another(checkout):
    github = checkout.github
    github.git("tag", "v1")
    github.git("rm", "--quiet", ".github/workflows/self.yml")
    github.git("commit", "--quiet", "--message=Another set")
    assert checkout.tag().returncode == 0
    assert github.tags["v1"] == github.tags["v1.2.3"]
    assert not [path for path in github.files("v1") if path.startswith(".github")]


def test_a_release_that_failed_halfway_is_finished_by_running_it_again(checkout):
    checkout.github.refusing = "POST"
    assert checkout.tag().returncode == 1
    checkout.github.refusing = "PATCH"
    assert checkout.tag().returncode == 0
    before = checkout.github.tags
    checkout.github.refusing = ""
    assert checkout.tag().returncode == 0
    assert checkout.github.tags == before
    assert list(checkout.github.releases) == ["v1.2.3"]


def test_a_tag_of_other_files_is_left_alone(checkout):
    assert checkout.tag().returncode == 0
    before = checkout.github.tags
    done = checkout.tag(image=IMAGE.replace("a" * 64, "b" * 64))
    assert (done.returncode, done.stderr) == (
        1,
        "v1.2.3 exists and holds other files. A release is not changed: raise the version.\n",
    )
    assert checkout.github.tags == before


def test_a_dry_run_only_reads(checkout):
    done = checkout.tag("--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert {asked.partition(" ")[0] for asked in checkout.github.asked} == {"GET"}
    assert checkout.github.tags == {}
    assert "Would tag it v1.2.3, move v1 to it" in done.stdout
    assert NOTES in done.stdout


@pytest.mark.parametrize("image", ["registry.example/lab/smoke-gate:1.2.3", IMAGE[:-1], "Dockerfile"])
def test_an_image_without_its_digest_is_refused(checkout, image):
    done = checkout.tag(image=image)
    assert (done.returncode, "must be named by its digest" in done.stderr) == (1, True)
    assert checkout.github.asked == []


def test_a_refusal_is_said_without_the_token(checkout):
    done = checkout.run("tag.py", IMAGE, "1.2.3", GH_TOKEN="another")
    assert done.returncode == 1
    assert "Bad credentials" in done.stderr
    assert "another" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
