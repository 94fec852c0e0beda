"""Options of `check` on their way from the command line and the environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from smoke_gate.cli.options import BASELINE_OPTIONS, CONTEXT_OPTIONS, STORE_OPTIONS, with_options
from smoke_gate.origins import ArtifactHost, Origin


def read(arguments: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what a command with the options of the context gets, nothing where it refuses them."""
    found: dict[str, Any] = {}

    @click.command()
    @with_options(CONTEXT_OPTIONS, STORE_OPTIONS, BASELINE_OPTIONS)
    def command(**options: Any) -> None:
        found.update(options)

    CliRunner().invoke(command, arguments, env=dict(environment))
    return found


@pytest.mark.parametrize(
    ("text", "sha"), [("A" * 40, "a" * 40), ("0aB1" * 16, "0ab1" * 16), ("c0ffee", None), ("é" * 40, None)]
)
def test_a_commit_is_named_whole_and_compared_in_lower_case(text, sha):
    assert read(["--sha", text], {}).get("sha") == sha
    assert read([], {"SMOKE_GATE_SHA": text}).get("sha") == sha


def test_without_a_commit_there_is_none():
    assert read([], {})["sha"] is None
    assert read([], {"SMOKE_GATE_SHA": ""})["sha"] is None


def test_a_baseline_is_a_file_or_a_branch():
    found = read(["--baseline", "main.json"], {"SMOKE_GATE_BASELINE_REF": "refs/heads/main"})
    assert (found["baseline"], found["baseline_ref"]) == (Path("main.json"), "main")
    assert read([], {"SMOKE_GATE_BASELINE_REF": ""})["baseline_ref"] is None
    assert read(["--baseline-ref", "no branch"], {}) == {}


def test_hosts_for_artifacts():
    one, two = ArtifactHost(Origin("http", "one", 8080)), ArtifactHost(Origin("https", "two", 443))
    hosts = ["--artifact-host", "http://one:8080", "--artifact-host", "https://two/"]
    assert read(hosts, {})["artifact_host"] == (one, two)
    assert read([], {"SMOKE_GATE_ARTIFACT_HOST": "http://one:8080, https://two\n"})["artifact_host"] == (
        one,
        two,
    )
    trusted = (ArtifactHost(two.origin, with_credentials=True),)
    option = "artifact_host_with_credentials"
    assert read(["--artifact-host-with-credentials", "https://two"], {})[option] == trusted
    assert read([], {"SMOKE_GATE_ARTIFACT_HOST_WITH_CREDENTIALS": "https://two"})[option] == trusted


@pytest.mark.parametrize("address", ["dask://scheduler:8786", "dask+tls://10.0.0.1:1", "dask://[::1]:8786"])
def test_the_address_of_an_executor(address):
    assert read(["--executor", address], {})["executor"] == address


@pytest.mark.parametrize("address", ["tcp://h:1", "dask://h", "dask://a:b@h:1", "dask://h:1/x", "ray://h:1"])
def test_what_is_not_the_address_of_an_executor_is_refused(address):
    assert read(["--executor", address], {}) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--artifact-host", "host"],
        ["--artifact-host", "https://host/x"],
        ["--artifact-host-with-credentials", "http://h"],
    ],
)
def test_what_is_not_a_host_is_refused(arguments):
    assert read(arguments, {}) == {}
