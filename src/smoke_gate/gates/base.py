"""The parts of every gate: checks, and the one interface that turns evidence into them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple, TypeVar

from smoke_gate.evidence import Attempt, Evidence, Run
from smoke_gate.gates.needs import Needs
from smoke_gate.gates.proposal import Proposal, Seen
from smoke_gate.message import Message, say
from smoke_gate.policy.model import Policy
from smoke_gate.policy.settings import GateSettings
from smoke_gate.policy.terms import seed_order
from smoke_gate.selection import Matrix, Pair

S = TypeVar("S", bound=GateSettings)

Looked = Literal["metrics", "weights", "figures"]
"""An outcome of training. Params are logged before it, so that they say nothing of it."""


class Status(StrEnum):
    """Of a check or a gate. There is no ERROR: what cannot be checked is FAIL."""

    PASS = "PASS"  # noqa: S105
    WARNING = "WARNING"
    FAIL = "FAIL"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class CheckTable:
    """A table that a check shows to people: the titles of its columns, and its rows. The rows are foreign text."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One assertion of a gate on one subject.

    ``kind`` is a stable word for what was asserted. ``observed`` and ``expected`` are texts for people. ``message``
    says what was found and, where it is not a PASS, how to fix it. ``waived`` is the reason of the waiver that accepted
    it and lowered its status by one step. ``looked_at`` names the outcome of training that it judged, if any.
    ``table`` lists what the message counts.
    ``pending`` says that waiting may end a failure: the runs are not finished yet.
    ``at_once`` marks a failure that reaches any threshold by itself, as one of no run does. ``waivable`` is
    False for a finding that no waiver accepts, such as that nothing was judged: a gate that did not look never passes.
    """

    gate: str
    kind: str
    status: Status
    subject: str
    message: Message
    run_id: str | None = None
    cell: str | None = None
    seed: str | None = None
    observed: str | None = None
    expected: str | None = None
    waived: str | None = None
    at_once: bool = False
    waivable: bool = True
    looked_at: Looked | None = None
    pending: bool = False
    table: CheckTable | None = None

    @property
    def warns(self) -> bool:
        """True if it warns of itself; a failure that a waiver accepts is the waiver's warning."""
        return self.status is Status.WARNING and self.waived is None

    @property
    def order(self) -> tuple[object, ...]:
        """Sort key within a gate: cell, seed (integers by value), subject, kind, run id; no cell comes before any."""
        return self.cell or "", seed_order(self.seed or ""), self.subject, self.kind, self.run_id or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A planned pair with the run that stands for it: what G1 to G7 judge."""

    pair: Pair
    attempt: Attempt
    run: Run

    def check(
        self,
        gate: str,
        kind: str,
        status: Status,
        subject: str,
        message: Message,
        *,
        observed: str | None = None,
        expected: str | None = None,
        at_once: bool = False,
        waivable: bool = True,
        looked_at: Looked | None = None,
    ) -> Check:
        """Return a check of this run."""
        return Check(
            gate=gate, kind=kind, status=status, subject=subject, message=message, run_id=self.run.run_id,
            cell=self.pair.cell, seed=self.pair.seed, observed=observed, expected=expected, at_once=at_once,
            waivable=waivable, looked_at=looked_at,
        )  # fmt: skip


def instead(judged: Judged, reference: str) -> Message:
    """Name the param of a run that may be meant by one that it lacks, as the end of what was found; else nothing."""
    near = judged.run.instead.get(reference.removeprefix("params."))
    return say("") if near is None else say(" (the run has {near})", near=near)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a gate sees: the policy, the evidence, and the matrix that both make."""

    policy: Policy
    evidence: Evidence
    matrix: Matrix
    judged: tuple[Judged, ...]

    def settings(self, kind: type[S]) -> S:
        """Return the settings of one gate."""
        return self.policy.settings(kind)


# --- how a matrix breaks ----------------------------------------------------------------------------------------------


class PolicyLine(NamedTuple):
    """A key of the policy, by its place, and the value that it should have."""

    place: tuple[str, ...]
    value: Any


class LogMore(NamedTuple):
    """The call, or the words, for a fact that training code must log."""

    words: str


Remedy = PolicyLine | LogMore
"""What would make a gate see a mutation that none sees now."""


class Unbroken(NamedTuple):
    """Why a mutation changes nothing.

    ``remedy`` says how the evidence would get it. None: the matrix has nothing of the kind, so nothing is missed.
    """

    why: Message
    remedy: Remedy | None = None


def _no_remedy(_case: Case) -> Remedy | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A realistic way to break a matrix, by which a user learns what the policy sees.

    ``name`` is a stable word, ``title`` a sentence without its full stop. ``change`` returns the evidence of the broken
    matrix. It breaks the first run in plan order that has what it breaks: nothing is left to chance. ``also`` are the
    ids of the other gates that may see it, besides the one that brings it. ``remedy`` says what would catch it where
    no gate does.
    """

    name: str
    title: str
    change: Callable[[Case], Evidence | Unbroken]
    also: tuple[str, ...] = ()
    remedy: Callable[[Case], Remedy | None] = _no_remedy


# --- the answer -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a gate's judgement.

    ``expected`` counts the planned pairs that the gate applies to, ``evaluated`` those that it judged. Where it applies
    to none, ``skipped`` says why.
    """

    checks: tuple[Check, ...] = ()
    expected: int
    evaluated: int
    skipped: Message | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """The distribution that a gate comes from, where it is not built in."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A gate in words. ``example`` is a message of the gate; ``fix`` says how to mend its cause."""

    question: str
    checks: tuple[str, ...]
    example: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Values of a gate's keys that replace the model's defaults where the policy says none of the ``unless`` keys."""

    values: Mapping[str, object]
    unless: tuple[str, ...]


def _no_defaults(_policy: Mapping[str, Any]) -> Iterable[Defaults]:
    return ()


def _no_checks(_case: Case) -> Sequence[Check]:
    return ()


def _no_needs(_policy: Policy) -> Needs:
    return Needs()


def _no_cells(_settings: Any) -> Iterable[tuple[tuple[str | int, ...], Sequence[str]]]:
    return ()


def _no_proposal(_seen: Seen) -> Proposal | None:
    return None


def _no_mutations() -> Sequence[Mutation]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gate:
    """A named decision, with all that the rest of the program asks about it.

    ``id`` is like ``G2``, ``section`` its key under ``gates`` in the policy, ``title`` for headings, ``short_title``
    where there is little room (left out, the title does), ``settings`` the model of that section.
    ``judge`` turns evidence into checks; ``early`` returns the failures that hold before any run is finished. ``needs``
    says what must be read for that.

    ``defaults`` returns what a policy, still as it was read, implies for the gate's keys. ``cells`` yields the cells
    that the settings name, each list with its place in the section. ``propose`` is the gate's part in ``init``; None:
    it proposes nothing. ``in_basic`` says what profile ``basic`` does with the gate where nothing is logged for it.

    ``read_from`` says where the value of a check was read, with ``{}`` for its subject; ``read_besides`` says it for
    kinds of check that are read elsewhere. ``critical``: its failure makes the verdict critical. ``waivable``: what a
    waiver may accept of it. ``mutations`` returns the ways to break a matrix that the gate should see; `smoke-gate
    bite` tries them. They are in a module of their own, since nothing else needs them.
    """

    id: str
    section: str
    title: str
    settings: type[GateSettings]
    judge: Callable[[Case], Outcome]
    explanation: Explanation
    early: Callable[[Case], Sequence[Check]] = _no_checks
    needs: Callable[[Policy], Needs] = _no_needs
    defaults: Callable[[Mapping[str, Any]], Iterable[Defaults]] = _no_defaults
    cells: Callable[[Any], Iterable[tuple[tuple[str | int, ...], Sequence[str]]]] = _no_cells
    propose: Callable[[Seen], Proposal | None] = _no_proposal
    mutations: Callable[[], Sequence[Mutation]] = _no_mutations
    in_basic: str = "off"
    read_from: str = "the run's facts: {}"
    read_besides: Mapping[str, str] = field(default_factory=dict)
    critical: bool = False
    waivable: frozenset[Status] = frozenset([Status.FAIL, Status.WARNING])
    plugin: Plugin | None = None
    short_title: str = ""

    @property
    def label(self) -> str:
        """The gate's name in a word or two: ``Units``."""
        return self.short_title or self.title


def case_of(policy: Policy, evidence: Evidence, matrix: Matrix) -> Case:
    """Join the selected attempts with their facts.

    A selected attempt whose facts are absent from the evidence is not judged, so that the gates' count of evaluated
    pairs shows it.
    """
    runs: Mapping[str, Run] = {run.run_id: run for run in evidence.runs}
    judged = tuple(
        Judged(pair=pair, attempt=attempt, run=runs[attempt.run_id])
        for pair, attempt in matrix.selected
        if attempt.run_id in runs
    )
    return Case(policy=policy, evidence=evidence, matrix=matrix, judged=judged)
