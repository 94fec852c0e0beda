"""Advice for a store that cannot be read: it follows from what happened, and from whose credentials were used."""

from urllib.parse import urlsplit

from smoke_gate.credentials import without_credentials_and_query

TRACKING_CREDENTIALS = "the credentials (MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN)"
_AZURE = (
    "AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_ACCESS_KEY or AZURE_STORAGE_SAS_TOKEN, or Azure's login"
)
_OBJECT_STORES = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, with AWS_SESSION_TOKEN where they are temporary",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "wasbs": _AZURE,
    "abfss": _AZURE,
    "dbfs": "DATABRICKS_HOST and DATABRICKS_TOKEN",
}
_NO_CREDENTIALS = frozenset({"NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError",
                             "CredentialUnavailableError", "CredentialRetrievalError"})  # fmt: skip


def by_status(store: str, status: int, quote: str) -> str:
    """Return what an HTTP status means, and what to check; ``quote`` is what the store said."""
    variables = _OBJECT_STORES.get(urlsplit(store).scheme)
    if variables is not None and status in (401, 403):
        advice = (
            f"refuses access to the artifacts. Check {variables}, and that they may list and read this place"
        )
    elif status == 401:
        advice = f"asks for credentials or refuses those given. Check {TRACKING_CREDENTIALS}{_netrc(store)}"
    elif status == 403:
        advice = (
            "refuses access. Check that this user may read the experiment, and that the server allows this host name "
            f"(mlflow server --allowed-hosts){_netrc(store)}"
        )
    elif status == 404:
        advice = "has no MLflow API at this address. Check the path"
    elif status == 429:
        advice = "limits the rate of requests and did not let up. Try later, or use a smaller --workers"
    elif status >= 500:
        advice = "fails. Look into the server's log, and try again"
    else:
        advice = "refuses the request"
    return f"{store} {advice} (HTTP {status}: {quote})"


def without_credentials(store: str, names: frozenset[str], text: str) -> str | None:
    """Return what to set if a client found no credentials to ask with; None if that is not what happened.

    Args:
        store: the tracking store, or the artifact store.
        names: the names of the exceptions' classes.
        text: what the exceptions say.

    """
    if "Databricks credential configuration failed" in text:
        return (
            f"{store} needs credentials, and none were found. Set DATABRICKS_HOST and DATABRICKS_TOKEN, or name a "
            "profile of ~/.databrickscfg: databricks://PROFILE"
        )
    variables = _OBJECT_STORES.get(urlsplit(store).scheme)
    if variables is None or not names & _NO_CREDENTIALS:
        return None
    return f"{store} holds the artifacts, and no credentials for it were found. Set {variables}"


def by_proxy(store: str, reason: str) -> str | None:
    """Return that the proxy, and not the store, is at fault; None if no proxy is set."""
    from requests.utils import get_environ_proxies, select_proxy

    url = store if urlsplit(store).scheme in ("http", "https") else "https://host"
    proxy = select_proxy(url, get_environ_proxies(url, None))
    if proxy is None:
        return None
    scheme = urlsplit(url).scheme.upper()
    return (
        f"{store} is asked through the proxy {without_credentials_and_query(proxy)}, which fails ({reason}). "
        f"Check {scheme}_PROXY and ALL_PROXY, or name the host in NO_PROXY to ask it without a proxy"
    )


def _netrc(store: str) -> str:
    """Say that ``~/.netrc`` knows the host: requests then sends that entry in place of any other credentials."""
    from requests.utils import get_netrc_auth

    if not get_netrc_auth(store):
        return ""
    host = urlsplit(store).hostname
    return (
        f". ~/.netrc (or the file in NETRC) has an entry for {host}, which is sent in place of these: "
        "remove the entry, or set NETRC=/dev/null"
    )
