"""The libraries and machines that the runs were made with: an odd one among them may have computed something else."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from smoke_gate.gates.base import Case, Check, Judged, Status
from smoke_gate.gates.columns import Fact
from smoke_gate.gates.twins import named, subject_of
from smoke_gate.message import between, say
from smoke_gate.vocabulary import ENVIRONMENT_PREFIX

_MOST_SHOWN = 3


def environment_checks(case: Case, tags: Sequence[Fact], status: Status) -> Iterator[Check]:
    """Compare the versions that runs state, each among the runs that state it."""
    found = stated_versions(case.judged, tags)
    for name in sorted({name for versions in found.values() for name in versions}):
        groups: dict[str, list[Judged]] = defaultdict(list)
        for one in case.judged:
            version = found[one.run.run_id].get(name)
            if version is not None:
                groups[version].append(one)
        if len(groups) > 1:
            yield _differing(name, groups, status)


def stated_versions(judged: Sequence[Judged], tags: Sequence[Fact]) -> Mapping[str, Mapping[str, str]]:
    """Return what each run states of its environment, by run id: in tags, and in the description of its models."""
    in_tags = {
        fact.key.removeprefix(ENVIRONMENT_PREFIX): fact
        for fact in tags
        if fact.key.startswith(ENVIRONMENT_PREFIX)
    }
    found: dict[str, dict[str, str]] = {}
    for one in judged:
        own = {name: version for model in one.run.models for name, version in model.versions.items()}
        own |= {name: text for name, fact in in_tags.items() if (text := fact.of(one)) is not None}
        found[one.run.run_id] = {name: _one_spelling(version) for name, version in own.items()}
    return found


def _one_spelling(version: str) -> str:
    """Return ``cuda`` for ``cuda:1``: which of several equal devices ran is not a difference."""
    return re.sub(r"^(cuda|gpu|mps|xpu):[0-9]+$", r"\1", version.strip(), flags=re.IGNORECASE)


def _differing(name: str, groups: Mapping[str, Sequence[Judged]], status: Status) -> Check:
    """Name the odd ones first: the versions that the fewest runs have."""
    rarest = sorted(groups.items(), key=lambda group: (len(group[1]), group[0]))
    *odd, (usual, others) = rarest
    shown = [
        say("{runs}: {name} {version}", runs=named(runs), name=name, version=version) for version, runs in odd
    ]
    message = say(
        "{odd}; the others ({count}): {usual}. Another version may compute something else: run these again with "
        "the version of the others.",
        odd=between("; ", shown[:_MOST_SHOWN]),
        count=len(others),
        usual=usual,
    )
    runs = [one for _, same in odd for one in same]
    return Check(
        gate="G7", kind="environment", status=status, subject=name, message=message, observed=subject_of(runs),
        expected=f"{name} {usual}",
    )  # fmt: skip
