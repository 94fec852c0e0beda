"""No secret leaves: every canary in every form, looked for in every byte that the command line writes.

Canaries come from the environment, from addresses and from ``~/.netrc``; servers quote them, runs have logged them, and
libraries put them into their errors.
"""

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from mlflow.entities import Param

from smoke_gate import cli
from smoke_gate.cli.streams import SteadyStream
from smoke_gate.redaction import process_secrets
from tests.support.canaries import FORMS, canaries, leaks
from tests.support.forked import python_m
from tests.support.http import Received, answering
from tests.support.mlflow_server import free_port
from tests.support.recorded import EXPERIMENT, changed, png, recipe, record
from tests.support.stores import sqlite_store


def batched(items: Iterable[tuple[str, str]], size: int) -> Iterator[list[tuple[str, str]]]:
    rest = list(items)
    yield from (rest[first : first + size] for first in range(0, len(rest), size))


SHORT = "p-C4N"  # below eight characters: removed from errors and addresses only
NO_FORM_OF_SHORT = {
    "Basic of another user",
    "base64",
    "base64 amid others",
}  # too short to be found amid others


@dataclass
class Tried:
    """How many combinations of source, form and place were looked at."""

    count: int = 0

    def look(self, shown: Mapping[str, str], combinations: int) -> None:
        """Look for canaries in what was written at each place."""
        for place, text in shown.items():
            assert leaks(text) == [], place
            assert "Traceback" not in text, place
            self.count += combinations


@pytest.fixture(scope="module")
def tried(request) -> Iterator[Tried]:
    found = Tried()
    yield found
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\ncanaries: {found.count} combinations of source, encoding and place")  # noqa: T201


def checked(folder: Path, *arguments: str, **environment: str) -> dict[str, str]:
    """Run the command line in a process of its own, and return all that it wrote: standard streams and files."""
    variables = {**os.environ, "HOME": str(folder), **environment}
    done = python_m("smoke_gate", *arguments, cwd=folder, env=variables)
    assert done.returncode in (0, 1, 2, 3), done.stderr
    written = {file.name: file.read_bytes().decode() for file in folder.glob("outputs/*.*")}
    return {"stdout": done.stdout.decode(), "stderr": done.stderr.decode(), **written}


# --- facts of runs ----------------------------------------------------------------------------------------------------


def test_facts_of_runs(tmp_path, tried, monkeypatch):
    """A run has logged every canary in every form, as params, tags, names, artifacts and texts of figures."""
    monkeypatch.chdir(tmp_path)
    values = canaries()
    forms = [form(value) for value in values.values() for form in FORMS.values()]
    params = {f"p{place}": f"before {form} after" for place, form in enumerate(forms)}
    files = {
        f"checkpoints/{form}.bin": b"x" for form in forms if "/" not in form and len(form.encode()) < 200
    }
    runs = [
        changed(
            recipe("B0", "1"),
            tags={"git_commit": values["AWS_SESSION_TOKEN"]},
            artifacts={**files, "figures/told.png": png(values["MLFLOW_TRACKING_TOKEN"])},
        ),
        *(
            changed(recipe(f"stray {form}", "2"), name=form, artifacts={})
            for form in forms[:: len(FORMS) + 1]
        ),
    ]
    client = sqlite_store(tmp_path / "mlflow.db")
    ids = record(client, runs)
    for some in batched(params.items(), 100):  # as many as MLflow takes
        client.log_batch(ids["B0-1"], params=[Param(key, text) for key, text in some])
    policy = {
        "version": 1,
        "profile": "basic",
        "experiments": [EXPERIMENT],
        "plan": {"cells": {"B0": {"expect": dict.fromkeys(params, "something else")}}, "seeds": ["1"]},
    }
    (tmp_path / "smoke-gate.yml").write_text(yaml.safe_dump(policy))
    shown = checked(
        tmp_path, "check", "--tracking-uri", "sqlite:///mlflow.db", "--no-figures", "--verbose", **values
    )
    tried.look(shown, len(forms))
    assert {name.rpartition(".")[2] for name in shown} >= {"stdout", "stderr", "md", "html", "json", "xml"}
    verdict = next(name for name in shown if name.startswith("smoke_verdict_"))
    (run,) = (one for one in json.loads(shown[verdict])["evidence"]["runs"] if one["run_id"] == ids["B0-1"])
    assert [key for key in params if "***" not in run["params"][key]] == []
    assert len(run["checkpoints"]) > len(FORMS)
    assert "reproduced" in checked(tmp_path, "reproduce", f"outputs/{verdict}")["stdout"]


# --- what servers say -------------------------------------------------------------------------------------------------


@pytest.fixture
def tell(tmp_path, monkeypatch) -> Callable[[Sequence[str]], str]:
    """Run the command line in this process, with its streams, and return what it wrote."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(arguments: Sequence[str]) -> str:
        monkeypatch.setattr("sys.argv", ["smoke-gate", *arguments])
        with (tmp_path / "told").open("w") as target:
            stream = SteadyStream(target, process_secrets())
            with redirect_stdout(stream), redirect_stderr(stream):
                code = cli.run(arguments)
            stream.flush()
        assert code in (2, 3)
        return Path(tmp_path, "told").read_text()

    return run


def refusal(text: str, status: int = 400) -> tuple[int, bytes]:
    return status, json.dumps({"error_code": "INVALID_PARAMETER_VALUE", "message": text}).encode()


def packed(texts: Iterable[str], most: int = 250) -> list[str]:
    """Return the texts, several at a time: as many as a message shows. One with a line end stands alone."""
    packs: list[str] = []
    for text in texts:
        if packs and not {"\n", "\r"} & set(packs[-1] + text) and len(packs[-1]) + len(text) < most:
            packs[-1] += f" | {text}"
        else:
            packs.append(text)
    return packs


COMMANDS = {
    "check": ["check", "--cells", "B0", "--seeds", "1", "--experiment", "x"],
    "init": ["init", "--experiment", "x"],
    "preregister": ["preregister", "definition.json", "--experiment", "x"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_server_that_quotes_secrets(command, tell, tried, tmp_path, monkeypatch):
    """Each command gets each canary in each form, in the error text of a server."""
    (tmp_path / "definition.json").write_text("{}")
    values = canaries()
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    quoted = values.values() if command == "check" else [values["MLFLOW_TRACKING_TOKEN"]]
    texts = packed(form(value) for value in quoted for form in FORMS.values())
    rest = iter(texts)
    with answering(lambda _request: refusal(next(rest))) as uri:
        for _ in texts:
            shown = tell([*COMMANDS[command], "--tracking-uri", uri])
            assert "***" in shown
            tried.look({"streams": shown}, 1)
    assert next(rest, None) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404])
@pytest.mark.parametrize(
    ("userinfo", "environment", "netrc"),
    [
        ("", {"MLFLOW_TRACKING_TOKEN": "t-CANARY/+1"}, ""),
        ("", {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "p-CANARY/+1"}, ""),
        ("me:p-CANARY%2F%2B1@", {}, ""),
        ("", {"MLFLOW_TRACKING_TOKEN": "t-CANARY/+1"}, "machine 127.0.0.1 login me password n-CANARY/+1"),
    ],
)
def test_a_server_that_quotes_the_header(
    status, userinfo, environment, netrc, tell, tried, tmp_path, monkeypatch
):
    (tmp_path / ".netrc").write_text(netrc)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def answer(request: Received) -> tuple[int, bytes]:
        header = request.headers.get("Authorization", "")
        scheme, _, credentials = header.partition(" ")
        plain = base64.b64decode(credentials).decode() if scheme == "Basic" else credentials
        assert leaks(plain)
        return refusal(f"{plain} | {header!r} | {plain!r} | {json.dumps(header)}", status)

    with answering(answer) as uri:
        shown = tell([*COMMANDS["check"], "--tracking-uri", uri.replace("://", f"://{userinfo}")])
    assert "127.0.0.1" in shown
    tried.look({"streams": shown}, 4)


@pytest.mark.parametrize("form", sorted(FORMS.keys() - NO_FORM_OF_SHORT))
def test_a_short_password_in_an_error(form, tell, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "user")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SHORT)
    said = FORMS[form](SHORT)
    with answering(lambda _request: refusal(f"bad: {said}")) as uri:
        shown = tell([*COMMANDS["check"], "--tracking-uri", uri])
    assert said.strip() not in shown
    assert SHORT not in shown


# --- what libraries say -----------------------------------------------------------------------------------------------

CHECK = ("check", "--cells", "B0", "--seeds", "1", "--experiment", "x", "--tracking-uri")


@pytest.mark.parametrize(
    "token", ["first-CANARY\nsecond-CANARY", "tok-CANARY-1\r\n", "\ttok-CANARY-1", "ключ-CANARY"]
)
def test_a_token_that_no_header_can_hold(tmp_path, tried, token):
    """requests quotes the whole header by ``repr`` where it cannot send it."""
    address = f"http://127.0.0.1:{free_port()}"
    tried.look(checked(tmp_path, *CHECK, address, MLFLOW_TRACKING_TOKEN=token), 1)


def test_white_space_around_a_token_is_told_without_it(tmp_path, tried):
    values = {"MLFLOW_TRACKING_TOKEN": "tok-CANARY-1\n", "AWS_SESSION_TOKEN": " aws-CANARY-2\n"}
    shown = checked(tmp_path, *CHECK, f"http://127.0.0.1:{free_port()}", **values)
    tried.look(shown, 2)
    for name in values:
        assert f"smoke-gate: {name} begins or ends with white space, which is not used." in shown["stderr"]


@pytest.mark.parametrize(
    "address",
    [
        "http://me:p-CANARY@127.0.0.1:{port}", "http://me:p/CANARY@127.0.0.1:{port}", "http://me:p[CANARY@127.0.0.1",
        "http://t-CANARY@127.0.0.1:{port}/?token=q-CANARY", "http://me:p-CANARY@127.0.0.1:{port}/#/experiments/1",
        "http://me:p-CANARY@nowhere.invalid", "http://me:p-CANARY@127.0.0.1:port", "nothing://me:p-CANARY@host",
        "postgresql://me:p-CANARY@127.0.0.1:{port}/mlflow?password=q-CANARY", "mysql://me:p%2FCANARY@127.0.0.1:{port}/x",
        "sqlite:////nowhere/at/all.db?key=q-CANARY",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_opened(tmp_path, tried, address):
    shown = checked(tmp_path, *CHECK, address.format(port=free_port()))
    assert shown["stderr"]
    tried.look(shown, 1)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_that_is_down(tmp_path, tried, variable):
    proxy = f"http://me:p-CANARY%2B1@127.0.0.1:{free_port()}"
    shown = checked(tmp_path, *CHECK, "http://mlflow.invalid:5000", **{variable: proxy, "NO_PROXY": ""})
    assert shown["stderr"]
    tried.look(shown, 1)


def test_an_object_store_that_quotes_what_it_got(tmp_path, tried, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = canaries(odd="/+=")

    def answer(request: Received) -> tuple[int, bytes]:
        quoted = " ".join([str(request.headers), *values.values()])
        text = f"<Error><Code>AccessDenied</Code><Message>{quoted}</Message></Error>"
        return 403, text.encode()

    client = sqlite_store(tmp_path / "mlflow.db")
    experiment = client.create_experiment(EXPERIMENT, artifact_location="s3://bucket/x")
    run = client.create_run(experiment)
    for key, value in {"cell": "B0", "seed": "1"}.items():
        client.log_param(run.info.run_id, key, value)
    client.set_terminated(run.info.run_id)
    with answering(answer) as uri:
        given = {
            **values,
            "AWS_SESSION_TOKEN": f"{values['AWS_SESSION_TOKEN']}\n",
            "MLFLOW_S3_ENDPOINT_URL": uri,
        }
        shown = checked(
            tmp_path,
            "check",
            "--tracking-uri",
            "sqlite:///mlflow.db",
            "--cells",
            "B0",
            "--seeds",
            "1",
            **given,
        )
    assert "s3://bucket" in shown["stderr"]
    tried.look(shown, len(values))


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--artifact-host", "https://me:p-CANARY@host/path"],
        ["check", "--artifact-path-map", "https://me:p-CANARY@host/path"],
        ["check", "--baseline", "https://me:p-CANARY@host/path.json"],
        ["check", "--policy", "https://me:p-CANARY@host/policy.yml"],
        ["check", "--cells", "B0", "https://me:p-CANARY@host"],
        ["reproduce", "https://me:p-CANARY@host/verdict.json"],
    ],
)
def test_a_command_line_that_is_wrong(tmp_path, tried, arguments):
    shown = checked(tmp_path, *arguments)
    assert shown["stderr"]
    tried.look(shown, 1)
