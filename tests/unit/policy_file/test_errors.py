import pytest

from smoke_gate.policy_file.errors import (
    Location,
    PolicyError,
    Position,
    Problem,
    key_text,
    place_of,
    shown,
    suggestion,
)


def test_a_problem_is_a_line_that_editors_can_follow():
    """spec: policy-all-problems"""
    assert (
        str(Problem(Position("smoke-gate.yml", 3, 5), "runs.commit", "found 'x'"))
        == "smoke-gate.yml:3:5: runs.commit: found 'x'"
    )
    assert str(Problem(Position("--cells"), "", "found 'x'")) == "--cells: found 'x'"


def test_problems_come_in_the_order_of_the_file_and_once_each():
    late, early = (Problem(Position("p.yml", line, 1), "", "m") for line in (10, 9))
    assert PolicyError([late, early, late]).problems == (early, late)


def test_a_location_is_shown_as_a_path():
    assert key_text(("plan", "exclude", 0, "cell")) == "plan.exclude[0].cell"
    assert key_text(("plan", "cells", "a b\n", "seeds")) == "plan.cells.'a b\\n'.seeds"
    assert key_text(()) == ""


def test_the_nearest_known_place_is_shown():
    places: dict[Location, Position] = {
        (): Position("f", 1, 1),
        ("a",): Position("f", 2, 1),
        ("a", "b"): Position("f", 3, 1),
    }
    assert place_of(("a", "b", 0, "c"), places).line == 3
    assert place_of(("a", "x"), places).line == 2
    assert place_of(("x",), places).line == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        ({}, "an empty mapping"),
        ({"a": 1}, "a mapping"),
        ([], "an empty list"),
        ((1,), "a list"),
        ("x", "'x'"),
        (1, "1"),
    ],
)
def test_what_was_found_is_shown(value, text):
    assert shown(value) == text


def test_a_long_text_is_cut():
    assert len(shown("x" * 1000)) < 100


def test_the_nearest_name_is_offered_whatever_its_case():
    assert suggestion("b0", ["A3", "B0"]) == "did you mean 'B0'? allowed: 'A3', 'B0'"
    assert suggestion("zzz", ["A3", "B0"]) == "allowed: 'A3', 'B0'"
    assert suggestion("a", []) == "allowed: none"


def test_many_names_are_not_all_shown():
    text = suggestion("c7x", [f"c{number}" for number in range(100)])
    assert text.startswith("did you mean 'c7'? allowed: 'c0', ")
    assert text.endswith("'c19' and 80 more")


def test_among_very_many_names_the_nearest_is_not_searched():
    assert suggestion("c7x", [f"c{number}" for number in range(1000)]).startswith("allowed: 'c0', ")
