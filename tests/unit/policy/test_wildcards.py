from hypothesis import given, settings
from hypothesis import strategies as st
from wcmatch import glob

from smoke_gate.policy.wildcards import wildcards_match

NAMES = st.text("ab.-]!", min_size=1, max_size=4).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
SEGMENTS = st.lists(
    st.sampled_from(["a", "b", ".", "*", "**", "?", "[ab]", "[!b]", "[^a-b]", "[]a]", "[b-a]", "[", "]", "\\*", "\\["]),
    min_size=1,
    max_size=4,
).map("".join)  # fmt: skip
PATTERNS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


@given(PATHS, PATTERNS.filter(lambda pattern: not {".", ".."} & set(pattern.split("/"))))
@settings(max_examples=500)
def test_patterns_mean_what_a_library_of_shell_patterns_makes_of_them(path, pattern):
    flags = glob.GLOBSTAR | glob.DOTGLOB | glob.CASE | glob.FORCEUNIX
    assert wildcards_match(path, pattern) is bool(glob.globmatch(path, pattern, flags=flags))


def test_a_pattern_of_many_wildcards_costs_little():
    """A library that makes a regular expression of it needs years for either."""
    assert not wildcards_match("a" * 3_000, "*a" * 300 + "b")
    assert not wildcards_match("/".join("a" * 300), "**/a/" * 100 + "b")
