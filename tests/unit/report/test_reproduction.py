import shlex
import subprocess
from dataclasses import replace

import pytest

from smoke_gate.report.html import html
from smoke_gate.report.markdown import markdown
from smoke_gate.report.reproduction import Reproduction
from smoke_gate.text import visible
from tests.unit.report.judgements import judgement

SEALED = "docker run --rm --network none --read-only --tmpfs /tmp"
CHECK = 'docker run --rm -v "$PWD:/work" -w /work'


def command(*options: str) -> str:
    found = Reproduction(image="smoke-gate:dev", verdict_file="v.json", options=options).check
    assert found is not None
    return found


def test_the_commands_are_exact():
    reproduction = Reproduction(
        image="smoke-gate@sha256:ab", verdict_file="outputs/v.json", options=("--cells", "B0")
    )
    assert reproduction.replay == "smoke-gate reproduce outputs/v.json"
    assert reproduction.sealed_replay == (
        f'{SEALED} -v "$PWD:/work:ro" -w /work smoke-gate@sha256:ab reproduce outputs/v.json'
    )
    assert reproduction.check == f"{CHECK} smoke-gate@sha256:ab check --cells B0"


def test_a_shell_reads_them_as_they_are_meant():
    options = ("--cells", "a b,$(rm -rf /)", "--policy", "it's.yml")
    reproduction = Reproduction(image="smoke-gate", verdict_file="my outputs/v.json", options=options)
    assert reproduction.check is not None
    assert shlex.split(reproduction.check)[-5:] == ["check", *options]
    assert shlex.split(reproduction.sealed_replay)[-2:] == ["reproduce", "my outputs/v.json"]
    assert shlex.split(reproduction.replay) == ["smoke-gate", "reproduce", "my outputs/v.json"]


@pytest.mark.parametrize("folder", ["/out", "/elsewhere/my outputs", "../beside"])
def test_a_file_outside_the_working_directory_is_named_alone_and_where_it_is(folder):
    found = Reproduction(image="smoke-gate:dev", verdict_file=f"{folder}/v.json")
    assert found.place == "in the folder that holds the verdict file"
    assert found.replay == "smoke-gate reproduce v.json"
    assert found.sealed_replay == f'{SEALED} -v "$PWD:/work:ro" -w /work smoke-gate:dev reproduce v.json'


def test_reports_say_where_the_commands_are_run():
    plain = judgement()
    outside = replace(plain, reproduction=replace(plain.reproduction, verdict_file="/out/v.json"))
    for report in (markdown, html):
        assert "in the folder that holds the verdict file" not in report(plain)
        assert "in the folder that holds the verdict file" in report(outside)


def test_without_its_options_there_is_no_command_that_reads_the_store_again():
    assert Reproduction(image="smoke-gate", verdict_file="v.json").check is None


@pytest.mark.parametrize(
    "options",
    [
        ("--tracking-uri", "sqlite:///mlflow.db"),
        ("--tracking-uri", "./mlruns"),
        ("--tracking-uri", "https://mlflow.example/x"),
        ("--tracking-uri", "sqlite:///db/mlflow.db", "--policy", "ci/smoke-gate.yml", "--cells", "/B0,../A3"),
        ("--tracking-uri", "https://mlflow.example/a=b"),
        ("--tracking-uri", "https://mlflow.example", "--artifact-path-map", "/old/mlruns=mlruns"),
    ],
)
def test_what_is_in_the_working_directory_or_on_the_network_is_read_in_a_container(options):
    assert command(*options) == f"{CHECK} smoke-gate:dev check {shlex.join(options)}"


@pytest.mark.parametrize(
    "options",
    [
        ("--tracking-uri", "sqlite:////home/me/mlflow.db"),
        ("--tracking-uri", "sqlite:///../mlflow.db"),
        ("--tracking-uri", "file:///home/me/mlruns"),
        ("--tracking-uri", "/home/me/mlruns"),
        ("--tracking-uri", "/home/me/a=b"),
        ("--tracking-uri", "http://localhost:5000"),
        ("--tracking-uri", "http://[::1]:5000"),
        ("--tracking-uri", "http://[broken"),
        ("--tracking-uri", "sqlite:///mlflow.db", "--policy", "/home/me/smoke-gate.yml"),
        ("--tracking-uri", "sqlite:///mlflow.db", "--baseline", "../main/v.json"),
        ("--tracking-uri", "sqlite:///mlflow.db", "--artifact-path-map", "/old=/new"),
        ("--tracking-uri", "sqlite:///mlflow.db", "--artifact-path-map", "/old=/new/lr=0.1"),
    ],
)
def test_what_a_container_would_not_find_is_read_outside_of_one(options):
    assert command(*options) == f"smoke-gate check {shlex.join(options)}"


@pytest.mark.parametrize(
    "text", ["a\x1b[2Jb", "\u202eevil 'x' \\", "two\nlines", "한국 $HOME `id`", "\x9b\u2028\U000e0041é"]
)
def test_an_argument_is_the_same_to_the_shell_and_shows_what_it_is(text):
    """spec: report-foreign-text"""
    line = command("--experiment", text)
    assert visible(line) == line
    printed = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, text=True, check=True
    ).stdout
    assert text in printed.split("\0")
