"""The table behind a note: in the Markdown report, in the page's data and in the verdict file."""

import json

from smoke_gate.report.html import html
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown import markdown
from smoke_gate.report.page_data import page_columns
from smoke_gate.verdict_file.write import document_json
from tests.support.matrix import passing_matrix, with_ledger
from tests.unit.report.judgements import HOSTILE, judgement

ROWS = [["param", "value", "cells"], ["depth", "9", "A3"], ["depth", "3", "B0, B1, A4"]]


def differing(value: str = "9") -> Judgement:
    """Return a judgement of cells that differ in a param, although the plan does not say so."""
    depth = {"depth": lambda cell, seed: value if cell == "A3" else "3"}
    return judgement(evidence=with_ledger(passing_matrix(), depth))


def tables(judged: Judgement) -> list[list[list[str]]]:
    return [table for table in page_columns(judged)["checks"]["table"] if table is not None]


def test_the_report_has_the_rows():
    text = markdown(differing())
    assert "<details><summary>2 rows</summary>" in text
    for row in ROWS[1:]:
        assert f"| {' | '.join(f'<code>{cell}</code>' for cell in row)} |" in text


def test_the_page_and_the_file_have_the_rows():
    judged = differing()
    assert tables(judged) == [ROWS]
    (written,) = [check["table"] for check in document_json(judged.document)["checks"] if check["table"]]
    assert [written["head"], *written["rows"]] == ROWS


def test_a_long_table_is_cut_in_the_report_and_whole_in_the_page():
    many = {
        f"param_{number}": lambda cell, seed, number=number: f"{number}" if cell == "A3" else "x"
        for number in range(100)
    }
    judged = judgement(evidence=with_ledger(passing_matrix(), many))
    assert "… 140 more rows" in markdown(judged)
    assert len(tables(judged)[0]) == 201


def test_a_foreign_value_is_text():
    judged = differing(HOSTILE)
    assert "img src=x" in json.dumps(tables(judged))
    assert "<img src=x" not in markdown(judged)
    assert "<img src=x" not in html(judged)
