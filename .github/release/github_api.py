"""GitHub's REST API, as far as a release needs it. Standard library only: a runner has nothing else."""

import json
import os
import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_SECONDS = 60


def stop(why: str) -> NoReturn:
    """End with 1, and say why in the log and as an annotation."""
    print(f"::error::{why}")
    print(why, file=sys.stderr)
    sys.exit(1)


@dataclass(frozen=True, slots=True)
class Api:
    """The API for one repository. ``url`` is its root, ``repository`` is owner/name."""

    url: str
    repository: str
    token: str

    @classmethod
    def of_the_job(cls) -> "Api":
        """Return the API that the variables GITHUB_API_URL, GITHUB_REPOSITORY and GH_TOKEN name."""
        return cls(*(os.environ[name] for name in ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GH_TOKEN")))

    def get(self, path: str) -> dict[str, Any] | None:
        """Return what is at a path of the repository; None where nothing is."""
        try:
            return self._answer("GET", path)
        except HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            _refused("GET", path, error)

    def send(self, verb: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request that changes something."""
        try:
            return self._answer(verb, path, body)
        except HTTPError as error:
            _refused(verb, path, error)

    def _answer(self, verb: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = Request(
            f"{self.url}/repos/{self.repository}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "Content-Type": "application/json",
            },
            method=verb,
        )
        with urlopen(request, timeout=_SECONDS) as answer:
            return dict(json.load(answer))


def _refused(verb: str, path: str, error: HTTPError) -> NoReturn:
    stop(f"GitHub refuses {verb} {path}: {error.code} {error.read().decode(errors='replace')}")
