import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.github.annotations import Annotation
from smoke_gate.github.workflow import (
    annotate,
    guard,
    mask_credentials,
    summary_space,
    write_outputs,
    write_summary,
)
from smoke_gate.policy_file.errors import Position


def test_outputs_are_added_a_line_each(tmp_path):
    environ = {"GITHUB_OUTPUT": str(tmp_path / "output")}
    write_outputs(environ, {"verdict": "ALL PASS", "failed": "0"})
    write_outputs(environ, {"published": "true"})
    assert (tmp_path / "output").read_text() == "verdict=ALL PASS\nfailed=0\npublished=true\n"


@pytest.mark.parametrize("value", ["one\ntwo=2", "one\rtwo", "end\nEOF\nverdict=ALL PASS"])
def test_an_output_of_several_lines_cannot_set_another(tmp_path, value):
    write_outputs({"GITHUB_OUTPUT": str(tmp_path / "output")}, {"report": value})
    with (tmp_path / "output").open(newline="") as stream:
        first, *_, last, end = stream.read().split("\n")
    name, _, delimiter = first.partition("<<")
    assert (name, last, end) == ("report", delimiter, "")
    assert len(delimiter) > 30
    assert delimiter not in value


def test_without_a_runner_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_outputs({}, {"verdict": "FAIL"})
    write_summary({"GITHUB_STEP_SUMMARY": ""}, "text")
    assert list(tmp_path.iterdir()) == []


def test_the_summary_tells_what_space_is_left(tmp_path):
    environ = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    assert summary_space(environ) == 1024 * 1024
    write_summary(environ, "é" * 1000)
    assert summary_space(environ) == 1024 * 1024 - 2002


def test_annotations_are_escaped(capsys):
    annotate("error", [Annotation(message="100 % a\nb\rc, d: e")], title="x: y, z\n%")
    assert capsys.readouterr().out == "::error title=x%3A y%2C z%0A%25::100 %25 a%0Ab%0Ac, d: e\n"


def test_an_annotation_stands_at_its_line(capsys):
    place = Position("a,b/smoke-gate.yml", 3, 7)
    annotate("error", [Annotation(message="no", place=place)], title="gate")
    assert capsys.readouterr().out == "::error file=a%2Cb/smoke-gate.yml,line=3,col=7,title=gate::no\n"


def test_of_many_annotations_the_last_one_counts_the_rest(capsys):
    """spec: action-log"""
    annotate("warning", [Annotation(message=f"message {number}") for number in range(25)], title="gate")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[-1].endswith("… and 16 more: see the report.")
    assert lines[8].endswith("message 8")


MASKED = {
    "GITHUB_ACTIONS": "true",
    "INPUT_TRACKING_URI": "https://me:p%40ss@mlflow.example.org?token=100%",
    "MLFLOW_TRACKING_URI": "https://me:other@mlflow.example.org",
}


def test_credentials_are_masked(capsys):
    mask_credentials(MASKED)
    assert capsys.readouterr().out.splitlines() == [
        f"::add-mask::{text}" for text in ("100%25", "other", "p%2540ss", "p@ss")
    ]


@pytest.mark.parametrize("environ", [{**MASKED, "GITHUB_ACTIONS": ""}, {"GITHUB_ACTIONS": "true"}])
def test_where_nobody_hides_them_or_there_are_none_no_credentials_are_printed(capsys, environ):
    mask_credentials(environ)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "text",
    [
        "::error::x",
        "  ::add-mask::x",
        "\t::stop-commands::x",
        "a\n ::debug::x",
        "a ##[group]x",
        "\u00a0::error::x",
    ],
)
def test_no_line_is_a_command(text):
    assert not is_command(guard(text))


@given(st.text(alphabet=st.sampled_from(":# [\n\r\t\u2028\u00a0ax")))
def test_no_text_is_a_command(text):
    """spec: action-log"""
    assert not is_command(guard(text))


def is_command(text: str) -> bool:
    """Read text as the runner does."""
    lines = text.replace("\r", "\n").split("\n")
    return any(line.strip().startswith("::") or "##[" in line for line in lines)
