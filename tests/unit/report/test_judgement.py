from dataclasses import replace

import pytest

from smoke_gate.report.html import html
from smoke_gate.report.judgement import run_url, same_server
from smoke_gate.report.markdown import markdown
from tests.support.matrix import attempt_of, passing_matrix
from tests.unit.report.judgements import in_experiment, judgement

ATTEMPT = replace(attempt_of(passing_matrix(), "A3/42"), experiment_id="7")


@pytest.mark.parametrize(
    ("tracking_uri", "url"),
    [
        ("https://mlflow.example", "https://mlflow.example/#/experiments/7/runs/run-A3-42"),
        ("http://127.0.0.1:5000/", "http://127.0.0.1:5000/#/experiments/7/runs/run-A3-42"),
        (
            "https://u:secret@mlflow.example/base",
            "https://mlflow.example/base/#/experiments/7/runs/run-A3-42",
        ),
        ("sqlite:///mlflow.db", None),
        ("file:///runs", None),
    ],
)
def test_only_a_server_has_pages(tracking_uri, url):
    assert run_url(tracking_uri, ATTEMPT) == url


def test_a_run_of_no_known_experiment_has_no_page():
    assert run_url("https://mlflow.example", replace(ATTEMPT, experiment_id="")) is None


def test_a_page_is_in_the_workspace_that_was_read():
    """spec: verdict-file-workspace"""
    page = "https://mlflow.example/#/experiments/7/runs/run-A3-42?workspace=team%20a%2F%23"
    assert run_url("https://mlflow.example", ATTEMPT, "team a/#") == page
    made = judgement(evidence=in_experiment(passing_matrix()))
    source = replace(made.document.source, workspace="team")
    made = replace(made, document=replace(made.document, source=source))
    assert all(url.endswith("?workspace=team") for url in made.urls().values())
    for report in (markdown(made), html(made)):
        assert "workspace <code>team</code>" in report


def test_ids_cannot_leave_the_address():
    attempt = replace(ATTEMPT, run_id="a/../b)[x](y) #", experiment_id="1/2")
    address = "https://mlflow.example/#/experiments/1%2F2/runs/a%2F..%2Fb%29%5Bx%5D%28y%29%20%23"
    assert run_url("https://mlflow.example", attempt) == address


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://mlflow.example", "https://mlflow.example/", True),
        ("https://mlflow.example", "https://u:secret@MLFLOW.example", True),
        ("https://mlflow.example", "http://mlflow.example", False),
        ("https://mlflow.example", "https://mlflow.example:8443", False),
        ("https://mlflow.example/a", "https://mlflow.example/b", False),
        ("https://mlflow.example", "", False),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db", False),
    ],
)
def test_two_addresses_are_of_one_server_or_not(one, other, same):
    assert same_server(one, other) is same
