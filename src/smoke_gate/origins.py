"""Origins: scheme, host and port of an address. They decide who is asked, and who gets credentials. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_ODD = re.compile(
    r"[\s\\\x00-\x20\x7f]"
)  # what clients do with these differs, so that they may ask another host
_HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an http address goes. ``str`` gives the address without credentials, path and query."""

    scheme: str
    host: str
    port: int

    @property
    def location(self) -> str:
        """The host, and the port where it is not the scheme's usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.location}"


@dataclass(frozen=True, slots=True)
class ArtifactHost:
    """A host that the user allows to fetch artifacts from, and whether it gets the tracking server's credentials."""

    origin: Origin
    with_credentials: bool = False


def origin_of(address: str) -> Origin:
    """Return the origin of an http or https address.

    Raises:
        ValueError: It is not one, or clients may understand it differently.
    """
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port
    if parts.scheme not in _PORTS or _ODD.search(address) or not _HOST.fullmatch(host):
        raise ValueError(f"found {address!r}, expected an address such as https://host:5000")
    return Origin(parts.scheme, host, _PORTS[parts.scheme] if port is None else port)


def clean_artifact_host(text: str, *, with_credentials: bool) -> ArtifactHost:
    """Read the address of a host that may be asked for artifacts.

    Raises:
        ValueError: It is not just a host, or credentials would travel unencrypted.
    """
    origin = origin_of(text)
    parts = urlsplit(text)
    if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"found more than a host, expected {origin} alone")
    if with_credentials and origin.scheme != "https":
        raise ValueError(f"found {origin}, expected https: credentials are not sent in clear")
    return ArtifactHost(origin, with_credentials)
