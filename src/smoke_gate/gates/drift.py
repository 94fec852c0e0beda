"""Params that differ where they should not: between the seeds of a cell, or although the policy holds them constant."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from smoke_gate.gates.base import Case, Check, Judged, Status
from smoke_gate.gates.columns import Fact, by_cell
from smoke_gate.gates.comparison_settings import ComparisonSettings
from smoke_gate.gates.twins import named, subject_of
from smoke_gate.message import Message, between, say
from smoke_gate.text import counted, quoted

_MOST_SHOWN = 3  # values of one cell
_SEVERAL = 2  # keys in which one run differs: then the run is the finding


def drift_checks(
    case: Case, facts: Sequence[Fact], section: ComparisonSettings, status: Status
) -> Iterator[Check]:
    """Find params that differ between the seeds of a cell.

    Each key is a finding. Where one run alone differs in several keys, that run is the finding.
    """
    cells = by_cell(case.judged)
    undeclared = [fact for fact in facts if not _is_named(fact.key, section.varies)]
    keys_of_drift = drifting(undeclared, case.judged)
    drift = {fact.key: fact for fact in undeclared if fact.key in keys_of_drift}
    alone: dict[str, list[str]] = defaultdict(list)
    for key, fact in drift.items():
        if (run := _odd_one(fact, cells)) is not None:
            alone[run.run.run_id].append(key)
    together = {key for keys in alone.values() if len(keys) >= _SEVERAL for key in keys}
    for judged in case.judged:
        keys = alone.get(judged.run.run_id, [])
        if len(keys) >= _SEVERAL:
            yield _of_run(judged, [drift[key] for key in keys], status)
    for key, fact in drift.items():
        if key not in together:
            yield _of_key(fact, cells, status)


def drifting(facts: Sequence[Fact], judged: Sequence[Judged]) -> list[str]:
    """Return the keys of the facts that differ between the seeds of a cell."""
    cells = by_cell(judged)
    return [fact.key for fact in facts if any(_differs(fact, runs) for runs in cells.values())]


def constant_checks(
    case: Case, facts: Sequence[Fact], section: ComparisonSettings, status: Status
) -> Iterator[Check]:
    """Find params that the policy holds constant and that differ."""
    for fact in facts:
        if _is_named(fact.key, section.constant) and len(fact.distinct) > 1:
            message = say(
                "{key} must be the same in all runs, and is {values}. Run the others again, or take it out of "
                "`comparison.constant`.",
                key=fact.key,
                values=_by_value(fact, [one for one in case.judged if fact.of(one) is not None]),
            )
            yield Check(
                gate="G7", kind="constant", status=status, subject=fact.key, message=message,
                observed=", ".join(fact.distinct), expected="one value",
            )  # fmt: skip


def _is_named(key: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def _differs(fact: Fact, runs: Sequence[Judged]) -> bool:
    return len({fact.of(one) for one in runs} - {None}) > 1


def _odd_one(fact: Fact, cells: Mapping[str, Sequence[Judged]]) -> Judged | None:
    """Return the run that alone differs from the others of its cell; None where there is not just one."""
    odd: list[Judged] = []
    for runs in cells.values():
        having = [one for one in runs if fact.of(one) is not None]
        counts = Counter(fact.of(one) for one in having).most_common()
        if len(counts) > 1:
            if counts[0][1] == counts[1][1]:
                return None
            odd += [one for one in having if fact.of(one) != counts[0][0]]
    return odd[0] if len(odd) == 1 else None


def _of_run(judged: Judged, facts: Sequence[Fact], status: Status) -> Check:
    keys = [
        say("{key} {value}", key=fact.key, value=quoted(fact.values[judged.run.run_id])) for fact in facts
    ]
    message = say(
        "It alone differs from the other seeds of its cell in {count} params: {keys}. Run it again with the settings "
        "of the others, or name what may vary in `comparison.varies`.",
        count=len(facts),
        keys=between(", ", keys[:_MOST_SHOWN] + ([say("…")] if len(keys) > _MOST_SHOWN else [])),
    )
    return judged.check(
        "G7", "drift", status, judged.pair.subject, message, observed=", ".join(fact.key for fact in facts),
        expected="the params of the other seeds",
    )  # fmt: skip


def _of_key(fact: Fact, cells: Mapping[str, Sequence[Judged]], status: Status) -> Check:
    differing = [runs for runs in cells.values() if _differs(fact, runs)]
    runs = [one for same in differing for one in same if fact.of(one) is not None]
    message = say(
        "{key} differs between the seeds of {cells}: {values}. Run the odd ones again, or say that it may vary: "
        "`comparison.varies`.",
        key=fact.key,
        cells=", ".join(dict.fromkeys(one.pair.cell for one in runs)),
        values=_by_value(fact, runs),
    )
    return Check(
        gate="G7", kind="drift", status=status, subject=fact.key, message=message, observed=subject_of(runs),
        expected="one value a cell",
    )  # fmt: skip


def _by_value(fact: Fact, runs: Sequence[Judged]) -> Message:
    """Say which runs have which value, the rarest value first: that is most often the wrong one."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in runs:
        groups[fact.values[one.run.run_id]].append(one)
    rarest = sorted(groups.items(), key=lambda group: (len(group[1]), group[0]))
    shown = [say("{value} in {runs}", value=quoted(value), runs=named(same)) for value, same in rarest]
    more = len(shown) - _MOST_SHOWN
    rest = [say("{count}", count=say(counted(more, "more value")))] if more > 0 else []
    return between("; ", [*shown[:_MOST_SHOWN], *rest])
