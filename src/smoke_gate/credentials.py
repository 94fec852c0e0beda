"""Where secrets are: in variables, in addresses, and in the files that clients read passwords from."""

import json
import netrc
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, unquote_plus

REMOVED = "***"
"""What is shown in place of a secret."""

# Also where a slash or an @ in the password was not percent-encoded; `host:5000/a@b` is a port, not a password.
_USER_INFO = re.compile(r"(?<=://)(?:[^/\s'\"]*@|[^/\s:@]*:(?!\d+(?:/|$))[^\s'\"]*@)")
_QUERY = re.compile(r"((?:://|url: /)[^\s'\"?]*)\?[^\s'\"]*")  # requests tells of a `url: /path?query`
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*://"
_URI = re.compile(rf"{_SCHEME}(?:(?![=,;]{_SCHEME})\S)+")  # in OLD=NEW there are two
_NAME_ALONE = re.compile(
    r"ssh|sftp|wasbs?$|abfss?$"
)  # schemes in which a name alone before the @ is not a token
_URI_IN_A_TEXT = re.compile(rf"{_SCHEME}[^\s'\"<>]+")
_SECRET_NAMES = re.compile(
    r"pass|pwd|secret|token|credential|signature|\b(?:sig|auth)\b|(?:access|account|api|private)[-_]?key",
    re.IGNORECASE,
)
# Settings in a query that are not secret, so that a report may go on saying "postgres" or "verify-full".
_PLAIN_SETTINGS = re.compile(
    r"ssl|tls|charset|driver|version|timeout|mode|host|port|user|name|region|options|schema|database",
    re.IGNORECASE,
)

# Variables that this process or a library in it reads. A file's path and an address are not secrets themselves.
_OURS = re.compile(
    r"(?:MLFLOW|AWS|AZURE|GOOGLE|GCP|DATABRICKS|GITHUB|GH|GITEA|FORGEJO|ACTIONS|INPUT|DOCKER|PG|MYSQL|HTTPS?)_?[A-Z0-9_-]*"
)
_SECRET_VARIABLE = re.compile(r"PASS|PWD|SECRET|TOKEN|CREDENTIAL|KEY|_SAS|CONNECTION_STRING")
_PLACES = re.compile(
    r"_(?:FILE|PATH|DIR|URI|URL|NAME|ENDPOINT)$|^GOOGLE_APPLICATION_CREDENTIALS$|^PGPASSFILE$"
)
_SWITCHES = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null", "0", "1"})
_TRIMMED = re.compile(
    r"MLFLOW_TRACKING_(?:TOKEN|USERNAME|PASSWORD)|(?:INPUT_)?GITHUB_TOKEN|GH_TOKEN|DATABRICKS_(?:TOKEN|CLIENT_SECRET)"
    r"|AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|AZURE_CLIENT_SECRET"
    r"|AZURE_STORAGE_(?:ACCESS_KEY|CONNECTION_STRING|SAS_TOKEN)"
)


def without_credentials(text: str) -> str:
    """Return any text without what stands between ``://`` and ``@`` in the URIs that it mentions."""
    return _USER_INFO.sub("", text)


def without_credentials_and_query(text: str) -> str:
    """The same, and without the URIs' queries, which may hold a password too."""
    return _QUERY.sub(r"\1", without_credentials(text))


def without_address_secrets(text: str) -> str:
    """Return a fact of a run with the secrets of the addresses in it removed; the rest of an address says what ran."""
    if "://" not in text:
        return text
    return _URI_IN_A_TEXT.sub(_without_its_secrets, text)


def _without_its_secrets(found: re.Match[str]) -> str:
    uri = found[0]
    for secret in sorted(secrets_in(uri), key=len, reverse=True):
        uri = uri.replace(secret, REMOVED)
    return uri


def secrets_in(uri: str) -> set[str]:
    """Return the secrets that an address holds, as written and as meant.

    That is the password, or the token that stands in its place, and what the query says, except of settings that are
    known to be plain, such as ``sslmode``.
    """
    query = uri.partition("?")[2].partition("#")[0]
    written = {_user_and_password(uri)[1], *_settings(query, everything=True)}
    return {secret for text in written for secret in (text, unquote(text), unquote_plus(text)) if secret}


def _user_and_password(uri: str) -> tuple[str, str]:
    """Return the user and the password of an address as written.

    What stands alone before the @ is a token, except in ssh (a user) and Azure (a container).
    """
    scheme, info = uri.partition("://")[0].lower(), _USER_INFO.search(uri)
    user, colon, password = info[0][:-1].partition(":") if info else ("", "", "")
    if colon or _NAME_ALONE.search(scheme):
        return user, password
    return "", user


def _settings(text: str, *, everything: bool) -> Iterator[str]:
    """Yield the secret values of ``name=value&…`` or ``name=value;…``."""
    for setting in re.split("[&;]", text.removeprefix("?")):
        name, _, value = setting.partition("=")
        is_secret = _SECRET_NAMES.search(unquote_plus(name)) is not None
        if value and (is_secret or (everything and len(value) >= 8 and not _PLAIN_SETTINGS.search(name))):
            yield value


# --- what this process knows ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Found:
    """The secrets found so far, and which of them are passwords of which users."""

    values: set[str] = field(default_factory=set)
    pairs: set[tuple[str, str]] = field(default_factory=set)

    def add(self, value: str, user: str = "") -> None:
        """Add a secret, and those that it is made of: the members of a JSON text, the parts of a connection string."""
        if value.strip().lower() in _SWITCHES or not value.strip():
            return
        self.values |= {value, *_settings(value, everything=False), *_members(value)}
        self.pairs.add((user, value.strip()))


def find_secrets(environ: Mapping[str, str], texts: Iterable[str]) -> Found:
    """Return the secrets of an environment, of the addresses in texts, and of the files that clients read."""
    found = Found()
    for name, value in environ.items():
        if _is_secret(name):
            found.add(
                value, environ.get("MLFLOW_TRACKING_USERNAME", "") if name.startswith("MLFLOW_") else ""
            )
        if name.lower().endswith("_proxy") and "://" not in value:
            _of_address(f"http://{value}", found)
    for text in (*environ.values(), *texts):
        for address in _URI.findall(text):
            _of_address(address, found)
    home = Path(environ.get("HOME") or os.path.expanduser("~"))  # noqa: PTH111 - which never raises
    for file in [environ["NETRC"]] if environ.get("NETRC") else [home / ".netrc", home / "_netrc"]:
        _of_netrc(Path(file), found)
    for file in (
        environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / ".aws/credentials",
        environ.get("DATABRICKS_CONFIG_FILE") or home / ".databrickscfg",
        home / ".mlflow/credentials",
    ):
        _of_settings_file(Path(file), found)
    return found


def trimmed(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that hold a token or a password with white space around it, without that white space.

    ``echo TOKEN | gh secret set`` leaves a line break at its end, which no header can hold.
    """
    return {
        name: value.strip()
        for name, value in environ.items()
        if _TRIMMED.fullmatch(name) and value != value.strip()
    }


def _is_secret(name: str) -> bool:
    known = _OURS.fullmatch(name) is not None and _SECRET_VARIABLE.search(name) is not None
    return known and _PLACES.search(name) is None


def _of_address(address: str, found: Found) -> None:
    for secret in secrets_in(address):
        found.add(secret)
    user, password = map(unquote, _user_and_password(address))
    found.pairs |= {(user, password), (password, "")} if password else set()


def _of_netrc(path: Path, found: Found) -> None:
    try:
        hosts = netrc.netrc(str(path)).hosts
    except (OSError, ValueError, netrc.NetrcParseError):  # requests passes over such a file too
        return
    for login, account, password in hosts.values():
        if login:
            found.add(password or login, login)
        found.values |= {text for text in (account, password) if text}
        if password == "x-oauth-basic":  # noqa: S105 - GitHub's way to give a token as a user name
            found.add(login)


def _of_settings_file(path: Path, found: Found) -> None:
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(path, encoding="utf-8")
    except (OSError, ValueError, ConfigError):
        return
    for section in (parser.defaults(), *(parser[name] for name in parser.sections())):
        user = section.get("mlflow_tracking_username", "")
        for name, value in section.items():
            if _SECRET_VARIABLE.search(name.upper()) and not _PLACES.search(name.upper()):
                found.add(value, user)


def _members(value: str) -> Iterator[str]:
    """Yield the secret members of a JSON object, such as the key of a service account."""
    if not value.lstrip().startswith("{"):
        return
    try:
        members = json.loads(value)
    except ValueError:
        return
    yield from (
        text
        for name, text in members.items()
        if isinstance(text, str) and text and _SECRET_NAMES.search(name)
    )
