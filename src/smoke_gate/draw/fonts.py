"""Fonts that have the letters: matplotlib's own has no Korean, Chinese or Japanese."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress

_LOG = logging.getLogger(__name__)
_OWN = "DejaVu Sans"
_PREFERRED = ("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "WenQuanYi Micro Hei", "Noto Sans")
_PLACEHOLDERS = "Last Resort"  # has a box for every letter there is
_PACKAGE = "fonts-wqy-microhei"


def families(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the font families that ``texts`` are drawn with, in the order in which a letter is looked for.

    Where no font of this machine has a letter, it draws as a box, and a warning says which Debian package has it.
    """
    letters = {letter for text in texts for letter in text if not letter.isspace()}
    missing = letters - _letters_of(_path(_OWN), letters)
    chosen = [_OWN]
    for name, path in _candidates() if missing else ():
        found = _letters_of(path, missing)
        if found:
            chosen.append(name)
            missing -= found
        if not missing:
            break
    if missing:
        shown = " ".join(sorted(missing)[:10])
        _LOG.warning(
            "no font of this machine has the letters %s, so figures show boxes: "
            "install one that has, such as Debian's %s", shown, _PACKAGE,
        )  # fmt: skip
    return tuple(chosen)


def _candidates() -> Iterator[tuple[str, str]]:
    """Yield the families of this machine with a file of each, the preferred ones first, in an order that is stable."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known = {entry.fname for entry in fontManager.ttflist}
    for path in sorted(set(findSystemFonts()) - known):  # installed since matplotlib last looked
        with suppress(OSError, RuntimeError):
            fontManager.addfont(path)
    upright = {
        entry.name: entry.fname
        for entry in sorted(fontManager.ttflist, key=lambda entry: entry.fname, reverse=True)
        if entry.style == "normal" and not entry.name.startswith(_PLACEHOLDERS)
    }
    preferred = [name for name in _PREFERRED if name in upright]
    yield from ((name, upright[name]) for name in [*preferred, *sorted(set(upright) - set(preferred))])


def _path(name: str) -> str:
    from matplotlib.font_manager import FontProperties, fontManager

    return str(fontManager.findfont(FontProperties(family=[name])))


def _letters_of(path: str, letters: Iterable[str]) -> set[str]:
    """Return those of ``letters`` that a font has; none where it cannot be read."""
    from matplotlib.font_manager import get_font

    try:
        known = get_font(path).get_charmap()
    except (OSError, RuntimeError):
        return set()
    return {letter for letter in letters if ord(letter) in known}
