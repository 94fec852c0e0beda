"""Every fact of the evidence, damaged in every way: from a matrix that passes, each damage worsens the verdict.

The facts are the fields of the evidence's dataclasses, and the entries of their mappings. What no gate covers is listed
by name in ``UNCOVERED``, with the reason. A new fact that is neither covered nor listed fails here.
"""

import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from types import MappingProxyType, NoneType
from typing import Any, get_type_hints

import pytest

from smoke_gate import evidence as model
from smoke_gate.evidence import Answer, Artifact, Evidence, Head, HeadFrom, LoggedModel, Others
from smoke_gate.verdict import VerdictStatus, evaluate
from tests.support.matrix import (
    COMMIT,
    MINUTE,
    figure,
    passing_matrix,
    passing_policy,
    run_id,
    sha256,
    with_ledger,
)

Path = tuple[str | int, ...]
DAY = 1440 * MINUTE
RUN, OTHER = 6, 4  # A3/42, and B1/123
POLICY = passing_policy(gates={"figures": {"files": ["figs/*.png"]}})


def full_matrix() -> Evidence:
    """Return evidence that passes and has every kind of fact that passing evidence can have."""
    plain = passing_matrix()
    runs = tuple(
        replace(
            run,
            models=(_model(run.run_id),),
            figures=(replace(run.figures[0], pixels=sha256(f"{run.run_id} seen")),),
            rows={"test demand": 668},
            last_step=6,
        )
        for run in plain.runs
    )
    return replace(
        with_ledger(plain, tags={"environment.gpu": "A100"}),
        runs=runs,
        head=Head(commit=COMMIT, origin=HeadFrom.PULL_REQUEST),
        others=Others(statuses={"FAILED": 3}, unidentified={"seed": 2}),
        files=(figure(run_id("A3/42"), "figs/paper.png"),),
    )


def _model(run: str) -> LoggedModel:
    weights = Artifact(
        path="model.safetensors", size=900, sha256=sha256(f"{run} tensors"), format="safetensors"
    )
    return LoggedModel(
        model_id=f"m-{run}",
        name="forecaster",
        status="READY",
        artifacts=(weights,),
        versions={"scikit-learn": "1.2.0"},
        requirements={"pandas": "2.2.0"},
    )


FULL = full_matrix()
# Of each dataclass one instance, and the same of another run where there is one.
PLACES: Mapping[str, tuple[Path, Path | None]] = {
    "Evidence": ((), None),
    "Head": (("head",), None),
    "Code": (("codes", COMMIT), None),
    "Others": (("others",), None),
    "Ledger": (("ledger",), None),
    "Column": (("ledger", "params", "learning_rate"), None),
    "Registration": (("registrations", 0), None),
    "Attempt": (("attempts", RUN), ("attempts", OTHER)),
    "Run": (("runs", RUN), ("runs", OTHER)),
    "Payload": (("runs", RUN, "payload"), None),
    "Artifact": (("runs", RUN, "checkpoints", 0), ("runs", OTHER, "checkpoints", 0)),
    "Globals": (("runs", RUN, "checkpoints", 0, "globals"), None),
    "Manifest": (("runs", RUN, "manifest"), ("runs", OTHER, "manifest")),
    "ManifestEntry": (
        ("runs", RUN, "manifest", "entries", "checkpoints/model.npz"),
        ("runs", OTHER, "manifest", "entries", "checkpoints/model.npz"),
    ),
    "LoggedModel": (("runs", RUN, "models", 0), ("runs", OTHER, "models", 0)),
    "Figure": (("runs", RUN, "figures", 0), ("runs", OTHER, "figures", 0)),
    "History": (("runs", RUN, "histories", "val_loss"), ("runs", OTHER, "histories", "val_loss")),
}
WITHOUT_A_PLACE = {"PolicyChange": "is a finding itself: a WARNING, whatever its words are"}


# --- places -----------------------------------------------------------------------------------------------------------


def at(whole: Any, path: Path) -> Any:
    """Return what stands at a place: fields by name, items by index or key."""
    for step in path:
        whole = getattr(whole, str(step)) if is_dataclass(whole) else whole[step]
    return whole


def put(whole: Any, path: Path, value: Any) -> Any:
    """Return the whole with another value at a place."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    inner = put(at(whole, (step,)), rest, value)
    if is_dataclass(whole) and not isinstance(whole, type):
        return replace(whole, **{str(step): inner})
    if isinstance(whole, Mapping):
        return {**whole, step: inner}
    return tuple(inner if index == step else item for index, item in enumerate(whole))


def without(whole: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in whole.items() if name != key}


# --- damages ----------------------------------------------------------------------------------------------------------


def damages(value: Any, annotation: Any, other: Any) -> Iterator[tuple[str, Any]]:
    """Yield what may become of one fact. Other types are refused when evidence is read, so a text stays a text."""
    if value is not None and NoneType in typing.get_args(annotation):
        yield "removed", None
    if isinstance(value, tuple | Mapping) and value:
        yield "removed", type(value)()
    if typing.get_origin(annotation) is typing.Literal:
        yield from (("another type", one) for one in typing.get_args(annotation) if one != value)
    elif isinstance(value, str) and not isinstance(value, Enum):
        yield from (
            ("empty", ""),
            ("NaN", "NaN"),
            ("another type", "[1, 2]"),
            ("look-alike", f"{value}\u200b"),
        )
    elif isinstance(value, Enum):
        yield from ((one.value, one) for one in type(value) if one is not value)
    elif isinstance(value, bool):
        yield "another type", not value
    elif isinstance(value, int):
        yield from (("another type", 0), ("late", value + 5000 * DAY))
    elif value in (None, ()):
        yield from (("another type", one) for one in _something(annotation))
    if other is not None and other != value:
        yield "another run's", other


def _something(annotation: Any) -> Iterator[Any]:
    """Yield a value for a fact that has none where all is well."""
    kinds = typing.get_args(annotation) or (annotation,)
    if str in kinds:
        yield ("pape",) if Ellipsis in kinds else "something"
    elif bool in kinds:
        yield True
    elif int in kinds:
        yield 5


def cases() -> Iterator[tuple[str, str, Evidence]]:
    """Yield each fact, with the name of a damage and the evidence that has it."""
    for kind, (place, other_place) in PLACES.items():
        hints = get_type_hints(getattr(model, kind))
        record, other = at(FULL, place), None if other_place is None else at(FULL, other_place)
        for name in (field.name for field in fields(record)):
            value, others = getattr(record, name), None if other is None else getattr(other, name)
            for damage, found in damages(value, hints[name], others):
                yield f"{kind}.{name}", damage, put(FULL, (*place, name), found)
            if isinstance(value, Mapping):
                yield from _entries(f"{kind}.{name}", (*place, name), value, others or {})


def _entries(
    name: str, place: Path, value: Mapping[str, Any], others: Mapping[str, Any]
) -> Iterator[tuple[str, str, Evidence]]:
    for key, entry in value.items():
        yield f"{name}[{key}]", "removed", put(FULL, place, without(value, key))
        if isinstance(entry, str | int):
            for damage, found in damages(entry, type(entry), others.get(key)):
                if not (name.endswith("metrics") and damage != "NaN" and not _is_number(found)):
                    yield f"{name}[{key}]", damage, put(FULL, (*place, key), found)


def _is_number(text: str) -> bool:
    """Return whether reading the evidence lets a metric have this text."""
    try:
        float(text)
    except ValueError:
        return False
    return True


TEXT = ("empty", "NaN", "another type", "look-alike")
ANY = ("removed", *TEXT, "another run's", "late")

# Fact: the damages that no gate sees, and why.
UNCOVERED: Mapping[str, tuple[tuple[str, ...], str]] = MappingProxyType(
    {
        "Evidence.as_of": (ANY, "the day of reading; reading evidence refuses what is not a day"),
        "Evidence.definition_sha256": (ANY, "counts only where the policy expects the definition of a file"),
        "Head.commit": (
            tuple(damage for damage in ANY if damage != "removed"),
            "`codes` say which commits have its code",
        ),
        "Head.origin": (
            tuple(HeadFrom),
            "decides how strictly an unknown code is judged, and here each one is known",
        ),
        "Code.by": (ANY, "says who answered; under `head` it counts whether the commit is head itself"),
        "Others.statuses": (ANY, "counts for people"),
        "Others.unexpected": (("another type",), "no run beyond those that are told is what passes"),
        "Others.statuses[FAILED]": (ANY, "counts for people"),
        "Others.unidentified[seed]": (ANY, "such runs are counted for people and not judged"),
        "Others.unidentified": (ANY, "such runs are counted for people and not judged"),
        "Others.looked_for": (("another type",), "is said in reports; the policy decides it"),
        "Ledger.params": (("removed",), "what runs do not say is not compared"),
        "Ledger.params[learning_rate]": (("removed",), "what runs do not say is not compared"),
        "Ledger.tags": (("removed",), "what runs do not say is not compared"),
        "Ledger.tags[environment.gpu]": (("removed",), "what runs do not say is not compared"),
        "Registration.run_id": (ANY, "a name for people, and for `expected: {run_id: …}`"),
        "Registration.run_name": (ANY, "a name for people, and for `expected: {run_name: …}`"),
        "Registration.start_time": (("another type",), "an earlier start is as good"),
        "Registration.end_time": (("another type",), "an earlier end is as good"),
        "Registration.prior_sha256": (
            ANY,
            "the first link of a chain may name one that is not there any more",
        ),
        "Registration.reason": (ANY, "words for people"),
        "Registration.commit": (ANY, "counts only under `require_ancestor`"),
        "Registration.policy_sha256": (ANY, "is shown; a policy may be completed after the registration"),
        "Registration.other_keys": (ANY, "explains a key that is missing, and here it is there"),
        "Attempt.run_name": (ANY, "a name for people; the cell and the seed are read from it before"),
        "Attempt.start_time": (("late", "another run's"), "the only candidate of its pair needs no order"),
        "Attempt.end_time": (ANY, "tells the age of the matrix; metrics after it are `Run.late`"),
        "Attempt.dirty": (("removed",), "a store without the tag does not say; it is asked for by nothing"),
        "Attempt.experiment_id": (ANY, "a link for people"),
        "Attempt.parent": (ANY, "a name for people"),
        "Run.params[cell]": (ANY, "the cell of the attempt counts"),
        "Run.params[seed]": (ANY, "the seed of the attempt counts"),
        "Run.metrics[pape]": (("another run's",), "two runs may share one value by chance"),
        "Run.histories": (("removed",), "no rule of this policy picks from a history"),
        "Run.histories[train_loss]": (("removed",), "no rule of this policy picks from a history"),
        "Run.histories[val_loss]": (("removed",), "no rule of this policy picks from a history"),
        "Run.payload": (("removed",), "a run may leave it out: the registration has it"),
        "Run.rows": (("removed",), "what a run does not say is not compared"),
        "Run.rows[test demand]": (("removed",), "what a run does not say is not compared"),
        "Run.last_step": (
            ("removed", "late"),
            "a run without steps says nothing, and only a shorter one is short",
        ),
        "Run.models": (("removed",), "the run has a checkpoint beside the model, and one is asked for"),
        "Run.after_registration": (tuple(Answer), "counts only under `require_ancestor`"),
        "Payload.source": (ANY, "says where it was logged; both places are good"),
        "Payload.length": (ANY, "tells a text that was cut from one that is wrong, and here it is right"),
        "Payload.text_sha256": (("NaN", "another type", "look-alike"), "the canonical form gives the hash"),
        "Artifact.size": (("removed",), "the bytes were read, and their hash is that of the manifest"),
        "Artifact.holds": (
            ("removed", "numbers", "object"),
            "a format that is not parsed is not failed for it",
        ),
        "Artifact.content": (ANY, "tells weights apart, as their bytes do"),
        "Artifact.structure_only": (ANY, "speaks of files that were not read, and here each was"),
        "Run.unmatched": (ANY, "only names files where there are no checkpoints"),
        "LoggedModel.versions": (("removed",), "what a model does not say is not compared"),
        "LoggedModel.versions[scikit-learn]": (("removed",), "what a model does not say is not compared"),
        "LoggedModel.requirements": (ANY, "they are for a note"),
        "LoggedModel.requirements[pandas]": (ANY, "they are for a note"),
        "LoggedModel.data": (ANY, "what is named and not there is in `absent`"),
        "Artifact.format": (TEXT, "the probe chooses the word; whether there is one is what counts"),
        "LoggedModel.model_id": (ANY, "a name for people"),
        "LoggedModel.name": (ANY, "a name for people"),
        "Figure.sha256": (ANY, "the pixels tell figures apart"),
        "Figure.pixels": (("removed", *TEXT), "a very large figure has none; then its bytes tell it apart"),
        "Run.damaged": (("removed",), "it only says why something is missing, and what is missing fails"),
        "History.length": (ANY, "a number for people"),
        "History.first": (ANY, "no rule of this policy picks from a history"),
        "History.smallest": (
            ("empty", "another type", "look-alike", "another run's"),
            "no rule of this policy picks from a history",
        ),
        "History.largest": (ANY, "no rule of this policy picks from a history"),
        "History.sha256": (ANY, "tells two readings of a store apart"),
    }
)


def status_of(evidence: Evidence) -> VerdictStatus:
    return evaluate(POLICY, evidence).status


CASES = list(cases())


def test_the_whole_passes():
    assert status_of(FULL) is VerdictStatus.ALL_PASS


def test_every_kind_of_fact_has_a_place():
    kinds = {name for name, value in vars(model).items() if isinstance(value, type) and is_dataclass(value)}
    assert kinds == {*PLACES, *WITHOUT_A_PLACE}


@pytest.mark.parametrize(
    ("fact", "damage", "evidence"), CASES, ids=[f"{fact} {damage}" for fact, damage, _ in CASES]
)
def test_a_damaged_fact_worsens_the_verdict(fact: str, damage: str, evidence: Evidence):
    """spec: looked-or-not-passed"""
    unseen, reason = UNCOVERED.get(fact, ((), "it must worsen the verdict"))
    assert (status_of(evidence) is VerdictStatus.ALL_PASS) is (damage in unseen), reason


def test_only_facts_are_listed():
    assert UNCOVERED.keys() <= {fact for fact, _, _ in CASES}
