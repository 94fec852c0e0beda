"""URIs that may be shown: whoever names a store may have written a password into its address."""

import re
from urllib.parse import unquote, unquote_plus, urlsplit

# Also where a slash or an @ in the password was not percent-encoded; `host:5000/a@b` is no password, but a port.
_USER_INFO = re.compile(r"(?<=://)(?:[^/\s'\"]*@|[^/\s:@]*:(?!\d+(?:/|$))[^\s'\"]*@)")
_QUERY = re.compile(r"((?:://|url: /)[^\s'\"?]*)\?[^\s'\"]*")  # requests tells of a `url: /path?query`
_SECRET_NAMES = re.compile(
    r"pass|pwd|secret|token|credential|signature|\b(?:sig|auth)\b|(?:access|account|api|private)[-_]?key",
    re.IGNORECASE,
)


def without_credentials(text: str) -> str:
    """Return any text without what stands between ``://`` and ``@`` in the URIs that it mentions."""
    return _USER_INFO.sub("", text)


def without_credentials_and_query(text: str) -> str:
    """The same, and without the URIs' queries, which may hold a password too."""
    return _QUERY.sub(r"\1", without_credentials(text))


def secrets_in(uri: str) -> set[str]:
    """Return the secrets that an address holds, as written and as meant.

    That is the password, or the token that stands in its place, and what the query says under a name such as
    ``password`` or ``api_key``.
    """
    try:
        parts = urlsplit(uri)
        password = parts.password or ("" if parts.password is not None else parts.username or "")
    except ValueError:  # not an address at all; whoever opens it says so
        return set()
    named = [setting.partition("=") for setting in re.split("[&;]", parts.query)]
    values = [value for name, _, value in named if _SECRET_NAMES.search(unquote_plus(name))]
    written = {password, unquote(password), *values, *map(unquote_plus, values)}
    return {secret for secret in written if secret}
