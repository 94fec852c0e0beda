"""Foreign text (run names, param values, file names, reasons) made inert, and still readable as what it is.

On a pull request such text must make no mention, link, HTML, table cell, new line or bidirectional trick, and in a log
no workflow command. GitHub looks for mentions and references in the rendered page, where an entity is the character
again, but never inside ``<code>``; its Markdown looks for links and markup before that, inside ``<code>`` too. So
foreign text gets both: the element, and entities for what has a meaning. Addresses are looked for in rendered text too,
across entities but not across elements: hence the ``<wbr>`` behind ``@``, ``:`` and the point of ``www.``.
"""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote, urlsplit, urlunsplit

DEFAULT_LIMIT = 200  # characters of one foreign text that a report shows
_ELLIPSIS = "…"
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, bidi overrides and their like, surrogates, line ends
# Letters and marks that show as nothing: Default_Ignorable_Code_Point of Unicode 17, and the empty Braille pattern.
_BLANKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """Return ``text`` on one line, with every character that shows as nothing, or moves others, as its escape."""
    if text.isprintable() and not _BLANKS.search(text):  # nearly always, and then fast
        return text
    return "".join(_visible_character(character) for character in text)


def shortened(text: str, limit: int = DEFAULT_LIMIT) -> str:
    """Return ``text``, cut to ``limit`` characters; a cut one ends in an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + _ELLIPSIS


def code(text: str, limit: int = DEFAULT_LIMIT) -> str:
    """Return Markdown that shows foreign ``text`` as code and can do nothing else."""
    return f"<code>{_inert(visible(shortened(text, limit)))}</code>" if text else "<em>empty</em>"


def prose(text: str, foreign: Iterable[str | None] = ()) -> str:
    """Return Markdown of a sentence that our own words and foreign text make up.

    Foreign is what stands in quotation marks or backquotes, what ``foreign`` lists, and any word that is more than
    letters or a short number: names, paths, hashes, addresses. All of it is shown as code, the rest as it is.
    """
    known = sorted({value for value in foreign if value}, key=len, reverse=True)
    quoted = [r"`(?P<b>[^`]+)`", r"(?<!\w)'(?P<s>[^']+)'(?!\w)", r'(?<!\w)"(?P<d>[^"]+)"(?!\w)']
    listed = [rf"(?<![\w/])(?P<k>{'|'.join(map(re.escape, known))})(?![\w/])"] if known else []
    parts, end = [], 0
    for match in re.finditer("|".join([*listed, *quoted]), text):
        parts += [_words(text[end : match.start()]), code(match[match.lastgroup or 0])]
        end = match.end()
    return _in_line("".join([*parts, _words(text[end:])]).strip())


def link(markdown: str, url: str | None) -> str:
    """Return Markdown of a link to ``url``, or just ``markdown`` where there is none."""
    return f"[{markdown}]({url})" if url else markdown


def web_address(url: str) -> str | None:
    """Return an http(s) address, without credentials and safe inside a Markdown link; None for any other."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or not re.fullmatch(r"[\w.:-]+", host, re.ASCII):
        return None
    place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    return urlunsplit((parts.scheme, place, quote(parts.path.rstrip("/"), safe="/%-._~"), "", ""))


def log_line(text: str) -> str:
    """Return ``text`` as one line that a GitHub runner takes for nothing but text.

    A runner obeys ``::command::`` at the start of a line, after any blanks, and ``##[command]`` anywhere.
    """
    line = visible(text).replace("##[", "## [")
    return re.sub(r"^(\s*):(?=:)", r"\1: ", line)


def _visible_character(character: str) -> str:
    if unicodedata.category(character) not in _INVISIBLE and not _BLANKS.match(character):
        return character
    return _SHORT_ESCAPES.get(character) or character.encode("unicode_escape", "surrogatepass").decode(
        "ascii"
    )


def _inert(text: str) -> str:
    """Return visible ``text`` as HTML that Markdown finds nothing in; punctuation that means nothing stays readable."""
    return re.sub(r"(?i)(?P<www>(?<=www)\.)|[!#$&*.:<>@[\\\]^`{|}~]|(?<![^\W_])_|_(?![^\W_])", _entity, text)


def _entity(match: re.Match[str]) -> str:
    breaks = match[0] in "@:" or match["www"]
    return f"&#{ord(match[0])};" + ("<wbr>" if breaks else "")


_WORD = re.compile(
    r"""(?P<open>[(\[“]*)
        (?P<core> G[0-6]
          | [^\W\d_]+(?:[-'’][^\W\d_]+)*          # a word
          | [^\W\d_](?:\.[^\W\d_])+              # e.g
          | [-+±]?\d{1,6}(?:[.,]\d{1,6})?%?
          | \d{4}-\d\d-\d\d | \d\d:\d\d )
        (?P<close>[)\]”]*[.,;:!?…]?[)\]”]*)""",
    re.VERBOSE,
)
_AROUND_WORDS = "([“”)],;:.!?"
_HEX = re.compile(r"\b[0-9a-fA-F]{7,}\b")  # GitHub links what may be a commit


def _words(text: str) -> str:
    """Return text that is not known to be foreign, word by word."""
    return "".join(_word(part) for part in re.split(r"(\s+)", text))


def _word(word: str) -> str:
    """Return one word or blank: plain where it can be nothing but a word, else as code."""
    if not word.strip():
        return word and " "
    plain = _WORD.fullmatch(word)
    if plain and not _HEX.search(plain["core"]) and len(word) <= DEFAULT_LIMIT:
        return word.replace("[", "&#91;").replace("]", "&#93;")
    core = word.strip(_AROUND_WORDS)
    if not any(character.isalnum() for character in core):
        return _inert(visible(word))
    before, _, after = word.partition(core)
    return _inert(before) + code(core) + _inert(after)


def _in_line(markdown: str) -> str:
    """Return ``markdown`` so that it can stand at the start of a line: begins no list, no heading, no rule."""
    return re.sub(r"^(\d*)([-+=.)])", lambda start: f"{start[1]}&#{ord(start[2])};", markdown)
