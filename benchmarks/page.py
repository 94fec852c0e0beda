"""The time that the report page of very many checks takes to open, and to repaint after a click on a filter.

The browser is chromium, and the times are of its own clock. Usage: python benchmarks/page.py [--checks N] [--repeats N]
"""

import argparse
import base64
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smoke_gate.evidence import Evidence
from smoke_gate.policy.model import Policy
from smoke_gate.report.html import html
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.page_data import page_data
from tests.browser.conftest import CHROMIUM, SWITCHES
from tests.support.matrix import passing_matrix, passing_policy
from tests.unit.report.judgements import judgement

OPENED = "() => / checks$/.test(document.getElementById('count').textContent)"
REPAINT = """
(status) => new Promise((painted) => {
  const start = performance.now();
  document.querySelector(`input[name=status][value=${status}]`).click();
  requestAnimationFrame(() => setTimeout(() => painted(performance.now() - start)));
})
"""


@dataclass(frozen=True, slots=True)
class PageCost:
    """The page of so many checks: its bytes, those of its deflated data, and milliseconds in the browser."""

    checks: int
    page_bytes: int
    data_bytes: int
    opened: float
    clicks: Mapping[str, Sequence[float]]  # by the status that is clicked


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    page = measured_page(arguments.checks, arguments.repeats)
    print(f"{page.checks} checks, {page.page_bytes / 2**20:.1f} MiB, data {page.data_bytes / 2**20:.1f} MiB")
    print(f"opened in {page.opened:.0f} ms")
    for status, times in page.clicks.items():
        spread = f"{min(times):.0f} to {max(times):.0f}"
        print(f"click on {status}: {statistics.median(times):.0f} ms ({spread})")


def measured_page(checks: int, repeats: int) -> PageCost:
    """Make the page of at least so many checks, open it and click on filters."""
    judged = large(checks)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        file = Path(scratch, "report.html")
        file.write_text(html(judged), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(file.as_uri())
        page.wait_for_function(OPENED)
        opened = page.evaluate("() => performance.now()")
        clicks = {
            status: [page.evaluate(REPAINT, status) for _ in range(repeats)] for status in ("PASS", "FAIL")
        }
        browser.close()
        size = file.stat().st_size
    deflated = base64.b64decode(page_data(judged))
    return PageCost(len(judged.verdict.checks), size, len(deflated), opened, clicks)


def large(checks: int) -> Judgement:
    """Return the judgement of a matrix with at least so many checks."""
    cells = [f"cell_{number}" for number in range(40)]
    of_a_run = len(judgement(*matrix(cells, ["0"])).verdict.checks) / len(cells)
    seeds = [str(seed) for seed in range(round(checks / of_a_run / len(cells)) + 1)]
    return judgement(*matrix(cells, seeds))


def matrix(cells: list[str], seeds: list[str]) -> tuple[Policy, Evidence]:
    """Return a policy and evidence that it passes."""
    policy = passing_policy(plan={"cells": cells, "seeds": seeds})
    return policy, passing_matrix(cells, seeds, vq_cells=cells[:20])


if __name__ == "__main__":
    main()
