"""docs/units.md: G2 says what its table shows, by the rule that the page writes."""

import re

import pytest
import yaml

from checks.fences import marked_fences
from smoke_gate.gates.unit_contract import GATE
from tests.support.matrix import CELLS, SEEDS, ask, not_passed, passing_matrix, with_run
from tests.support.pages import ROOT, tables

PAGE = ROOT / "docs" / "units.md"
(RULE,) = (
    yaml.load(fence.text, yaml.BaseLoader) for fence in marked_fences(PAGE) if fence.language == "yaml"
)
SAYS = [row for row in tables(PAGE)[-1] if row["run"].strip("-")]
SCALER = "0f2a61d0c5b7e934"
PLAIN = {
    "scaled": "True",
    "target_unit": "standardized",
    "prediction_unit": "standardized",
    "target_scaler": SCALER,
    "prediction_scaler": SCALER,
}


def logs(cell: str) -> dict[str, str | None]:
    """Return what a run logs, by the words of the page."""
    if absent := re.fullmatch(r"no `(\w+)`", cell):
        return {absent[1]: None}
    key, _, value = cell.strip("`").partition("=")
    return {key: value}


@pytest.mark.parametrize("row", SAYS, ids=lambda row: row["run"])
def test_g2_says_what_the_page_shows(row):
    """Each mistake alone: beside others, a flag that is forgotten is also a cell that disagrees."""
    evidence = passing_matrix()
    for pair in (f"{cell}/{seed}" for cell in CELLS for seed in SEEDS):
        evidence = with_run(evidence, pair, params=PLAIN)
    evidence = with_run(evidence, row["run"], params=logs(row["logs"]))
    found = not_passed(ask(GATE, evidence, gates=RULE["gates"]))
    assert row["G2 says"] in [
        str(check.message) for check in found if f"{check.cell}/{check.seed}" == row["run"]
    ]
