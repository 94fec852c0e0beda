"""The artifacts that the workflow runs of a repository left behind."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from smoke_gate.github.download import downloaded
from smoke_gate.github.transport import Transport, understood

MOST_PAGES = 10
_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptArtifact:
    """An artifact that can be downloaded: its archive has ``size`` bytes."""

    id: int
    name: str
    size: int
    created_at: str
    run_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRun:
    """A workflow run. ``repository`` is whose branch it ran on: a fork's run has the fork."""

    id: int
    event: str
    head_sha: str
    repository: str


class KeptArtifacts:
    """The artifacts of one repository. Every method raises ``GitHubError`` where GitHub does not do as asked."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def of_branch(self, branch: str) -> Iterator[KeptArtifact]:
        """Yield the artifacts of a branch's runs, the newest first; forks' branches and expired ones are left out."""
        for page in range(1, MOST_PAGES + 1):
            with understood():
                answer = self._transport.rest("GET", f"/actions/artifacts?per_page={_PAGE}&page={page}")
                listed = answer["artifacts"]
                found = [_artifact(one) for one in listed if _is_of(one, branch)]
            yield from sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)
            if len(listed) < _PAGE:
                return

    def run(self, run_id: int) -> WorkflowRun:
        """Return a workflow run."""
        with understood():
            found = self._transport.rest("GET", f"/actions/runs/{run_id}")
            return WorkflowRun(
                id=found["id"],
                event=str(found["event"]),
                head_sha=str(found["head_sha"]),
                repository=str((found["head_repository"] or {}).get("full_name")),
            )

    def archive(self, artifact: KeptArtifact, *, largest: int) -> bytes:
        """Return the zip archive of an artifact; one of more than ``largest`` bytes is an error."""
        return self._transport.redirected(
            f"/actions/artifacts/{artifact.id}/zip",
            lambda url, location, access: downloaded(
                url, location, largest=largest, timeout=access.timeout, ca_bundle=access.ca_bundle
            ),
        )


def _is_of(one: Any, branch: str) -> bool:
    run = one["workflow_run"] or {}
    own = run.get("head_repository_id") == run.get("repository_id")
    return not one["expired"] and own and run.get("head_branch") == branch


def _artifact(one: Any) -> KeptArtifact:
    return KeptArtifact(
        id=one["id"],
        name=str(one["name"]),
        size=one["size_in_bytes"],
        created_at=str(one["created_at"]),
        run_id=one["workflow_run"]["id"],
    )
