import json

import pytest

from smoke_gate.github.claim_limits import excess
from smoke_gate.report.verdict_file import document_text
from tests.support.matrix import passing_matrix, passing_policy
from tests.unit.report.judgements import judgement


def planned(cells: object, seeds: object, **sections: object) -> dict[str, object]:
    return {"policy": {"plan": {"cells": cells, "seeds": seeds}, **sections}}


def test_what_an_honest_job_writes_is_within_the_bounds():
    assert excess(json.loads(document_text(judgement().document))) is None


def test_even_a_large_matrix_is_within_the_bounds():
    seeds = [str(seed) for seed in range(300)]
    large = judgement(passing_policy(plan={"seeds": seeds}), passing_matrix(seeds=seeds))
    assert excess(json.loads(document_text(large.document))) is None


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (planned({"B0": {}, "A3": None}, ["1"] * 1001), "2002 planned pairs"),
        (planned(["B0", "A3"], ["1"] * 1001), "2002 planned pairs"),
        (planned({"B0": {"seeds": ["1"] * 1999}, "A3": {}}, ["1"] * 2), "2001 planned pairs"),
        (planned([str(cell) for cell in range(2001)], []), "2001 planned pairs"),
        ({"evidence": {"attempts": [1] * 20_001}}, "20001 attempts"),
        ({"policy": [[1] * 30_000, [2] * 30_000]}, "60002 entries in its policy"),
        (planned(["B0", "A3"], ["1"] * 250, gates={"x": [1] * 1000}), "562750 assertions"),
        (planned(["B0"], ["1"] * 1002), "501501 assertions"),  # no two seeds may have the same results
    ],
)
def test_too_much_is_told(document, found):
    assert str(excess(document)).startswith(found)


@pytest.mark.parametrize(
    "document",
    [None, 1, "x", [], {}, {"policy": "x", "evidence": [1]}, planned("cells", {"a": 1}), planned(7, None)],
)
def test_whatever_it_is_it_is_counted(document):
    assert excess(document) is None


def test_depth_is_no_hindrance():
    deep: list[object] = []
    for _ in range(10_000):
        deep = [deep]
    assert excess({"policy": deep}) is None
