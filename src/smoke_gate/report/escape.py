"""Foreign text (run names, param values, file names, reasons) made inert, and still readable as what it is.

On a pull request such text must make no mention, link, HTML, table cell, new line or bidirectional trick, and in a log
no workflow command. GitHub looks for mentions and references in the rendered page, where an entity is the character
again, but never inside ``<code>``; its Markdown looks for links and markup before that, inside ``<code>`` too. So
foreign text gets both: the element, and entities for what has a meaning. Addresses are looked for in rendered text too,
across entities but not across elements: hence the ``<wbr>`` behind ``@``, ``:`` and the point of ``www.``.
"""

import re
from urllib.parse import quote, urlsplit, urlunsplit

from smoke_gate.message import Message, Part, Style, Value
from smoke_gate.text import DEFAULT_LIMIT, shortened, visible

_OWN_MARKUP = re.compile(r"[&<>*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")  # by what our own words could be markup

# A point between digits is that of a number or a version.
_MARKUP = re.compile(
    r"(?i)(?P<www>(?<=www)\.)|[!#$&*:<>@[\\\]^`{|}~]|(?<![0-9])\.|\.(?![0-9])|(?<![^\W_])_|_(?![^\W_])"
)


def code(text: str, limit: int = DEFAULT_LIMIT) -> str:
    """Return Markdown that shows foreign ``text`` as code and can do nothing else."""
    return f"<code>{_inert(visible(shortened(text, limit)))}</code>" if text else "<em>empty</em>"


def prose(message: Message) -> str:
    """Return Markdown of a message: its values are shown as code, its own words as they are."""
    return _in_line("".join(map(_part, message.parts)).strip())


def _part(part: Part) -> str:
    if not isinstance(part, Value):
        return _own_words(part)
    return part.text if part.style is Style.NUMBER else code(part.text)


def _own_words(text: str) -> str:
    """Return Markdown of our own words; what stands in backquotes is shown as code."""
    pieces = text.split("`")
    return "".join(
        code(piece) if index % 2 else _OWN_MARKUP.sub(_entity, piece) for index, piece in enumerate(pieces)
    )


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


def _inert(text: str) -> str:
    """Return visible ``text`` as HTML that Markdown finds nothing in; punctuation that means nothing stays readable."""
    return _MARKUP.sub(_entity, text)


def _entity(match: re.Match[str]) -> str:
    breaks = match[0] in "@:" or match.groupdict().get("www")
    return f"&#{ord(match[0])};" + ("<wbr>" if breaks else "")


def _in_line(markdown: str) -> str:
    """Return ``markdown`` so that it can stand at the start of a line: begins no list, no heading, no rule."""
    return re.sub(r"^(\d*)([-+=.)])", lambda start: f"{start[1]}&#{ord(start[2])};", markdown)
