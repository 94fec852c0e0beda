"""How a matrix breaks that G6 should see: cells that saw other data."""

from smoke_gate.evidence import Evidence
from smoke_gate.gates.base import Case, LogMore, Mutation, Unbroken
from smoke_gate.gates.mutations.changes import (
    STALE_COMMIT,
    first,
    other_hash,
    two_cells,
    with_attempt,
    with_fact,
    with_param,
)
from smoke_gate.gates.paired_data import PairedDataSettings
from smoke_gate.message import say

_NO_HASH = Unbroken(
    say("No run logs the hash of its data."),
    LogMore("contract.log_data_hashes(train=train, val=val, test=test)"),
)


def _logged(case: Case) -> list[str]:
    return [
        key
        for key in case.settings(PairedDataSettings).keys
        if any(one.run.params.get(key) for one in case.judged)
    ]


def _other(case: Case) -> Evidence | Unbroken:
    """Give a run the data of another seed; where all seeds have the same data, data of its own."""
    for key in _logged(case):
        for one, other in two_cells(case):
            own = one.run.params.get(key)
            if own and other.run.params.get(key) == own:
                others = (run.run.params.get(key) for run in case.judged)
                another = next((text for text in others if text and text != own), other_hash(own))
                return with_param(case.evidence, one.run, key, another)
    return (
        Unbroken(say("No two cells of a seed log the hash of the same data.")) if _logged(case) else _NO_HASH
    )


def _lost(case: Case) -> Evidence | Unbroken:
    for key in _logged(case):
        for judged in case.judged:
            if judged.run.params.get(key):
                return with_param(case.evidence, judged.run, key, None)
    return _NO_HASH


def _one_split(case: Case) -> Evidence | Unbroken:
    keys = _logged(case)
    judged = first(case, lambda one: all(one.run.params.get(key) for key in keys))
    if len(keys) < 2 or judged is None:
        return Unbroken(say("No run logs the hashes of two splits.")) if keys else _NO_HASH
    return with_param(case.evidence, judged.run, keys[-1], judged.run.params[keys[0]])


def _not_the_same(case: Case) -> Evidence | Unbroken:
    if len(case.judged) < 2:
        return Unbroken(say("There is no second run to compare with."))
    for same in case.settings(PairedDataSettings).same:
        for name in same.of:
            for judged in case.judged:
                if name == "commit" and judged.attempt.commit:
                    return with_attempt(case.evidence, judged.attempt, commit=STALE_COMMIT)
                if name != "commit" and judged.run.value(name):
                    return with_fact(case.evidence, judged.run, name, "something else")
    return Unbroken(say("The policy names no other facts that must be the same (`paired_data.same`)."))


MUTATIONS = (
    Mutation(
        name="other_data", title="a run was trained on the data of another seed", change=_other, also=("G7",)
    ),
    Mutation(
        name="lost_data_hash",
        title="a run does not say on which data it was trained",
        change=_lost,
        also=("G7",),
    ),
    Mutation(
        name="one_split",
        title="a run was tested on the data that it was trained on",
        change=_one_split,
        also=("G7",),
    ),
    Mutation(
        name="not_the_same",
        title="a run differs in a fact that must be the same",
        change=_not_the_same,
        also=("G0", "G7"),
    ),
)
