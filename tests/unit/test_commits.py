"""Commits as training code records them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.commits import Commit, distinct_commits, read_commit, same_commit

FULL = "c0ffee" * 6 + "c0de"


@pytest.mark.parametrize(
    ("text", "commit"),
    [
        (FULL, Commit(FULL, dirty=False)),
        (FULL.upper(), Commit(FULL, dirty=False)),
        (f" {FULL[:7]}\n", Commit(FULL[:7], dirty=False)),
        (f"{FULL[:12]}-dirty", Commit(FULL[:12], dirty=True)),
        (f"{FULL}+", Commit(FULL, dirty=True)),
        ("ab" * 32, Commit("ab" * 32, dirty=False)),
        *(
            (nothing, Commit(None, dirty=False))
            for nothing in (
                None,
                "",
                " ",
                "unknown",
                "c0ffee",
                "0" * 40,
                "0" * 7 + "-dirty",
                "ab" * 33,
                "g" * 40,
            )
        ),
        *((odd, Commit(None, dirty=False)) for odd in (f"{FULL}-clean", f"{FULL} {FULL}", "-dirty", "+")),
    ],
)
def test_what_a_text_names(text, commit):
    """spec: G0-commit-spelling"""
    assert read_commit(text) == commit


digits = st.text("0123456789abcdef", min_size=40, max_size=40).filter(lambda text: text[:7].strip("0"))


@given(digits, st.integers(7, 40), st.integers(7, 40), st.sampled_from(["", "-dirty", "+"]))
def test_every_spelling_of_a_commit_is_that_commit(full, one, other, ending):
    """spec: G0-commit-spelling"""
    short, long = read_commit(full[:one].upper()), read_commit(f"{full[:other]}{ending}")
    assert short.digits
    assert long.digits
    assert same_commit(short.digits, long.digits)
    assert long.dirty is bool(ending)
    assert distinct_commits([full[:one], full, full[:other]]) == (full,)


@given(st.lists(digits, unique=True))
def test_other_commits_are_apart(commits):
    assert sorted(distinct_commits(commits * 2)) == sorted(commits)
