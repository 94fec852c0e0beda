"""The action's outputs: each is one record with its name, its type, what it means and its value.

``action.yml``, ``action-types.yml`` and ``docs/action.md`` list them too. ``PYTHONPATH=.:src python
tests/unit/test_action_yml.py`` writes those lists anew from here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from smoke_gate.gates.base import Status
from smoke_gate.report.judgement import Judgement
from smoke_gate.text import visible
from smoke_gate.verdict import VerdictStatus

ERROR = "ERROR"
"""The verdict where no verdict could be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The source of the outputs: a judgement, and the files that were written, by what they are, from the workspace."""

    judgement: Judgement
    files: Mapping[str, Path]

    def file(self, name: str) -> str:
        """Return the path of a file; empty if it was not written."""
        return str(self.files.get(name, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output.

    ``kind`` is what ``action-types.yml`` says of it. ``value`` is what it says of a verdict; None: it is about
    publishing, and is known only when everything else is out. ``without`` is its value where there is no verdict.
    """

    name: str
    kind: str
    description: str
    value: Callable[[Told], str] | None
    without: str = ""


def _text(value: bool) -> str:
    return str(value).lower()


def _failed_gates(told: Told) -> str:
    return ",".join(gate.id for gate in told.judgement.verdict.gates if gate.status is Status.FAIL)


def _baseline_verdict(told: Told) -> str:
    baseline = told.judgement.baseline
    return baseline.verdict.value if baseline else ""


def _attempts(told: Told) -> str:
    return str(sum(len(place.attempts) for place in told.judgement.verdict.matrix.places))


def _file(name: str, what: str) -> Output:
    return Output(
        name=name,
        kind="string",
        description=f"{what}, from the workspace.",
        value=lambda told: told.file(name),
    )


def _count(name: str, description: str) -> Output:
    return Output(
        name=name,
        kind="integer",
        description=description,
        value=lambda told: str(getattr(told.judgement.verdict.summary, name)),
    )


_VERDICTS = ", ".join([*VerdictStatus, ERROR])

OUTPUTS = (
    Output(
        name="verdict",
        kind=f"enum, allowed-values: [{_VERDICTS}]",
        description="`ALL PASS`, `WARNING`, `FAIL`, or `ERROR` where no verdict could be reached.",
        value=lambda told: told.judgement.verdict.status.value,
        without=ERROR,
    ),
    Output(
        name="headline",
        kind="string",
        description="The verdict and what it covers in one line, as the report's first line has it.",
        value=lambda told: visible(told.judgement.document.headline),
    ),
    Output(
        name="critical",
        kind="boolean",
        description="`true` where the metric definition (G1) failed.",
        value=lambda told: _text(told.judgement.verdict.critical),
        without="false",
    ),
    Output(
        name="pending",
        kind="boolean",
        description="`true` where nothing is wrong but that planned runs are not finished yet.",
        value=lambda told: _text(told.judgement.verdict.pending),
        without="false",
    ),
    Output(
        name="baseline_verdict",
        kind='enum, allowed-values: [PASS, FAIL, NONE, ""]',
        description="`PASS`, `FAIL` where a limit against the baseline is broken, `NONE` where there is no baseline or "
        "not all could be compared; empty where none was asked for.",
        value=_baseline_verdict,
    ),
    Output(
        name="failed_gates",
        kind='list, separator: ",", list-item: {type: string}',
        description="The gates that failed, such as `G2,G5`; empty where none did.",
        value=_failed_gates,
    ),
    _count("gates_off", "How many gates the policy switches off."),
    _count("failed", "How many checks failed."),
    _count("warned", "How many checks warn, with the failures that a waiver accepts."),
    _count("passed", "How many checks passed."),
    _count("skipped", "How many checks were skipped."),
    Output(
        name="attempts",
        kind="integer",
        description="How many attempts there were at the planned runs, deleted ones among them.",
        value=_attempts,
    ),
    _file("report", "The Markdown report's path"),
    _file("html_report", "The report page's path"),
    _file("verdict_file", "The verdict file's path"),
    _file("junit", "The JUnit report's path"),
    _file("predicate", "The path of the predicate for an attestation"),
    Output(
        name="figures",
        kind="string",
        description="The path of the folder with the summary figures, from the workspace; empty where none were drawn.",
        value=lambda told: told.file("figures"),
    ),
    Output(
        name="image",
        kind="string",
        description="The image that judged, by its digest; empty where it was built for this job.",
        value=lambda told: told.judgement.document.tool.image_digest or "",
    ),
    Output(
        name="comment_url",
        kind="string",
        description="The address of the pull-request comment, empty where there is none.",
        value=None,
    ),
    Output(
        name="published",
        kind="boolean",
        description="`true` where everything that was to be published was.",
        value=None,
    ),
)


def outputs_of(told: Told) -> dict[str, str]:
    """Return the outputs of a verdict."""
    return {output.name: output.value(told) for output in OUTPUTS if output.value is not None}


def outputs_without_verdict(headline: str) -> dict[str, str]:
    """Return the outputs where there is no verdict; ``headline`` says why."""
    without = {output.name: output.without for output in OUTPUTS if output.value is not None}
    return {**without, "headline": headline}
