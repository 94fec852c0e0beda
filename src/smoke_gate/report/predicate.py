"""The verdict as an in-toto test-result predicate, which `actions/attest` signs with the verdict file as its subject.

Source: in-toto Attestation Framework, predicate type test-result v0.1, and ResourceDescriptor v1.
"""

import json
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Literal, TypedDict

from smoke_gate.verdict_file.document import CheckEntry, ReferenceEntry, VerdictDocument, WaiverEntry

PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
_RESULTS: dict[str, Literal["PASSED", "WARNED", "FAILED"]] = {
    "ALL PASS": "PASSED",
    "WARNING": "WARNED",
    "FAIL": "FAILED",
}


class Predicate(TypedDict):
    """The predicate; `configuration` are ResourceDescriptors."""

    result: Literal["PASSED", "WARNED", "FAILED"]
    configuration: list[dict[str, Any]]
    passedTests: list[str]
    warnedTests: list[str]
    failedTests: list[str]


class _Result(IntEnum):
    PASSED = 0
    WARNED = 1
    FAILED = 2


def predicate(document: VerdictDocument) -> Predicate:
    """Return the predicate of a verdict.

    Tests are the gates (``G1 definition_hash``), the checks (``G1/hash A3/42 pape_definition_hash``), references and
    waivers. What was skipped is in no list: to require a gate, look for its name among the passed ones. A failing
    check of a gate that does not fail is warned, so that nothing is in ``failedTests`` unless the verdict is FAIL.
    """
    tests: dict[str, _Result] = {}
    for name, result in _tests(document):
        tests[name] = max(result, tests.get(name, result))
    return {
        "result": _RESULTS[document.verdict],
        "configuration": [
            {
                "name": "policy",
                "digest": {"sha256": document.policy_sha256},
                "annotations": {
                    "covers": "the RFC 8785 form of the effective policy without its report",
                    "file": document.source.policy_file or "no policy file",
                    "tool": f"{document.tool.name} {document.tool.version}",
                },
            }
        ],
        "passedTests": [name for name, result in tests.items() if result is _Result.PASSED],
        "warnedTests": [name for name, result in tests.items() if result is _Result.WARNED],
        "failedTests": [name for name, result in tests.items() if result is _Result.FAILED],
    }


def predicate_text(document: VerdictDocument) -> str:
    """Return the text of the predicate file: the same document gives the same bytes."""
    return json.dumps(predicate(document), indent=1, ensure_ascii=False) + "\n"


def _tests(document: VerdictDocument) -> Iterator[tuple[str, _Result]]:
    failing = {gate.id for gate in document.gates if gate.status == "FAIL"}
    for gate in document.gates:
        yield from _test(f"{gate.id} {gate.name}", gate.status)
    for check in document.checks:
        stands = check.status != "FAIL" or check.gate in failing
        yield from _test(_check(check), check.status if stands else "WARNING")
    for reference in document.references:
        yield _reference(reference), _Result.WARNED if reference.tripped else _Result.PASSED
    for waiver in document.waivers:
        if waiver.state != "not judged":
            yield _waiver(waiver), _Result.WARNED if _warns(waiver) else _Result.PASSED


def _test(name: str, status: str) -> Iterator[tuple[str, _Result]]:
    results = {"PASS": _Result.PASSED, "WARNING": _Result.WARNED, "FAIL": _Result.FAILED}
    if status in results:
        yield name, results[status]


def _check(check: CheckEntry) -> str:
    return " ".join([f"{check.gate}/{check.kind}", *_pair(check.cell, check.seed), check.subject])


def _reference(reference: ReferenceEntry) -> str:
    return " ".join(["reference", *_pair(reference.cell, reference.seed), reference.metric])


def _waiver(waiver: WaiverEntry) -> str:
    scope = [waiver.kind, waiver.run_id, waiver.subject]
    named = [*_pair(waiver.cell, waiver.seed), *(text for text in scope if text is not None)]
    return " ".join(["waiver", waiver.gate, *named, f"({waiver.state})"])


def _warns(waiver: WaiverEntry) -> bool:
    """Return whether a waiver has expired while what it names still stands."""
    return waiver.state == "expired" and waiver.matched > 0


def _pair(cell: str | None, seed: str | None) -> list[str]:
    return ["/".join(text for text in (cell, seed) if text is not None)] if cell or seed else []
