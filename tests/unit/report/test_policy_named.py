"""Every report names the policy file beside the policy's hash, or says that there was none."""

import json
from dataclasses import replace

import pytest

from smoke_gate.report.html import html
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.junit import junit
from smoke_gate.report.markdown import markdown
from smoke_gate.report.predicate import predicate_text
from smoke_gate.verdict_file.write import document_json
from tests.unit.report.judgements import HOSTILE, Page, judgement, section_of


def with_file(name: str | None) -> Judgement:
    judged = judgement()
    source = replace(judged.document.source, policy_file=name)
    return replace(judged, document=replace(judged.document, source=source))


@pytest.mark.parametrize("name", ["smoke-gate.yaml", "gates/nightly.yml", HOSTILE])
def test_it_is_named(name: str):
    """spec: policy-named-in-reports"""
    judged = with_file(name)
    page = Page(section_of(markdown(judged), "How to reproduce"))
    assert any(name.split()[0] in code for code in page.code)
    assert "@octocat" not in page.text
    assert json.loads(predicate_text(judged.document))["configuration"][0]["annotations"]["file"] == name
    assert document_json(judged.document)["source"]["policy_file"] == name


@pytest.mark.parametrize("name", ["smoke-gate.yaml", "gates/nightly.yml"])
def test_the_page_and_junit_name_it(name: str):
    judged = with_file(name)
    assert f"<dd><code>{name}</code></dd>" in html(judged)
    assert f'<property name="policy_file" value="{name}"/>' in "".join(junit(judged))


def test_without_a_file_they_say_so():
    """spec: policy-named-in-reports"""
    judged = with_file(None)
    policy = judged.document.policy_sha256
    assert f"- Policy <code>{policy}</code> (SHA-256), no policy file\n" in markdown(judged)
    for text in (html(judged), "".join(junit(judged)), predicate_text(judged.document)):
        assert "no policy file" in text
    assert document_json(judged.document)["source"]["policy_file"] is None
