"""Stores on this machine, as MLflow writes them: SQLite and folders of files."""

import gzip
import json
import math
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput

from smoke_gate.collect import ExperimentError, Source, StoreError, collect, find_plan
from smoke_gate.errors import UsageError
from smoke_gate.evidence import NO_HEAD, Answer, Code, Evidence, Head, HeadFrom, Run
from smoke_gate.evidence_json import evidence_json
from smoke_gate.gates import policy_of
from smoke_gate.gates.base import Status
from smoke_gate.hashing import canonical_json
from smoke_gate.policy.model import Policy
from smoke_gate.verdict import evaluate
from tests.support.matrix import history
from tests.support.recorded import (
    CELLS,
    COMMIT,
    DEFINITION_KEY,
    EXPERIMENT,
    MINUTE,
    SEEDS,
    START,
    Recipe,
    changed,
    experiment_id,
    fingerprint,
    matrix,
    recipe,
    record,
    registration,
    relabelled,
)
from tests.support.stores import file_store, sqlite_store

T = TypeVar("T")
KINDS = ("sqlite", "files")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A project's folder, which is the working directory too: MLflow keeps artifacts there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def policy(**sections: Any) -> Policy:
    plain = {
        "version": 1,
        "experiments": [EXPERIMENT],
        "plan": {
            "cells": {cell: {"expect": {"use_vq": str(cell[0] == "A")}} for cell in CELLS},
            "seeds": list(SEEDS),
        },
    }
    return policy_of({**plain, **sections})


def stored(
    folder: Path, kind: str, runs: list[Recipe], experiment: str = EXPERIMENT
) -> tuple[str, dict[str, str]]:
    """Record runs in a store of a kind; return its tracking URI and the ids by name."""
    if kind == "sqlite":
        database = folder / "mlflow.db"
        return f"sqlite:///{database}", record(sqlite_store(database), runs, experiment)
    with file_store(folder / "mlruns") as client:
        return str(folder / "mlruns"), record(client, runs, experiment)


def evidence(uri: str, ids: Mapping[str, str], rules: Policy | None = None, **source: Any) -> Evidence:
    found = collect(
        rules or policy(), Source(tracking_uri=uri, **source), clock=lambda: datetime(2026, 1, 31, tzinfo=UTC)
    )
    return relabelled(found.evidence, ids)


def only(facts: Iterable[T]) -> T:
    (fact,) = facts
    return fact


def run_of(found: Evidence, name: str) -> Run:
    return only([run for run in found.runs if run.run_id == name])


# --- what is read -----------------------------------------------------------------------------------------------------


def test_both_kinds_give_the_same_evidence(tmp_path, monkeypatch):
    """spec: evidence-form"""
    rules = policy(gates={"metric_ratio": {"rules": [{"value": "val_loss.min / train_loss", "max": 2}]}})
    found = []
    for kind in KINDS:
        (tmp_path / kind).mkdir()
        monkeypatch.chdir(tmp_path / kind)
        found.append(evidence(*stored(tmp_path / kind, kind, matrix()), rules))
    assert found[0] == found[1]
    assert found[0].as_of == "2026-01-31"
    assert [run.run_id for run in found[0].runs] == ["B0-42", "B0-123", "A3-42", "A3-123"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_written_anywhere(folder, kind, capfd):
    """spec: evidence-read-only"""
    uri, ids = stored(folder, kind, matrix())
    capfd.readouterr()
    before = fingerprint(folder)
    evidence(uri, ids)
    assert fingerprint(folder) == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", KINDS)
def test_the_facts_of_a_run(folder, kind):
    found = evidence(*stored(folder, kind, matrix()))
    run = run_of(found, "A3-42")
    assert set(run.params) == {"use_vq", DEFINITION_KEY, "train_data_hash", "val_data_hash", "test_data_hash"}
    assert dict(run.tags) == {}
    assert dict(run.metrics) == {"train_loss": "3.0", "val_loss": "3.25", "pape": "10.5"}
    assert run.payload is not None
    assert run.payload.canonical_sha256 == run.params[DEFINITION_KEY]
    assert [artifact.path for artifact in run.checkpoints] == ["checkpoints/model.npz"]
    assert run.manifest is not None
    assert run.manifest.entries["checkpoints/model.npz"].sha256 == run.checkpoints[0].sha256
    assert [figure.path for figure in run.figures] == ["figures/forecast.png"]
    assert run.artifacts_problem is None


@pytest.mark.parametrize("kind", KINDS)
def test_preregistrations_are_no_attempts(folder, kind):
    found = evidence(*stored(folder, kind, matrix()), policy(runs={"where": "params.lr = '0.01'"}))
    assert "preregistration" not in {attempt.run_id for attempt in found.attempts}
    registered = only(found.registrations)
    assert registered.payload is not None
    assert registered.sha256 == registered.payload.canonical_sha256
    assert (registered.payload.source, registered.reason, registered.commit) == ("artifact", "first", COMMIT)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("values", [(math.nan, 0.5), (0.5, math.nan)])
def test_a_nan_beside_another_value_of_its_moment_is_the_first_and_the_last(folder, kind, values):
    uri, ids = stored(folder, kind, [recipe("B0", "42")])
    with file_store(folder / "mlruns") if kind == "files" else nullcontext(sqlite_client(uri)) as client:
        for value in values:
            client.log_metric(ids["B0-42"], "loss", value, timestamp=START, step=3)
    rules = policy(gates={"metric_ratio": {"rules": [{"value": "loss.last", "max": 2}]}})
    found = run_of(evidence(uri, ids, rules), "B0-42").histories["loss"]
    assert (found.first, found.last) == ("NaN", "NaN")


@pytest.mark.parametrize("kind", KINDS)
def test_histories_are_read_where_they_are_picked_from(folder, kind):
    run = changed(recipe("B0", "42"), metrics={"loss": (3.0, float("nan"), 1.0), "other": (1.0,)})
    rules = policy(gates={"metric_ratio": {"rules": [{"value": "loss.first / absent.min", "max": 2}]}})
    found = run_of(evidence(*stored(folder, kind, [run]), rules), "B0-42")
    assert found.histories == {"loss": history(3.0, float("nan"), 1.0)}


def test_steps_and_times_in_nanoseconds_leave_the_evidence_canonical(folder):
    uri, ids = stored(folder, "sqlite", [changed(recipe("B0", "42"), start=START * 10**6)])
    steps = [2**53 - 1, START * 10**6, 2**63 - 1]
    for step in steps:
        MlflowClient(tracking_uri=uri).log_metric(ids["B0-42"], "loss", 1.0, step=step)
    rules = policy(gates={"metric_ratio": {"rules": [{"value": "loss.first", "max": 2}]}})
    found = evidence(uri, ids, rules)
    canonical_json(evidence_json(found))
    assert run_of(found, "B0-42").histories["loss"].length == len(steps)
    assert (only(found.attempts).start_time, only(found.attempts).end_time) == (None, None)


@pytest.mark.parametrize("kind", KINDS)
def test_values_that_are_no_numbers(folder, kind):
    metrics = {
        "nan": (float("nan"),),
        "up": (float("inf"),),
        "down": (float("-inf"),),
        "zero": (-0.0,),
        "tiny": (5e-324,),
    }
    found = run_of(evidence(*stored(folder, kind, [changed(recipe("B0", "42"), metrics=metrics)])), "B0-42")
    shown = {name: found.metrics[name] for name in metrics}
    assert shown == {"nan": "NaN", "up": "Infinity", "down": "-Infinity", "zero": "0.0", "tiny": "5e-324"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_gate_that_is_off_would_need_is_not_read(folder, kind):
    off = {"enabled": False, "reason": "test"}
    gates = dict.fromkeys(
        (
            "definition_hash",
            "unit_contract",
            "checkpoints",
            "figures",
            "metric_ratio",
            "paired_data",
        ),
        off,
    )
    found = evidence(*stored(folder, kind, matrix()), policy(gates=gates))
    run = run_of(found, "A3-42")
    assert dict(run.params) == {"use_vq": "True"}
    assert (run.payload, run.checkpoints, run.manifest, run.figures, found.registrations) == (
        None,
        (),
        None,
        (),
        (),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_only_selected_runs_are_looked_into(folder, kind):
    """spec: gate-judges-selected"""
    again = changed(recipe("B0", "42"), name="again", start=START + 100 * MINUTE)
    stray = changed(recipe("B0", "7"), name="stray")
    found = evidence(*stored(folder, kind, [*matrix(), again, stray]))
    assert {attempt.run_id for attempt in found.attempts} >= {"again", "stray", "B0-42"}
    assert {run.run_id for run in found.runs} == {"again", "B0-123", "A3-42", "A3-123"}


# --- attempts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_ledger_holds_failed_running_and_deleted_attempts(folder, kind):
    """spec: pair-ledger"""
    statuses = ("FAILED", "KILLED", "RUNNING", "FINISHED")
    runs = [
        changed(recipe("B0", "42"), name=status, status=status, start=START - MINUTE) for status in statuses
    ]
    gone = changed(recipe("B0", "7"), name="gone")
    uri, ids = stored(folder, kind, [*matrix(), *runs, gone])
    if kind == "sqlite":
        _delete(sqlite_client(uri), ids)
    else:
        with file_store(folder / "mlruns") as client:
            _delete(client, ids)
    found = {attempt.run_id: attempt for attempt in evidence(uri, ids).attempts}
    assert {name: found[name].status for name in statuses} == {name: name for name in statuses}
    assert found["FINISHED"].lifecycle_stage == "deleted"
    assert "gone" not in found


def sqlite_client(uri: str) -> MlflowClient:
    return MlflowClient(uri)


def _delete(client: MlflowClient, ids: Mapping[str, str]) -> None:
    client.delete_run(ids["FINISHED"])
    client.delete_run(ids["gone"])


@pytest.mark.parametrize("kind", KINDS)
def test_where_says_what_is_in_scope(folder, kind):
    other = changed(recipe("B0", "42"), name="other", params={"lr": "0.5"}, start=START + 100 * MINUTE)
    found = evidence(*stored(folder, kind, [*matrix(), other]), policy(runs={"where": "params.lr = '0.01'"}))
    scope = {attempt.run_id: attempt.in_scope for attempt in found.attempts}
    assert scope == {"B0-42": True, "B0-123": True, "A3-42": True, "A3-123": True, "other": False}
    assert "other" not in {run.run_id for run in found.runs}


@pytest.mark.parametrize("kind", KINDS)
def test_a_filter_that_mlflow_refuses(folder, kind):
    uri, ids = stored(folder, kind, [recipe("B0", "42")])
    with pytest.raises(UsageError, match=r"MLflow refuses the filter `runs\.where`: 'params\.lr > 1'"):
        evidence(uri, ids, policy(runs={"where": "params.lr > 1"}))


@pytest.mark.parametrize("kind", KINDS)
def test_cells_of_parents_also_in_another_experiment(folder, kind):
    parent = changed(recipe("B0", "0"), name="parent", params={"cell": "A3", "seed": None})
    uri, ids = stored(folder, kind, [parent], experiment="sweeps")
    child = changed(
        recipe("B0", "42"), name="child", params={"cell": None}, tags={"mlflow.parentRunId": ids["parent"]}
    )
    orphan = changed(child, name="orphan", tags={"mlflow.parentRunId": "0" * 32})
    if kind == "sqlite":
        ids |= record(sqlite_client(uri), [child, orphan])
    else:
        with file_store(folder / "mlruns") as client:
            ids |= record(client, [child, orphan])
    found = {
        attempt.run_id: attempt.cell
        for attempt in evidence(uri, ids, policy(runs={"cell": "parent.params.cell"})).attempts
    }
    assert found == {"child": "A3", "orphan": None}


def test_all_pages_are_read(folder, monkeypatch):
    uri, ids = stored(folder, "sqlite", matrix())
    monkeypatch.setattr("smoke_gate.collect.listing._LOCAL_PAGE", 2)
    assert len(evidence(uri, ids).attempts) == 4


# --- experiments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_experiments_by_name_by_id_and_by_being_the_only_one(folder, kind):
    """spec: cli-names"""
    uri, _ = stored(folder, kind, matrix())
    by_name = collect(policy(), Source(tracking_uri=uri))
    its_id, name = only(by_name.experiments)
    assert name == EXPERIMENT
    for asked in ([its_id], [name, its_id], []):
        assert collect(policy(experiments=asked), Source(tracking_uri=uri)).experiments == ((its_id, name),)


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_experiment_is_answered_with_the_nearest(folder, kind):
    """spec: cli-names"""
    uri, _ = stored(folder, kind, matrix())
    with pytest.raises(ExperimentError, match="has no experiment 'stage5'; did you mean 'stage05'"):
        collect(policy(experiments=["stage5"]), Source(tracking_uri=uri))
    with pytest.raises(ExperimentError, match=r"it has .*'stage05'"):
        collect(policy(experiments=["quite another"]), Source(tracking_uri=uri))


def test_several_experiments_with_runs_and_none_named(folder):
    """spec: cli-names"""
    uri, _ = stored(folder, "sqlite", [recipe("B0", "42")])
    record(sqlite_client(uri), [recipe("B0", "42")], "stage06")
    with pytest.raises(ExperimentError, match="has 2 with runs: 'stage05', 'stage06'"):
        collect(policy(experiments=[]), Source(tracking_uri=uri))


def test_no_experiment_with_runs(folder):
    sqlite_store(folder / "mlflow.db").create_experiment("stage05")
    with pytest.raises(
        ExperimentError, match=r"none of .* has runs: 'Default', 'stage05'\. Check the tracking URI"
    ):
        collect(policy(experiments=[]), Source(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}"))


def test_a_deleted_experiment(folder):
    uri, _ = stored(folder, "sqlite", [recipe("B0", "42")])
    client = sqlite_client(uri)
    client.delete_experiment(experiment_id(client))
    with pytest.raises(ExperimentError, match=r"'stage05' of .* is deleted"):
        collect(policy(), Source(tracking_uri=uri))


def named_as(folder: Path, number: str, name: str) -> None:
    """Name an experiment as only those can who edit its file, or merge two stores."""
    meta = folder / "mlruns" / number / "meta.yaml"
    meta.write_text(re.sub("^name: .*$", f"name: {name}", meta.read_text(), flags=re.MULTILINE))


def test_two_experiments_of_one_name_are_not_chosen_from(folder):
    uri, _ = stored(folder, "files", [recipe("B0", "42")])
    with file_store(folder / "mlruns") as client:
        first, second = experiment_id(client), client.create_experiment("other")
    named_as(folder, second, EXPERIMENT)
    ids = " and ".join(sorted([first, second]))
    with pytest.raises(
        ExperimentError, match=f"has 2 experiments 'stage05': {ids}. Name the one .* by its id"
    ):
        collect(policy(), Source(tracking_uri=uri))
    for asked in ([first], [second], [first, second]):
        found = collect(policy(experiments=asked), Source(tracking_uri=uri)).experiments
        assert found == tuple((number, EXPERIMENT) for number in asked)


def test_an_active_experiment_counts_before_a_deleted_one_of_its_name(folder):
    uri, _ = stored(folder, "files", [recipe("B0", "42")])
    with file_store(folder / "mlruns") as client:
        its_id, other = experiment_id(client), client.create_experiment("other")
        named_as(folder, other, EXPERIMENT)
        client.delete_experiment(other)
    assert only(collect(policy(), Source(tracking_uri=uri)).experiments)[0] == its_id


def test_ids_that_are_known_count_instead_of_names(folder):
    uri, _ = stored(folder, "sqlite", [recipe("B0", "42")])
    client = sqlite_client(uri)
    its_id = experiment_id(client)
    client.create_experiment(its_id)
    found = collect(policy(experiments=["gone"]), Source(tracking_uri=uri, experiment_ids=(its_id,)))
    assert found.experiments == ((its_id, EXPERIMENT),)


@pytest.mark.parametrize("kind", KINDS)
def test_the_plan_that_runs_suggest(folder, kind):
    uri, _ = stored(folder, kind, [*matrix(), recipe("C 한", "7"), recipe("B0", "042")])
    found = find_plan(policy(plan={"cells": [], "seeds": []}), Source(tracking_uri=uri))
    assert found.cells == ("A3", "B0", "C 한")
    assert found.seeds == ("7", "42", "123")
    assert only(found.experiments)[1] == EXPERIMENT


# --- stores that are not as they should be ----------------------------------------------------------------------------


def old_store(path: Path) -> str:
    dump = gzip.decompress(
        (Path(__file__).parents[1] / "fixtures" / "old_store.sql.gz").read_bytes()
    ).decode()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump)
    return f"sqlite:///{path}"


def test_an_older_schema_is_upgraded_in_a_copy(folder, capfd, caplog):
    uri = old_store(folder / "old.db")
    before = fingerprint(folder)
    found = collect(policy(plan={"cells": ["B0", "A3"], "seeds": ["42"]}), Source(tracking_uri=uri)).evidence
    assert fingerprint(folder) == before
    assert capfd.readouterr() == ("", "")
    assert {(attempt.cell, attempt.lifecycle_stage) for attempt in found.attempts} == {
        ("B0", "active"),
        ("A3", "deleted"),
    }
    run = only(found.runs)
    assert dict(run.metrics) == {"loss": "0.5", "nan": "NaN"}
    assert "--artifact-path-map" in (run.artifacts_problem or "")
    assert "elsewhere" in (run.artifacts_problem or "")
    assert "mlruns" not in (run.artifacts_problem or "")
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "--artifact-path-map /elsewhere/mlruns=NEW" in told


def test_a_newer_schema_is_refused_with_both_versions(folder):
    uri, _ = stored(folder, "sqlite", [])
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        (known,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = 'f00df00df00d'")
        connection.commit()
    before = fingerprint(folder)
    with pytest.raises(StoreError, match=rf"newer MLflow.*f00df00df00d.*{known}"):
        collect(policy(), Source(tracking_uri=uri))
    assert fingerprint(folder) == before


def test_a_store_without_its_default_experiment(folder):
    uri, ids = stored(folder, "sqlite", matrix())
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        connection.execute("DELETE FROM experiments WHERE experiment_id = 0")
        connection.commit()
    before = fingerprint(folder)
    assert len(evidence(uri, ids).runs) == 4
    assert fingerprint(folder) == before


@pytest.mark.parametrize("name", ["100%.db", "a%20b.db", "what?.db", "no#1.db", "실험 1.db"])
def test_databases_with_odd_names(folder, name):
    _, ids = stored(folder, "sqlite", matrix())
    (folder / "mlflow.db").rename(folder / name)
    assert len(evidence(f"sqlite:///{folder / name}", ids).runs) == 4
    assert not list(folder.glob("file:*"))


@pytest.mark.parametrize("uri", ["mlruns", "sqlite:///mlflow.db"])
def test_a_store_that_may_not_be_looked_at(folder, monkeypatch, uri):
    def denied(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", denied)
    monkeypatch.setattr(Path, "is_file", denied)
    with pytest.raises(StoreError, match=f"{uri} cannot be opened: Permission denied"):
        collect(policy(), Source(tracking_uri=uri))


def test_a_database_that_is_being_written_to(folder):
    uri, ids = stored(folder, "sqlite", matrix())
    with closing(sqlite3.connect(folder / "mlflow.db")) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("UPDATE metrics SET value = 7 WHERE key = 'pape'")
        writer.execute("UPDATE latest_metrics SET value = 7 WHERE key = 'pape'")
        writer.commit()
        before = fingerprint(folder)
        found = evidence(uri, ids)
        assert fingerprint(folder) == before
    assert {run.metrics["pape"] for run in found.runs} == {"7.0"}


@pytest.mark.parametrize("content", [b"", b"text, no database" * 100])
def test_what_is_no_mlflow_database(folder, content):
    (folder / "mlflow.db").write_bytes(content)
    with pytest.raises(StoreError, match=r"without MLflow's tables|not an SQLite database"):
        collect(policy(), Source(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}"))
    assert (folder / "mlflow.db").read_bytes() == content


@pytest.mark.parametrize(
    "uri", ["sqlite:///typo.db", "./typo", "file:///typo/mlruns", "sqlite:////no/such/folder/a.db"]
)
def test_a_store_that_is_not_there_is_not_made(folder, uri):
    with pytest.raises(StoreError, match="does not exist"):
        collect(policy(), Source(tracking_uri=uri))
    assert not list(folder.iterdir())


def test_runs_that_git_left_without_empty_folders(folder):
    uri, ids = stored(folder, "files", matrix())
    for run in (folder / "mlruns").glob("*/*/artifacts"):
        shutil.rmtree(run)
    rules = policy(gates={"metric_ratio": {"rules": [{"value": "val_loss.min", "max": 9}]}})
    before = fingerprint(folder)
    found = evidence(uri, ids, rules)
    assert fingerprint(folder) == before
    assert len(found.runs) == 4
    for run in found.runs:
        assert run.histories["val_loss"].length == 2
        assert (run.checkpoints, run.figures, run.artifacts_problem) == ((), (), None)


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "an empty one": lambda _content: b"",
    "a cut one": lambda content: content[: len(content) // 2],
    "a cut last line": lambda content: content[: content.index(b"lifecycle_stage") + 3],
    "bytes": lambda content: content.replace(b"run_id", b"\xff\xfe"),
    "a text": lambda _content: b"run",
}


@pytest.mark.parametrize("damage", ["no meta.yaml", "another experiment", *BROKEN])
def test_a_newer_run_that_mlflow_passes_over(folder, damage):
    """spec: G0-damaged"""
    """Without a word of it the older run would stand for the pair."""
    uri, ids = stored(folder, "files", [recipe("B0", "42"), changed(recipe("B0", "42", 7), name="again")])
    meta = only((folder / "mlruns").glob(f"*/{ids['again']}/meta.yaml"))
    if damage == "no meta.yaml":
        meta.unlink()
    elif damage in BROKEN:
        meta.write_bytes(BROKEN[damage](meta.read_bytes()))
    else:
        meta.write_text(meta.read_text().replace("experiment_id: '", "experiment_id: '9"))
    found = evaluate(policy(), evidence(uri, ids))
    (check,) = (check for check in found.checks if check.kind == "damaged")
    assert (check.status, check.run_id, check.cell, check.seed) == (Status.FAIL, "again", "B0", "42")
    assert str(check.message).startswith("Run again may be the newest of its cell and seed. ")
    (pair,) = (one for one in found.checks if one.kind == "pair" and one.subject == "B0/42")
    assert str(pair.message).startswith("A finished run, 2 attempts: DAMAGED, FINISHED.")


def test_a_damaged_run_that_states_no_cell_may_be_any_and_one_of_another_cell_is_of_no_concern(folder):
    uri, ids = stored(folder, "files", [*matrix(), recipe("X9", "42")])
    for name in ("B0-42", "X9-42"):
        meta = only((folder / "mlruns").glob(f"*/{ids[name]}/meta.yaml"))
        meta.write_bytes(b"")
    shutil.rmtree(only((folder / "mlruns").glob(f"*/{ids['B0-42']}/params")))
    checks = evaluate(policy(), evidence(uri, ids)).checks
    (check,) = (check for check in checks if check.kind == "damaged")
    assert (check.status, check.run_id, check.cell) == (Status.FAIL, "B0-42", None)


def test_a_folder_that_mlflow_can_by_no_means_read_as_a_run(folder):
    uri, ids = stored(folder, "files", matrix())
    strange = only((folder / "mlruns").glob(f"*/{ids['B0-42']}")).parent / "run (1)"
    (strange / "params").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"run run \(1\) of the file store"):
        evidence(uri, ids)


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_nobody_asks_for_may_be_damaged(folder, content):
    """spec: G0-damaged"""
    """Such as another experiment, and its runs."""
    uri, ids = stored(folder, "files", matrix())
    whole = evidence(uri, ids)
    with file_store(folder / "mlruns") as client:
        other = client.create_experiment("other")
        client.create_run(other)
    for meta in (folder / "mlruns").glob(f"{other}/**/meta.yaml"):
        meta.write_bytes(content(meta.read_bytes()))
    assert evidence(uri, ids) == whole


def test_a_param_that_a_gate_asks_for_is_named_where_its_file_is_damaged(folder):
    """spec: G0-damaged"""
    uri, ids = stored(folder, "files", matrix())
    only((folder / "mlruns").glob(f"*/{ids['B0-42']}/params/use_vq")).write_bytes(b"\xff\xfe")
    rules = policy(plan={"cells": {"B0": {"expect": {"use_vq": ("False",)}}}, "seeds": ["42", "123"]})
    found = evaluate(rules, evidence(uri, ids, rules))
    (check,) = (check for check in found.checks if check.kind == "damaged")
    assert (check.status, check.cell, check.seed) == (Status.FAIL, "B0", "42")
    assert (
        str(check.message)
        == "use_vq cannot be read: its file in the store is damaged. Restore it, or run again."
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_was_moved(folder, kind, tmp_path_factory):
    _, ids = stored(folder, kind, matrix())
    moved = tmp_path_factory.mktemp("elsewhere") / "a b"
    shutil.copytree(folder, moved)
    shutil.rmtree(folder / "mlruns")
    uri = f"sqlite:///{moved / 'mlflow.db'}" if kind == "sqlite" else str(moved / "mlruns")
    for run in evidence(uri, ids).runs:
        assert len(run.checkpoints) == len(run.figures) == 1
        assert run.artifacts_problem is None


def test_artifacts_that_were_moved_alone(folder):
    _, ids = stored(folder, "sqlite", matrix())
    (folder / "mlruns").rename(folder / "archive")
    (folder / "data").mkdir()
    (folder / "mlflow.db").rename(folder / "data" / "mlflow.db")
    uri = f"sqlite:///{folder / 'data' / 'mlflow.db'}"
    dead = run_of(evidence(uri, ids), "A3-42")
    assert (dead.checkpoints, dead.figures) == ((), ())
    assert f"{ids['A3-42']}/artifacts" in (dead.artifacts_problem or "")
    assert str(folder) not in (dead.artifacts_problem or "")
    path_map = ((str(folder / "mlruns"), str(folder / "archive")),)
    assert run_of(evidence(uri, ids, artifact_path_map=path_map), "A3-42").artifacts_problem is None


# --- artifacts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_patterns_bounds_and_what_is_broken(folder, kind):
    artifacts = {
        "weights/deep/a.npz": recipe("B0", "1").artifacts["checkpoints/model.npz"],
        "weights/large.npz": b"PK" + b"x" * 5000,
        "weights/broken.npz": b"PK\x03\x04 broken",
        "checkpoints/MANIFEST.json": b"not json",
        "figures/broken.png": b"no png",
    }
    gates = {"checkpoints": {"paths": ["weights/**"], "max_bytes": 4000}}
    found = run_of(
        evidence(
            *stored(folder, kind, [changed(recipe("B0", "42"), artifacts=artifacts)]), policy(gates=gates)
        ),
        "B0-42",
    )
    by_path = {artifact.path: artifact for artifact in found.checkpoints}
    assert sorted(by_path) == ["weights/broken.npz", "weights/deep/a.npz", "weights/large.npz"]
    assert by_path["weights/deep/a.npz"].problem is None
    assert by_path["weights/broken.npz"].problem is not None
    assert (by_path["weights/large.npz"].size, by_path["weights/large.npz"].sha256) == (5002, None)
    assert found.manifest is not None
    assert found.manifest.problem is not None
    assert [figure.problem is None for figure in found.figures] == [False, True]


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_manifest_lists_is_read_wherever_it_is(folder, kind):
    manifest = {path: {"sha256": "0" * 64, "size": 3} for path in ("weights/last.bin", "weights/gone.bin")}
    artifacts = {"checkpoints/MANIFEST.json": json.dumps(manifest).encode(), "weights/last.bin": b"abc"}
    run = changed(recipe("B0", "42"), artifacts=artifacts)
    found = run_of(evidence(*stored(folder, kind, [run])), "B0-42")
    assert [(one.path, one.size) for one in found.checkpoints if one.sha256] == [
        ("checkpoints/model.npz", len(recipe("B0", "42").artifacts["checkpoints/model.npz"])),
        ("weights/last.bin", 3),
    ]


def test_a_link_among_the_artifacts_is_not_followed_outside(folder):
    uri, ids = stored(folder, "sqlite", [recipe("B0", "42")])
    (folder / "secret.npz").write_bytes(b"secret")
    checkpoint = only(folder.glob("mlruns/*/*/artifacts/checkpoints/model.npz"))
    checkpoint.unlink()
    checkpoint.symlink_to(folder / "secret.npz")
    found = only(run_of(evidence(uri, ids), "B0-42").checkpoints)
    assert found.sha256 is None
    assert "leads out" in (found.problem or "")


def test_names_that_are_no_text(folder):
    uri, ids = stored(folder, "sqlite", [recipe("B0", "42")])
    artifacts = only(folder.glob("mlruns/*/*/artifacts"))
    for name in ("figures/forecast.png", "checkpoints/model.npz"):
        odd = (artifacts / name).with_name(os.fsdecode(b"\xe9") + Path(name).suffix)
        (artifacts / name).rename(odd)
    found = evidence(uri, ids)
    run = run_of(found, "B0-42")
    assert [(figure.path, figure.problem) for figure in run.figures] == [(r"figures/\udce9.png", None)]
    assert [(one.path, one.problem) for one in run.checkpoints] == [(r"checkpoints/\udce9.npz", None)]
    canonical_json(evidence_json(found))


@pytest.mark.parametrize("kind", KINDS)
def test_a_definition_logged_as_an_artifact(folder, kind):
    run = changed(
        recipe("B0", "42"),
        params={f"{DEFINITION_KEY}_payload": None},
        artifacts={"definition.json": b'{"metric": "other"}'},
    )  # fmt: skip
    found = run_of(evidence(*stored(folder, kind, [run])), "B0-42")
    assert found.payload is not None
    assert (found.payload.source, found.payload.length) == ("artifact", 19)
    assert found.payload.canonical_sha256 != found.params[DEFINITION_KEY]


@pytest.mark.parametrize("name", ["definition.json", "checkpoints/MANIFEST.json"])
def test_a_text_that_cannot_be_read_is_no_text_that_is_absent(folder, name):
    run = changed(recipe("B0", "42"), params={f"{DEFINITION_KEY}_payload": None}, artifacts={name: b"{}"})
    uri, ids = stored(folder, "sqlite", [run])
    (folder / "secret").write_text("{}")
    text = only(folder.glob(f"mlruns/*/*/artifacts/{name}"))
    text.unlink()
    text.symlink_to(folder / "secret")
    found = run_of(evidence(uri, ids), "B0-42")
    if name == "definition.json":
        assert found.payload is not None
        assert (found.payload.text_sha256, found.payload.canonical_sha256) == ("", None)
    else:
        assert found.payload is None
        assert found.manifest is not None
        assert "leads out" in (found.manifest.problem or "")


def test_a_registration_whose_artifacts_are_gone(folder):
    uri, ids = stored(folder, "sqlite", matrix())
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        connection.execute(
            "UPDATE runs SET artifact_uri = 'file:///elsewhere/1/' || run_uuid || '/artifacts'"
        )
        connection.commit()
    registered = only(evidence(uri, ids).registrations)
    assert registered.sha256 is not None
    assert registered.payload is not None
    assert (registered.payload.text_sha256, registered.payload.canonical_sha256) == ("", None)


def test_a_logged_model_that_was_deleted(folder):
    uri, ids = stored(folder, "sqlite", [recipe("B0", "42")])
    client = sqlite_client(uri)
    model = client.create_logged_model(experiment_id(client), name="net", source_run_id=ids["B0-42"])
    client.log_outputs(ids["B0-42"], [LoggedModelOutput(model.model_id, 0)])
    client.delete_logged_model(model.model_id)
    found = only(run_of(evidence(uri, ids), "B0-42").models)
    assert (found.model_id, found.status, found.artifacts) == (model.model_id, "DELETED", ())


def test_logged_models(folder):
    uri, ids = stored(folder, "sqlite", [recipe("B0", "42"), recipe("A3", "42")])
    client = sqlite_client(uri)
    experiment = experiment_id(client)
    ready = client.create_logged_model(experiment, name="net", source_run_id=ids["B0-42"])
    (folder / "model").mkdir()
    (folder / "model" / "weights.npz").write_bytes(recipe("B0", "42").artifacts["checkpoints/model.npz"])
    client.log_model_artifacts(ready.model_id, str(folder / "model"))
    client.finalize_logged_model(ready.model_id, "READY")
    pending = client.create_logged_model(experiment, name="half", source_run_id=ids["A3-42"])
    client.log_outputs(ids["B0-42"], [LoggedModelOutput(ready.model_id, 0)])
    client.log_outputs(ids["A3-42"], [LoggedModelOutput(pending.model_id, 0)])
    found = evidence(uri, ids)
    model = only(run_of(found, "B0-42").models)
    assert (model.name, model.status) == ("net", "READY")
    assert [(artifact.path, artifact.problem) for artifact in model.artifacts] == [("weights.npz", None)]
    model = only(run_of(found, "A3-42").models)
    assert (model.name, model.status, model.artifacts) == ("half", "PENDING", ())


# --- the checkout -----------------------------------------------------------------------------------------------------


def test_git_facts_and_the_checkouts_files(folder):
    from dulwich import porcelain

    checkout = folder / "checkout"
    checkout.mkdir()
    porcelain.init(checkout).close()
    commits = []
    for text in ("1", "2"):
        (checkout / "train.py").write_text(text)
        (checkout / "definition.json").write_text('{"metric": "pape", "unit": "kW"}')
        porcelain.add(checkout, [str(checkout)])
        commits.append(
            porcelain.commit(checkout, message=b"m", author=b"a <a@b>", committer=b"a <a@b>").decode()
        )
    first, head = commits
    runs = [
        changed(registration(), tags={"git_commit": head}),
        changed(recipe("B0", "42"), tags={"mlflow.source.git.commit": first}),
        changed(recipe("A3", "42"), tags={"mlflow.source.git.commit": head}),
        recipe("A3", "123"),
    ]
    rules = policy(gates={"definition_hash": {"require_ancestor": True}})
    uri, ids = stored(folder, "sqlite", runs)
    found = evidence(uri, ids, rules, checkout=checkout)
    assert found.head == Head(commit=head, origin=HeadFrom.CHECKOUT)
    others = {first: Code(same_code=Answer.NO, by="clone"), COMMIT: Code()}
    assert found.codes == {head: Code(same_code=Answer.YES, by="equal"), **others}
    assert {run.run_id: run.after_registration for run in found.runs} == {
        "B0-42": Answer.NO, "A3-42": Answer.YES, "A3-123": Answer.UNKNOWN
    }  # fmt: skip
    named = Head(commit=first, origin=HeadFrom.OPTION)
    assert evidence(uri, ids, rules, checkout=checkout, head=named).codes[first].same_code is Answer.YES
    only_head = evidence(uri, ids, policy(runs={"commit": "code"}), checkout=checkout)
    assert {run.run_id for run in only_head.runs} == {
        "A3-42",
        "A3-123",
    }  # a commit that is not known may be it
    outside = evidence(uri, ids, rules, checkout=folder)
    assert (outside.head, outside.codes) == (NO_HEAD, {})
    by_file = policy(gates={"definition_hash": {"expected": {"file": "definition.json"}}})
    assert evidence(uri, ids, by_file, policy_dir=checkout).definition_sha256 == found.registrations[0].sha256


def test_a_head_that_is_named_needs_no_repository(folder, monkeypatch):
    uri, ids = stored(folder, "sqlite", [recipe("B0", "42")])
    monkeypatch.setattr("smoke_gate.collect.checkout.open_repository", lambda _: pytest.fail("it was opened"))
    named = Head(commit=COMMIT, origin=HeadFrom.OPTION)
    assert evidence(uri, ids, policy(runs={"commit": "head"}), head=named).head == named


def test_a_definition_file_that_is_not_there(folder):
    rules = policy(gates={"definition_hash": {"expected": {"file": "definition.json"}}})
    with pytest.raises(UsageError, match=r"definition file .* cannot be read"):
        collect(rules, Source(tracking_uri="sqlite:///never-opened.db"))


def test_the_order_of_recording_changes_nothing(tmp_path, monkeypatch):
    found = []
    for name, runs in (("one", matrix()), ("two", matrix()[::-1])):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        found.append(evidence(*stored(tmp_path / name, "sqlite", runs)))
    assert found[0] == found[1]


def test_the_tracking_uri_is_told_as_given(folder):
    uri, _ = stored(folder, "sqlite", matrix())
    assert collect(policy(), Source(tracking_uri=uri)).tracking_uri == uri
    assert collect(policy(), Source(tracking_uri="sqlite:///mlflow.db")).tracking_uri == "sqlite:///mlflow.db"
    assert sorted(path.name for path in folder.iterdir()) == ["mlflow.db", "mlruns"]


def test_reading_is_repeatable(folder):
    """spec: verdict-pure"""
    uri, ids = stored(folder, "sqlite", matrix())
    first = evidence(uri, ids)
    assert evidence(uri, ids, workers=1) == replace(first)
