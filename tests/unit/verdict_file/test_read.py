import json
from pathlib import Path

import pytest

from smoke_gate.errors import ExitCode
from smoke_gate.hashing import canonical_json, sha256_hex
from smoke_gate.policy_file.formats import decisive
from smoke_gate.verdict_file.read import (
    LARGEST_OF_OTHERS,
    VerdictFileError,
    read_document,
    read_recorded,
    too_large_for_others,
)
from smoke_gate.verdict_file.write import document_text
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
    assert case.document == read_document(path) == judgement().document


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is not JSON"),
        ("{", "it is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "the whole: found a list, expected an object"),
        ("{}", "schema: this key is missing; verdict: this key is missing; critical: this key is missing"),
        ('{"verdict": NaN}', "it holds NaN"),
        (TEXT.replace('"critical": false', '"critical": false, "critical": false', 1), "names a key twice: 'critical'"),
        (TEXT.replace('"verdict": "ALL PASS"', '"verdict": "GREAT"'),
         "verdict: found 'GREAT', expected 'ALL PASS', 'WARNING' or 'FAIL'"),
        (TEXT.replace("smoke-gate/verdict/v1", "smoke-gate/verdict/v2"),
         "schema: found 'smoke-gate/verdict/v2', expected 'smoke-gate/verdict/v1'"),
    ],
    ids=["empty", "cut", "deep", "a list", "no keys", "NaN", "a key twice", "no such verdict", "other schema"],
)  # fmt: skip
def test_what_is_no_verdict_file_is_refused(text, said, tmp_path):
    """spec: schema-deprecation, verdict-file-strict"""
    path = tmp_path / "verdict.json"
    path.write_text(text)
    message = refused(path)
    assert message.startswith(f"{path} is not a verdict file: ")
    assert said in message


def test_text_that_is_no_utf8_is_refused(tmp_path):
    path = tmp_path / "verdict.json"
    path.write_bytes(TEXT.encode().replace(b"stage05", b"stage\xff5"))
    assert "it is not JSON" in refused(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    assert "No such file" in refused(tmp_path / "verdict.json")


def test_of_a_file_of_ones_own_everything_is_read(tmp_path):
    """spec: verdict-file-size"""
    path = tmp_path / "verdict.json"
    path.write_text(" " * LARGEST_OF_OTHERS + TEXT)
    assert read_document(path) == judgement().document


def test_of_a_strangers_file_no_more_is_read_than_the_caller_says(tmp_path):
    """spec: verdict-file-size"""
    path = tmp_path / "verdict.json"
    path.write_text(TEXT + " " * ((1 << 20) - len(TEXT.encode())))
    assert read_document(path, largest=1 << 20) == judgement().document
    path.write_text(path.read_text() + " ")
    with pytest.raises(VerdictFileError, match="is larger than 1 MiB"):
        read_document(path, largest=1 << 20)


@pytest.mark.parametrize(("size", "warns"), [(LARGEST_OF_OTHERS, False), (LARGEST_OF_OTHERS + 1, True)])
def test_a_file_that_no_second_workflow_publishes_is_said_so(size, warns, tmp_path):
    path = tmp_path / "verdict.json"
    with path.open("wb") as stream:
        stream.truncate(size)
    warning = too_large_for_others(path)
    assert (warning is not None) is warns
    assert warning is None or warning.startswith(
        f"{path} has 64.0 MiB; a second workflow publishes at most 64 MiB"
    )


def test_a_file_from_before_a_gate_named_its_plugin_is_read(tmp_path):
    """spec: schema-additions"""
    path = tmp_path / "verdict.json"
    document = json.loads(TEXT)
    for gate in document["gates"]:
        del gate["plugin"]
    path.write_text(json.dumps(document))
    assert read_document(path) == judgement().document


def test_policy_and_evidence_of_a_tampered_file_are_not_used(tmp_path):
    path = tmp_path / "verdict.json"
    path.write_text(TEXT.replace('"as_of": "2026-01-31"', '"as_of": "2026-01-30"'))
    assert "was tampered with: the evidence does not match its hash" in refused(path)


def test_another_version_is_named_where_the_form_is_unknown(tmp_path):
    """spec: verdict-file-strict"""
    path = tmp_path / "verdict.json"
    path.write_text(TEXT.replace('"unidentified": 0', '"unidentified": 0, "mood": "good"'))
    assert "(it was made by smoke-gate 1.2.3, this is " in refused(path)


def test_a_policy_that_this_version_does_not_know_is_an_error(tmp_path):
    path = tmp_path / "verdict.json"
    document = json.loads(TEXT)
    document["policy"]["profile"] = "modern"
    document["policy_sha256"] = sha256_hex(canonical_json(decisive(document["policy"])))
    path.write_text(json.dumps(document))
    assert f"{path} cannot be judged: " in refused(path)
