"""Where GitHub is and who asks: the token goes to the host of ``GITHUB_API_URL``, and to no other. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

from smoke_gate.credentials import without_credentials_and_query
from smoke_gate.errors import UsageError

API_URL = "https://api.github.com"
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where GitHub is and who asks.

    ``graphql_url`` is None where the server has no GraphQL, as Gitea and Forgejo. ``ca_bundle`` is a file of
    certificates to trust, None: the usual ones; ``timeout`` is in seconds, without a sign of life.
    """

    repository: str
    token: str
    api_url: str = API_URL
    graphql_url: str | None = None
    ca_bundle: str | None = None
    timeout: int = 10


def access_of(environ: Mapping[str, str], *, repository: str | None, token: str | None) -> Access | None:
    """Return the access that the job has; None if it has no token or no repository.

    Raises:
        UsageError: an address of GitHub is not one, GraphQL is on another host, or the token is not one.

    """
    if not token or not repository:
        return None
    if not (token.isascii() and token.isprintable()):
        raise UsageError(
            "the token holds characters that no token has: check `github_token`, and GITHUB_TOKEN"
        )
    api_url = _address(environ, "GITHUB_API_URL") or API_URL
    return Access(
        repository=repository,
        token=token,
        api_url=api_url,
        graphql_url=_graphql_url(environ, api_url),
        ca_bundle=environ.get("REQUESTS_CA_BUNDLE") or environ.get("SSL_CERT_FILE") or None,
    )


def derived_graphql_url(api_url: str) -> str | None:
    """Return where GitHub has GraphQL beside its REST API; None where the address is not one of GitHub's."""
    parts = urlsplit(api_url)
    if parts.path == "/api/v3":
        return urlunsplit(parts._replace(path="/api/graphql"))
    if (parts.hostname or "").startswith("api.") and not parts.path:
        return urlunsplit(parts._replace(path="/graphql"))
    return None


def _graphql_url(environ: Mapping[str, str], api_url: str) -> str | None:
    url = _address(environ, "GITHUB_GRAPHQL_URL")
    if url is None:
        return derived_graphql_url(api_url)
    if _origin(urlsplit(url)) != _origin(urlsplit(api_url)):
        raise UsageError(
            f"GITHUB_GRAPHQL_URL is {_shown(url)} and GITHUB_API_URL is {_shown(api_url)}: they are on different "
            "hosts, and the token goes to one host only. Leave GITHUB_GRAPHQL_URL empty, or set both for one server"
        )
    return url


def _address(environ: Mapping[str, str], variable: str) -> str | None:
    """Return the address that a variable holds; None if it is empty."""
    url = environ.get(variable, "").strip().rstrip("/")
    if not url:
        return None
    try:
        parts = urlsplit(url)
        known = parts.scheme in DEFAULT_PORTS and parts.hostname is not None and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise UsageError(f"{variable} is {_shown(url)}; expected an address such as {API_URL}")
    return url


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]


def _shown(url: str) -> str:
    return repr(without_credentials_and_query(url))
