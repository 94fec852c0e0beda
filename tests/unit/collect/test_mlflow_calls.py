import errno
import re
import time
from importlib import import_module

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from urllib3.exceptions import NewConnectionError

from smoke_gate.collect.errors import ArtifactError, StoreError
from smoke_gate.collect.mlflow_calls import explained, explanation, is_absent, persistently
from smoke_gate.collect.mlflow_environment import calm_mlflow
from tests.support.http import answering, dripping_server, silent_server
from tests.support.mlflow_server import free_port

PAGE = b"<html><body>Please <b>log in</b>, hunter2</body></html>"


@pytest.fixture(autouse=True)
def _calm(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter2")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with calm_mlflow():
        yield


def asked(uri: str) -> str:
    """Ask a server for its experiments, and return the error in words."""
    with pytest.raises(StoreError) as raised:
        explained("STORE", MlflowClient(uri).search_experiments)
    return str(raised.value)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, PAGE, "not MLflow's API: a login page or a proxy"),
        (302, b"", "HTTP 404|not MLflow's API"),
        (401, PAGE, r"asks for credentials .*MLFLOW_TRACKING_TOKEN.*\(HTTP 401"),
        (401, b'{"error_code": "UNAUTHENTICATED", "message": "no"}', "asks for credentials"),
        (403, PAGE, r"refuses access.*allowed-hosts.*\(HTTP 403"),
        (403, b'{"error_code": "PERMISSION_DENIED", "message": "not yours"}', "refuses access.*not yours"),
        (404, PAGE, "no MLflow API at this address"),
        (418, PAGE, r"refuses the request \(HTTP 418"),
        (429, PAGE, "limits the rate"),
        (500, PAGE, "Look into the server's log"),
        (503, PAGE, "fails.*HTTP 503"),
    ],
)
def test_what_a_server_answers(status, body, words):
    with answering(lambda request: (404, b"") if request.path == "/login" else (status, body)) as uri:
        message = asked(uri)
    assert message.startswith("STORE")
    assert re.search(words, message), message
    assert "hunter2" not in message
    assert "<" not in message


def test_a_disk_that_is_full_here_is_not_the_servers_fault():
    error = MlflowException("no")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    message = str(explanation("http://host", error))
    assert "No space left on device. Free some space in the folder for temporary files" in message


def test_no_server():
    message = asked(f"http://127.0.0.1:{free_port()}")
    assert message.startswith("cannot connect to STORE (connection refused)")


@pytest.mark.parametrize(
    ("host", "said"), [("localhost", True), ("127.0.0.1", True), ("[::1]", True), ("mlflow.example", False)]
)
def test_this_machine_is_another_one_in_a_container(host, said):
    refused = NewConnectionError(None, "Connection refused")  # type: ignore[arg-type]
    assert ("`--network host`" in str(explanation(f"http://{host}:5000", refused))) is said


def test_no_such_host():
    assert "cannot connect to STORE" in asked("http://no-such-host.invalid")


def test_no_tls():
    with answering(lambda _request: (200, PAGE)) as uri:
        assert "the TLS connection failed" in asked(uri.replace("http:", "https:"))


def test_a_silent_server():
    with silent_server() as uri:
        assert "did not answer in time" in asked(uri)


@pytest.mark.parametrize(
    "credentials", ["user:hunter3", "user:hun%2Fter3", "user:hun/hunter3", "user:hunter3@x", "hunter3"]
)
def test_credentials_in_the_address_are_not_told(credentials):
    message = asked(f"http://{credentials}@127.0.0.1:{free_port()}")
    assert "hunter3" not in message
    assert "hun" not in message
    assert "user" not in message.replace("user name", "")


def test_a_missing_driver_is_named():
    def needs_driver() -> None:
        import_module("no_such_driver")

    with pytest.raises(StoreError, match="STORE needs the Python package no_such_driver"):
        explained("STORE", needs_driver)


def test_other_errors_are_quoted_in_short():
    with pytest.raises(StoreError) as raised:
        explained("STORE", _raise, ValueError("long " * 1000))
    assert str(raised.value).startswith("STORE cannot be read: long long")
    assert len(str(raised.value)) < 400
    with pytest.raises(StoreError, match="KeyError"):
        explained("STORE", _raise, KeyError())


def test_mlflows_code_is_kept():
    with pytest.raises(StoreError) as raised:
        explained("STORE", _raise, MlflowException.invalid_parameter_value("bad filter"))
    assert raised.value.code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("error", [StoreError("x"), ArtifactError("x")])
def test_own_errors_pass(error):
    with pytest.raises(type(error)) as raised:
        explained("STORE", _raise, error)
    assert raised.value is error


def test_absence_is_no_failure():
    assert is_absent(FileNotFoundError())
    assert is_absent(RuntimeError("An error occurred (NoSuchBucket) when calling ListObjectsV2"))
    with answering(lambda _request: (404, PAGE)) as uri, pytest.raises(MlflowException) as raised:
        MlflowClient(uri).search_experiments()
    assert is_absent(raised.value)
    assert not is_absent(PermissionError())


def test_an_answer_that_comes_byte_by_byte_is_given_up():
    begun = time.monotonic()
    with dripping_server() as uri, pytest.raises(StoreError, match="did not answer in time"):
        explained("STORE", persistently, 1.5, MlflowClient(uri).search_experiments)
    assert time.monotonic() - begun < 60


def test_a_busy_server_is_asked_again():
    answers = iter([(503, b""), (503, b""), (200, b'{"experiments": []}')])
    with answering(lambda _request: next(answers)) as uri:
        assert persistently(20, MlflowClient(uri).search_experiments) == []


@pytest.mark.parametrize(("status", "times"), [(401, 1), (404, 1), (503, 4)])
def test_what_does_not_pass_is_not_asked_again(status, times):
    asked_for = []

    def answer(request):
        asked_for.append(request.path)
        return status, b""

    with answering(answer) as uri, pytest.raises(MlflowException):
        persistently(20, MlflowClient(uri).search_experiments)
    assert len(asked_for) == times


def _raise(error: Exception) -> None:
    raise error
