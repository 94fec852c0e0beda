"""G3: checkpoints are there, intact, harmless, and each run's own."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Artifact, Evidence, Globals, LoggedModel, Manifest, ManifestEntry
from smoke_gate.gates.base import Check, Outcome, Status
from smoke_gate.gates.checkpoints import GATE, MANIFEST
from smoke_gate.policy.model import DEFAULT_MAX_BYTES
from tests.support.matrix import (
    CELLS,
    SEEDS,
    ask,
    checkpoint,
    not_passed,
    passing_matrix,
    run_id,
    sha256,
    with_run,
)

PATH = "checkpoints/model.npz"
RUN = run_id("A3/42")
BIG = 2**40


def found(outcome: Outcome) -> list[tuple[str | None, str, str, Status]]:
    """Return what did not pass: run, kind, subject and status."""
    return [(check.run_id, check.kind, check.subject, check.status) for check in not_passed(outcome)]


def with_checkpoint(**facts: Any) -> Evidence:
    """Return a matrix whose run A3/42 has a changed checkpoint, and no run a manifest."""
    evidence = without_manifests(passing_matrix())
    return with_run(evidence, "A3/42", checkpoints=(checkpoint(RUN, **facts),))


def without_manifests(evidence: Evidence) -> Evidence:
    """Take all manifests away."""
    return replace(evidence, runs=tuple(replace(run, manifest=None) for run in evidence.runs))


def bare(evidence: Evidence) -> Evidence:
    """Take checkpoints and manifests away."""
    return replace(evidence, runs=tuple(replace(run, manifest=None, checkpoints=()) for run in evidence.runs))


def model(**facts: Any) -> LoggedModel:
    """Return a LoggedModel as MLflow makes them: a description and weights."""
    files = (
        Artifact(path="MLmodel", size=500, sha256=sha256("description")),
        Artifact(path="data/model.pkl", size=900, sha256=sha256(f"{RUN} weights"), format="pickle"),
    )
    return replace(LoggedModel(model_id="m-1", name="forecaster", status="READY", artifacts=files), **facts)


def settings(**keys: Any) -> dict[str, Any]:
    """Return the policy's gates with these keys of the section."""
    return {"checkpoints": keys}


def only(outcome: Outcome) -> Check:
    """Return the only check that is no PASS."""
    (check,) = not_passed(outcome)
    return check


# --- how many ---------------------------------------------------------------------------------------------------------


def test_a_good_matrix_passes_with_a_count_a_checkpoint_and_a_manifest_entry_for_each_run():
    outcome = ask(GATE, passing_matrix())
    of_one_run = sorted((check.kind, check.subject) for check in outcome.checks if check.run_id == RUN)
    assert found(outcome) == []
    assert of_one_run == [("checkpoint", PATH), ("count", "checkpoints"), ("manifest", PATH)]
    assert (outcome.expected, outcome.evaluated, outcome.skipped) == (12, 12, None)


@pytest.mark.parametrize(
    ("paths", "min_count", "fails"),
    [
        (["checkpoints/*.npz"], 1, False),
        (["checkpoints/*.npz"], 2, True),
        (["checkpoints/*.pt"], 1, True),
        (["checkpoints/*.pt", "checkpoints/**"], 1, False),
        (["*.npz"], 1, True),  # stays in a path segment
        (["**/*.npz"], 1, False),
    ],
)
def test_a_run_with_fewer_checkpoints_than_asked_fails(paths, min_count, fails):
    outcome = ask(GATE, without_manifests(passing_matrix()), gates=settings(paths=paths, min_count=min_count))
    failing = {
        check.run_id for check in not_passed(outcome) if check.kind == "count" and check.status is Status.FAIL
    }
    assert len(failing) == (12 if fails else 0)


@pytest.mark.parametrize(
    ("left", "gone"), [({}, True), ({"figures": passing_matrix().runs[0].figures}, False)]
)
def test_a_run_of_which_nothing_is_left_may_have_lost_its_folder(left, gone):
    evidence = with_run(
        without_manifests(passing_matrix()), "A3/42", **{"checkpoints": (), "figures": (), **left}
    )
    message = only(ask(GATE, evidence)).message
    assert "Log them with smoke_gate.contract.log_checkpoint and run again." in message
    assert ("its artifact folder does not exist any more" in message) is gone


def test_the_manifest_is_no_checkpoint():
    listing = Artifact(path=MANIFEST, size=200, sha256=sha256("manifest"))
    evidence = with_run(without_manifests(passing_matrix()), "A3/42", checkpoints=(listing,))
    assert found(ask(GATE, evidence)) == [(RUN, "count", "checkpoints", Status.FAIL)]


def test_artifacts_that_could_not_be_read_fail_with_the_reason():
    evidence = with_run(
        passing_matrix(),
        "A3/42",
        checkpoints=(),
        manifest=None,
        artifacts_problem="there is no folder gone/artifacts",
    )
    check = only(ask(GATE, evidence))
    assert (check.run_id, check.kind, check.status) == (RUN, "count", Status.FAIL)
    assert "there is no folder gone/artifacts" in check.message


# --- each checkpoint --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "status", "says"),
    [
        ({"problem": "is cut off"}, Status.FAIL, "is cut off"),
        ({"problem": "is cut off", "sha256": None, "size": BIG}, Status.FAIL, "is cut off"),
        (
            {"unread": "it has more opcodes"},
            Status.FAIL,
            "Too long to be scanned whole: it has more opcodes",
        ),
        ({"size": 0}, Status.FAIL, "empty"),
        ({"globals": Globals(dangerous=("os.system",))}, Status.FAIL, "os.system"),
        ({"globals": Globals(dangerous=("os.system",), unknown=("mine.Net",))}, Status.FAIL, "os.system"),
        (
            {"globals": Globals(unknown=("mine.Net", "mine.Layer"))},
            Status.WARNING,
            '["mine.Net", "mine.Layer"]',
        ),
        ({"format": None}, Status.WARNING, "no known format"),
        ({"sha256": None, "format": None, "size": BIG}, Status.WARNING, "max_bytes"),
        ({"sha256": None}, Status.FAIL, "not read"),
        ({"sha256": None, "size": None}, Status.FAIL, "not read"),
        ({"sha256": None, "size": int(DEFAULT_MAX_BYTES)}, Status.FAIL, "not read"),
    ],
)
def test_what_is_wrong_with_a_checkpoint(facts, status, says):
    check = only(ask(GATE, with_checkpoint(**facts)))
    assert (check.run_id, check.kind, check.subject, check.status) == (RUN, "checkpoint", PATH, status)
    assert says in check.message


@pytest.mark.parametrize("kind", ["zip", "safetensors", "hdf5", "pickle"])
def test_a_checkpoint_of_a_known_format_passes(kind):
    assert found(ask(GATE, with_checkpoint(format=kind))) == []


@pytest.mark.parametrize(
    ("allowed", "passes"),
    [
        (["mine.Net"], True),
        (["mine.*"], True),
        (["*"], True),
        (["Mine.*"], False),
        (["mine"], False),
        (["other.*", "mine.N?t"], True),
    ],
)
def test_allow_globals_are_patterns_of_the_whole_name(allowed, passes):
    evidence = with_checkpoint(globals=Globals(unknown=("mine.Net",)))
    outcome = ask(GATE, evidence, gates=settings(allow_globals=allowed))
    assert (found(outcome) == []) is passes


def test_nothing_allows_a_dangerous_global():
    evidence = with_checkpoint(globals=Globals(dangerous=("builtins.eval",)))
    assert only(ask(GATE, evidence, gates=settings(allow_globals=["*"]))).status is Status.FAIL


def test_above_a_bound_that_the_policy_sets_a_checkpoint_passes_with_a_note():
    evidence = with_checkpoint(sha256=None, format=None, size=BIG)
    outcome = ask(GATE, evidence, gates=settings(max_bytes="1GiB"))
    assert found(outcome) == []
    (check,) = (check for check in outcome.checks if check.run_id == RUN and check.kind == "checkpoint")
    assert "max_bytes (1073741824)" in check.message


# --- the manifest -----------------------------------------------------------------------------------------------------


def listed(path: str = PATH, **facts: Any) -> Manifest:
    """Return a manifest with one entry, right but for ``facts``."""
    entry = ManifestEntry(sha256=sha256(f"{RUN} model"), size=2048)
    return Manifest(entries={path: replace(entry, **facts)})


@pytest.mark.parametrize(
    ("manifest", "subject", "status", "says"),
    [
        (listed(sha256=sha256("other")), PATH, Status.FAIL, sha256("other")),
        (listed(size=1), PATH, Status.FAIL, "size 2048 instead of 1"),
        (listed("checkpoints/gone.npz"), "checkpoints/gone.npz", Status.FAIL, "does not have it"),
        (listed("elsewhere/model.npz"), "elsewhere/model.npz", Status.FAIL, "does not have it"),
        (Manifest(problem="is no JSON"), MANIFEST, Status.FAIL, "is no JSON"),
        (Manifest(), MANIFEST, Status.WARNING, "lists nothing"),
        (None, MANIFEST, Status.WARNING, "other runs have one"),
    ],
)
def test_what_is_wrong_with_a_manifest(manifest, subject, status, says):
    check = only(ask(GATE, with_run(passing_matrix(), "A3/42", manifest=manifest)))
    assert (check.run_id, check.kind, check.subject, check.status) == (RUN, "manifest", subject, status)
    assert says in check.message


ELSEWHERE = "weights/last.npz"


@pytest.mark.parametrize(
    ("facts", "status", "says"),
    [
        ({}, None, ""),
        ({"sha256": sha256("other")}, Status.FAIL, "not what the manifest lists"),
        ({"size": 1}, Status.FAIL, "size 1 instead of 2048"),
        (
            {"sha256": None, "problem": "it is a link that leads out"},
            Status.FAIL,
            "it is a link that leads out",
        ),
        ({"sha256": None, "size": None, "problem": "it is gone"}, Status.FAIL, "it is gone"),
        ({"sha256": None}, Status.FAIL, "not read"),
        (
            {"problem": "it is cut off"},
            None,
            "",
        ),  # of a file that `paths` leave out only size and hash are judged
    ],
)
def test_what_the_manifest_lists_outside_of_paths_is_held_against_it_and_does_not_count(facts, status, says):
    there = checkpoint(RUN, ELSEWHERE, **facts)
    evidence = with_run(passing_matrix(), "A3/42", checkpoints=(there,), manifest=listed(ELSEWHERE))
    of_run = [check for check in not_passed(ask(GATE, evidence)) if check.kind != "count"]
    assert [(check.kind, check.subject, check.status) for check in of_run] == (
        [("manifest", ELSEWHERE, status)] if status else []
    )
    assert all(says in check.message for check in of_run)
    assert ("count", "checkpoints") in {
        (check.kind, check.subject) for check in not_passed(ask(GATE, evidence))
    }


@pytest.mark.parametrize(("path", "warned"), [(PATH, "checkpoint"), (ELSEWHERE, "manifest")])
def test_a_listed_file_that_is_too_large_to_be_read_warns_once(path, warned):
    files = (checkpoint(RUN, "checkpoints/small.npz"), checkpoint(RUN, path, sha256=None, size=BIG))
    evidence = with_run(passing_matrix(), "A3/42", checkpoints=files, manifest=listed(path, size=BIG))
    check = only(ask(GATE, evidence))
    assert (check.kind, check.subject, check.status) == (warned, path, Status.WARNING)


def test_without_any_manifest_none_is_missed():
    assert found(ask(GATE, without_manifests(passing_matrix()))) == []


def test_a_checkpoint_that_was_not_read_is_compared_by_its_size():
    evidence = with_run(passing_matrix(), "A3/42", checkpoints=(checkpoint(RUN, sha256=None, size=BIG),))
    gates = settings(max_bytes="1GiB")
    assert only(ask(GATE, evidence, gates=gates)).kind == "manifest"
    assert found(ask(GATE, with_run(evidence, "A3/42", manifest=listed(size=BIG)), gates=gates)) == []


def test_a_sha256_in_capitals_is_the_same():
    manifest = listed(sha256=sha256(f"{RUN} model").upper())
    assert found(ask(GATE, with_run(passing_matrix(), "A3/42", manifest=manifest))) == []


# --- logged models ----------------------------------------------------------------------------------------------------


def with_model(logged: LoggedModel) -> Evidence:
    """Return a matrix whose run A3/42 has a model in place of a checkpoint."""
    return with_run(without_manifests(passing_matrix()), "A3/42", checkpoints=(), models=(logged,))


def test_a_ready_model_counts():
    outcome = ask(GATE, with_model(model()))
    assert found(outcome) == []
    assert {(check.kind, check.subject) for check in outcome.checks if check.run_id == RUN} == {
        ("count", "checkpoints"),
        ("model", "forecaster"),
    }


WEIGHTS = Artifact(path="data/model.pkl", size=900, sha256=sha256("weights"), format="pickle")


@pytest.mark.parametrize(
    ("facts", "status", "says"),
    [
        ({"status": "PENDING"}, Status.FAIL, "PENDING"),
        ({"status": "FAILED", "artifacts": ()}, Status.FAIL, "FAILED"),
        ({"artifacts": ()}, Status.FAIL, "no files"),
        ({"artifacts": (Artifact(path="a.py", size=0, sha256=sha256("")),)}, Status.FAIL, "only empty ones"),
        (
            {"artifacts": (WEIGHTS, Artifact(path="a.pkl", size=0, problem="it is empty"))},
            Status.FAIL,
            "a.pkl: Not intact: it is empty",
        ),
        (
            {"artifacts": (replace(WEIGHTS, problem="is corrupt"),)},
            Status.FAIL,
            "data/model.pkl: Not intact: is corrupt",
        ),
        (
            {"artifacts": (replace(WEIGHTS, globals=Globals(dangerous=("os.system",))),)},
            Status.FAIL,
            "os.system",
        ),
        (
            {"artifacts": (replace(WEIGHTS, globals=Globals(unknown=("mine.Net",))),)},
            Status.WARNING,
            '["mine.Net"]',
        ),
        ({"artifacts": (replace(WEIGHTS, sha256=None, size=BIG),)}, Status.WARNING, "max_bytes"),
        (
            {"absent": ("data/net", "model.pkl")},
            Status.FAIL,
            "MLmodel names data/net, model.pkl, which the model does not have. Restore it, or log the model again.",
        ),
        (
            {"problem": "it names no flavors"},
            Status.FAIL,
            "MLmodel does not describe the model: it names no flavors. Restore it, or log the model again.",
        ),
    ],
)
def test_what_is_wrong_with_a_model(facts, status, says):
    check = only(ask(GATE, with_model(model(**facts))))
    assert (check.run_id, check.kind, check.subject, check.status) == (RUN, "model", "forecaster", status)
    assert says in check.message


def test_a_model_may_hold_empty_files_whose_names_promise_nothing():
    package = Artifact(path="code/mine/__init__.py", size=0, sha256=sha256(""))
    assert found(ask(GATE, with_model(model(artifacts=(*model().artifacts, package))))) == []


def test_two_models_of_one_name_are_judged_in_one_order():
    bad = model(model_id="m-2", status="FAILED")
    evidence = without_manifests(passing_matrix())
    both = [with_run(evidence, "A3/42", models=models) for models in ((bad, model()), (model(), bad))]
    assert ask(GATE, both[0]).checks == ask(GATE, both[1]).checks


# --- equal checkpoints ------------------------------------------------------------------------------------------------


def copied(*pairs: str) -> Evidence:
    """Return a matrix in which these runs have one checkpoint."""
    evidence = without_manifests(passing_matrix())
    for pair in pairs:
        evidence = with_run(evidence, pair, checkpoints=(checkpoint("one"),))
    return evidence


@pytest.mark.parametrize("pair", ["B0/123", "A3/456"])
def test_identical_bytes_in_two_runs_warn_once(pair):
    check = only(ask(GATE, copied("B0/42", pair)))
    assert (check.run_id, check.kind, check.subject, check.status) == (
        run_id(pair),
        "duplicate",
        PATH,
        Status.WARNING,
    )
    assert "B0/42" in check.message
    assert "was overwritten by the other" in check.message


def test_identical_bytes_under_another_name_warn():
    evidence = with_run(copied("B0/42"), "A3/42", checkpoints=(checkpoint("one", "checkpoints/best.npz"),))
    assert only(ask(GATE, evidence)).subject == "checkpoints/best.npz"


def test_many_equal_runs_give_a_warning_for_each_but_the_first():
    outcome = ask(GATE, copied("B0/42", "B0/123", "B1/42", "A4/456"))
    assert [check.run_id for check in not_passed(outcome)] == [
        run_id("A4/456"),
        run_id("B0/123"),
        run_id("B1/42"),
    ]


@pytest.mark.parametrize(
    ("pairs", "warned"),
    [
        (("B0/42", "B0/123", "B0/456"), set()),
        (("B0/42", "B1/42"), {"B1/42"}),  # deterministic cells, but not one cell
        (("B0/42", "B0/123", "A3/42"), {"A3/42"}),
        (("B0/42", "A3/42", "A3/123"), {"A3/42", "A3/123"}),
    ],
)
def test_seeds_of_a_deterministic_cell_may_be_equal(pairs, warned):
    plan = {"cells": {"B0": {"deterministic": True}, "B1": {"deterministic": True}}}
    outcome = ask(GATE, copied(*pairs), plan=plan)
    assert {check.run_id for check in not_passed(outcome)} == {run_id(pair) for pair in warned}


def test_two_equal_files_of_one_run_are_no_surprise():
    files = (checkpoint("one", "checkpoints/best.npz"), checkpoint("one", "checkpoints/last.npz"))
    evidence = with_run(without_manifests(passing_matrix()), "A3/42", checkpoints=files)
    assert found(ask(GATE, evidence)) == []
    assert only(ask(GATE, with_run(evidence, "A4/42", checkpoints=files))).subject == "checkpoints/best.npz"


def test_models_are_compared_by_their_weights_not_their_descriptions():
    def weights(text: str) -> LoggedModel:
        return model(artifacts=(model().artifacts[0], replace(WEIGHTS, sha256=sha256(text))))

    evidence = with_run(with_model(weights("one")), "A4/42", models=(weights("other"),))
    assert found(ask(GATE, evidence)) == []
    check = only(ask(GATE, with_run(evidence, "A4/42", models=(weights("one"),))))
    assert (check.run_id, check.subject) == (run_id("A4/42"), "forecaster/data/model.pkl")


@pytest.mark.parametrize("facts", [{"size": 0}, {"problem": "is cut off"}, {"unread": "it has more opcodes"}])
def test_broken_and_empty_files_are_not_compared(facts):
    evidence = without_manifests(passing_matrix())
    for pair in ("A3/42", "A4/42"):
        evidence = with_run(evidence, pair, checkpoints=(checkpoint("one", **facts),))
    assert {check.kind for check in not_passed(ask(GATE, evidence))} == {"checkpoint"}


# --- profile basic ----------------------------------------------------------------------------------------------------


def test_profile_basic_asks_for_none_where_there_is_none():
    outcome = ask(GATE, bare(passing_matrix()), profile="basic")
    assert (outcome.checks, outcome.expected, outcome.evaluated) == ((), 0, 0)
    assert outcome.skipped is not None


def test_profile_contract_asks_for_them():
    assert len(not_passed(ask(GATE, bare(passing_matrix())))) == 12


def test_profile_basic_fails_a_run_without_where_its_siblings_have_them():
    evidence = with_run(without_manifests(passing_matrix()), "A3/42", checkpoints=())
    assert found(ask(GATE, evidence, profile="basic")) == [(RUN, "count", "checkpoints", Status.FAIL)]


def test_profile_basic_judges_what_is_there():
    outcome = ask(GATE, with_checkpoint(problem="is cut off"), profile="basic")
    assert found(outcome) == [(RUN, "checkpoint", PATH, Status.FAIL)]


@pytest.mark.parametrize(
    ("facts", "kind", "subject"),
    [
        ({"models": (model(status="FAILED"),)}, "model", "forecaster"),
        ({"manifest": listed()}, "manifest", PATH),
    ],
)
def test_profile_basic_judges_what_is_there_beside_checkpoints(facts, kind, subject):
    outcome = ask(GATE, with_run(bare(passing_matrix()), "A3/42", **facts), profile="basic")
    assert (RUN, kind, subject, Status.FAIL) in found(outcome)


def test_profile_basic_does_not_take_an_unreadable_place_for_an_empty_one():
    evidence = with_run(bare(passing_matrix()), "A3/42", artifacts_problem="gone")
    assert (RUN, "count", "checkpoints", Status.FAIL) in found(ask(GATE, evidence, profile="basic"))


def test_profile_basic_asks_where_the_policy_names_the_place():
    outcome = ask(GATE, bare(passing_matrix()), profile="basic", gates=settings(paths=["model/*"]))
    assert len(not_passed(outcome)) == 12


# --- properties -------------------------------------------------------------------------------------------------------


@given(st.permutations(range(12)))
def test_the_order_of_the_runs_changes_nothing(order):
    evidence = with_run(copied("B0/42", "A3/42", "A4/123"), "B1/42", checkpoints=())
    shuffled = replace(
        evidence,
        runs=tuple(evidence.runs[index] for index in order),
        attempts=tuple(evidence.attempts[index] for index in reversed(order)),
    )
    assert ask(GATE, shuffled) == ask(GATE, evidence)


@given(
    pair=st.sampled_from([f"{cell}/{seed}" for cell in CELLS for seed in SEEDS]),
    change=st.sampled_from(
        [
            {"checkpoints": ()},
            {"manifest": None},
            {"manifest": Manifest(problem="unreadable")},
            {"artifacts_problem": "gone"},
            {"checkpoints": (checkpoint("other"),)},
            {"checkpoints": (checkpoint("other", problem="broken"),)},
            {"checkpoints": (checkpoint("other", sha256=None),)},
        ]
    ),
)
def test_taking_away_or_breaking_a_fact_of_a_good_run_never_passes(pair, change):
    outcome = ask(GATE, with_run(passing_matrix(), pair, **change))
    assert run_id(pair) in {check.run_id for check in not_passed(outcome)}
