"""Artifacts behind an MLflow server, read so that credentials go to its own origin only.

MLflow's own client sends them to whatever host an artifact URI names, and follows redirects everywhere.
"""

import os
import posixpath
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from smoke_gate.collect.errors import ArtifactError, RefusedPlaceError
from smoke_gate.collect.server_requests import ask_for_body_now, response_of, to_whoever_is_free
from smoke_gate.networks import is_link_local
from smoke_gate.origins import Origin, origin_of

if TYPE_CHECKING:
    from mlflow.entities import FileInfo
    from requests import PreparedRequest, Response, Session

ENDPOINT = "/mlflow-artifacts/artifacts"
_MOST_REDIRECTS = 10
_CHUNK_BYTES = 1 << 20
_PARTIAL = 206  # HTTP status


@dataclass(frozen=True, slots=True)
class ServedArtifacts:
    """A folder of artifacts behind a server.

    ``path`` leads from the origin to the folder, through MLflow's artifact endpoint. ``user_info`` stands before the
    host in the address of the tracking server. Without ``with_credentials`` nothing is sent that says who asks.
    """

    origin: Origin
    path: str
    with_credentials: bool = False
    user_info: str = ""

    def list_artifacts(self, path: str | None = None) -> "list[FileInfo]":
        """Return what is in a folder."""
        from mlflow.entities import FileInfo
        from mlflow.utils import uri

        checked: Callable[[str], str] = uri.validate_path_is_safe
        before, _, root = self.path.partition(ENDPOINT)
        folder = posixpath.join(root.lstrip("/"), path) if path else root.lstrip("/")
        headers = to_whoever_is_free(str(self.origin))
        with closing(self._get(before + ENDPOINT, {"path": folder}, headers)) as response:
            response.raise_for_status()
            files = response.json().get("files", [])
        found = []
        for file in files:
            name = checked(file["path"])
            size = int(file["file_size"]) if "file_size" in file else None
            found.append(FileInfo(posixpath.join(path, name) if path else name, file["is_dir"], size))
        is_itself = (
            len(found) == 1 and path and found[0].path == posixpath.join(path, posixpath.basename(path))
        )
        return [] if is_itself and not found[0].is_dir else found

    def download(self, path: str, target: Path, max_bytes: int) -> None:
        """Download a file; MLflow's own way has no bound."""
        with closing(self._get(f"{self.path.rstrip('/')}/{quote(path)}", {})) as response:
            response.raise_for_status()
            written = 0
            with target.open("wb") as file:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    written += len(chunk)
                    if written > max_bytes:
                        raise ArtifactError(f"it is larger than {max_bytes} bytes")
                    file.write(chunk)

    def part(self, path: str, offset: int, count: int) -> bytes:
        """Return so many bytes of a file, where the server knows ranges, as MLflow's own does."""
        last = offset + count - 1
        headers = {"Range": f"bytes={offset}-{last}", "Accept-Encoding": "identity"}
        with closing(self._get(f"{self.path.rstrip('/')}/{quote(path)}", {}, headers)) as response:
            response.raise_for_status()
            given = response.headers.get("Content-Range", "").partition("/")[0]
            if response.status_code != _PARTIAL or given != f"bytes {offset}-{last}":
                raise ArtifactError(f"{self.origin} does not give parts of files")
            data = b""
            for chunk in response.iter_content(_CHUNK_BYTES):
                data += chunk
                if len(data) > count:
                    raise ArtifactError(f"{self.origin} gives more than was asked for")
            return data

    def version(self, path: str) -> None:  # noqa: ARG002 - as the protocol has it
        """Say nothing: a server does not tell whether a file is still the same."""
        return

    def _get(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> "Response":
        """Ask, and follow redirects: credentials stay with the origin, and nobody leads to a machine's own network."""
        origin, at_home = self.origin, self.with_credentials
        for _ in range(_MOST_REDIRECTS):
            try:
                response = (
                    self._own(path, params, headers)
                    if at_home
                    else _anonymous(f"{origin}{path}", params, headers)
                )
            except Exception as error:  # requests reads where a redirect leads, though it does not follow it
                cause = error.__context__ or error
                if isinstance(cause, ValueError) and type(cause).__name__ != "InvalidHeader":
                    raise _odd_redirect(origin) from error
                raise
            if response.status_code in (401, 403) and origin == self.origin and not self.with_credentials:
                raise RefusedPlaceError(
                    f"{origin} does not give them without credentials (HTTP {response.status_code}). If you trust that "
                    f"host with the tracking server's, allow it: --artifact-host-with-credentials {origin}"
                )
            if not response.is_redirect:
                return response
            response.close()
            origin, path = _followed(f"{origin}{path}", response.headers["location"], self.origin)
            at_home, params = at_home and origin == self.origin, {}
        raise RefusedPlaceError(f"{self.origin} redirects more than {_MOST_REDIRECTS} times")

    def _own(self, path: str, params: Mapping[str, str], headers: Mapping[str, str] | None) -> "Response":
        """Ask the origin itself as MLflow does, with all that the user set up for it."""
        host = f"{self.origin.scheme}://{self.user_info}{self.origin.location}"
        return response_of(host, path, "GET", params=params, extra_headers=headers, allow_redirects=False)


def _anonymous(url: str, params: Mapping[str, str], headers: Mapping[str, str] | None) -> "Response":
    """Ask without credentials, not even those that ``~/.netrc`` has for that host."""
    seconds = float(os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT") or 16)
    response = _stranger().get(
        url, params=params, headers=headers, stream=True, allow_redirects=False, timeout=seconds
    )
    ask_for_body_now(response)
    return response


@cache
def _stranger() -> "Session":
    """Return a session that keeps its connections, and nothing that says who asks."""
    import requests

    session = requests.Session()
    session.auth = _no_credentials
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return session


def _no_credentials(request: "PreparedRequest") -> "PreparedRequest":
    return request


def _followed(url: str, location: str, by: Origin) -> tuple[Origin, str]:
    """Return where a redirect leads from ``url``: the origin, and the path with its query.

    Raises:
        RefusedPlaceError: It is not an http address, or one of the network of this very machine.
    """
    try:
        target = urlsplit(urljoin(url, location))
        origin = origin_of(target.geturl())
    except ValueError:
        raise _odd_redirect(by) from None
    if origin != by and is_link_local(origin.host, origin.port):
        raise RefusedPlaceError(f"{by} redirects to {origin}, a link-local address, which is not followed")
    return origin, target._replace(scheme="", netloc="", fragment="").geturl() or "/"


def _odd_redirect(by: Origin) -> RefusedPlaceError:
    return RefusedPlaceError(f"{by} redirects to an address that is not followed")
