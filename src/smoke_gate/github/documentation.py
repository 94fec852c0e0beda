"""Links to this action's own pages. Pure.

Source: the runner's ``ActionRunner``. ``GITHUB_ACTION_REPOSITORY`` and ``GITHUB_ACTION_REF`` are what the step's
``uses:`` names, as in ``org/smoke-gate@v1``; the container of an action gets them too. They are not set where the step
names a folder (``uses: ./``) or an image (``uses: docker://``), and not by ``docker run``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

SERVER_URL = "https://github.com"
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class PageSection:
    """A section of a page in ``docs/``: the page's file, and the heading."""

    page: str
    title: str

    def link(self, documentation: str | None) -> str:
        """Return Markdown that names the section; it is a link where it is known where the pages are."""
        named = f"`docs/{self.page}`, “{self.title}”"
        if documentation is None:
            return f"{named}, in the repository of smoke-gate"
        anchor = re.sub(r"[^a-z0-9 -]", "", self.title.lower()).replace(" ", "-")
        return f"[{named}]({documentation}/{self.page}#{anchor})"


FORKS = PageSection("workflows.md", "Pull requests from forks")


def documentation(environ: Mapping[str, str]) -> str | None:
    """Return the address of this action's pages, at the reference that the workflow uses; None if it is not known."""
    repository, ref = environ.get("GITHUB_ACTION_REPOSITORY", ""), environ.get("GITHUB_ACTION_REF", "")
    if not _REPOSITORY.fullmatch(repository) or not ref:
        return None
    server = environ.get("GITHUB_SERVER_URL", "").rstrip("/") or SERVER_URL
    return f"{server}/{repository}/blob/{quote(ref)}/docs"
