"""Tells which hosts belong to this machine's own network: a redirect must not lead there."""

import ipaddress
import socket
from typing import Any

# Where a cloud tells its machines their credentials, by IPv6.
_METADATA = ipaddress.ip_address("fd00:ec2::254")


def is_link_local(host: str, port: int) -> bool:
    """Return whether any address of a host is link-local. A host that is not known is not; asking it tells that."""
    return any(map(_is_link_local, _addresses(host, port)))


def _addresses(host: str, port: int) -> list[Any]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


def _is_link_local(address: Any) -> bool:
    address = getattr(address, "ipv4_mapped", None) or address
    return bool(address.is_link_local) or address == _METADATA
