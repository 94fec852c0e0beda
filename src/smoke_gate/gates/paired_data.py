"""G6: within a seed, every cell saw the same data."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from smoke_gate.gates.base import Case, Check, Gate, Judged, Outcome, Status, quoted
from smoke_gate.policy.model import PairedDataGate, SameFact
from smoke_gate.policy.terms import normal_seed, same_text, short

_HASH = re.compile(r"[0-9a-f]{16,64}")
_GROUPS = {"cell": "the runs of this cell", "seed": "the cells of this seed", "matrix": "the planned runs"}


def judge(case: Case) -> Outcome:
    """Look at the form of every split's hash, compare it across the cells of a seed, and across the splits of a run."""
    section = case.policy.gates.paired_data
    checks: list[Check] = []
    for split in section.splits:
        key = _key(section, split)
        checks += [_form(key, judged) for judged in case.judged]
        for runs in _groups(case.judged, "seed"):
            checks += _agreement(key, runs)
    for judged in case.judged:
        checks += _distinct(section, judged)
    for same in section.same:
        for runs in _groups(case.judged, same.within):
            checks += _same(same, runs)
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


# --- the hashes of the splits -----------------------------------------------------------------------------------------


def _form(key: str, judged: Judged) -> Check:
    value, asked = judged.run.params.get(key), "16 to 64 lower-case hex digits"
    status, message = Status.PASS, f"{key} is a hash."
    if not _is_hash(value):
        found = "missing" if value is None else quoted(value)
        fix = "Log it with smoke_gate.contract.log_data_hashes and run again."
        status, message = Status.FAIL, f"{key} is {found}, expected {asked}. {fix}"
    return judged.check("G6", "form", status, key, message, observed=value or "missing", expected=asked)


def _agreement(key: str, runs: Sequence[Judged]) -> Iterator[Check]:
    """Compare a split's hash across the cells of one seed. What is no hash has failed by its form."""
    hashes = [(judged, judged.run.params[key]) for judged in runs if _is_hash(judged.run.params.get(key))]
    yield from _compare("agreement", key, hashes, among=_GROUPS["seed"], fix="Train on the same data")


def _distinct(section: PairedDataGate, judged: Judged) -> Iterator[Check]:
    """Compare the splits of one run."""
    splits: dict[str, list[str]] = defaultdict(list)
    for key in (_key(section, split) for split in section.splits):
        value = judged.run.params.get(key)
        if value is not None and _is_hash(value):
            splits[value].append(key)
    shared = "; ".join(" = ".join(keys) for keys in splits.values() if len(keys) > 1)
    observed, asked = shared or f"{len(splits)} different hashes", "a hash of its own for each split"
    if shared:
        message = f"Splits have the same data: {shared}. Correct the split and run again."
        yield judged.check(
            "G6", "distinct", Status.FAIL, section.key, message, observed=observed, expected=asked
        )
    elif len(splits) > 1:
        message = f"The splits have {observed}."
        yield judged.check(
            "G6", "distinct", Status.PASS, section.key, message, observed=observed, expected=asked
        )


# --- other facts ------------------------------------------------------------------------------------------------------


def _same(same: SameFact, runs: Sequence[Judged]) -> Iterator[Check]:
    """Compare other facts in a group of runs; a fact that a run lacks is its failure, and the others are compared."""
    among = _GROUPS[same.within]
    for name in same.of:
        subject, facts = short(name), []
        for judged in runs:
            value = judged.attempt.commit if name == "commit" else judged.run.value(name)
            if value:
                facts.append((judged, value))
                continue
            message = f"{subject} is missing, so it cannot be compared among {among}. Log it and run again."
            yield judged.check(
                "G6", "same", Status.FAIL, subject, message, observed="missing", expected="present"
            )
        yield from _compare("same", subject, facts, among=among, fix=f"Use one {subject}")


# --- comparing --------------------------------------------------------------------------------------------------------


def _compare(
    kind: str, subject: str, facts: Sequence[tuple[Judged, str]], *, among: str, fix: str
) -> Iterator[Check]:
    """Yield a check for each run: it has the value of the largest group, or it fails; with no largest group all fail.

    A run alone is compared with nothing, which is no check.
    """
    if len(facts) < 2:
        return
    counts = Counter(_spelling(value) for _, value in facts)
    largest = counts.most_common(2)
    majority = None if len(largest) > 1 and largest[0][1] == largest[1][1] else largest[0][0]
    others = (
        f"{among} have {len(counts)} values and none is the most frequent"
        if majority is None
        else f"{counts[majority]} of {len(facts)} among {among} have {quoted(majority)}"
    )
    for judged, value in facts:
        status, message = Status.PASS, f"{subject} agrees among {among}."
        if _spelling(value) != majority:
            status, message = Status.FAIL, f"{subject} is {quoted(value)}, but {others}. {fix} and run again."
        asked = majority or "one value"
        yield judged.check("G6", kind, status, subject, message, observed=value, expected=asked)


def _spelling(value: str) -> str:
    """Return one spelling of values that are the same text."""
    return next((boolean for boolean in ("true", "false") if same_text(boolean, value)), value)


def _groups(runs: Iterable[Judged], within: str) -> list[list[Judged]]:
    """Return the runs that are compared with one another; without seeds, all cells are of one seed."""
    groups: dict[str | None, list[Judged]] = defaultdict(list)
    for judged in runs:
        seed = None if judged.pair.seed is None else normal_seed(judged.pair.seed)
        groups[{"cell": judged.pair.cell, "seed": seed, "matrix": None}[within]].append(judged)
    return list(groups.values())


def _is_hash(value: str | None) -> bool:
    return value is not None and _HASH.fullmatch(value) is not None


def _key(section: PairedDataGate, split: str) -> str:
    return section.key.replace("{split}", split)


GATE = Gate(id="G6", section="paired_data", title="Cells of a seed saw the same data", judge=judge)
