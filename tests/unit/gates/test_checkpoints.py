"""G3: checkpoints are there, intact, harmless, and each run's own."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Artifact, Evidence, Globals, Holds, LoggedModel, Manifest, ManifestEntry
from smoke_gate.gates.base import Check, Outcome, Status
from smoke_gate.gates.checkpoint_settings import DEFAULT_MAX_BYTES
from smoke_gate.gates.checkpoints import GATE
from smoke_gate.vocabulary import MANIFEST
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


def findings(outcome: Outcome) -> list[Check]:
    """Return the checks that are not a PASS, without the notes about the whole matrix."""
    return [check for check in not_passed(outcome) if check.status is not Status.SKIPPED]


def notes(outcome: Outcome) -> list[Check]:
    """Return the notes about the whole matrix."""
    return [check for check in outcome.checks if check.status is Status.SKIPPED]


def only(outcome: Outcome) -> Check:
    """Return the only finding."""
    (check,) = findings(outcome)
    return check


# --- how many ---------------------------------------------------------------------------------------------------------


def test_a_good_matrix_passes_with_a_count_a_checkpoint_and_a_manifest_entry_for_each_run():
    outcome = ask(GATE, passing_matrix())
    of_one_run = sorted((check.kind, check.subject) for check in outcome.checks if check.run_id == RUN)
    assert found(outcome) == []
    assert of_one_run == [("content", PATH), ("count", "checkpoints"), ("manifest", PATH)]
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
    """spec: G3-count"""
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
    """spec: G3-count"""
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
    ("facts", "kind", "status", "says"),
    [
        ({"problem": "is cut off"}, "content", Status.FAIL, "is cut off"),
        ({"problem": "is cut off", "sha256": None, "size": BIG}, "content", Status.FAIL, "is cut off"),
        ({"unread": "too many opcodes"}, "unread", Status.FAIL, "be scanned whole: too many opcodes"),
        ({"unread": "too many values", "format": "json"}, "unread", Status.WARNING, "too many values"),
        ({"size": 0}, "content", Status.FAIL, "empty"),
        ({"globals": Globals(dangerous=("os.system",))}, "globals", Status.FAIL, "os.system"),
        ({"globals": Globals(unknown=("my.Net", "my.Bag"))}, "globals", Status.WARNING, "my.Net, my.Bag"),
        ({"holds": Holds.NOTHING}, "content", Status.FAIL, "empty inside"),
        ({"holds": Holds.DATA}, "content", Status.FAIL, "no arrays, no object"),
        ({"all_nan": True}, "nan", Status.WARNING, "NaN"),
        ({"absent": ("a.bin", "b.bin")}, "content", Status.FAIL, "It names a.bin, b.bin, which the run"),
        ({"format": None}, "format", Status.WARNING, "no known format"),
        ({"sha256": None, "format": None, "size": BIG}, "unread", Status.WARNING, "max_bytes"),
        ({"sha256": None}, "content", Status.FAIL, "not read"),
        ({"sha256": None, "size": None}, "content", Status.FAIL, "not read"),
        ({"sha256": None, "size": int(DEFAULT_MAX_BYTES)}, "content", Status.FAIL, "not read"),
    ],
)
def test_what_is_wrong_with_a_checkpoint(facts, kind, status, says):
    """spec: G3-holds, G3-intact"""
    check = only(ask(GATE, with_checkpoint(**facts)))
    assert (check.run_id, check.kind, check.subject, check.status) == (RUN, kind, PATH, status)
    assert says in check.message


def test_each_finding_about_a_file_is_a_check_of_its_own():
    code = Globals(dangerous=("os.system",), unknown=("mine.Net",))
    checks = findings(ask(GATE, with_checkpoint(problem="is cut off", globals=code)))
    assert {(check.kind, check.status, check.waivable) for check in checks} == {
        ("content", Status.FAIL, True),
        ("globals", Status.FAIL, False),
        ("globals", Status.WARNING, True),
    }


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
    """spec: G3-unknown-globals"""
    evidence = with_checkpoint(globals=Globals(unknown=("mine.Net",)))
    outcome = ask(GATE, evidence, gates=settings(allow_globals=allowed))
    assert (found(outcome) == []) is passes


def test_nothing_allows_a_dangerous_global():
    """spec: G3-dangerous"""
    evidence = with_checkpoint(globals=Globals(dangerous=("builtins.eval",)))
    assert only(ask(GATE, evidence, gates=settings(allow_globals=["*"]))).status is Status.FAIL


def test_a_checkpoint_that_was_not_read_warns_whoever_set_the_bound():
    """spec: G3-unread"""
    evidence = with_checkpoint(sha256=None, format=None, size=BIG)
    check = only(ask(GATE, evidence, gates=settings(max_bytes="1GiB")))
    assert (check.kind, check.status, check.waivable) == ("unread", Status.WARNING, False)
    assert "`max_bytes` (1073741824)" in check.message


def test_the_entries_that_allow_all_unknown_names_are_said_once():
    """spec: G3-unknown-globals"""
    evidence = without_manifests(passing_matrix())
    for pair, names in {"A3/42": ("mine.Net", "os.path.x"), "A4/42": ("mine.Bag", "mine.Net")}.items():
        files = (checkpoint(run_id(pair), globals=Globals(unknown=names)),)
        evidence = with_run(evidence, pair, checkpoints=files)
    (note,) = notes(ask(GATE, evidence))
    assert (note.kind, note.run_id) == ("globals", None)
    assert note.message == (
        'If these names are yours: `allow_globals`: ["mine.Bag", "mine.Net"] '
        "Left out, since they are of Python's own library: os.path.x. See what uses them before you allow them."
    )
    assert [
        note.message for note in notes(ask(GATE, evidence, gates=settings(allow_globals=["mine.*"])))
    ] == []


def test_a_report_shows_the_entry_of_many_names_whole():
    names = tuple(f"mine.layers.Block{number:03}" for number in range(40))
    evidence = without_manifests(passing_matrix())
    files = (checkpoint(RUN, globals=Globals(unknown=names)),)
    (note,) = notes(ask(GATE, with_run(evidence, "A3/42", checkpoints=files)))
    assert [value.text for value in note.message.values] == list(
        names
    )  # a report cuts off within a value only


# --- what is weights, and what lies beside ----------------------------------------------------------------------------


def beside(path: str, **facts: Any) -> Artifact:
    """Return an intact file of the same content in every run."""
    return replace(Artifact(path=path, size=20, sha256=sha256(path), format=None), **facts)


@pytest.mark.parametrize(
    "file",
    [
        beside("checkpoints/config.json", format="json", holds=Holds.DATA),
        beside("checkpoints/vocab.txt"),
        beside("checkpoints/vocab.txt", size=0),
        beside("checkpoints/scaler.npz", format="zip", holds=Holds.TENSORS),
        beside("checkpoints/e1/optimizer_state.pt", format="zip", holds=Holds.TENSORS),
        beside("checkpoints/rng_state2.pth", format="pickle", holds=Holds.DATA),
        beside("checkpoints/model.pt.tmp", problem="it is cut off"),
        beside("checkpoints/._model.pt", problem="its bytes are of no known format"),
    ],
    ids=lambda file: file.path,
)
def test_what_lies_beside_the_weights_says_nothing_and_counts_for_nothing(file):
    """spec: G3-beside"""
    evidence = without_manifests(passing_matrix())
    runs = tuple(replace(run, checkpoints=(*run.checkpoints, file)) for run in evidence.runs)
    assert [*findings(ask(GATE, replace(evidence, runs=runs))), *notes(ask(GATE, evidence))] == []
    alone = tuple(replace(run, checkpoints=(file,)) for run in evidence.runs)
    checks = findings(ask(GATE, replace(evidence, runs=alone)))
    assert {check.kind for check in checks} == {"count"}
    assert len(checks) == 12
    assert f"There is {file.path}, which does not look like weights" in checks[0].message


def test_a_file_of_no_known_format_beside_the_weights_is_not_called_intact():
    notes_file = beside("checkpoints/notes.txt")
    evidence = with_run(
        without_manifests(passing_matrix()), "A3/42", checkpoints=(checkpoint(RUN), notes_file)
    )
    (said,) = (check for check in ask(GATE, evidence).checks if check.subject == notes_file.path)
    assert (said.status, said.message) == (
        Status.PASS,
        "It lies beside the weights. Its format is not known, so it was not checked.",
    )


def test_a_broken_file_beside_the_weights_is_a_warning():
    """spec: G3-beside"""
    broken = beside("checkpoints/config.json", problem="it is not JSON")
    evidence = with_run(without_manifests(passing_matrix()), "A3/42", checkpoints=(checkpoint(RUN), broken))
    check = only(ask(GATE, evidence))
    assert (check.kind, check.subject, check.status) == ("content", "checkpoints/config.json", Status.WARNING)


@pytest.mark.parametrize("path", ["checkpoints/config.json", "checkpoints/a.tmp", "checkpoints/scaler.pkl"])
def test_code_that_runs_is_a_failure_wherever_it_lies(path):
    """spec: G3-dangerous"""
    hostile = beside(path, globals=Globals(dangerous=("os.system",)))
    evidence = without_manifests(passing_matrix())
    evidence = with_run(evidence, "A3/42", checkpoints=(checkpoint(RUN), hostile))
    check = only(ask(GATE, evidence))
    assert (check.kind, check.subject, check.status, check.waivable) == ("globals", path, Status.FAIL, False)


@pytest.mark.parametrize("path", ["checkpoints/config.json", "checkpoints/a.tmp", "checkpoints/._model.pt"])
@pytest.mark.parametrize(
    ("facts", "kind", "status"),
    [
        ({"globals": Globals(unknown=("mine.Net",))}, "globals", Status.WARNING),
        ({"unread": "it has too many opcodes", "format": "pickle"}, "unread", Status.FAIL),
    ],
)
def test_code_that_nobody_knows_is_told_wherever_it_lies(path, facts, kind, status):
    evidence = without_manifests(passing_matrix())
    evidence = with_run(evidence, "A3/42", checkpoints=(checkpoint(RUN), beside(path, **facts)))
    check = only(ask(GATE, evidence))
    assert (check.kind, check.subject, check.status) == (kind, path, status)


@pytest.mark.parametrize(
    ("file", "passes"),
    [
        (beside("checkpoints/last.pt", format="zip", holds=Holds.TENSORS), True),
        (beside("checkpoints/net", format="zip", holds=Holds.TENSORS), True),  # by its bytes
        (beside("checkpoints/forest", format="pickle", holds=Holds.OBJECT), True),
        (beside("checkpoints/coefficients", format="pickle", holds=Holds.NUMBERS), False),
        (beside("checkpoints/coefficients.pkl", format="pickle", holds=Holds.NUMBERS), True),
        (beside("checkpoints/readme.txt"), False),
        (beside("checkpoints/checkpoint", format="tensorflow_state", holds=Holds.DATA), False),
        (beside("checkpoints/model.ckpt.meta", format="tensorflow_graph", holds=Holds.DATA), False),
    ],
)
def test_a_file_is_weights_by_its_name_or_its_bytes(file, passes):
    """spec: G3-weights"""
    evidence = with_run(without_manifests(passing_matrix()), "A3/42", checkpoints=(file,))
    kinds = [check.kind for check in findings(ask(GATE, evidence))]
    assert kinds == ([] if passes else ["count"])


@pytest.mark.parametrize(
    ("path", "fails"),
    [
        ("checkpoints/columns.pkl", False),
        ("checkpoints/hparams.joblib", False),
        ("checkpoints/model_2.pkl", True),
    ],
)
def test_a_pickle_of_data_beside_weights_is_not_taken_for_weights(path, fails):
    data = beside(path, format="pickle", holds=Holds.DATA)
    evidence = with_run(without_manifests(passing_matrix()), "A3/42", checkpoints=(checkpoint(RUN), data))
    assert [check.kind for check in findings(ask(GATE, evidence))] == (["content"] if fails else [])
    alone = with_run(evidence, "A3/42", checkpoints=(data,))
    assert [check.kind for check in findings(ask(GATE, alone))] == ["content"]


def test_the_policy_can_name_weights_that_nothing_else_shows_as_such():
    """spec: G3-weights"""
    evidence = without_manifests(passing_matrix())
    for pair in (f"{cell}/{seed}" for cell in CELLS for seed in SEEDS):
        file = beside("checkpoints/scaler.npz", sha256=sha256(pair), format="zip", holds=Holds.TENSORS)
        evidence = with_run(evidence, pair, checkpoints=(file,))
    assert len(findings(ask(GATE, evidence))) == 12
    assert findings(ask(GATE, evidence, gates=settings(weights=["checkpoints/scaler.*"]))) == []


def test_weights_of_an_unknown_format_warn():
    """spec: G3-format"""
    file = beside("checkpoints/model.mine")
    evidence = with_run(without_manifests(passing_matrix()), "A3/42", checkpoints=(file,))
    assert only(ask(GATE, evidence)).kind == "format"


def test_a_cell_that_learns_nothing_needs_no_weights():
    """spec: G3-not-required"""
    evidence = without_manifests(passing_matrix())
    for seed in SEEDS:
        evidence = with_run(evidence, f"B0/{seed}", checkpoints=())
    assert len(findings(ask(GATE, evidence))) == 3
    plan = {"cells": {"B0": {"no_weights": "predicts the last value"}}}
    outcome = ask(GATE, evidence, plan=plan)
    assert findings(outcome) == []
    assert [check.message for check in outcome.checks if check.cell == "B0"] == [
        "The cell has no weights to log: predicts the last value"
    ] * 3


def test_files_that_no_pattern_matches_are_named():
    evidence = without_manifests(passing_matrix())
    evidence = with_run(evidence, "A3/42", checkpoints=(), unmatched=("checkpoints/net.pt",))
    assert "There is checkpoints/net.pt, which `paths` does not match." in only(ask(GATE, evidence)).message


def test_a_long_file_that_cannot_carry_code_is_not_read_to_its_end():
    """spec: G3-unread"""
    assert findings(ask(GATE, with_checkpoint(unread="it has too many values", structure_only=True))) == []


def test_of_a_large_file_the_structure_is_enough():
    """spec: G3-structure"""
    evidence = with_checkpoint(sha256=None, size=BIG, structure_only=True)
    outcome = ask(GATE, evidence)
    assert findings(outcome) == []
    (check,) = [check for check in outcome.checks if (check.run_id, check.subject) == (RUN, PATH)]
    assert check.looked_at is None


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
        (Manifest(problem="is not JSON"), MANIFEST, Status.FAIL, "is not JSON"),
        (Manifest(), MANIFEST, Status.WARNING, "lists nothing"),
        (None, MANIFEST, Status.WARNING, "other runs have one"),
    ],
)
def test_what_is_wrong_with_a_manifest(manifest, subject, status, says):
    """spec: G3-manifest"""
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
    """spec: G3-manifest"""
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


@pytest.mark.parametrize(("path", "warned"), [(PATH, "unread"), (ELSEWHERE, "manifest")])
def test_a_listed_file_that_is_too_large_to_be_read_warns_once(path, warned):
    files = (checkpoint(RUN, "checkpoints/small.npz"), checkpoint(RUN, path, sha256=None, size=BIG))
    evidence = with_run(passing_matrix(), "A3/42", checkpoints=files, manifest=listed(path, size=BIG))
    check = only(ask(GATE, evidence))
    assert (check.kind, check.subject, check.status) == (warned, path, Status.WARNING)


def test_without_any_manifest_none_is_missed():
    assert found(ask(GATE, without_manifests(passing_matrix()))) == []


def test_a_checkpoint_that_was_not_read_is_compared_by_its_size():
    evidence = with_run(passing_matrix(), "A3/42", checkpoints=(checkpoint(RUN, sha256=None, size=BIG),))
    assert {check.kind for check in not_passed(ask(GATE, evidence))} == {"unread", "manifest"}
    assert only(ask(GATE, with_run(evidence, "A3/42", manifest=listed(size=BIG)))).kind == "unread"


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
    ("facts", "kind", "status", "says"),
    [
        ({"status": "PENDING"}, "model", Status.FAIL, "PENDING"),
        ({"status": "FAILED", "artifacts": ()}, "model", Status.FAIL, "FAILED"),
        ({"artifacts": ()}, "model", Status.FAIL, "no files"),
        (
            {"artifacts": (Artifact(path="a.py", size=0, sha256=sha256("")),)},
            "model",
            Status.FAIL,
            "only empty ones",
        ),
        (
            {
                "artifacts": (
                    Artifact(path="MLmodel", size=500, sha256=sha256("description")),
                    Artifact(path="network", size=0, sha256=sha256("")),
                ),
                "data": ("network",),
            },
            "content",
            Status.FAIL,
            "network: The file is empty",
        ),
        (
            {"artifacts": (WEIGHTS, Artifact(path="a.pkl", size=0, problem="it is empty"))},
            "content",
            Status.FAIL,
            "a.pkl: Not intact: it is empty",
        ),
        (
            {"artifacts": (replace(WEIGHTS, problem="is corrupt"),)},
            "content",
            Status.FAIL,
            "data/model.pkl: Not intact: is corrupt",
        ),
        (
            {"artifacts": (replace(WEIGHTS, globals=Globals(dangerous=("os.system",))),)},
            "globals",
            Status.FAIL,
            "os.system",
        ),
        (
            {"artifacts": (replace(WEIGHTS, globals=Globals(unknown=("mine.Net",))),)},
            "globals",
            Status.WARNING,
            "mine.Net",
        ),
        ({"artifacts": (replace(WEIGHTS, sha256=None, size=BIG),)}, "unread", Status.WARNING, "max_bytes"),
        (
            {"absent": ("data/net", "model.pkl")},
            "model",
            Status.FAIL,
            "MLmodel names data/net, model.pkl, which the model does not have. Restore it, or log the model again.",
        ),
        (
            {"problem": "it names no flavors"},
            "model",
            Status.FAIL,
            "MLmodel does not describe the model: it names no flavors. Restore it, or log the model again.",
        ),
    ],
)
def test_what_is_wrong_with_a_model(facts, kind, status, says):
    """spec: G3-model"""
    check = only(ask(GATE, with_model(model(**facts))))
    assert (check.run_id, check.kind, check.subject, check.status) == (RUN, kind, "forecaster", status)
    assert says in check.message


def test_a_model_may_hold_empty_files_whose_names_promise_nothing():
    package = Artifact(path="code/mine/__init__.py", size=0, sha256=sha256(""))
    assert found(ask(GATE, with_model(model(artifacts=(*model().artifacts, package))))) == []


def test_a_model_that_names_no_data_and_has_no_known_file_warns():
    """spec: G3-model"""
    hello = Artifact(path="hello.txt", size=5, sha256=sha256("hello"))
    check = only(ask(GATE, with_model(model(artifacts=(hello,)))))
    assert (check.kind, check.status) == ("model", Status.WARNING)
    named = model(artifacts=(hello,), data=("hello.txt",))
    assert findings(ask(GATE, with_model(named))) == []


def test_artifacts_of_a_model_of_ones_own_code_are_weights_by_name_and_bytes():
    code = Artifact(
        path="python_model.pkl", size=90, sha256=sha256("code"), format="pickle", holds=Holds.OBJECT
    )

    def logged(text: str) -> LoggedModel:
        own = Artifact(
            path="artifacts/clf.joblib", size=9, sha256=sha256(text), format="joblib", holds=Holds.OBJECT
        )
        words = Artifact(path="artifacts/words/en.txt", size=9, sha256=sha256("words"))
        return model(artifacts=(code, own, words), data=("python_model.pkl",))

    one, other = (
        with_run(without_manifests(passing_matrix()), "A3/42", checkpoints=(), models=(logged("one"),)),
        with_run(without_manifests(passing_matrix()), "A4/42", checkpoints=(), models=(logged("one"),)),
    )
    both = with_run(one, "A4/42", checkpoints=(), models=(logged("one"),))
    assert findings(ask(GATE, one)) == findings(ask(GATE, other)) == []
    assert {check.subject for check in findings(ask(GATE, both))} >= {"forecaster/artifacts/clf.joblib"}


@pytest.mark.parametrize(
    ("file", "fails"),
    [
        ({"format": "pickle", "holds": Holds.DATA}, True),
        ({"format": "pickle", "holds": Holds.OBJECT}, False),
        ({"format": None, "holds": None}, False),
    ],
)
def test_what_a_model_names_as_its_data_must_hold_something_whatever_its_format(file, fails):
    data = replace(Artifact(path="network.mine", size=90, sha256=sha256("network")), **file)
    beside_it = Artifact(path="stats.pkl", size=5, sha256=sha256("5"), format="pickle", holds=Holds.DATA)
    logged = model(artifacts=(data, beside_it), data=("network.mine",))
    assert [check.kind for check in findings(ask(GATE, with_model(logged)))] == (["content"] if fails else [])


def test_two_models_of_one_name_are_judged_in_one_order():
    bad = model(model_id="m-2", status="FAILED")
    evidence = without_manifests(passing_matrix())
    both = [with_run(evidence, "A3/42", models=models) for models in ((bad, model()), (model(), bad))]
    assert ask(GATE, both[0]).checks == ask(GATE, both[1]).checks


# --- profile basic ----------------------------------------------------------------------------------------------------


def test_profile_basic_asks_for_none_where_there_is_none():
    """spec: G3-not-required"""
    outcome = ask(GATE, bare(passing_matrix()), profile="basic")
    assert (outcome.checks, outcome.expected, outcome.evaluated) == ((), 0, 0)
    assert outcome.skipped is not None


def test_profile_contract_asks_for_them():
    assert len(not_passed(ask(GATE, bare(passing_matrix())))) == 12


def test_profile_basic_fails_a_run_without_where_its_siblings_have_them():
    """spec: G3-not-required"""
    evidence = with_run(without_manifests(passing_matrix()), "A3/42", checkpoints=())
    assert found(ask(GATE, evidence, profile="basic")) == [(RUN, "count", "checkpoints", Status.FAIL)]


def test_profile_basic_judges_what_is_there():
    outcome = ask(GATE, with_checkpoint(problem="is cut off"), profile="basic")
    assert found(outcome) == [(RUN, "content", PATH, Status.FAIL)]


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
    evidence = without_manifests(passing_matrix())
    for pair in ("B0/42", "A3/42", "A4/123"):
        evidence = with_run(
            evidence, pair, checkpoints=(checkpoint("one"), checkpoint("two", "checkpoints/b.pt"))
        )
    evidence = with_run(evidence, "B1/42", checkpoints=())
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
