"""Runs that have the same weights: one was not trained, was copied, or was overwritten by another."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from smoke_gate.gates.base import Case, Check, Judged, Status
from smoke_gate.gates.twins import named, subject_of, surprising
from smoke_gate.gates.weights import WeightsFile, contents_of
from smoke_gate.message import say

Weights = Mapping[str, Sequence[WeightsFile]]
"""The weights of the judged runs, by run id."""

_COPIED = (
    ": a run was not trained, was copied, or was overwritten by another before it was logged. Train each into a file "
    "of its own. If they are meant to be equal, say so by `deterministic` or `same_as`."
)
_COPIED_PART = (
    ", beside other weights that differ: one run has a file of another, or it is a part that their training does not "
    "change, such as an encoder, the first weights or a split of the data. Log such a part outside of `paths`."
)


def equal_weights(case: Case, weights: Weights) -> Iterator[Check]:
    """Find runs that share weights.

    A run that shares all of them was not trained by itself. A file that some runs share and another run does not have
    was copied. A file that all runs share beside others that differ is a part that training does not change.
    """
    holders = _holders(case, weights)
    groups = {content: surprising(case.policy, list(same)) for content, same in holders.items()}
    shared = {(judged.run.run_id, content) for content, group in groups.items() for judged in group}
    wholly = {
        run_id
        for run_id, files in weights.items()
        if files and all((run_id, file.content) in shared for file in files)
    }
    trained = sum(map(bool, weights.values()))
    found: dict[tuple[bool, tuple[str, ...]], list[str]] = defaultdict(list)
    for content, group in groups.items():
        ids = tuple(judged.run.run_id for judged in group)
        is_part = len(holders[content]) == trained and wholly.isdisjoint(ids)
        if ids:
            found[is_part, ids].append(content)
    for (is_part, ids), contents in found.items():
        paths = sorted(_path(weights[ids[0]], content) for content in contents)
        group = groups[contents[0]]
        yield _frozen(paths) if is_part else _duplicate(group, paths, differ=wholly.isdisjoint(ids))


def equal_attempts(case: Case, weights: Weights) -> Iterator[Check]:
    """Find runs whose weights are all equal to those of another attempt at the same pair."""
    places = {place.pair: place for place in case.matrix.places}
    for judged in case.judged:
        own = contents_of(weights[judged.run.run_id])
        if not own or case.policy.plan.cells[judged.pair.cell].deterministic:
            continue
        for attempt in places[judged.pair].attempts:
            if attempt != judged.attempt and attempt.weights == own:
                message = say(
                    "Its weights are those of another attempt at this pair, {run_id}: the same training gave the "
                    "same result again, or it was not trained and an earlier result was logged once more. Find out "
                    "which. Where training repeats itself to the last bit, mark the cell `deterministic`.",
                    run_id=attempt.run_id,
                )
                yield judged.check(
                    "G3", "duplicate", Status.WARNING, min(own), message, observed=attempt.run_id,
                    expected="its own weights",
                )  # fmt: skip
                break


def _holders(case: Case, weights: Weights) -> Mapping[str, Sequence[Judged]]:
    """Return the runs that have a content, each once."""
    found: dict[str, list[Judged]] = defaultdict(list)
    for judged in case.judged:
        for content in sorted(
            {file.content for file in weights[judged.run.run_id] if file.content is not None}
        ):
            found[content].append(judged)
    return found


def _path(files: Sequence[WeightsFile], content: str) -> str:
    """Return the first file of a run with a content."""
    return next(file.path for file in files if file.content == content)


def _duplicate(group: Sequence[Judged], paths: Sequence[str], *, differ: bool) -> Check:
    """Warn of shared weights. ``differ`` says that each of the runs has other weights of its own."""
    same = say(
        "{runs} have the same weights in {path}{more}",
        runs=named(group),
        path=paths[0],
        more=say("") if len(paths) == 1 else say(" and {count} more", count=len(paths) - 1),
    )
    message = say("{same}" + (_COPIED_PART if differ else _COPIED), same=same)
    return group[0].check(
        "G3",
        "duplicate",
        Status.WARNING,
        paths[0],
        message,
        observed=subject_of(group),
        expected="its own weights",
    )


def _frozen(paths: Sequence[str]) -> Check:
    message = say(
        "All runs have the same {path}{more}, beside other weights that differ: a part that training does not change.",
        path=paths[0],
        more=say("") if len(paths) == 1 else say(" and {count} more", count=len(paths) - 1),
    )
    return Check(gate="G3", kind="duplicate", status=Status.SKIPPED, subject=paths[0], message=message)
