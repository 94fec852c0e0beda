"""A file to which GitHub redirects: it lies on another host, which gets no token."""

from urllib.parse import urljoin, urlsplit

import requests
from requests.exceptions import RequestException

from smoke_gate.github.retry import Refusal, Reply, refusal_of
from smoke_gate.github.transport import ODD_REDIRECT, GitHubError
from smoke_gate.networks import is_link_local
from smoke_gate.origins import Origin, origin_of

_MOST_REDIRECTS = 5
_CHUNK_BYTES = 1 << 20


def downloaded(url: str, location: str, *, largest: int, timeout: float, ca_bundle: str | None) -> bytes:
    """Return what lies where a redirect leads.

    Nothing is sent that says who asks: the address itself is the key, so messages show its host only.

    Args:
        url: what was asked for.
        location: where its answer leads.
        largest: the most bytes that are read.
        timeout: seconds without a sign of life.
        ca_bundle: a file of certificates to trust; None: the usual ones.

    Raises:
        GitHubError: it is not there, is larger, or lies where no redirect is followed to.
        RequestException: there was no answer.

    """
    for _ in range(_MOST_REDIRECTS):
        origin, url = _followed(url, location)
        with _asked(url, timeout, ca_bundle) as response:
            if response.is_redirect:
                location = response.headers["location"]
                continue
            if response.status_code != requests.codes.ok:
                reply = Reply(status=response.status_code, text="")
                raise GitHubError(refusal_of(reply), f"{origin} answers HTTP {response.status_code}")
            return _content(response, origin, largest)
    raise GitHubError(Refusal.INVALID, f"more than {_MOST_REDIRECTS} redirects")


def _asked(url: str, timeout: float, ca_bundle: str | None) -> requests.Response:
    try:
        return requests.get(
            url,
            stream=True,
            allow_redirects=False,
            timeout=timeout,
            auth=_without_credentials,
            verify=ca_bundle or True,
        )
    except RequestException:
        raise
    except ValueError:  # requests reads where a redirect leads, though it does not follow it
        raise GitHubError(Refusal.INVALID, ODD_REDIRECT) from None


def _followed(url: str, location: str) -> tuple[Origin, str]:
    """Return where a redirect leads.

    Raises:
        GitHubError: it is not an address, is one of this machine's own network, or gives up encryption.

    """
    try:
        target = urljoin(url, location)
        origin = origin_of(target)
    except ValueError:
        raise GitHubError(Refusal.INVALID, ODD_REDIRECT) from None
    if urlsplit(url).scheme == "https" and origin.scheme != "https":
        raise GitHubError(
            Refusal.INVALID, f"a redirect leads to {origin}, which is not encrypted: not followed"
        )
    if is_link_local(origin.host, origin.port):
        raise GitHubError(
            Refusal.INVALID, f"a redirect leads to {origin}, a link-local address: not followed"
        )
    return origin, target


def _content(response: requests.Response, origin: Origin, largest: int) -> bytes:
    content = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        content += chunk
        if len(content) > largest:
            raise GitHubError(Refusal.INVALID, f"{origin} sends more than {largest >> 20} MiB")
    return bytes(content)


def _without_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Send the request as it is: without this, requests would add what ``~/.netrc`` has for the host."""
    return request
