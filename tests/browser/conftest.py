"""Debian's chromium, and the report's page opened from disk in it, as a reader opens it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

from smoke_gate.report.html import html
from smoke_gate.report.judgement import Judgement

CHROMIUM = "/usr/bin/chromium"
SWITCHES = (  # no sandbox: tests run as root; the rest keep chromium from asking the network for anything of its own
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


PATIENCE = 30_000  # ms; other tests keep the machine busy
expect.set_options(timeout=PATIENCE)


@dataclass(slots=True)
class Opened:
    """A page with all that it said and asked for since it was opened."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open the page of a judgement and its drawings, in a light or dark scheme."""
    contexts = []

    def opened(judgement: Judgement, drawings=(), *, scheme="light", width=1280) -> Opened:
        file = tmp_path / "report.html"
        file.write_text(html(judgement, drawings), encoding="utf-8")
        context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        found = Opened(context.new_page())

        def note(dialog: Dialog) -> None:
            found.said.append(f"dialog {dialog.message}")
            dialog.dismiss()

        found.page.on("console", lambda message: found.said.append(message.text))
        found.page.on("pageerror", lambda error: found.said.append(str(error)))
        found.page.on("dialog", note)
        found.page.on("request", lambda request: found.asked.append(request.url))
        found.page.goto(file.as_uri())
        expect(found.page.locator("#count")).to_have_text(
            re.compile(r"\d checks$")
        )  # its script has come to its end
        return found

    yield opened
    for context in contexts:
        context.close()
