"""Hooks of mkdocs.yml: documents outside of docs/ become pages, links between all of them work, and nothing is fetched.

A link to a file that the site does not have, such as a source file, becomes its words.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = {  # page of the site → file of the repository
    "index.md": "README.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CODE_OF_CONDUCT.md": "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "examples/load_forecasting/README.md": "examples/load_forecasting/README.md",
    "verdict.json": "src/smoke_gate/schemas/verdict.json",
}
PLACES = {file: page for page, file in OUTSIDE.items()}
LINK = re.compile(r"\[(?P<words>[^\]]*)\]\((?P<target>[^)#\s:]+)(?P<anchor>#[^)\s]*)?\)")
FENCED = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
FETCHED = re.compile(
    r'<(?:script|img|iframe|source)\b[^>]*\bsrc="(?:https?:)?//|<link\b(?![^>]*canonical)[^>]*\bhref="(?:https?:)?//'
)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the documents outside of docs/."""
    for page, file in OUTSIDE.items():
        files.append(File.generated(config, page, content=(ROOT / file).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Page, files: Files, **_: object) -> str:
    """Turn links between files of the repository into links between pages."""
    here = page.file.src_uri
    source = OUTSIDE.get(here, f"docs/{here}")

    def placed(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link["target"]))
        place = _place(target, files)
        if place is None:
            return link["words"]
        address = posixpath.relpath(place, posixpath.dirname(here) or ".")
        return f"[{link['words']}]({address}{link['anchor'] or ''})"

    # Odd parts are code.
    parts = FENCED.split(markdown)
    return "".join(part if index % 2 else LINK.sub(placed, part) for index, part in enumerate(parts))


def on_post_page(output: str, *, page: Page, **_: object) -> str:
    """Refuse a page that makes a reader's browser ask another server."""
    if found := FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri} fetches something from elsewhere: {found[0]}")
    return output


def _place(target: str, files: Files) -> str | None:
    """Return the page or file of the site for a file of the repository, None if there is none."""
    for name in (target, f"{target}/README.md"):
        place = PLACES.get(name, name.removeprefix("docs/") if name.startswith("docs/") else None)
        if place is not None and files.get_file_from_path(place) is not None:
            return place
    return None
