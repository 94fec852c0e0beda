"""Places that are others for a container action than for its runner: folders, and the machine behind ``localhost``.

Source: the runner's ``ContainerActionHandler``. It mounts the workspace and its folder for temporary files, and
rewrites variables that begin with one of these folders. It does not see a path that stands further back, as in
``sqlite:////home/…``.
"""

import re
import struct
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

PathMap = Sequence[tuple[str, str]]

_WORKSPACE, _TEMP = "/github/workspace", "/github/runner_temp"
_LOCAL_URI = re.compile(
    r"(?P<before>sqlite(?:\+\w+)?:///|file:(?://(?:localhost)?)?|)(?P<path>/.*)", re.DOTALL
)
_ROUTES = Path("/proc/net/route")


def runner_path_map(environ: Mapping[str, str]) -> PathMap:
    """Return how the runner's folders appear in a container action: the host's folder, and the container's."""
    host, repository = environ.get("RUNNER_WORKSPACE"), environ.get("GITHUB_REPOSITORY", "")
    if not host or not repository or environ.get("GITHUB_WORKSPACE") != _WORKSPACE:
        return ()
    workspace = f"{host}/{repository.rpartition('/')[2]}", _WORKSPACE
    temp = str(PurePosixPath(host).parent / "_temp"), _TEMP
    return (workspace, temp) if environ.get("RUNNER_TEMP") == _TEMP else (workspace,)


def from_here(uri: str, path_map: PathMap) -> str:
    """Return a place as it is named here: a path, or the URI of a file, an SQLite database or a file store."""
    parts = _LOCAL_URI.fullmatch(uri)
    if parts is None:
        return uri
    for host, here in path_map:
        for spelled in (host, quote(host)):
            rest = parts["path"].removeprefix(spelled)
            if rest != parts["path"] and rest[:1] in ("", "/"):
                return f"{parts['before']}{here}{rest}"
    return uri


def loopback_advice(store: str, environ: Mapping[str, str]) -> str:
    """Explain that a container does not reach a server at this machine's ``localhost``: most users meet this once."""
    address = urlsplit(store)
    if address.hostname not in ("localhost", "127.0.0.1", "::1"):
        return ""
    if environ.get("GITHUB_WORKSPACE") != _WORKSPACE:
        return "; in a container, that address is the container itself, unless it runs with `--network host`"
    port = f":{address.port}" if address.port else ""
    return (
        "; inside an action, that address is the action's own container. Start the server in the job's `services:` "
        f"and name it, as in {address.scheme}://mlflow{port}. A server that a step starts must listen on 0.0.0.0, and "
        f"is at the bridge's address: {address.scheme}://{_bridge() or '172.17.0.1'}{port}"
    )


def _bridge() -> str | None:
    """Return the address of the machine that runs this container; None if it has no route to anywhere."""
    try:
        routes = [line.split() for line in _ROUTES.read_text(encoding="ascii").splitlines()[1:]]
    except OSError:
        return None
    # Addresses are hex numbers in this machine's byte order.
    ways = (route[2] for route in routes if len(route) > 2 and route[1] == "00000000")
    return next((str(IPv4Address(struct.pack("=I", int(way, 16)))) for way in ways), None)
