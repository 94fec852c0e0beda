from pathlib import Path

import pytest

from smoke_gate.github.documentation import FORKS, documentation
from smoke_gate.github.event import situation

ROOT = Path(__file__).parents[3]
ACTION = {"GITHUB_ACTION_REPOSITORY": "lab/smoke-gate", "GITHUB_ACTION_REF": "v1"}


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, "https://github.com/lab/smoke-gate/blob/v1/docs"),
        ({"GITHUB_ACTION_REF": "fix/a b"}, "https://github.com/lab/smoke-gate/blob/fix/a%20b/docs"),
        ({"GITHUB_SERVER_URL": "https://ghe.lab/"}, "https://ghe.lab/lab/smoke-gate/blob/v1/docs"),
        ({"GITHUB_REPOSITORY": "other/forecasts"}, "https://github.com/lab/smoke-gate/blob/v1/docs"),
    ],
)
def test_the_pages_are_the_actions_own_at_its_own_reference(variables, address):
    environ = {**ACTION, **variables}
    assert documentation(environ) == address
    assert situation(environ, {}).documentation == address


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"GITHUB_REPOSITORY": "lab/forecasts", "GITHUB_REF": "refs/heads/main"},
        {**ACTION, "GITHUB_ACTION_REPOSITORY": ""},
        {**ACTION, "GITHUB_ACTION_REF": ""},
        {**ACTION, "GITHUB_ACTION_REPOSITORY": "lab"},
        {**ACTION, "GITHUB_ACTION_REPOSITORY": "lab/gate)](http://evil.example"},
    ],
    ids=["docker run", "uses: ./", "no repository", "no reference", "no name", "no repository at all"],
)
def test_where_the_pages_are_not_known_there_is_no_link(environ):
    assert documentation(environ) is None
    assert "](" not in FORKS.link(None)


def test_the_page_has_the_section():
    page = (ROOT / "docs" / FORKS.page).read_text(encoding="utf-8")
    assert f"\n## {FORKS.title}\n" in page
