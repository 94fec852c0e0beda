"""The time that the report page of very many checks takes to open, and to repaint after a click on a filter.

The browser is chromium, and the times are of its own clock. Usage: python benchmarks/page.py [--checks N] [--repeats N]
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smoke_gate.evidence import Evidence
from smoke_gate.policy.model import Policy
from smoke_gate.report.html import html
from smoke_gate.report.judgement import Judgement
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


def main() -> None:
    """Make the page, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    judged = large(arguments.checks)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        file = Path(scratch, "report.html")
        file.write_text(html(judged), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(file.as_uri())
        page.wait_for_function(OPENED)
        print(f"{len(judged.verdict.checks)} checks, {file.stat().st_size / 2**20:.1f} MiB")
        print(f"opened in {page.evaluate('() => performance.now()'):.0f} ms")
        for status in ("PASS", "FAIL"):
            print(f"click on {status}: {repainted(page, status, arguments.repeats)}")
        browser.close()


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


def repainted(page: Page, status: str, repeats: int) -> str:
    """Return how long clicks on a status take until the page is painted again: their median and their range."""
    times = sorted(page.evaluate(REPAINT, status) for _ in range(repeats))
    return f"{statistics.median(times):.0f} ms ({times[0]:.0f} to {times[-1]:.0f})"


if __name__ == "__main__":
    main()
