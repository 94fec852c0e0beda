"""Differences between cells that the plan does not name: notes of G7, for people to read."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from smoke_gate.gates.base import Case, Check, CheckTable, Judged, Status
from smoke_gate.gates.columns import Fact, by_cell
from smoke_gate.gates.comparison_settings import ComparisonSettings
from smoke_gate.gates.environment import stated_versions
from smoke_gate.message import Message, say
from smoke_gate.text import counted, listed

_MOST_NAMED = 5
_TAGS = ("mlflow.user", "mlflow.source.name", "mlflow.source.git.commit", "git_commit", "host", "hostname")


def ledger_notes(
    case: Case, everything: Sequence[Fact], facts: Sequence[Fact], tags: Sequence[Fact]
) -> list[Check]:
    """Return what is known and is not a finding.

    Args:
        case: The runs and the policy.
        everything: All params of the runs.
        facts: The params that are compared between runs.
        tags: All tags of the runs.

    """
    return [
        *_differences(facts, by_cell(case.judged)),
        *_aliased(tags, by_cell(case.judged)),
        *_requirements(case, tags),
        *_unmatched(case, everything),
    ]


def _differences(facts: Sequence[Fact], cells: Mapping[str, Sequence[Judged]]) -> Iterator[Check]:
    """Note the params that have one value in each cell, and not the same in all."""
    found = [fact for fact in facts if _splits(fact, cells)]
    if found:
        message = say(
            "{count} between cells, and the plan does not say so: {keys}. The comparison is of these too. "
            "Name them in `expect` of the cells if they are meant.",
            count=say(counted(len(found), "param differs", "params differ")),
            keys=_named(found),
        )
        yield _note("differences", message, _table("param", found, cells))


def _aliased(tags: Sequence[Fact], cells: Mapping[str, Sequence[Judged]]) -> Iterator[Check]:
    """Note the tags that go with the cell: commit, user, host."""
    found = [fact for fact in tags if fact.key in _TAGS and _splits(fact, cells)]
    if found:
        message = say(
            "{count} with the cell: {keys}. Nobody can tell the effect of the one from that of the other.",
            count=say(counted(len(found), "tag goes", "tags go")),
            keys=_named(found),
        )
        yield _note("aliased", message, _table("tag", found, cells))


def _requirements(case: Case, tags: Sequence[Fact]) -> Iterator[Check]:
    """Note packages of which the models' ``requirements.txt`` ask for several versions.

    Such a file says what is to be installed, not what ran. So it is a note, and only where no run states what ran.
    """
    stated = {name for versions in stated_versions(case.judged, tags).values() for name in versions}
    asked = {
        one.run.run_id: {name: text for model in one.run.models for name, text in model.requirements.items()}
        for one in case.judged
    }
    names = sorted({name for own in asked.values() for name in own} - stated)
    facts = [Fact(name, {run: own[name] for run, own in asked.items() if name in own}) for name in names]
    found = [fact for fact in facts if len(fact.distinct) > 1]
    if found:
        message = say(
            "The `requirements.txt` of the models ask for several versions of {names}. "
            "Log what ran with `contract.log_environment`.",
            names=_named(found),
        )
        yield _note("requirements", message, _table("package", found, by_cell(case.judged)))


def _unmatched(case: Case, params: Sequence[Fact]) -> Iterator[Check]:
    """Note patterns of the policy that mean nothing that the runs log."""
    section = case.settings(ComparisonSettings)
    keys = {fact.key for fact in params}
    metrics = {name for one in case.judged for name in one.run.metrics}
    for key, patterns, names in (
        ("varies", section.varies, keys),
        ("constant", section.constant, keys),
        ("proportion", section.proportion, metrics),
    ):
        if lost := [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)]:
            message = say(
                "`comparison."
                + key
                + "` names {names}, which no run logs. Correct the name, or take it out.",
                names=", ".join(lost),
            )
            yield _note(key, message)


def _note(subject: str, message: Message, table: CheckTable | None = None) -> Check:
    return Check(
        gate="G7", kind="ledger", status=Status.SKIPPED, subject=subject, message=message, table=table
    )


def _splits(fact: Fact, cells: Mapping[str, Sequence[Judged]]) -> bool:
    """Return whether a fact has one value in each cell that has it, and not the same in all."""
    values = [{fact.of(one) for one in runs} - {None} for runs in cells.values()]
    return all(len(own) <= 1 for own in values) and len(set().union(*values)) > 1


def _named(facts: Sequence[Fact]) -> str:
    keys = [fact.key for fact in facts[:_MOST_NAMED]]
    rest = [f"{len(facts) - _MOST_NAMED} more"] if len(facts) > _MOST_NAMED else []
    return listed([*keys, *rest])


def _table(what: str, facts: Sequence[Fact], cells: Mapping[str, Sequence[Judged]]) -> CheckTable:
    """Return a row for each value of each fact, with the cells that have it; the rarest value comes first."""
    rows = []
    for fact in facts:
        having: dict[str, list[str]] = defaultdict(list)
        for cell, runs in cells.items():
            for value in sorted({text for one in runs if (text := fact.of(one)) is not None}):
                having[value].append(cell)
        rows += [
            (fact.key, value, ", ".join(found))
            for value, found in sorted(having.items(), key=lambda one: len(one[1]))
        ]
    return CheckTable((what, "value", "cells"), tuple(rows))
