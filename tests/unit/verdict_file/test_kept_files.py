"""Verdict files of earlier builds, which every later build of the same schema version must read.

``PYTHONPATH=.:src python tests/unit/verdict_file/test_kept_files.py`` writes the file of this build anew. Until the
first release the form may change, and the file with it. From then on a file of a release stays as it is, and a new form
gets a file of its own: give ``OWN`` another name.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smoke_gate.gates import policy_of
from smoke_gate.strict_json import parse_json
from smoke_gate.verdict import evaluate
from smoke_gate.verdict_file.read import read_recorded
from smoke_gate.verdict_file.write import document_text
from tests.support.matrix import passing_matrix, with_another_attempt, with_run
from tests.unit.report.judgements import judgement

FOLDER = Path(__file__).parents[2] / "fixtures" / "verdicts"
OWN = FOLDER / "v1-before-1.0.json"
POLICY = {
    "version": 1,
    "experiments": ["stage05"],
    "plan": {
        "cells": {"B0": {"expect": {"use_vq": "False"}}, "A3": {"expect": {"use_vq": "True"}}},
        "seeds": ["42", "123"],
        "required_metrics": ["pape"],
    },
    "references": [{"metric": "pape", "low": 0, "high": 100, "n": 3, "source": "a paper"}],
    "waivers": [{"gate": "G5", "cell": "A3", "reason": "a known divergence", "expires": "2026-03-31"}],
}


def text_of_this_build() -> str:
    """Return a small verdict file that has an entry in every list."""
    evidence = with_another_attempt(
        passing_matrix(("B0", "A3"), ("42", "123")), "B0/42", "run-again", status="FAILED"
    )
    evidence = with_run(evidence, "A3/42", metrics={"val_loss": "60.0"})
    return document_text(judgement(policy_of(POLICY), evidence).document)


def shape(value: Any, place: str = "") -> Iterator[str]:
    """Yield the place of every key."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{place}.{key}"
            yield from shape(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from shape(inner, f"{place}[]")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_kept_file_is_read(path):
    """spec: schema-compatible"""
    kept = read_recorded(path)
    gates = {gate.id for gate in evaluate(kept.policy, kept.evidence).gates}
    assert gates >= {gate.id for gate in kept.document.gates}


def test_the_form_of_this_build_is_kept():
    """spec: schema-compatible"""
    written, kept = set(shape(parse_json(text_of_this_build()))), set(shape(parse_json(OWN.read_text())))
    assert written == kept, "the head of this module says how to write the file anew"


if __name__ == "__main__":
    OWN.write_text(text_of_this_build())
