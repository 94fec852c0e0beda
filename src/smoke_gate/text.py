"""Text for people: counted and listed, shortened, quoted, and on one line that shows every character it has."""

import json
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

DEFAULT_LIMIT = 200  # characters of one foreign text that a report shows
_ELLIPSIS = "…"
_NO_BREAK = "\0"  # in place of a blank that must not become a new line
_UNSEEN = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]+"
)
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, bidi overrides and their like, surrogates, line ends
# Letters and marks that show as nothing: Default_Ignorable_Code_Point of Unicode 17, and the empty Braille pattern.
_BLANKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return the number with its noun: ``1 run``, ``2 runs``. ``many`` is for what does not just get an s."""
    return f"{number} {one}" if number == 1 else f"{number} {many or f'{one}s'}"


def listed(words: Sequence[str]) -> str:
    """Return the words as a sentence lists them: ``G1``, ``G1 and G3``, ``G1, G3 and G5``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def abbreviated(digits: str, others: Iterable[str | None] = ()) -> str:
    """Return a commit or a hash as messages name it: its first 12 characters, or all where another begins alike."""
    alike = (other for other in others if other and other[:12].lower() == digits[:12].lower())
    return digits if any(other != digits for other in alike) else digits[:12]


def words_of(name: str) -> list[str]:
    """Return the words of a name: split at all that is not a letter or digit, and at camelCase; lower case."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word.lower() for word in re.split(r"[\W_]+", apart) if word]


def quoted(value: str) -> str:
    """Return a recorded text as messages show it: in quotes, on one line, cut where it is long."""
    return repr(value if len(value) <= 80 else f"{value[:79]}…")


def shortened(text: str, limit: int = DEFAULT_LIMIT) -> str:
    """Return ``text``, cut to ``limit`` characters; a cut one ends in an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + _ELLIPSIS


def folded(text: str, width: int | None, first: str | None = None, other: str | None = None) -> str:
    """Return a line as the lines of at most ``width`` characters that it takes; None: it stays one line.

    What stands in backquotes, and a word that is longer than that, is not broken.

    Args:
        text: The line.
        width: How wide the reader's terminal is.
        first: What the first line begins with.
        other: What the other lines begin with; left out, the line's own indentation and four blanks.

    """
    if width is None:
        return (first or "") + text
    own = " " * (len(text) - len(text.lstrip(" ")))
    whole = re.sub("`[^`]*`", lambda code: code[0].replace(" ", _NO_BREAK), text)
    lines = textwrap.fill(
        whole,
        width,
        initial_indent=first or "",
        subsequent_indent=f"{own}    " if other is None else other,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.replace(_NO_BREAK, " ")


def visible(text: str) -> str:
    """Return ``text`` on one line, with every character that shows as nothing, or moves others, as its escape."""
    if text.isprintable() and not _BLANKS.search(text):  # nearly always, and then fast
        return text
    return "".join(_visible_character(character) for character in text)


def visible_json(text: str) -> str:
    """Return the text of a JSON document with the same meaning, in which no character moves others or shows as nothing.

    Such characters can stand within strings only, where each has an escape.
    """
    if text.isascii() and "\x7f" not in text:  # nearly always, and then fast
        return text
    return _UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], text)


def is_blank(character: str) -> bool:
    """Return whether a character shows as nothing, although it is not a space."""
    return unicodedata.category(character) in _INVISIBLE or _BLANKS.match(character) is not None


def log_line(text: str) -> str:
    """Return ``text`` as one line that a GitHub runner takes for nothing but text.

    A runner obeys ``::command::`` at the start of a line, after any blanks, and ``##[command]`` anywhere.
    """
    line = visible(text).replace("##[", "## [")
    return re.sub(r"^(\s*):(?=:)", r"\1: ", line)


def _visible_character(character: str) -> str:
    if not is_blank(character):
        return character
    return _SHORT_ESCAPES.get(character) or character.encode("unicode_escape", "surrogatepass").decode(
        "ascii"
    )
