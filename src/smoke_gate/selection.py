"""Which run stands for a planned (cell, seed): pure, and the one place that decides it.

``collect`` asks it which runs to read, the gates ask it what was planned and what was found.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from smoke_gate.evidence import Answer, Attempt, Code, Evidence, Lack, Others
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import normal_seed, seed_order

_NO_OTHERS = Others()


@dataclass(frozen=True, slots=True)
class Pair:
    """A cell and a seed, as the plan spells them; ``seed`` is None where a cell has one run and no seeds."""

    cell: str
    seed: str | None

    @property
    def subject(self) -> str:
        """The pair as checks name it: ``A3/123``, or the cell where there is no seed."""
        return self.cell if self.seed is None else f"{self.cell}/{self.seed}"

    @property
    def key(self) -> tuple[str, str | None]:
        """The cell and the one spelling of the seed: equal for pairs that are the same, however spelt."""
        return self.cell, None if self.seed is None else normal_seed(self.seed)


@dataclass(frozen=True, slots=True)
class Place:
    """A planned pair and what was found for it, newest first.

    ``of_other_code`` are the ids of attempts that do not count because they ran another code than ``runs.commit`` asks.
    """

    pair: Pair
    candidates: tuple[Attempt, ...]
    attempts: tuple[Attempt, ...]
    of_other_code: frozenset[str] = frozenset()

    @property
    def selected(self) -> Attempt | None:
        """The run that stands for the pair: the newest candidate."""
        return self.candidates[0] if self.candidates else None

    @property
    def counting(self) -> tuple[Attempt, ...]:
        """The attempts that could stand for the pair by their code."""
        return tuple(attempt for attempt in self.attempts if attempt.run_id not in self.of_other_code)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The plan, held against the attempts.

    ``places`` are the planned pairs that the options left, in plan order; ``planned`` counts those before
    narrowing. ``unexpected`` are finished runs of pairs that are not planned, also of excluded ones;
    ``unidentified`` are active runs without cell or seed. Of both, ``others`` counts those that evidence does not have.
    """

    places: tuple[Place, ...]
    planned: int
    unexpected: tuple[Attempt, ...]
    unidentified: tuple[Attempt, ...]
    others: Others = _NO_OTHERS

    @property
    def all_unidentified(self) -> int:
        """The number of active runs without cell or seed."""
        return len(self.unidentified) + sum(self.others.unidentified.values())

    @property
    def selected(self) -> tuple[tuple[Pair, Attempt], ...]:
        """The pairs that have a run, with it."""
        return tuple((place.pair, place.selected) for place in self.places if place.selected is not None)


def planned_pairs(policy: Policy, *, narrowed: bool = True) -> tuple[Pair, ...]:
    """Return the pairs that must have a run, in plan order, and with ``narrowed`` only those that the options left.

    Excluded pairs are not planned. Every cell of a plan with ``runs.seed: none`` is one pair.
    """
    pairs = [pair for pair in _all_pairs(policy) if not _is_excluded(policy, pair)]
    return tuple(pair for pair in pairs if not narrowed or _is_left(policy, pair))


def matrix_of(policy: Policy, evidence: Evidence) -> Matrix:
    """Return the plan, held against the attempts of the evidence."""
    return replace(select(policy, evidence.attempts, evidence.codes), others=evidence.others)


def select(
    policy: Policy, attempts: Iterable[Attempt], codes: Mapping[str, Code] = MappingProxyType({})
) -> Matrix:
    """Hold ``attempts`` against the plan.

    Only finished, active attempts that ``runs.where`` selects are candidates; every attempt at a planned pair is
    listed at its place, since a re-roll is seen, not hidden. What the options left out is neither planned nor
    unexpected.

    Args:
        policy: the plan, and which runs count.
        attempts: every attempt at a planned pair and every other active run, in any order, without preregistration
            runs: those are not attempts.
        codes: whether the attempts' commits have head's code. Under ``runs.commit: head`` and ``code`` an attempt of
            other code is not a candidate, and one whose code is unknown is one only where none has head's.

    """
    known = {
        pair.key for pair in _all_pairs(policy) if not (_is_left(policy, pair) and _is_excluded(policy, pair))
    }
    by_pair: dict[tuple[str, str | None], list[Attempt]] = defaultdict(list)
    unexpected, unidentified = [], []
    for attempt in attempts:
        key = identity(policy, attempt)
        if key is None:
            if attempt.lifecycle_stage == "active":
                unidentified.append(attempt)
        elif key in known:
            by_pair[key].append(attempt)
        elif is_candidate(attempt) and not _is_ignored(policy, attempt):
            unexpected.append(attempt)
    return Matrix(
        places=tuple(_place(policy, pair, by_pair[pair.key], codes) for pair in planned_pairs(policy)),
        planned=len(planned_pairs(policy, narrowed=False)),
        unexpected=tuple(sorted(unexpected, key=attempt_order)),
        unidentified=tuple(sorted(unidentified, key=attempt_order)),
    )


def is_candidate(attempt: Attempt) -> bool:
    """Return whether the attempt may stand for its pair."""
    return (
        attempt.status == "FINISHED"
        and attempt.lifecycle_stage == "active"
        and attempt.in_scope
        and not attempt.registered
    )


def identity(policy: Policy, attempt: Attempt) -> tuple[str, str | None] | None:
    """Return the cell and the seed (integers by value) that an attempt is at, None where it does not say."""
    if not attempt.cell:
        return None
    if policy.runs.seed_template.is_none:
        return attempt.cell, None
    return (attempt.cell, normal_seed(attempt.seed)) if attempt.seed else None


def lacks(policy: Policy, attempt: Attempt) -> Lack:
    """Return what an attempt does not say of the pair that it is at."""
    has_seed = bool(attempt.seed) or policy.runs.seed_template.is_none
    if attempt.cell:
        return "seed"
    return "cell" if has_seed else "cell and seed"


def attempt_order(attempt: Attempt) -> tuple[object, ...]:
    """Sort key: by cell, seed (integers by value), start, run id."""
    return attempt.cell or "", seed_order(attempt.seed or ""), attempt.start_time or 0, attempt.run_id


def code_of(attempt: Attempt, codes: Mapping[str, Code]) -> Code:
    """Return whether an attempt ran head's code; one with uncommitted changes ran what nobody knows."""
    if attempt.dirty or attempt.commit is None:
        return Code()
    return codes.get(attempt.commit, Code())


def _has_asked_code(policy: Policy, attempt: Attempt, codes: Mapping[str, Code]) -> Answer:
    """Return whether an attempt ran the code that ``runs.commit`` asks for."""
    code = code_of(attempt, codes)
    if policy.runs.commit == "code":
        return code.same_code
    if policy.runs.commit == "head" and code.by != "none":
        return Answer.YES if code.by == "equal" else Answer.NO
    return Answer.UNKNOWN


def _place(policy: Policy, pair: Pair, attempts: list[Attempt], codes: Mapping[str, Code]) -> Place:
    newest_first = sorted(
        attempts, key=lambda attempt: (attempt.start_time or 0, attempt.run_id), reverse=True
    )
    answers = {attempt.run_id: _has_asked_code(policy, attempt, codes) for attempt in newest_first}
    candidates = [attempt for attempt in newest_first if is_candidate(attempt)]
    best = [attempt for attempt in candidates if answers[attempt.run_id] is Answer.YES]
    unknown = [attempt for attempt in candidates if answers[attempt.run_id] is Answer.UNKNOWN]
    return Place(
        pair=pair,
        candidates=tuple(best or unknown),
        attempts=tuple(newest_first),
        of_other_code=frozenset(run_id for run_id, answer in answers.items() if answer is Answer.NO),
    )


def _all_pairs(policy: Policy) -> list[Pair]:
    if policy.runs.seed_template.is_none:
        return [Pair(cell, None) for cell in policy.plan.cells]
    return [
        Pair(name, seed)
        for name, cell in policy.plan.cells.items()
        for seed in (cell.seeds or policy.plan.seeds)
    ]


def _is_excluded(policy: Policy, pair: Pair) -> bool:
    return any(
        excluded.cell == pair.cell
        and pair.seed is not None
        and normal_seed(pair.seed) in map(normal_seed, excluded.seeds)
        for excluded in policy.plan.exclude
    )


def _is_left(policy: Policy, pair: Pair) -> bool:
    narrowed = policy.narrowed
    if narrowed is None:
        return True
    cell_left = narrowed.cells is None or pair.cell in narrowed.cells
    seed_left = narrowed.seeds is None or (
        pair.seed is not None and normal_seed(pair.seed) in map(normal_seed, narrowed.seeds)
    )
    return cell_left and seed_left


def _is_ignored(policy: Policy, attempt: Attempt) -> bool:
    return any(
        (ignored.cell is None or ignored.cell == attempt.cell)
        and (
            ignored.seed is None
            or (attempt.seed is not None and normal_seed(ignored.seed) == normal_seed(attempt.seed))
        )
        for ignored in policy.runs.ignore
    )
