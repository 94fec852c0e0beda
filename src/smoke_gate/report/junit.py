"""The verdict as JUnit XML, for the test view of any CI: a suite a gate, a case a check.

A failing check of a gate that does not fail only warns, so a file has a ``<failure>`` exactly where the verdict is
FAIL. Source of the format: the schema ``junit-10.xsd`` of Jenkins' xUnit plugin.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from smoke_gate.gates.base import Check, Status
from smoke_gate.report.findings import accepted
from smoke_gate.report.grouping import place_of
from smoke_gate.report.judgement import Judgement
from smoke_gate.text import shortened, visible
from smoke_gate.verdict import GateResult, Verdict

_LONGEST_NAME = 300
_NOT_XML = re.compile("[^ -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # except XML 1.0's Char, on one line


@dataclass(frozen=True, slots=True)
class _Case:
    """A test case: its name, and the element in it if it says anything: of what kind, with what attributes and text."""

    name: str
    element: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Suite:
    """A test suite. Its head has the counts, so they are known before its cases, which may be many, are made."""

    name: str
    tests: int
    cases: Iterator[_Case]
    failures: int = 0
    skipped: int = 0
    timestamp: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


def junit(judgement: Judgement) -> Iterator[str]:
    """Yield the lines of the JUnit XML of a verdict; the same judgement gives the same lines.

    Besides the gates' suites there is one of references and one of waivers, where the policy has any. Foreign text
    stands on one line, with whatever XML cannot hold as its escape.
    """
    verdict, urls = judgement.verdict, judgement.urls()
    suites = [_gate(judgement, result, urls) for result in verdict.gates]
    if verdict.references:
        suites.append(_Suite("references", len(verdict.references), _references(verdict)))
    if verdict.waivers:
        suites.append(_Suite("waivers", len(verdict.waivers), _waivers(verdict)))
    tests, failures = sum(suite.tests for suite in suites), sum(suite.failures for suite in suites)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"{_tag('testsuites', {'name': 'smoke-gate', **_counts(tests, failures)})}\n"
    for suite in suites:
        yield from _lines(suite)
    yield "</testsuites>\n"


def _counts(tests: int, failures: int) -> dict[str, str]:
    return {"tests": str(tests), "failures": str(failures), "errors": "0"}


# --- suites -----------------------------------------------------------------------------------------------------------


def _gate(judgement: Judgement, result: GateResult, urls: Mapping[str, str]) -> _Suite:
    document = judgement.document
    checks = [check for check in judgement.verdict.checks if check.gate == result.id]
    statuses = Counter(check.status for check in checks)
    fails = result.status is Status.FAIL
    return _Suite(
        f"{result.id} {result.name}",
        len(checks),
        _cases(checks, urls, fails=fails),
        failures=statuses[Status.FAIL] if fails else 0,
        skipped=statuses[Status.SKIPPED],
        timestamp=document.created_at.removesuffix("Z"),
        properties={
            "verdict": document.verdict,
            "critical": str(document.critical).lower(),
            "pending": str(document.pending).lower(),
            "headline": document.headline,
            "gate.status": result.status.value,
            "gate.message": result.message,
            "policy_file": document.source.policy_file or "no policy file",
            "policy_sha256": document.policy_sha256,
            "evidence_sha256": document.evidence_sha256,
        },
    )


def _cases(checks: Sequence[Check], urls: Mapping[str, str], *, fails: bool) -> Iterator[_Case]:
    """Yield a case a check; ``fails``: the gate fails, so that a failing check is a failure."""
    for name, check in zip(_distinct(map(_name, checks)), checks, strict=True):
        yield _case(name, check, urls, fails=fails and check.status is Status.FAIL)


def _case(name: str, check: Check, urls: Mapping[str, str], *, fails: bool) -> _Case:
    if check.status is Status.PASS and check.waived is None:
        return _Case(name)
    message = _text(check.message)
    if check.status is Status.SKIPPED:
        return _Case(name, "skipped", {"message": message})
    details = _details(check, urls)
    if fails:
        return _Case(
            name, "failure", {"type": check.kind, "message": message}, "\n".join([message, *details])
        )
    reason = accepted(check)
    lines = [message, *([_text(reason)] if reason is not None else []), *details]
    return _told(name, "\n".join(lines), warns=check.status is not Status.PASS)


def _references(verdict: Verdict) -> Iterator[_Case]:
    """Yield a case a reference and run; one that is tripped only warns."""
    names = _distinct(
        f"{one.reference.metric} {'/'.join(filter(None, (one.cell, one.seed)))}" for one in verdict.references
    )
    for name, one in zip(names, verdict.references, strict=True):
        yield _told(name, _text(one.message), warns=True) if one.tripped else _Case(name)


def _waivers(verdict: Verdict) -> Iterator[_Case]:
    """Yield a case a waiver: what is accepted is always shown."""
    names = _distinct(f"{one.waiver.gate} {one.waiver.reason}" for one in verdict.waivers)
    for name, one in zip(names, verdict.waivers, strict=True):
        yield _told(name, _text(one.message), warns=one.warns)


def _told(name: str, text: str, *, warns: bool) -> _Case:
    return _Case(name, "system-out", text=f"{'WARNING' if warns else 'NOTE'}: {text}")


# --- XML --------------------------------------------------------------------------------------------------------------


def _lines(suite: _Suite) -> Iterator[str]:
    attributes = {
        "name": suite.name, **_counts(suite.tests, suite.failures), "skipped": str(suite.skipped)
    }  # fmt: skip
    if suite.timestamp is not None:
        attributes["timestamp"] = suite.timestamp
    yield f"  {_tag('testsuite', attributes)}\n"
    if suite.properties:
        yield "    <properties>\n"
        for name, value in suite.properties.items():
            yield f"      {_tag('property', {'name': name, 'value': _text(value)}, closed=True)}\n"
        yield "    </properties>\n"
    for case in suite.cases:
        head = {"classname": f"smoke-gate.{suite.name}", "name": case.name}
        if case.element is None:
            yield f"    {_tag('testcase', head, closed=True)}\n"
        else:
            said = f"{_tag(case.element, case.attributes)}{escape(case.text)}</{case.element}>"
            yield f"    {_tag('testcase', head)}{said}</testcase>\n"
    yield "  </testsuite>\n"


def _tag(name: str, attributes: Mapping[str, str], *, closed: bool = False) -> str:
    parts = [name, *(f"{key}={quoteattr(value)}" for key, value in attributes.items())]
    return f"<{' '.join(parts)}{'/' if closed else ''}>"


# --- words ------------------------------------------------------------------------------------------------------------


def _name(check: Check) -> str:
    """Return what a check is called from one verdict to the next: no run id, unless the run is its subject."""
    place = place_of(check)
    parts = [check.kind, place, None if check.subject == place else check.subject]
    return " ".join(part for part in parts if part)


def _distinct(names: Iterable[str]) -> Iterator[str]:
    """Yield the names as XML holds them, the second of a name as ``name (2)``: readers take equal ones for one."""
    seen: Counter[str] = Counter()
    for text in names:
        name = _text(shortened(text, _LONGEST_NAME))
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"


def _details(check: Check, urls: Mapping[str, str]) -> list[str]:
    facts = {
        "found": check.observed,
        "expected": check.expected,
        "run": check.run_id,
        "page": urls.get(check.run_id or ""),
    }
    return [f"{name}: {_text(value)}" for name, value in facts.items() if value]


def _text(text: str) -> str:
    """Return a text on one line, of the characters that XML 1.0 can hold."""
    return _NOT_XML.sub(
        lambda found: found[0].encode("unicode_escape", "surrogatepass").decode("ascii"), visible(text)
    )
