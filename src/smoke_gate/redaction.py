"""The one filter for all output: it removes secrets from a text, in whatever form they appear there.

Every edge where text leaves the process asks :func:`process_secrets` and lets the text through ``removed_from``: the
standard streams, the files, GitHub. Facts of runs pass it when they are collected, before they are hashed.
"""

import base64
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.entities import codepoint2name
from typing import Self, TextIO

from smoke_gate.credentials import REMOVED, find_secrets, without_credentials_and_query

_SHORTEST = (
    8  # characters: what is shorter is a part of common words, and is cut out of errors and addresses only
)
_SHORT_ESCAPES = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\v": "v", "\a": "a", "\0": "0"}
_BASE64_SIGNS = {"+": "-", "/": "_"}  # and what stands for them in an address
_AFTER_BASE64 = (
    "[A-Za-z0-9+/_=-]{0,3}"  # the end of a secret that shares its last character with what follows
)


@dataclass(frozen=True, slots=True)
class _Form:
    """One form of a secret: its pattern, and letters and digits that each match has, by which it is ruled out fast."""

    anchor: str
    pattern: str  # compiled when it is needed, which is nearly never


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets that no output may show; ``repr`` does not show them either."""

    _long: tuple[_Form, ...] = field(default=(), repr=False)
    _short: tuple[_Form, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, values: Iterable[str], pairs: Iterable[tuple[str, str]] = ()) -> Self:
        """Return the filter of some secrets.

        Args:
            values: the secrets.
            pairs: user names with their passwords, as Basic authentication joins them.

        """
        lines = {line for value in values for line in _lines(value)}
        joined = {f"{user}:{line}" for user, password in pairs for line in _lines(password)}
        basic = {text for pair in joined for text in _encoded(pair)}
        long = sorted({line for line in lines if len(line) >= _SHORTEST} | basic, key=_longest_first)
        short = sorted((line for line in lines if len(line) < _SHORTEST), key=_longest_first)
        cores = sorted({core for line in lines for core in _cores(line)}, key=_longest_first)
        return cls((*map(_plain_form, long), *map(_base64_form, cores)), tuple(map(_plain_form, short)))

    def removed_from(self, text: str) -> str:
        """Return any text without the secrets of eight or more characters."""
        return _without(self._long, text)

    def removed_from_error(self, text: str) -> str:
        """Return the text of an error without any secret, and without the credentials and queries of its addresses."""
        return _without((*self._long, *self._short), without_credentials_and_query(text))


def process_secrets(*addresses: str) -> Secrets:
    """Return the secrets of this process: of its environment, its arguments, its user's files and more addresses."""
    found = find_secrets(os.environ, (*sys.argv[1:], *addresses))
    return Secrets.of(found.values, found.pairs)


def unfiltered(stream: TextIO) -> TextIO:
    """Return a standard stream without its filter: for the runner alone, which must know what it has to hide."""
    return getattr(stream, "unfiltered", stream)


def _without(forms: Iterable[_Form], text: str) -> str:
    for form in forms:
        if form.anchor in text:
            text = re.sub(form.pattern, REMOVED, text)
    return text


def _longest_first(text: str) -> tuple[int, str]:
    return -len(text), text


def _lines(value: str) -> Iterator[str]:
    """Yield a secret trimmed, and each of its lines: errors quote one line of a key, and headers hold none with two."""
    yield from filter(None, {part.strip() for part in (value, *value.splitlines())})


# --- forms ------------------------------------------------------------------------------------------------------------


def _plain_form(text: str) -> _Form:
    """Return the form of a text that is written clear, or with any of its characters encoded or escaped."""
    # Backslashes before it go with it, or the first of "\\n…" would be left over before what is put in its place.
    return _Form(_anchor(text), r"\\*" + "".join(map(_character, text)))


def _base64_form(core: str) -> _Form:
    characters = (f"(?:{_character(one)}|{_BASE64_SIGNS.get(one, one)})" for one in core)
    return _Form(_anchor(core), "".join(characters) + _AFTER_BASE64)


def _anchor(text: str) -> str:
    """Return the longest run of letters and digits, which no encoding changes."""
    return max(re.findall("[A-Za-z0-9]+", text), key=len, default="")


def _character(character: str) -> str:
    r"""Return the pattern of one character, clear or as addresses, JSON, Python, Markdown and HTML write it.

    It may be encoded more than once (``%2526``, ``\\\\u00e9``).
    """
    if character.isascii() and character.isalnum():
        return character
    code, units = ord(character), character.encode("utf-16-be", "surrogatepass")
    utf8 = character.encode("utf-8", "surrogateescape" if 0xDC80 <= code <= 0xDCFF else "surrogatepass")
    ways = [
        # In JSON an odd backslash at the end begins the next escape: it stays.
        r"(?:\\\\)+|\\" if character == "\\" else r"\\*" + re.escape(character),
        "".join(f"%(?:25)*(?i:{byte:02x})" for byte in utf8),
        "".join(rf"\\+x(?i:{byte:02x})" for byte in utf8),
        "".join(rf"\\+u(?i:{units[at : at + 2].hex()})" for at in range(0, len(units), 2)),
        rf"\\+U(?i:{code:08x})",
        f"&(?:amp;)*#(?:0*{code}|[xX]0*(?i:{code:x}));",
    ]
    if code < 256:
        ways.append(rf"\\+x(?i:{code:02x})")
    if character in _SHORT_ESCAPES:
        ways.append(rf"\\+{_SHORT_ESCAPES[character]}")
    if name := codepoint2name.get(code) or {"'": "apos"}.get(character):
        ways.append(f"&(?:amp;)*{name};")
    if character == " ":
        ways.append(r"\+")
    return f"(?:{'|'.join(ways)})"


def _bytes_of(text: str) -> Iterator[bytes]:
    """Yield a text in the encodings that clients use in headers."""
    for encoding in ("utf-8", "latin-1"):
        try:
            yield text.encode(encoding)
        except UnicodeEncodeError:
            continue


def _encoded(text: str) -> Iterator[str]:
    """Yield a text in base64."""
    for data in _bytes_of(text):
        yield base64.b64encode(data).decode("ascii")


def _cores(text: str) -> Iterator[str]:
    """Yield what base64 makes of a text wherever it stands within something longer, such as ``user:password``.

    It depends on how many bytes stand before it, modulo three. Characters that also hold a part of what stands before
    or behind are left out.
    """
    for data in _bytes_of(text):
        for before in range(3):
            encoded = base64.b64encode(bytes(before) + data).decode("ascii").rstrip("=")
            shared = 1 if (before + len(data)) % 3 else 0
            core = encoded[(0, 2, 3)[before] : len(encoded) - shared]
            if len(core) >= _SHORTEST:
                yield core
