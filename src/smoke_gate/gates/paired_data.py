"""G6: within a seed, every cell saw the same data."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import field_validator

from smoke_gate.gates.base import (
    Case,
    Check,
    Defaults,
    Explanation,
    Gate,
    Judged,
    Mutation,
    Outcome,
    Status,
    instead,
)
from smoke_gate.gates.needs import Needs, facts, params
from smoke_gate.gates.profiles import OFF_IN_BASIC, is_basic
from smoke_gate.gates.proposal import Proposal, RunShape, Seen
from smoke_gate.message import Message, say
from smoke_gate.policy.fields import Facts, Names, Section, Text, refused
from smoke_gate.policy.model import Policy
from smoke_gate.policy.settings import SWITCH_IT_OFF, ThresholdSettings
from smoke_gate.policy.terms import is_placeholder, same_text, short

_HASH = re.compile(r"[0-9a-f]{16,64}")
_A_HASH = say("16 to 64 lower-case hex digits")
_GROUPS = {
    "cell": say("the runs of this cell"),
    "seed": say("the cells of this seed"),
    "matrix": say("the planned runs"),
}

# --- the policy -------------------------------------------------------------------------------------------------------


class SameFact(Section):
    """Facts that must agree within a group of runs."""

    of: Facts
    """Params, tags, or `commit`."""
    within: Literal["cell", "seed", "matrix"]
    """Which runs are compared with one another: those of a `cell`, those of a `seed`, or all of the `matrix`."""


class PairedDataSettings(ThresholdSettings):
    """G6: within a seed, all cells saw the same data."""

    key: Text = "{split}_data_hash"
    """The param that holds a split's hash."""
    splits: Names = ("train", "val", "test")
    """The splits."""
    same: tuple[SameFact, ...] = ()
    """Other facts that must agree."""

    @field_validator("key")
    @classmethod
    def _names_the_split(cls, value: str) -> str:
        if "{split}" not in value:
            raise ValueError("`key` must contain {split}, or every split has the same hash")
        return value

    def asserts_something(self) -> None:
        """Refuse an empty list of splits."""
        if not self.splits:
            raise refused("splits", SWITCH_IT_OFF)

    @property
    def keys(self) -> tuple[str, ...]:
        """The param of each split, in order."""
        return tuple(self.key.replace("{split}", split) for split in self.splits)


def _defaults(policy: Mapping[str, Any]) -> Iterable[Defaults]:
    return (OFF_IN_BASIC,) if is_basic(policy) else ()


def _needs(policy: Policy) -> Needs:
    settings = policy.settings(PairedDataSettings)
    return params(settings.keys) | facts(name for same in settings.same for name in same.of)


# --- judging ----------------------------------------------------------------------------------------------------------


def judge(case: Case) -> Outcome:
    """Look at the form of every split's hash, compare it across the cells of a seed, and across the splits of a run."""
    settings = case.settings(PairedDataSettings)
    checks: list[Check] = []
    for key in settings.keys:
        checks += [_form(key, judged) for judged in case.judged]
        for runs in _groups(case.judged, "seed"):
            checks += _agreement(key, runs)
    for judged in case.judged:
        checks += _distinct(settings, judged)
    for same in settings.same:
        for runs in _groups(case.judged, same.within):
            checks += _same(same, runs)
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


def _form(key: str, judged: Judged) -> Check:
    value = judged.run.params.get(key)
    status, message = Status.PASS, say("{key} is a hash.", key=key)
    if not _is_hash(value):
        found = say("missing") if value is None else say("{value!r}", value=value)
        status = Status.FAIL
        message = say(
            "{key} is {found}{have}, expected {form}. Log it with smoke_gate.contract.log_data_hashes and run again.",
            key=key,
            found=found,
            form=_A_HASH,
            have=instead(judged, f"params.{key}"),
        )
    return judged.check("G6", "form", status, key, message, observed=value or "missing", expected=_A_HASH)


def _agreement(key: str, runs: Sequence[Judged]) -> Iterator[Check]:
    """Compare a split's hash across the cells of one seed. A value that is not a hash has failed by its form."""
    hashes = [(judged, judged.run.params[key]) for judged in runs if _is_hash(judged.run.params.get(key))]
    fix = say("Train on the same data and run again.")
    yield from _compare("agreement", key, hashes, among=_GROUPS["seed"], fix=fix)


def _distinct(settings: PairedDataSettings, judged: Judged) -> Iterator[Check]:
    """Compare the splits of one run."""
    splits: dict[str, list[str]] = defaultdict(list)
    for key in settings.keys:
        value = judged.run.params.get(key)
        if value is not None and _is_hash(value):
            splits[value].append(key)
    shared = "; ".join(" = ".join(keys) for keys in splits.values() if len(keys) > 1)
    observed, asked = shared or f"{len(splits)} different hashes", "a hash of its own for each split"
    if shared:
        message = say("Splits have the same data: {shared}. Correct the split and run again.", shared=shared)
        status = Status.FAIL
    elif len(splits) > 1:
        message, status = say("The splits have {count} different hashes.", count=len(splits)), Status.PASS
    else:
        return
    yield judged.check(
        "G6", "distinct", status, ", ".join(settings.keys), message, observed=observed, expected=asked
    )


def _same(same: SameFact, runs: Sequence[Judged]) -> Iterator[Check]:
    """Compare other facts in a group of runs; a fact that a run lacks is its failure, and the others are compared."""
    among = _GROUPS[same.within]
    for name in same.of:
        subject, found = short(name), []
        for judged in runs:
            value = judged.attempt.commit if name == "commit" else judged.run.value(name)
            if value:
                found.append((judged, value))
                continue
            message = say(
                "{subject} is missing, so it cannot be compared among {among}. Log it and run again.",
                subject=subject,
                among=among,
            )
            yield judged.check(
                "G6", "same", Status.FAIL, subject, message, observed="missing", expected="present"
            )
        fix = say("Use one {subject} and run again.", subject=subject)
        yield from _compare("same", subject, found, among=among, fix=fix)


# --- comparing --------------------------------------------------------------------------------------------------------


def _compare(
    kind: str, subject: str, values: Sequence[tuple[Judged, str]], *, among: Message, fix: Message
) -> Iterator[Check]:
    """Yield a check for each run: it has the value of the largest group, or it fails; with no largest group all fail.

    A single run has nothing to compare with, so no check is made.
    """
    if len(values) < 2:
        return
    counts = Counter(_spelling(value) for _, value in values)
    largest = counts.most_common(2)
    majority = None if len(largest) > 1 and largest[0][1] == largest[1][1] else largest[0][0]
    if majority is None:
        others = say(
            "{among} have {count} values and none is the most frequent", among=among, count=len(counts)
        )
    else:
        others = say(
            "{count} of {all} among {among} have {majority!r}",
            among=among,
            count=counts[majority],
            all=len(values),
            majority=majority,
        )
    for judged, value in values:
        status, message = Status.PASS, say("{subject} agrees among {among}.", subject=subject, among=among)
        if _spelling(value) != majority:
            status = Status.FAIL
            message = say(
                "{subject} is {value!r}, but {others}. {fix}",
                subject=subject,
                value=value,
                others=others,
                fix=fix,
            )
        asked = majority or "one value"
        yield judged.check("G6", kind, status, subject, message, observed=value, expected=asked)


def _spelling(value: str) -> str:
    """Return one spelling of values that are the same text."""
    return next((boolean for boolean in ("true", "false") if same_text(boolean, value)), value)


def _groups(runs: Iterable[Judged], within: str) -> list[list[Judged]]:
    """Return the groups of runs that are compared with one another; runs without seeds are one group."""
    groups: dict[str | None, list[Judged]] = defaultdict(list)
    for judged in runs:
        cell, seed = judged.pair.key
        groups[{"cell": cell, "seed": seed, "matrix": None}[within]].append(judged)
    return list(groups.values())


def _is_hash(value: str | None) -> bool:
    return value is not None and _HASH.fullmatch(value) is not None and not is_placeholder(value)


# --- init -------------------------------------------------------------------------------------------------------------


def _propose(seen: Seen) -> Proposal:
    default = PairedDataSettings()
    form, splits = next(_hash_forms(seen.in_most(_hashes)), (default.key, ()))
    keys = [form.replace("{split}", split) for split in splits]
    settings: dict[str, object] = {"key": form} if form != default.key else {}
    if splits and splits != default.splits:
        settings["splits"] = splits
    found = seen.how_many_log(lambda run: _hashes(run) >= {*keys}, ", ".join(keys))
    log = "contract.log_data_hashes(train=train, val=val, test=test)  # the arrays, before scaling"
    return Proposal(
        found=found if splits else "most runs log no data hashes",
        settings=settings,
        to_log=() if splits else (log,),
    )


def _hashes(run: RunShape) -> set[str]:
    """Return the params that look like a hash."""
    return {key for key, value in run.params.items() if _HASH.fullmatch(value)}


def _hash_forms(hashes: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the params that hold a hash a split: their common form, and the splits."""
    for key in (key for key in hashes if "train" in key):
        form = key.replace("train", "{split}", 1)
        splits = tuple(
            split for split in ("train", "val", "test") if form.replace("{split}", split) in hashes
        )
        if len(splits) > 1:
            yield form, splits


def _mutations() -> Sequence[Mutation]:
    from smoke_gate.gates.mutations.paired_data import MUTATIONS

    return MUTATIONS


GATE = Gate(
    id="G6",
    section="paired_data",
    title="Cells of a seed saw the same data",
    short_title="Data",
    settings=PairedDataSettings,
    judge=judge,
    needs=_needs,
    defaults=_defaults,
    propose=_propose,
    mutations=_mutations,
    read_from="the run's facts: {}",
    explanation=Explanation(
        question="Did all cells of a seed see the same data?",
        checks=(
            "The hash of every split is there: 16 to 64 lower-case hex digits.",
            (
                "Within a seed all cells have the same hash of a split. The runs outside the largest group that agrees "
                "fail; all of them, where no group is the largest."
            ),
            "Two splits of one run differ.",
            "`same` asks the same of other params, tags or the commit, within a cell, a seed or the matrix.",
        ),
        example="train_data_hash is missing, expected 16 to 64 lower-case hex digits. Log it with "
        "smoke_gate.contract.log_data_hashes and run again.",
        fix="Hash the arrays that training really gets with `smoke_gate.contract.data_hash` and log them with "
        "`log_data_hashes`. Where a cell differs, look for its own shuffling, filter or cache, and run it again.",
    ),
)
