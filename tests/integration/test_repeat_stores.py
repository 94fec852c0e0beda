"""Repeating a verdict against a real store: what was changed after the fact, what was registered, what was tried."""

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from dulwich import porcelain
from mlflow import MlflowClient

from smoke_gate.cli import run
from smoke_gate.collect import collect
from smoke_gate.contract import Golden, definition_hash, preregister
from smoke_gate.provenance import embed_provenance
from smoke_gate.report import files
from tests.github.server import REPOSITORY, TIP, FakeGitHub, Kept, running
from tests.github.storage import storage_of, zipped
from tests.support.recorded import (
    CELLS,
    COMMIT,
    DEFINITION,
    EXPERIMENT,
    MINUTE,
    SEEDS,
    START,
    Recipe,
    changed,
    fingerprint,
    matrix,
    npz,
    png,
    recipe,
    record,
)
from tests.support.stores import sqlite_store

URI = "sqlite:///mlflow.db"
OFF = {"enabled": False, "reason": "not of interest here"}
POLICY: dict[str, Any] = {
    "version": 1,
    "experiments": [EXPERIMENT],
    "plan": {"cells": {cell: {} for cell in CELLS}, "seeds": list(SEEDS), "required_metrics": ["pape"]},
    "gates": {"unit_contract": OFF, "figures": OFF},
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A project's folder, which is the working directory too: MLflow keeps artifacts there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def client(folder):
    return sqlite_store(folder / "mlflow.db")


def check(policy: dict[str, Any] = POLICY, *options: str) -> tuple[int, Path, dict[str, Any]]:
    """Run `check`; return its exit code, the verdict file and what it holds."""
    Path("smoke-gate.yml").write_text(yaml.safe_dump(policy))
    shutil.rmtree("outputs", ignore_errors=True)
    code = run(["check", "--tracking-uri", URI, "--quiet", *options])
    (path,) = Path("outputs").glob("smoke_verdict_*.json")
    return code, path, json.loads(path.read_text())


# --- reproduce --live -------------------------------------------------------------------------------------------------

RUNS = [*matrix(), changed(recipe("B0", "42"), name="failed", status="FAILED", start=START)]
Change = Callable[[MlflowClient, dict[str, str]], object]


def edit_param(_client: MlflowClient, ids: dict[str, str]) -> None:
    """Do what MLflow refuses, as somebody with access to the database can."""
    with closing(sqlite3.connect("mlflow.db")) as database:
        database.execute(
            "UPDATE params SET value = 'forged' WHERE key = 'val_data_hash' AND run_uuid = ?", [ids["A3-42"]]
        )
        database.commit()


def replace_checkpoint(client: MlflowClient, ids: dict[str, str]) -> None:
    folder = Path("new")
    folder.mkdir()
    (folder / "model.npz").write_bytes(npz("another"))
    client.log_artifact(ids["A3-42"], str(folder / "model.npz"), "checkpoints")


def attempt_again(client: MlflowClient, _ids: dict[str, str]) -> None:
    record(client, [changed(recipe("A3", "42"), name="again", start=START + 99 * MINUTE)])


CHANGES: dict[str, tuple[Change, str, list[str]]] = {
    "a metric added": (
        lambda client, ids: client.log_metric(ids["A3-42"], "late", 1.5, timestamp=START + 60 * MINUTE),
        "A3-42", ["metric late: added, 1.5 (logged 2023-11-14T23:13:20.000Z by its client's clock, after the run"],
    ),
    "a metric moved": (
        lambda client, ids: client.log_metric(ids["A3-42"], "pape", 0.5, timestamp=START, step=9),
        "A3-42", ["metric pape: was 10.5, is 0.5 (logged 2023-11-14T22:13:20.000Z by its client's clock)"],
    ),
    "a param added": (
        lambda client, ids: client.log_param(ids["A3-42"], "definition_hash", "ab"),
        "A3-42", ["param definition_hash: added, 'ab'"],
    ),
    "a param edited": (edit_param, "A3-42", ["param val_data_hash: was '", "is 'forged'"]),
    "a checkpoint replaced": (
        replace_checkpoint, "A3-42", ["artifact checkpoints/model.npz: was sha256 ", f"{len(npz('another'))} bytes"],
    ),
    "a run deleted": (
        lambda client, ids: client.delete_run(ids["A3-42"]), "A3-42", ["lifecycle stage: was active, is deleted"],
    ),
    "a failed run deleted": (
        lambda client, ids: client.delete_run(ids["failed"]), "failed", ["lifecycle stage: was active, is deleted"],
    ),
    "a status": (
        lambda client, ids: client.set_terminated(ids["A3-42"], "KILLED", START + 2 * MINUTE),
        "A3-42", ["status: was FINISHED, is KILLED"],
    ),
    "a commit": (
        lambda client, ids: client.set_tag(ids["A3-42"], "mlflow.source.git.commit", "f" * 40),
        "A3-42", [f"commit: was {COMMIT}, is {'f' * 40}"],
    ),
    "the registration deleted": (
        lambda client, ids: client.delete_run(ids["preregistration"]), "preregistration",
        ["lifecycle stage: was active, is deleted"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "name", "said"), CHANGES.values(), ids=CHANGES)
def test_what_was_changed_after_the_fact_is_told_exactly(change, name, said, client, capsys):
    """spec: replay-live"""
    ids = record(client, RUNS)
    _, path, _ = check()
    change(client, ids)
    capsys.readouterr()
    assert run(["reproduce", str(path), "--live"]) == 1
    out = capsys.readouterr().out
    lines = out[out.index("changed since ") : out.index("verdict then: ")].splitlines()[1:]
    (title,) = [line for line in lines if not line.startswith("  ")]
    assert title.endswith(f" {ids[name]}")
    for words in said:
        assert words in "\n".join(lines)


def test_an_unchanged_store_is_exit_0_and_stays_so(client, folder, capsys):
    """spec: replay-live"""
    record(client, RUNS)
    _, path, document = check()
    capsys.readouterr()
    before = fingerprint(folder)
    assert run(["reproduce", str(path), "--live"]) == 0
    assert fingerprint(folder) == before
    out = capsys.readouterr().out
    assert f"unchanged since {document['created_at']}: " in out
    assert "metrics carry the time of their client's clock" in out


def test_a_new_attempt_is_told_with_what_the_verdict_would_be_now(client, capsys):
    ids = record(client, RUNS)
    _, path, document = check()
    attempt_again(client, ids)
    client.log_metric(ids["A3-42"], "pape", 0.5, step=9)  # of a run that does not stand for its pair any more
    capsys.readouterr()
    assert run(["reproduce", str(path), "--live"]) == 1
    out = capsys.readouterr().out
    assert "new attempt: FINISHED, active, started 2023-11-14T23:52:20.000Z" in out
    assert "metric pape: was 10.5, is 0.5" in out
    assert f"verdict then: {document['headline']}\n" in out
    assert "verdict now: " in out


def test_the_verdict_now_is_the_one_that_check_gives_and_a_deleted_run_has_lost_nothing(client, capsys):
    figures = {"paths": [], "files": ["paper.png"], "required_keys": ["source_run_ids"]}
    policy = {**POLICY, "gates": {"unit_contract": OFF, "figures": figures}}
    ids = record(client, RUNS)
    Path("paper.png").write_bytes(embed_provenance(png("paper"), {"source_run_ids": ids["B0-42"]}))
    _, path, then = check(policy)
    assert then["pictures"]["drawn"]
    kept = Path("verdict.json")
    shutil.copy(path, kept)
    client.delete_run(ids["A3-42"])
    attempt_again(client, ids)
    _, _, now = check(policy)
    capsys.readouterr()
    assert run(["reproduce", str(kept), "--live"]) == 1
    out = capsys.readouterr().out
    assert f"verdict now: {now['headline']}\n" in out
    assert "lifecycle stage: was active, is deleted" in out
    assert "gone" not in out[: out.index("verdict then")]


def test_an_erased_run_is_gone(client, capsys):
    ids = record(client, RUNS)
    _, path, _ = check()
    with closing(sqlite3.connect("mlflow.db")) as database:
        for table in ("params", "tags", "metrics", "latest_metrics", "runs"):
            database.execute(f"DELETE FROM {table} WHERE run_uuid = ?", [ids["A3-42"]])
        database.commit()
    capsys.readouterr()
    assert run(["reproduce", str(path), "--live"]) == 1
    assert f"A3/42, run {ids['A3-42']}\n  gone from the experiment" in capsys.readouterr().out


def test_a_renamed_experiment_is_the_same(client, capsys):
    record(client, RUNS)
    _, path, document = check()
    client.rename_experiment(document["source"]["experiments"][0]["id"], "renamed")
    capsys.readouterr()
    assert run(["reproduce", str(path), "--live"]) == 0
    assert "unchanged since" in capsys.readouterr().out


def test_an_experiment_whose_name_is_the_id_of_the_one_that_was_read_is_another(client, capsys):
    record(client, RUNS)
    _, path, document = check()
    client.create_experiment(document["source"]["experiments"][0]["id"])
    capsys.readouterr()
    assert run(["reproduce", str(path), "--live"]) == 0
    assert "unchanged since" in capsys.readouterr().out


def test_a_tampered_file_is_not_held_against_the_store(client, capsys):
    record(client, RUNS)
    _, path, document = check()
    document["evidence"]["runs"][0]["metrics"]["pape"] = "0.1"
    path.write_text(json.dumps(document))
    capsys.readouterr()
    assert run(["reproduce", str(path), "--live"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("tampered: ")
    assert "changed since" not in out


def test_no_server_is_asked_because_a_file_says_so(client, capsys):
    record(client, RUNS)
    _, path, document = check()
    document["source"]["tracking_uri"] = "http://127.0.0.1:9"
    path.write_text(json.dumps(document))
    assert run(["reproduce", str(path), "--live"]) == 2
    assert "name it yourself with --tracking-uri" in capsys.readouterr().err
    assert run(["reproduce", str(path), "--live", "--tracking-uri", URI]) == 0


# --- check --baseline, --show-waivable --------------------------------------------------------------------------------


def test_the_report_shows_the_differences_to_a_baseline(client, folder):
    ids = record(client, RUNS)
    _, path, _ = check()
    base = folder / "base.json"
    path.rename(base)
    client.log_metric(ids["A3-42"], "pape", 10.0, step=9)
    check(POLICY, "--baseline", str(base))
    (report,) = Path("outputs").glob("smoke_report_*.md")
    assert "| <code>A3/42</code> | 10.5 | 10 | -0.5 |" in report.read_text()


def test_the_baselines_headline_is_that_of_its_evidence(client, folder):
    record(client, RUNS)
    _, _, document = check()
    base = folder / "base.json"
    base.write_text(json.dumps({**document, "headline": "ALL PASS and then some"}))
    check(POLICY, "--baseline", str(base))
    (report,) = Path("outputs").glob("smoke_report_*.md")
    assert "and then some" not in report.read_text()
    assert "Its verdict: WARNING" in report.read_text()


def test_a_baseline_that_is_absent_changes_nothing_and_is_told(client, capsys):
    record(client, RUNS)
    Path("smoke-gate.yml").write_text(yaml.safe_dump(POLICY))
    assert run(["check", "--tracking-uri", URI, "--baseline", "main.json"]) == 0
    assert "\nbaseline NONE: There is no file main.json. To make one, " in capsys.readouterr().out


def test_a_baseline_that_is_not_a_verdict_file_is_an_error_before_anything_is_read(client, capsys):
    record(client, RUNS)
    Path("smoke-gate.yml").write_text(yaml.safe_dump(POLICY))
    Path("main.json").write_text("{}")
    assert run(["check", "--tracking-uri", URI, "--baseline", "main.json"]) == 2
    assert "main.json is not a verdict file" in capsys.readouterr().err
    assert not Path("outputs").exists()


def test_a_limit_of_the_policy_against_a_baseline_fails_the_check_and_not_its_replay(client, folder, capsys):
    ids = record(client, RUNS)
    _, path, _ = check()
    base = folder / "base.json"
    path.rename(base)
    client.log_metric(ids["A3-42"], "pape", 99.0, step=9)
    code, path, document = check({**POLICY, "compare": {"max_rise": {"pape": 0.5}}}, "--baseline", str(base))
    out = capsys.readouterr().out
    assert code == 1
    assert "baseline FAIL: " in out
    assert "  FAIL --max-rise pape=0.5\n    A3/42: rose by " in out
    assert document["verdict"] != "FAIL"
    assert run(["reproduce", str(path)]) == 0


def test_a_branchs_verdict_is_a_baseline_on_the_command_line_too(client, folder, capsys, monkeypatch):
    record(client, RUNS)
    code, _, document = check()
    assert code == 0
    document["context"] |= {"repository": REPOSITORY, "sha": TIP}
    kept = Kept(id=1, archive=zipped({"smoke_verdict_1.json": json.dumps(document)}))
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    with running(FakeGitHub(kept=[kept])) as github, storage_of(github) as asked:
        monkeypatch.setenv("GITHUB_API_URL", github.url)
        check(POLICY, "--baseline-ref", "main")
        assert (
            "baseline NONE: The artifacts of main were not looked for: there is no token"
            in capsys.readouterr().out
        )
        monkeypatch.setenv("GITHUB_TOKEN", "secret-token")
        check(POLICY, "--baseline-ref", "main")
    out = capsys.readouterr().out
    assert f"baseline PASS: artifact smoke-gate-main of run 50 on main, commit {TIP[:12]}" in out
    assert len(asked) == 1


def test_ready_waivers_are_printed_behind_the_summary(client, capsys):
    record(client, [replace(one, artifacts={}) if one.name == "A3-42" else one for one in RUNS])
    Path("smoke-gate.yml").write_text(yaml.safe_dump(POLICY))
    assert run(["check", "--tracking-uri", URI, "--quiet", "--show-waivable"]) == 1
    out = capsys.readouterr().out
    (waiver, *_) = yaml.safe_load(out[out.index("\n# ") :])["waivers"]
    assert (waiver["gate"], waiver["cell"], waiver["seed"]) == ("G3", "A3", "42")


# --- check, itself ---------------------------------------------------------------------------------------------------


def test_verbose_says_what_is_read(client, monkeypatch, capsys):
    late = [one for one in RUNS if one.name == "A3-42"]
    record(client, [one for one in RUNS if one not in late])
    monkeypatch.setattr("smoke_gate.pipeline.time.sleep", lambda _seconds: record(client, late))
    Path("smoke-gate.yml").write_text(yaml.safe_dump(POLICY))
    run(["check", "--tracking-uri", URI, "--verbose", "--wait", "1h"])
    assert capsys.readouterr().err.splitlines() == [
        f"reading {URI}",
        f"{len(RUNS) - 1} runs in {EXPERIMENT} (1)",
        "reading params, metrics and artifacts of 3 runs",
        "not all runs are there, or one goes on: looking again in 15 seconds",
        f"reading {URI}",
        f"{len(RUNS)} runs in {EXPERIMENT} (1)",
        "reading params, metrics and artifacts of 4 runs",
    ]


@pytest.mark.parametrize("failing", ["verdict", "figures"])
def test_files_that_cannot_all_be_written_leave_none(failing, client, monkeypatch, capsys):
    """spec: file-whole"""
    record(client, RUNS)
    Path("smoke-gate.yml").write_text(yaml.safe_dump(POLICY))
    whole = files.write_parts

    def full(path: Path, parts: Iterable[bytes]) -> Path:
        if failing in str(path):
            raise files.ReportError(f"cannot write {path}: No space left on device")
        return whole(path, parts)

    monkeypatch.setattr("smoke_gate.report.files.write_parts", full)
    assert run(["check", "--tracking-uri", URI]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert [path.name for path in Path("outputs").iterdir()] == [".gitignore"]


def test_files_of_another_check_stay_where_these_cannot_be_written(client, monkeypatch):
    record(client, RUNS)
    _, path, _ = check()
    before = sorted(Path("outputs").rglob("*"))
    monkeypatch.setattr("smoke_gate.pipeline.stamp", lambda *_: path.stem.removeprefix("smoke_verdict_"))

    def full(*_: object) -> None:
        raise files.ReportError("No space left on device")

    monkeypatch.setattr("smoke_gate.pipeline.write_folder", full)
    assert run(["check", "--tracking-uri", URI]) == 2
    assert sorted(Path("outputs").rglob("*")) == before


def test_a_verdict_is_as_old_as_its_first_look(client, monkeypatch):
    record(client, RUNS)
    looked = []

    def slowly(*arguments: Any, **options: Any) -> Any:
        time.sleep(1.1)
        looked.append(datetime.now(UTC))
        return collect(*arguments, **options)

    monkeypatch.setattr("smoke_gate.pipeline.collect", slowly)
    _, _, document = check()
    assert datetime.fromisoformat(document["created_at"]) < looked[0]


# --- the attempt ledger -----------------------------------------------------------------------------------------------


def test_every_attempt_is_in_the_ledger_and_counted(client):
    tries = [
        changed(recipe("A3", "42"), name=name, status=status, start=START + minute * MINUTE)
        for minute, (name, status) in enumerate(
            {"f": "FAILED", "k": "KILLED", "d": "FINISHED", "r": "RUNNING"}.items()
        )
    ]
    ids = record(client, [*matrix(), *tries])
    client.delete_run(ids["d"])
    policy = {**POLICY, "plan": {**POLICY["plan"], "max_attempts": 2}}
    _, _, document = check(policy)
    own = [one for one in document["attempts"] if (one["cell"], one["seed"]) == ("A3", "42")]
    found = {(one["run_id"], one["status"], one["lifecycle_stage"], one["selected"]) for one in own}
    assert found == {
        (ids["A3-42"], "FINISHED", "active", True),
        (ids["f"], "FAILED", "active", False),
        (ids["k"], "KILLED", "active", False),
        (ids["d"], "FINISHED", "deleted", False),
        (ids["r"], "RUNNING", "active", False),
    }
    said = [one for one in document["checks"] if one["subject"] == "A3/42" and one["status"] == "WARNING"]
    assert any("5" in one["message"] for one in said)


# --- preregistration --------------------------------------------------------------------------------------------------


def golden() -> Golden:
    inputs = {"actual": np.array([1.0, 2.0]), "forecast": np.array([1.5, 2.0])}
    return Golden(inputs, {"mae": 0.25, "worst": 0.5})


def registered(client: MlflowClient) -> tuple[str, str]:
    """Register a definition and replace it; return both hashes."""
    first, second = {**DEFINITION, "version": 1}, {**DEFINITION, "version": 2}
    preregister(first, None, experiment=EXPERIMENT, client=client, commit=COMMIT)
    prior = definition_hash(first)
    preregister(
        second,
        golden(),
        experiment=EXPERIMENT,
        client=client,
        prior=prior,
        reason="peaks were cut",
        policy_sha256="a" * 64,
        commit=COMMIT,
    )
    return prior, definition_hash(second)


def test_the_chain_is_shown_and_nothing_written(client, folder, capsys):
    first, second = registered(client)
    before = fingerprint(folder)
    assert run(["preregister", "--show", "--experiment", EXPERIMENT, "--tracking-uri", URI]) == 0
    assert fingerprint(folder) == before
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 registered"
    assert lines.index(first) < lines.index(f"{second} (in force)")
    assert f"  replaces {first}: peaks were cut" in lines
    assert f"  commit {COMMIT}" in lines
    assert f"  policy {'a' * 64}, golden tensor: yes" in lines
    assert lines.count("  definition: its text gives the hash") == 2


def test_a_fork_of_the_chain_is_said(client, capsys):
    registered(client)
    record(
        client,
        [
            Recipe(
                name="preregistration",
                params={"pape_definition_hash": "b" * 64},
                tags={"smoke_gate.kind": "preregistration"},
            )
        ],
    )
    assert run(["preregister", "--show", "--experiment", EXPERIMENT, "--tracking-uri", URI]) == 0
    assert "none is in force" in capsys.readouterr().out


def test_registering_needs_a_definition(capsys):
    assert run(["preregister", "--experiment", EXPERIMENT, "--tracking-uri", URI]) == 2
    assert "needs a DEFINITION file" in capsys.readouterr().err


METRICS = """
import numpy as np
def good(actual, forecast):
    error = np.abs(actual - forecast)
    return {"mae": error.mean(), "worst": error.max(), "more": 1}
def bad(actual, forecast):
    return {"mae": 0.26}
"""


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["golden_metrics:good"], 0, ["PASS mae: 0.25, expected 0.25", "PASS worst: 0.5, expected 0.5"]),
        (
            ["golden_metrics:bad"],
            1,
            ["FAIL mae: 0.26, expected 0.25", "FAIL worst: it gave no worst, only mae"],
        ),
        (["golden_metrics:bad", "--rtol", "0.05"], 1, ["PASS mae: 0.26, expected 0.25"]),
    ],
)
def test_an_implementation_is_held_against_the_golden_tensor(options, code, said, client, capsys):
    _, second = registered(client)
    Path("golden_metrics.py").write_text(METRICS)
    assert run(["golden", *options, "--experiment", EXPERIMENT, "--tracking-uri", URI]) == code
    out = capsys.readouterr().out
    assert out.startswith(f"definition {second}, run ")
    for line in said:
        assert line in out.splitlines()


def test_a_registration_without_a_golden_tensor_is_an_error(client, capsys):
    preregister(DEFINITION, None, experiment=EXPERIMENT, client=client, commit=COMMIT)
    assert run(["golden", "math:hypot", "--experiment", EXPERIMENT, "--tracking-uri", URI]) == 2
    assert "has no golden.npz" in capsys.readouterr().err


def test_no_registration_is_an_error(client, capsys):
    client.create_experiment(EXPERIMENT)
    assert run(["golden", "math:hypot", "--experiment", EXPERIMENT, "--tracking-uri", URI]) == 2
    assert "not exactly one is in force" in capsys.readouterr().err


# --- require_ancestor, in a real repository ---------------------------------------------------------------------------


def committed(text: str) -> str:
    """Commit a file in the working directory; return the commit."""
    Path("train.py").write_text(text)
    porcelain.add(".", ["train.py"])
    me = b"Me <me@example.org>"
    return porcelain.commit(".", message=text.encode(), author=me, committer=me).decode()


@pytest.mark.parametrize("order", ["registered first", "registered later", "another clone"])
def test_the_registrations_commit_must_come_before_the_runs(order, client, folder):
    porcelain.init(".").close()
    early, late = committed("1"), committed("2")
    registration, training = {
        "registered first": (early, late),
        "registered later": (late, early),
        "another clone": ("d" * 40, late),
    }[order]
    runs = [
        changed(one, tags={"git_commit": registration})
        if one.name == "preregistration"
        else changed(one, tags={"mlflow.source.git.commit": training})
        for one in matrix()
    ]
    record(client, runs)
    policy = {**POLICY, "gates": {**POLICY["gates"], "definition_hash": {"require_ancestor": True}}}
    code, path, document = check(policy)
    found = [one for one in document["checks"] if one["kind"] == "ancestor"]
    assert len(found) == len(CELLS) * len(SEEDS)
    expected = {"registered first": ("PASS", "yes"), "registered later": ("FAIL", "no")}
    assert {(one["status"], one["observed"]) for one in found} == {expected.get(order, ("FAIL", "unknown"))}
    assert document["critical"] is (order != "registered first")
    assert (code == 1) is (order != "registered first")
    assert run(["reproduce", str(path), "--live"]) == 0
