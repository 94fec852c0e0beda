from pathlib import Path

import pytest

from smoke_gate.evidence import PolicyChange
from smoke_gate.github.policy_change import (
    LONGEST_CHANGE,
    MOST_COMPARED,
    policy_change,
    policy_unknown,
    together,
)
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.load import load_policy

POLICY = "version: 1\nexperiments: [a]\n"


def load(text: str) -> Policy:
    return load_policy(Path("smoke-gate.yml"), plan_required=False, text=f"version: 1\n{text}".encode())


def changed(base: str | None, head: str | None) -> PolicyChange:
    """Return the change that there is."""
    change = policy_change(base, head, branch="main")
    assert change is not None
    return change


@pytest.mark.parametrize(
    ("base", "head"),
    [
        (POLICY, POLICY),
        (POLICY, POLICY.replace("\n", "\r\n")),
        (POLICY, POLICY.removesuffix("\n")),
        (POLICY + "\n", POLICY + "\r\n"),
        (None, None),
    ],
)
def test_the_same_is_no_change(base, head):
    assert policy_change(base, head, branch="main") is None


@pytest.mark.parametrize(
    ("base", "head", "lines"),
    [
        (POLICY, POLICY.replace("[a]", "[b]"), ["-experiments: [a]", "+experiments: [b]"]),
        (None, POLICY, ["+version: 1", "+experiments: [a]"]),
        (POLICY, None, ["-version: 1", "-experiments: [a]"]),
    ],
)
def test_a_change_is_a_unified_difference(base, head, lines):
    change = changed(base, head).difference
    assert change[:2] == ("--- policy of main", "+++ policy of this pull request")
    assert [line for line in change[2:] if line[0] in "+-"] == lines


DIFFER = "The policy of this pull request differs from that of main."
IN_HEAD = "There is no policy in main, and there is one in this pull request."
IN_BASE = "There is no policy in this pull request, and there is one in main."


@pytest.mark.parametrize(
    ("base", "head", "found", "counted"),
    [
        (POLICY, "x", DIFFER, "That of this pull request counted."),
        (None, "x", IN_HEAD, "That of this pull request counted."),
        (POLICY, None, IN_BASE, "None counted."),
    ],
)
def test_what_is_there_and_which_policy_counted_is_told_first(base, head, found, counted):
    assert changed(base, head).found == f"{found} {counted}"


def test_two_changes_are_told_as_one():
    one, other = changed(POLICY, "x"), changed(None, "x")
    both = together(one, other)
    assert both == PolicyChange(
        found=f"{one.found} {other.found}", difference=(*one.difference, *other.difference)
    )
    assert (together(one, None), together(None, other), together(None, None)) == (one, other, None)


def test_a_policy_that_is_not_known_is_told_on_one_line():
    assert policy_unknown(
        "the policy of main cannot be used: 1\n2.", other="the verdict file"
    ) == PolicyChange(
        found="The policy of main cannot be used: 1 2. Whether the verdict file has another one is not known. "
        "That of the verdict file counted."
    )


@pytest.mark.parametrize("end", ["\u2028", "\u2029"])
def test_a_line_end_that_only_yaml_knows_is_a_change(end):
    folded = "experiments:\n  - stage\n    05\n"
    other = folded.replace("stage\n", f"stage{end}")
    assert load(folded).experiments != load(other).experiments
    assert changed(folded, other).difference


@pytest.mark.parametrize(("base", "head"), [(None, ""), ("", None)])
def test_an_empty_file_that_comes_or_goes_is_a_change(base, head):
    assert "an empty policy file was" in changed(base, head).difference[0]


def test_a_long_change_is_bounded():
    change = changed("", "\n".join("x" * 10_000 for _ in range(5000)))
    assert sum(map(len, change.difference)) < 400 * 400 + 100
    assert change.difference[-1] == f"… and {5003 - LONGEST_CHANGE} more lines"


def test_what_is_too_long_to_be_compared_is_a_change_all_the_same():
    assert changed("", "x\n" * (MOST_COMPARED + 1)).difference == (
        "the policy of main and that of this pull request are too long to be compared line by line",
    )
    assert policy_change("x\n" * MOST_COMPARED, "x\r\n" * MOST_COMPARED, branch="main") is None
