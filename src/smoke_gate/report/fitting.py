"""The cuts of a report that has too little space: by importance, the least important section first."""

from collections.abc import Callable, Sequence

from smoke_gate.report.markdown_section import ReportSection

Join = Callable[[Sequence[str], Sequence[str], Sequence[str]], str]
"""Makes a text of the sections' texts, the titles that are left out, and the titles that are shorter."""


def fitted(sections: Sequence[ReportSection], join: Join, fits: Callable[[str], bool]) -> str:
    """Return as much of the sections as fits.

    First the shortest form of each section gets its place, the least important ones are left out where that is too
    much; then the most important section takes what it needs of the space that is left, and so on.

    Args:
        sections: the most important first; the first one is always there.
        join: makes the text.
        fits: whether a text is short enough.

    """
    kept = len(sections)
    forms = [len(section.texts) - 1 for section in sections]

    def text() -> str:
        shorter = [section.title for section, form in zip(sections[:kept], forms, strict=False) if form]
        texts = [section.texts[form] for section, form in zip(sections[:kept], forms, strict=False)]
        return join(texts, [section.title for section in sections[kept:]], shorter)

    while kept > 1 and not fits(text()):
        kept -= 1
    for index in range(kept):
        shortest = forms[index]
        for form in range(shortest + 1):
            forms[index] = form
            if fits(text()):
                break
        else:
            forms[index] = shortest
    return text()
