import json
from pathlib import Path

import pytest

from smoke_gate.errors import ExitCode
from smoke_gate.report.verdict_file import document_text
from smoke_gate.reproduce import VerdictFileError, read_document, read_recorded, reading
from tests.support.matrix import passing_matrix, passing_policy
from tests.unit.report.judgements import judgement

TEXT = document_text(judgement().document)


def refused(path: Path) -> str:
    with pytest.raises(VerdictFileError) as error:
        read_recorded(path)
    assert error.value.exit_code is ExitCode.USAGE
    return str(error.value)


def test_a_verdict_file_gives_its_policy_and_evidence(tmp_path):
    path = tmp_path / "verdict.json"
    path.write_text(TEXT)
    case = read_recorded(path)
    assert (case.policy, case.evidence) == (passing_policy(), passing_matrix())
    assert case.document == read_document(path) == json.loads(TEXT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is no JSON"),
        ("{", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "the whole: [] is not of type 'object'"),
        ("{}", "is a required property"),
        ('{"verdict": NaN}', "it holds NaN"),
        (TEXT.replace('"critical": false', '"critical": false, "critical": false', 1), "names a key twice: 'critical'"),
        (TEXT.replace('"verdict": "ALL PASS"', '"verdict": "GREAT"'), "verdict: 'GREAT' is not one of"),
        (TEXT.replace("smoke-gate/verdict/v1", "smoke-gate/verdict/v2"), "schema: "),
    ],
    ids=["empty", "cut", "deep", "a list", "no keys", "NaN", "a key twice", "no such verdict", "other schema"],
)  # fmt: skip
def test_what_is_no_verdict_file_is_refused(text, said, tmp_path):
    path = tmp_path / "verdict.json"
    path.write_text(text)
    message = refused(path)
    assert message.startswith(f"{path} is no verdict file: ")
    assert said in message


def test_text_that_is_no_utf8_is_refused(tmp_path):
    path = tmp_path / "verdict.json"
    path.write_bytes(TEXT.encode().replace(b"stage05", b"stage\xff5"))
    assert "it is no JSON" in refused(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    assert "No such file" in refused(tmp_path / "verdict.json")


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LARGEST_FILE", 1 << 20)
    path = tmp_path / "verdict.json"
    path.write_bytes(b" " * ((1 << 20) + 1))
    assert "is larger than 1 MiB" in refused(path)


def test_policy_and_evidence_of_a_tampered_file_are_not_used(tmp_path):
    path = tmp_path / "verdict.json"
    path.write_text(TEXT.replace('"as_of": "2026-01-31"', '"as_of": "2026-01-30"'))
    assert "was tampered with: the evidence does not match its hash" in refused(path)


def test_another_version_is_named_where_the_form_is_unknown(tmp_path):
    path = tmp_path / "verdict.json"
    path.write_text(TEXT.replace('"unidentified": 0', '"unidentified": 0, "mood": "good"'))
    assert "(it was made by smoke-gate 1.2.3, this is " in refused(path)


def test_a_policy_that_this_version_does_not_know_is_an_error(tmp_path):
    path = tmp_path / "verdict.json"
    path.write_text(TEXT.replace('"profile": "contract"', '"profile": "modern"'))
    assert f"{path} cannot be judged: " in refused(path)
