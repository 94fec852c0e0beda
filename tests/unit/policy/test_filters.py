from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.utils.search_utils import SearchUtils

from smoke_gate.policy.filters import identity_filter


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "params.status = 'FINISHED'",
        "tags.`run status` = 'metrics.x'",
        'params."my status" = "status"',
        "tags.run_status = 'completed' AND attributes.run_name LIKE '%status%'",
        "params.x IN ('status', 'metrics.y')",
        "start_time > 1700000000000",
        "start_time<=1.5 and `run name` ilike 'a%'",
        "run_name NOT IN ('a', \"b\")",
        "params.end_time = '5' AND tags.run_id = 'a'",
        'parameters.x != \'it is "quoted"\' AND `tag`.`y` = "it\'s"',
        "params.x IS NULL AND tags.mlflow.user is not null",
        "attr.user_id='x' AND run.run_name='y' AND attribute.experiment_id='z'",
    ],
)
def test_filters_on_identity_pass(text):
    """spec: policy-where"""
    assert identity_filter(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "metrics.pape < 3",
        "metric.pape < 3",
        "Metrics . `a b` > 1",
        "`metrics`.pape < 3",
        "`metric`.`pape` < 3",
        "status = 'FINISHED'",
        "`status` = 'FINISHED'",
        "attributes.status = 'FINISHED'",
        "run.`status` = 'x'",
        "attr.'status' = 'x'",
        "run.\"`status`\" = 'x'",
        "dataset.digest = 'x'",
        "params.x = 'y' AND metrics.pape < 3",
        "params.x = 'y'AND`metrics`.pape < 3",
        "params.x = 'y' AND STATUS = 'x'",
        "run_id = 'a'",
        "run_id NOT IN ('a', \"b\")",
        "attributes.`run_id` = 'a'",
        "end_time <= 1.5",
        "run.end_time > 5",
        "attr.artifact_uri LIKE '%a%'",
    ],
)
def test_filters_that_pick_winners_are_refused(text):
    """spec: policy-where"""
    with pytest.raises(ValueError, match="pick winners"):
        identity_filter(text)


@pytest.mark.parametrize(
    "text",
    [
        '"metrics".pape < 3',
        "params.x = 'y' metrics.pape < 3",
        "params.x = 'y' OR params.x = 'z'",
        "(params.x = 'y')",
        "3 > metrics.pape",
        "params.x = 'y' -- a comment",
        "params.x = 'y' /* a comment */",
        "params.x--y = '\n= \"a\" AND metrics.pape < 3 --'",
        "params.x = 'a\\' AND params.y = ' AND metrics.pape < 3 AND params.z = ''",
        "params.x = 'a''b'",
        "params.x = y",
        "params.x",
        "params.x = 'y",
    ],
)
def test_what_is_not_understood_is_refused(text):
    """spec: policy-where"""
    with pytest.raises(ValueError, match=r"is not understood: write comparisons of params\.KEY"):
        identity_filter(text)


@pytest.mark.parametrize(
    "text",
    [
        "params.x IN ('a'…",
        "params.x IN ('a',…",
        "params.x = 'a'…x",
        "params.x…",
        "params…",
        "…",
        "a.…",
        "params.x NOT…I",
    ],
)
@pytest.mark.parametrize("many", [" ", "a.", "'a',"])
def test_a_filter_that_is_long_does_not_take_for_ever(text, many):
    with suppress(ValueError):
        identity_filter(text.replace("…", many * 50_000))


asked_by_mlflow: Callable[[str], Sequence[dict[str, str]]] = SearchUtils.parse_search_filter
WORDS = [
    *("metrics.pape < 3", "`metrics`.`pape` < 3", "status = 'x'", "params.x = 'y'", "run.run_name LIKE 'z'"),
    *(
        "metrics",
        "params",
        "`run`",
        "status",
        "run_id",
        "x",
        ".",
        " ",
        "=",
        "<",
        "LIKE",
        "IN",
        "IS NULL",
        "AND",
        "3",
    ),
    *("'", '"', "`", "\\", "''", "'a'", "--", "/*", "*/", "# ", "(", ")", ",", ";", "$$", "[", "]", "\n"),
]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map("".join))
def test_what_passes_is_no_filter_on_anything_else_to_mlflow(text):
    try:
        asked = asked_by_mlflow(identity_filter(text))
    except (ValueError, MlflowException):
        return
    assert {comparison["type"] for comparison in asked} <= {"parameter", "tag", "attribute"}
    refused = {"status", "run_id", "end_time", "artifact_uri"}
    assert refused.isdisjoint(one["key"] for one in asked if one["type"] == "attribute")
