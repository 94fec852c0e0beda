import json
import logging
import os
import subprocess
import sys
import warnings
from importlib import import_module

import pytest

from smoke_gate.collect.mlflow_environment import calm_mlflow, deadline


def test_the_environment_is_put_back(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "99")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "false")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    before = dict(os.environ)
    with calm_mlflow():
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "99"
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0"
        assert os.environ["MLFLOW_ALLOW_FILE_STORE"] == "true"
        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert dict(os.environ) == before


def test_the_environment_is_put_back_after_an_error():
    before = dict(os.environ)
    with pytest.raises(KeyError), calm_mlflow():
        raise KeyError
    assert dict(os.environ) == before


def test_chatter_is_silent_and_comes_back(capsys):
    root, chatter = logging.getLogger(), logging.getLogger("mlflow.store.db.utils")
    handlers, level = root.handlers[:], logging.getLogger("mlflow").level
    with calm_mlflow():
        chatter.warning("chatter")
        logging.warning("MLflow's file store logs like this")
        warnings.warn("deprecated", FutureWarning, stacklevel=1)
        own = logging.getLogger("smoke_gate.collect")
        assert own.isEnabledFor(logging.WARNING)
    assert capsys.readouterr().err == ""
    assert root.handlers == handlers
    assert logging.getLogger("mlflow").level == level
    assert not root.filters


def test_only_modules_that_are_not_installed_are_known_as_absent(monkeypatch):
    monkeypatch.setattr("smoke_gate.collect.mlflow_environment._LOOKED_FOR", ("nowhere_installed", "json"))
    with calm_mlflow():
        assert "nowhere_installed" in sys.modules  # as None, so that no folder is searched
        with pytest.raises(ModuleNotFoundError):
            import_module("nowhere_installed")
        assert import_module("json") is json
    assert "nowhere_installed" not in sys.modules


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 18),
        ({"MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}, 62),
        ({"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3"}, 42),
        ({"MLFLOW_HTTP_REQUEST_TIMEOUT": "soon"}, 18),
    ],
)
def test_deadline(environ, seconds):
    assert deadline(environ) == seconds


def test_mlflow_that_is_imported_meanwhile_is_silent_too():
    code = """
import logging
from smoke_gate.collect.mlflow_environment import calm_mlflow
with calm_mlflow():
    import mlflow
    logging.getLogger("mlflow.store").error("chatter")
logging.getLogger("mlflow.store").error("heard again")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "chatter" not in done.stderr
    assert "heard again" in done.stderr


def test_threads_that_need_mlflow_at_once_wait_for_its_import():
    code = """
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from smoke_gate.collect.artifact_stores import artifact_store
from smoke_gate.collect.store import StorePlace, _client
place = StorePlace(uri="", name="", kind="sqlite", folder=None, scratch=Path(), patience=None)
def work(number):
    time.sleep(number / 20)
    return artifact_store("s3://bucket/x", place) if number % 2 else _client("http://127.0.0.1:9")
with ThreadPoolExecutor(8) as pool:
    assert len(list(pool.map(work, range(8)))) == 8
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
