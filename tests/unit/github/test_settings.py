from pathlib import Path

import pytest
import yaml

from smoke_gate.errors import UsageError
from smoke_gate.github.settings import (
    CommentMode,
    FailOn,
    InputError,
    PolicyRef,
    Settings,
    by_inputs,
    settings_of,
)
from smoke_gate.options import Options
from smoke_gate.origins import ArtifactHost, Origin

ACTION = yaml.safe_load((Path(__file__).parents[3] / "action.yml").read_text(encoding="utf-8"))

GIVEN = {
    "tracking_uri": ("https://mlflow.example.org", "tracking_uri", "https://mlflow.example.org"),
    "experiment": ("stage05, stage06\nstage07", "experiment", ("stage05", "stage06", "stage07")),
    "cells": (" B0 ,A3,", "cells", ("B0", "A3")),
    "seeds": ("42\n123\n", "seeds", ("42", "123")),
    "threshold": ("10%", "threshold", "10%"),
    "policy": ("gates/policy.yml", "policy", Path("gates/policy.yml")),
    "definition": ("definition.json", "definition", "definition.json"),
    "baseline": ("main.json", "baseline", Path("main.json")),
    "baseline_ref": ("refs/heads/release/1.x", "baseline_ref", "release/1.x"),
    "output_dir": ("reports", "output_dir", Path("reports")),
    "no_figures": ("True", "no_figures", True),
    "profile": ("basic", "profile", "basic"),
    "sha": ("A" * 40, "sha", "a" * 40),
    "pull_request": ("7", "pull_request", 7),
    "artifact_path_map": (
        "/a=/b\n file:///c = d=e \n",
        "artifact_path_map",
        (("/a", "/b"), ("file:///c ", " d=e")),
    ),
    "artifact_host": (
        "http://One.example:5000/, https://two.example\nhttp://[::1]",
        "artifact_host",
        tuple(
            ArtifactHost(origin)
            for origin in (
                Origin("http", "one.example", 5000),
                Origin("https", "two.example", 443),
                Origin("http", "::1", 80),
            )
        ),
    ),
    "artifact_host_with_credentials": (
        "https://host",
        "artifact_host_with_credentials",
        (ArtifactHost(Origin("https", "host", 443), with_credentials=True),),
    ),
    "executor": ("dask+tls://scheduler:8786", "executor", "dask+tls://scheduler:8786"),
}
OWN = {
    "fail_on": ("warning", FailOn.WARNING),
    "wait": ("1h30m", 5400.0),
    "comment": ("problems", CommentMode.PROBLEMS),
    "comment_id": ("vision/gate-2", "vision/gate-2"),
    "commit_status": ("smoke gate", "smoke gate"),
    "policy_ref": ("base", PolicyRef.BASE),
    "publish": ("verdict.json", Path("verdict.json")),
    "github_token": ("secret", "secret"),
}


def read(**inputs: str) -> Settings:
    return settings_of({f"INPUT_{name.upper()}": text for name, text in inputs.items()})


@pytest.mark.parametrize(("name", "text", "field", "value"), [(name, *case) for name, case in GIVEN.items()])
def test_an_input_that_check_has_too_is_an_option(name, text, field, value):
    """spec: action-inputs"""
    assert getattr(read(**{name: text}).options, field) == value


@pytest.mark.parametrize(("name", "text", "value"), [(name, *case) for name, case in OWN.items()])
def test_an_input_of_the_action_is_a_setting(name, text, value):
    assert getattr(read(**{name: text}), name) == value


def test_every_input_of_the_action_is_read():
    assert set(ACTION["inputs"]) == set(GIVEN) | set(OWN)


def test_the_actions_defaults_are_those_of_the_code():
    defaults = {name: text["default"] for name, text in ACTION["inputs"].items() if name != "github_token"}
    assert read(**defaults) == Settings()
    assert Settings().options == Options()


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_blank_is_not_given(blank):
    assert read(**dict.fromkeys([*GIVEN, *OWN], blank)) == Settings()


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("threshold", "0", "a number of runs such as 2, or a percentage"),
        ("threshold", "two", "a number of runs"),
        ("no_figures", "yes", "true or false"),
        ("fail_on", "FAIL", "one of fail, warning"),
        ("baseline_ref", "refs/pull/7/merge", "a branch's name"),
        ("baseline_ref", "two branches", "a branch's name"),
        ("baseline_ref", "-x", "a branch's name"),
        ("baseline_ref", "a..b", "a branch's name"),
        ("profile", "strict", "contract or basic"),
        ("wait", "30", "a duration such as 30m"),
        ("sha", "abc123", "a whole commit hash"),
        ("pull_request", "#7", "a pull request's number"),
        ("pull_request", "0", "a pull request's number"),
        ("comment", "sometimes", "one of always, problems, never"),
        ("comment_id", "a -->", "single hyphens"),
        ("comment_id", "a--b", "single hyphens"),
        ("comment_id", "x" * 101, "100 at most"),
        ("commit_status", "two\nlines", "on one line"),
        ("commit_status", "gate \N{BUG}", "none of them an emoji"),
        ("policy_ref", "main", "one of head, base"),
        ("artifact_path_map", "/a=/b\n/c", "OLD=NEW"),
        ("artifact_host", "https://host, ftp://host", "an address such as https://host:5000"),
        ("artifact_host", "https://host/path", "https://host alone"),
        ("artifact_host_with_credentials", "http://host", "https"),
        ("executor", "tcp://scheduler:8786", "dask://HOST:PORT"),
        ("executor", "dask://scheduler", "dask://HOST:PORT"),
    ],
)
def test_what_an_input_may_not_be_is_told(name, text, allowed):
    with pytest.raises(UsageError) as caught:
        read(**{name: text})
    assert str(caught.value).startswith(f"input `{name}`: found ")
    assert allowed in str(caught.value)


def test_all_wrong_inputs_are_told_at_once():
    with pytest.raises(UsageError) as caught:
        read(comment="x", wait="y", sha="z")
    named = {line.split("`")[1] for line in str(caught.value).splitlines()}
    assert named == {"comment", "wait", "sha"}


@pytest.mark.parametrize(
    ("inputs", "place_is_known"),
    [
        ({"comment": "x", "wait": "y"}, True),
        ({"sha": "z"}, False),
        ({"pull_request": "z"}, False),
        ({"comment_id": "--"}, False),
        ({"commit_status": "\0", "wait": "y"}, False),
    ],
)
def test_wrong_inputs_leave_what_the_others_say(inputs, place_is_known):
    with pytest.raises(InputError) as caught:
        read(policy_ref="base", **inputs)
    assert caught.value.settings == Settings(policy_ref=PolicyRef.BASE)
    assert caught.value.place_is_known is place_is_known


def test_the_token_may_come_as_the_usual_variable():
    assert settings_of({"GITHUB_TOKEN": "other"}).github_token == "other"
    assert settings_of({"GITHUB_TOKEN": "other", "INPUT_GITHUB_TOKEN": "given"}).github_token == "given"


RUNNER = {"GITHUB_WORKSPACE": "/github/workspace", "RUNNER_TEMP": "/github/runner_temp"}


@pytest.mark.parametrize(
    "folder",
    [
        "outputs", "a/../b", ".", "/github/workspace/outputs", "/github/runner_temp/gate", "../workspace/outputs",
        "../runner_temp/gate",
    ],
)  # fmt: skip
def test_reports_go_where_they_outlive_the_container(folder):
    assert settings_of({**RUNNER, "INPUT_OUTPUT_DIR": folder}).options.output_dir == Path(folder)


@pytest.mark.parametrize(
    "folder", ["/etc", "..", "../x", "a/../../x", "/github/workspace-2", "/github/workspace/../x"]
)
def test_reports_that_would_be_lost_with_the_container_are_an_error(folder):
    with pytest.raises(InputError) as caught:
        settings_of({**RUNNER, "INPUT_OUTPUT_DIR": folder})
    assert str(caught.value) == (
        f"input `output_dir`: found {folder!r}; expected a folder in the workspace, such as outputs, or one in "
        "`${{ runner.temp }}`: what is written elsewhere is lost with the container"
    )
    assert caught.value.place_is_known


def test_without_a_runner_reports_may_go_anywhere():
    assert read(output_dir="/out").options.output_dir == Path("/out")
    with pytest.raises(InputError):
        settings_of({"GITHUB_WORKSPACE": "/github/workspace", "INPUT_OUTPUT_DIR": "/tmp/out"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("--cells: found 'B9'", "input `cells`: found 'B9'"),
        (
            "name them with --tracking-uri or (--wait)",
            "name them with input `tracking_uri` or (input `wait`)",
        ),
        ("have: --cells B0,A3 --seeds 42", "have: input `cells` B0,A3 input `seeds` 42"),
        ("docker run --network host, --tmpfs /tmp", "docker run --network host, --tmpfs /tmp"),
        ("use a smaller --workers", "use a smaller --workers"),
        ("a--cells --cells-b", "a--cells --cells-b"),
    ],
)
def test_an_error_names_inputs_where_the_command_line_has_options(text, said):
    assert by_inputs(text) == said


def test_every_option_that_has_an_input_is_named_as_one():
    options = {f"--{name.replace('_', '-')}": f"input `{name}`" for name in (*GIVEN, "wait", "fail_on")}
    assert all(by_inputs(option) == name for option, name in options.items())
