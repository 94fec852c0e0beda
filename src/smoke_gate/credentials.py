"""URIs that may be shown: whoever names a store may have written a password into its address."""

import re

# Also where a slash or an @ in the password was not percent-encoded; `host:5000/a@b` is no password, but a port.
_USER_INFO = re.compile(r"(?<=://)(?:[^/\s'\"]*@|[^/\s:@]*:(?!\d+(?:/|$))[^\s'\"]*@)")
_QUERY = re.compile(r"(://[^\s'\"?]*)\?[^\s'\"]*")


def without_credentials(text: str) -> str:
    """Return any text without what stands between ``://`` and ``@`` in the URIs that it mentions."""
    return _USER_INFO.sub("", text)


def without_credentials_and_query(text: str) -> str:
    """The same, and without the URIs' queries, which may hold a password too."""
    return _QUERY.sub(r"\1", without_credentials(text))
