"""A real MLflow server: SQLite behind it, artifacts through it, two workers."""

import base64
import random
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, ViewType

from smoke_gate.collect import Source, StoreError, collect, find_plan, served_runs, server_requests
from smoke_gate.collect.artifact_stores import RecordedPlace
from smoke_gate.collect.errors import ArtifactError
from smoke_gate.collect.folders import Entry
from smoke_gate.collect.recorded import RecordedRun, of_mlflow
from smoke_gate.collect.remote import artifacts_at
from smoke_gate.collect.served import ServedArtifacts
from smoke_gate.collect.served_runs import ServedRuns
from smoke_gate.collect.store import Store, open_store
from smoke_gate.errors import UsageError
from smoke_gate.evidence import Evidence
from smoke_gate.gates import policy_of
from smoke_gate.policy.model import Policy
from tests.support.forked import python_m
from tests.support.http import forwarding, silent_server
from tests.support.mlflow_server import free_port, mlflow_server
from tests.support.recorded import (
    CELLS,
    EXPERIMENT,
    MINUTE,
    SEEDS,
    START,
    changed,
    experiment_id,
    fingerprint,
    matrix,
    recipe,
    record,
    relabelled,
)
from tests.support.stores import sqlite_store

ODD = {"checkpoints/odd 100% 한 [1] &+;.npz": recipe("B0", "odd").artifacts["checkpoints/model.npz"]}
RUNS = [
    *matrix(),
    changed(recipe("B0", "42"), name="failed", status="FAILED", start=START - MINUTE),
    changed(recipe("B0", "42"), name="deleted", start=START - 2 * MINUTE),
    changed(recipe("A3", "7"), name="stray", params={"lr": "0.5"}, artifacts=ODD),
]


def policy(**sections: Any) -> Policy:
    plain = {
        "version": 1,
        "experiments": [EXPERIMENT],
        "plan": {"cells": list(CELLS), "seeds": list(SEEDS)},
        "gates": {"metric_ratio": {"rules": [{"value": "val_loss.min / train_loss.first", "max": 2}]}},
    }
    return policy_of({**plain, **sections})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder):
    sqlite_store(folder / "server.db")  # saves the server the time to make its tables
    with mlflow_server(folder) as address:
        yield address


@pytest.fixture(scope="module")
def ids(server):
    client = MlflowClient(server)
    ids = record(client, RUNS)
    client.delete_run(ids["deleted"])
    return ids


def evidence(uri: str, rules: Policy | None = None, **source: Any) -> Evidence:
    return collect(
        rules or policy(), Source(tracking_uri=uri, **source), clock=lambda: datetime(2026, 1, 31, tzinfo=UTC)
    ).evidence


def test_the_same_evidence_as_from_sqlite(server, ids, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    client = sqlite_store(tmp_path / "mlflow.db")
    local_ids = record(client, RUNS)
    client.delete_run(local_ids["deleted"])
    local = evidence(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert relabelled(evidence(server), ids) == relabelled(local, local_ids)
    assert len(local.runs) == 4


def test_nothing_is_written(server, ids, folder, tmp_path, monkeypatch):
    """spec: evidence-read-only"""
    monkeypatch.chdir(tmp_path)

    def stored() -> dict[str, object]:
        return {name: found for name, found in fingerprint(folder).items() if name != "server.log"}

    before = stored()
    evidence(server)
    assert stored() == before
    assert not list(tmp_path.iterdir())


def test_parts_of_large_artifacts_are_read_through_the_server(server, ids, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    client = sqlite_store(tmp_path / "mlflow.db")
    local_ids = record(client, RUNS)
    client.delete_run(local_ids["deleted"])
    rules = policy(gates={"checkpoints": {"max_bytes": 1}})
    served = evidence(server, rules)
    assert relabelled(served, ids) == relabelled(
        evidence(f"sqlite:///{tmp_path / 'mlflow.db'}", rules), local_ids
    )
    found = [artifact for run in served.runs for artifact in run.checkpoints]
    assert found
    assert all(artifact.structure_only and artifact.holds == "tensors" for artifact in found)
    assert not any(artifact.problem for artifact in found)


def test_pages_are_followed(server, ids, monkeypatch):
    whole = evidence(server)
    monkeypatch.setattr(served_runs, "_PAGE", 2)
    assert evidence(server, workers=1) == whole


def test_scope_and_plan(server, ids):
    plan = {"cells": list(CELLS), "seeds": [*SEEDS, "7"]}
    found = evidence(server, policy(runs={"where": "params.lr = '0.01'"}, plan=plan))
    assert [attempt.run_name for attempt in found.attempts if not attempt.in_scope] == ["stray"]
    with pytest.raises(UsageError, match=r"runs\.where"):
        evidence(server, policy(runs={"where": "params.lr > 1"}))
    known = find_plan(policy(plan={"cells": [], "seeds": []}, experiments=[]), Source(tracking_uri=server))
    assert (known.cells, known.seeds) == (("A3", "B0"), ("7", "42", "123"))


def test_a_server_is_asked_for_the_plan_only_where_other_runs_are_ignored(server, ids, monkeypatch):
    """spec: G0-by-cell"""
    rules = policy(
        runs={"unexpected": "ignore", "where": "params.lr = '0.01'"}, plan={"cells": ["A3"], "seeds": SEEDS}
    )
    with monkeypatch.context() as patched:
        patched.delattr("smoke_gate.collect.listed_runs.listing_of")
        asked = evidence(server, rules)
    monkeypatch.setattr("smoke_gate.collect.listed_runs.planned_part", lambda _: None)
    assert evidence(server, rules) == asked
    assert not asked.others.looked_for
    assert {attempt.cell for attempt in asked.attempts} == {"A3"}


def test_a_folder_of_artifacts_is_listed_once_and_only_where_it_is_there(server, ids, monkeypatch):
    listed: list[tuple[str, str | None]] = []
    ask = ServedArtifacts.list_artifacts

    def counted(place: ServedArtifacts, path: str | None = None) -> Any:
        found = ask(place, path)
        listed.append((place.path, path))
        assert path is None or found, "an empty folder was asked for"
        return found

    monkeypatch.setattr(ServedArtifacts, "list_artifacts", counted)
    runs = evidence(server, policy(gates={"figures": {"paths": ["figures/**", "plots/*.png"]}})).runs
    assert len(runs) == len(CELLS) * len(SEEDS)
    assert len(listed) == len(set(listed))
    assert {path for _, path in listed} >= {None, "checkpoints"}
    assert "plots" not in {path for _, path in listed}


def test_a_long_history_is_read_page_by_page(server, ids, monkeypatch):
    whole = evidence(server)
    monkeypatch.setattr("smoke_gate.collect.served_histories._POINTS_OF_A_PAGE", 1)
    assert evidence(server) == whole
    assert all(run.histories["val_loss"].length == 2 for run in whole.runs)


def test_odd_names_of_artifacts(server, ids):
    found = evidence(server, policy(plan={"cells": ["A3"], "seeds": ["7"]}))
    (run,) = found.runs
    paths = {artifact.path: artifact.problem for artifact in run.checkpoints}
    assert paths == {"checkpoints/model.npz": None, **dict.fromkeys(ODD)}


def artifact(server: str, ids: Mapping[str, str], entry: Entry, max_bytes: int = 10_000) -> bytes:
    with open_store(server) as store:
        recorded = store.client.get_run(ids["B0-42"]).info.artifact_uri
        folder = artifacts_at(RecordedPlace(recorded, ids["B0-42"]), store, ())
        with folder.opened(entry, max_bytes) as path:
            content = path.read_bytes()
        assert not path.exists()
    return content


def test_one_artifact_at_a_time(server, ids):
    assert artifact(server, ids, Entry("logs/train.log", 8)) == b"epoch 1\n"
    with pytest.raises(ArtifactError, match="larger than 7 bytes"):
        artifact(server, ids, Entry("logs/train.log", None), max_bytes=7)
    with pytest.raises(ArtifactError, match="not there any more"):
        artifact(server, ids, Entry("logs/vanished.log", 8))


def test_logged_models(server):
    from mlflow.entities import LoggedModelOutput

    client = MlflowClient(server)
    ids = record(client, [recipe("B0", "42")], "models")
    experiment = experiment_id(client, "models")
    model = client.create_logged_model(experiment, name="net", source_run_id=ids["B0-42"])
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(ids["B0-42"], [LoggedModelOutput(model.model_id, 0)])
    (run,) = evidence(server, policy(experiments=["models"])).runs
    assert [(found.name, found.status) for found in run.models] == [("net", "READY")]


def test_a_logged_model_without_its_weights(server, tmp_path):
    from mlflow.entities import LoggedModelOutput

    client = MlflowClient(server)
    ids = record(client, [recipe("B0", "42")], "models without weights")
    model = client.create_logged_model(experiment_id(client, "models without weights"), name="net")
    (tmp_path / "model" / "data").mkdir(parents=True)
    (tmp_path / "model" / "data" / "words.txt").write_text("smoke")
    (tmp_path / "model" / "MLmodel").write_text(
        "flavors: {pytorch: {model_data: data}, sklearn: {pickled_model: model.pkl}}\nutc_time_created: '2026'\n"
    )
    client.log_model_artifacts(model.model_id, str(tmp_path / "model"))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(ids["B0-42"], [LoggedModelOutput(model.model_id, 0)])
    (run,) = evidence(server, policy(experiments=["models without weights"])).runs
    assert [(found.absent, found.problem) for found in run.models] == [(("model.pkl",), None)]


# --- in the way of the server -----------------------------------------------------------------------------------------


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("environ", "userinfo", "expected"),
    [
        ({"MLFLOW_TRACKING_TOKEN": "t0ken"}, "", "Bearer t0ken"),
        ({"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "s3cret"}, "", basic("me", "s3cret")),
        ({}, "me:s3cr%2Fet@", basic("me", "s3cr/et")),
        ({"MLFLOW_TRACKING_TOKEN": "t0ken"}, "me:s3cret@", basic("me", "s3cret")),
    ],
)
def test_credentials(server, ids, monkeypatch, environ, userinfo, expected):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with forwarding(server, lambda request: request.headers.get("Authorization") == expected) as proxy:
        uri = proxy.replace("://", f"://{userinfo}")
        found = collect(policy(), Source(tracking_uri=uri))
        assert found.tracking_uri == proxy
        assert all(run.checkpoints for run in found.evidence.runs)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "wr0ng")
        monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
        with pytest.raises(StoreError, match=r"HTTP 401") as raised:
            evidence(uri.replace("s3cr", "wr0ng"))
    assert "wr0ng" not in str(raised.value)
    assert str(raised.value).startswith(proxy)


@pytest.mark.parametrize("answered", [1, 2, 5])
def test_a_server_that_falls_silent_later(server, ids, monkeypatch, answered):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    count = 0

    def falls_silent(_request):
        nonlocal count
        count += 1
        if count > answered:
            time.sleep(4)
        return True

    with forwarding(server, falls_silent) as proxy, pytest.raises(StoreError, match="did not answer in time"):
        evidence(proxy)


@pytest.mark.parametrize("way", ["refuses", "is silent"])
def test_no_server_is_known_while_people_wait(way, tmp_path):
    if way == "refuses":
        message = checked_in_a_process(f"http://me:s3cret@127.0.0.1:{free_port()}", tmp_path)
    else:
        with silent_server() as uri:
            message = checked_in_a_process(uri.replace("://", "://me:s3cret@"), tmp_path)
    assert {"refuses": "connection refused", "is silent": "did not answer in time"}[way] in message
    assert "s3cret" not in message


def checked_in_a_process(uri: str, folder: Path) -> str:
    """Return the one line that a check prints."""
    arguments = ["check", "--cells", "B0", "--seeds", "1", "--experiment", EXPERIMENT, "--tracking-uri", uri]
    done = python_m("smoke_gate", *arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (3, b"")
    (line,) = done.stderr.decode().splitlines()
    return line


# --- runs by start time -----------------------------------------------------------------------------------------------

STARTS = [*range(START, START + 10_000, 1000), *[START + 5000] * 5, START + 5001]


@pytest.fixture(scope="module")
def many(server: str, folder: Path) -> Iterator[tuple[Store, list[str]]]:
    """Two experiments with a rich run and many plain ones, some of one millisecond; written beside the server."""
    client = MlflowClient(f"sqlite:///{folder / 'server.db'}")
    one, two = experiments = [client.create_experiment(name) for name in ("one", "two")]
    rich = client.create_run(
        "1", start_time=START + 77, run_name="rich", tags={"k": "v", "empty": ""}
    ).info.run_id
    client.log_param(rich, "lr", "0.1")
    for key, value in (("nan", float("nan")), ("up", float("inf")), ("loss", 0.5)):
        client.log_batch(rich, metrics=[Metric(key, value, START, 2**40)])
    tags = [InputTag("mlflow.data.context", "eval")]
    client.log_inputs(rich, [DatasetInput(Dataset("d", "0", "local", "{}", profile='{"num_rows": 3}'), tags)])
    model = client.create_logged_model(one, name="model", source_run_id=rich)
    client.log_outputs(rich, [LoggedModelOutput(model.model_id, step=3)])
    client.set_terminated(rich)
    for number, start in enumerate(STARTS):
        client.create_run(one if number % 3 else two, start_time=start, tags={"k": "v"} if number % 2 else {})
    client.delete_run(client.create_run(one, start_time=START + 3333).info.run_id)
    with open_store(server) as opened:
        yield opened, experiments


def by_id(runs: Iterable[RecordedRun]) -> dict[str, RecordedRun]:
    return {run.run_id: replace(run, metrics=dict(sorted(run.metrics.items()))) for run in runs}


def by_start(many: tuple[Store, list[str]], where: str = "") -> dict[str, RecordedRun]:
    return by_id(ServedRuns(*many, where, 4).listed())


@pytest.mark.parametrize("where", ["", "tags.k = 'v'", "tags.k = 'nobody'"])
@pytest.mark.parametrize("page", [3, 500])
def test_by_start_time_the_server_says_what_the_client_says(many, where, page, monkeypatch):
    monkeypatch.setattr(served_runs, "_PAGE", page)
    store, experiments = many
    listed = store.client.search_runs(experiments, where, ViewType.ALL, max_results=500)
    said = by_id(map(of_mlflow, listed))
    found = by_start(many, where)
    assert found.keys() == said.keys()
    assert str(found) == str({run_id: said[run_id] for run_id in found})  # NaN is not equal to NaN
    assert bool(said) is ("nobody" not in where)


@pytest.mark.parametrize("seed", range(2))
def test_no_run_is_missed_while_others_are_erased(many, folder, seed, monkeypatch):
    monkeypatch.setattr(served_runs, "_PAGE", 3)
    stay, ask, turn, chance = by_start(many), server_requests.asked, Lock(), random.Random(seed)
    database, (_, two) = f"sqlite:///{folder / 'server.db'}", many[1]
    starts = [START + chance.randrange(10_000) for _ in range(8)]
    extra = [MlflowClient(database).create_run(two, start_time=start).info.run_id for start in starts]

    def asked_while_runs_are_erased(*arguments: Any) -> dict[str, Any]:
        with turn, closing(sqlite3.connect(folder / "server.db", timeout=30)) as tables, tables:
            gone = [(extra.pop(),)] if extra else []
            tables.executemany("DELETE FROM tags WHERE run_uuid = ?", gone)
            tables.executemany("DELETE FROM runs WHERE run_uuid = ?", gone)
        return ask(*arguments)

    monkeypatch.setattr(served_runs, "asked", asked_while_runs_are_erased)
    assert by_start(many).keys() >= stay.keys()
    assert not extra
