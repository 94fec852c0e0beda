"""The verdict as JUnit XML, for the test view of any CI: a suite a gate, a case a check.

A failing check of a gate that does not fail only warns, so a file has a ``<failure>`` exactly where the verdict is
FAIL. Source of the format: the schema ``junit-10.xsd`` of Jenkins' xUnit plugin.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from smoke_gate.gates.base import Check, Status
from smoke_gate.report.findings import accepted
from smoke_gate.report.grouping import place_of
from smoke_gate.report.judgement import Judgement
from smoke_gate.text import shortened, visible
from smoke_gate.verdict import GateResult, Verdict

_LONGEST_NAME = 300
_NOT_XML = re.compile("[^ -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # except XML 1.0's Char, on one line
_COUNTED = {"failures": "failure", "skipped": "skipped"}


def junit(judgement: Judgement) -> str:
    """Return the JUnit XML of a verdict; the same judgement gives the same text.

    Besides the gates' suites there is one of references and one of waivers, where the policy has any. Foreign text
    stands on one line, with whatever XML cannot hold as its escape.
    """
    verdict, urls = judgement.verdict, judgement.urls()
    suites = [_gate(judgement, result, urls) for result in verdict.gates]
    suites += [
        _suite(name, cases) for name, cases in (("references", _references(verdict)), ("waivers", _waivers(verdict)))
        if cases
    ]  # fmt: skip
    root = Element("testsuites", name="smoke-gate")
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    root.extend(suites)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _gate(judgement: Judgement, result: GateResult, urls: Mapping[str, str]) -> Element:
    document = judgement.document
    name = f"{result.id} {result.name}"
    checks = [check for check in judgement.verdict.checks if check.gate == result.id]
    names = _distinct([_name(check) for check in checks])
    cases = [
        _case(name, own, check, urls, fails=check.status is Status.FAIL and result.status is Status.FAIL)
        for own, check in zip(names, checks, strict=True)
    ]
    facts = {
        "verdict": document.verdict,
        "critical": str(document.critical).lower(),
        "pending": str(document.pending).lower(),
        "headline": document.headline,
        "gate.status": result.status.value,
        "gate.message": result.message,
        "policy_file": document.source.policy_file or "no policy file",
        "policy_sha256": document.policy_sha256,
        "evidence_sha256": document.evidence_sha256,
    }
    suite = _suite(name, cases)
    suite.set("timestamp", document.created_at.removesuffix("Z"))
    properties = Element("properties")
    for key, value in facts.items():
        SubElement(properties, "property", name=key, value=_text(value))
    suite.insert(0, properties)
    return suite


def _suite(name: str, cases: Sequence[Element]) -> Element:
    suite = Element("testsuite", name=name, tests=str(len(cases)), errors="0")
    for count, element in _COUNTED.items():
        suite.set(count, str(sum(case.find(element) is not None for case in cases)))
    suite.extend(cases)
    return suite


def _case(suite: str, name: str, check: Check, urls: Mapping[str, str], *, fails: bool) -> Element:
    case = _named(suite, name)
    message, details = _text(check.message), "\n".join(_details(check, urls))
    if fails:
        failure = SubElement(case, "failure", type=check.kind, message=message)
        failure.text = f"{message}\n{details}" if details else message
    elif check.status is Status.SKIPPED:
        SubElement(case, "skipped", message=message)
    elif check.status is not Status.PASS or check.waived is not None:
        reason = accepted(check)
        lines = [message, *([_text(reason)] if reason is not None else []), *([details] if details else [])]
        _tell(case, "\n".join(lines), warns=check.status is not Status.PASS)
    return case


def _references(verdict: Verdict) -> list[Element]:
    """Return a case a reference and run; one that is tripped only warns."""
    names = _distinct(
        [
            f"{one.reference.metric} {'/'.join(filter(None, (one.cell, one.seed)))}"
            for one in verdict.references
        ]
    )
    cases = [_named("references", name) for name in names]
    for case, one in zip(cases, verdict.references, strict=True):
        if one.tripped:
            _tell(case, _text(one.message), warns=True)
    return cases


def _waivers(verdict: Verdict) -> list[Element]:
    """Return a case a waiver: what is accepted is always shown."""
    names = _distinct([f"{one.waiver.gate} {one.waiver.reason}" for one in verdict.waivers])
    cases = [_named("waivers", name) for name in names]
    for case, one in zip(cases, verdict.waivers, strict=True):
        _tell(case, _text(one.message), warns=one.warns)
    return cases


def _named(suite: str, name: str) -> Element:
    return Element("testcase", classname=f"smoke-gate.{suite}", name=name)


def _tell(case: Element, text: str, *, warns: bool) -> None:
    SubElement(case, "system-out").text = f"{'WARNING' if warns else 'NOTE'}: {text}"


def _name(check: Check) -> str:
    """Return what a check is called from one verdict to the next: no run id, unless the run is its subject."""
    place = place_of(check)
    parts = [check.kind, place, None if check.subject == place else check.subject]
    return " ".join(part for part in parts if part)


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names as XML holds them, the second of a name as ``name (2)``: readers take equal ones for one."""
    seen: Counter[str] = Counter()
    found = []
    for text in names:
        name = _text(shortened(text, _LONGEST_NAME))
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


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
