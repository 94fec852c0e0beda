"""Judgements for the tests of the reports, from evidence that is what a test needs."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from smoke_gate.evidence import Evidence
from smoke_gate.pictures import Pictures
from smoke_gate.policy.model import Policy
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.reproduction import Reproduction
from smoke_gate.verdict import evaluate
from smoke_gate.verdict_file.document import Context, Experiment, StoreOrigin, Tool
from smoke_gate.verdict_file.write import verdict_document
from tests.support.matrix import figure, passing_matrix, passing_policy, sha256, with_another_attempt

CREATED_AT = datetime(2026, 1, 31, 12, 30, 15, tzinfo=UTC)
SERVER = "https://mlflow.example"
HOSTILE = "@octocat <img src=x onerror=alert(1)> | [x](http://evil.example) `q` **b** #1 www.evil.example\n::error::x"


def judgement(
    policy: Policy | None = None, evidence: Evidence | None = None, tracking_uri: str = SERVER
) -> Judgement:
    """Return the judgement of the evidence by the policy; left out, of the passing matrix by the plain policy."""
    policy, evidence = policy or passing_policy(), evidence or passing_matrix()
    verdict = evaluate(policy, evidence)
    document = verdict_document(
        verdict,
        policy,
        evidence,
        context=Context(repository="org/repo", sha="c0ffee", pull_request=7, run_id=1, run_attempt=2),
        source=StoreOrigin(tracking_uri=tracking_uri, experiments=(Experiment("1", "stage05"),)),
        tool=Tool(version="1.2.3"),
        created_at=CREATED_AT,
        pictures=Pictures(drawn=(figure("x", "ratio.png"),)),
    )
    reproduction = Reproduction(
        image="smoke-gate", verdict_file="outputs/verdict.json", options=("--cells", "B0,A 3")
    )
    return Judgement(
        verdict=verdict, policy=policy, evidence=evidence, document=document, reproduction=reproduction
    )


def run_again(evidence: Evidence, pairs: Iterable[str]) -> Evidence:
    """Return the evidence with an earlier finished run of each pair, which is a child of another."""
    for pair in pairs:
        name = f"{pair}-sweep".replace("/", "-")
        evidence = with_another_attempt(evidence, pair, sha256(pair)[:32], run_name=name, parent="c0ffee01")
    return evidence


def in_experiment(evidence: Evidence, experiment_id: str = "1") -> Evidence:
    """Return the evidence with the experiment of its attempts known."""
    return replace(
        evidence,
        attempts=tuple(replace(attempt, experiment_id=experiment_id) for attempt in evidence.attempts),
    )


class Page(HTMLParser):
    """The view of Markdown on GitHub: its elements, its links, and its text inside and outside of code."""

    def __init__(self, markdown: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.links: list[str] = []
        self.code: list[str] = []
        self.text = ""
        self._depth = 0
        self.feed(MarkdownIt("gfm-like", {"html": True}).render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")
        if tag == "code":
            self._depth += 1
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "code"

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.code[-1] += data
        else:
            self.text += data


def section_of(markdown: str, title: str) -> str:
    """Return the part of a report under a heading, or in the fold of that title."""
    parts = re.split(
        r"^(?:##+ |<details><summary><strong>)(.+?)(?:</strong>.*)?$", markdown, flags=re.MULTILINE
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))[title]
