from collections.abc import Mapping
from contextlib import suppress
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.policy.terms import (
    Operand,
    Ratio,
    Template,
    fact,
    is_sha256,
    matches,
    nearest,
    normal_seed,
    path_matches,
    path_pattern,
    reference,
    same_text,
    seed_order,
    short,
    threshold_runs,
)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("use_vq", "params.use_vq"),
        ("params.use_vq", "params.use_vq"),
        ("tags.run_status", "tags.run_status"),
        ("tags.mlflow.user", "tags.mlflow.user"),
        ("model.lr", "params.model.lr"),
        ("params", "params.params"),
        ("commit", "params.commit"),
    ],
)
def test_a_bare_name_means_a_param(text, full):
    """spec: policy-references"""
    assert reference(text) == full


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "metrics.pape",
        "metric.pape",
        "param.x",
        "tag.x",
        "attributes.status",
        "parent.params.x",
        "params.",
    ],
)
def test_a_reference_to_anything_else_is_refused(text):
    """spec: policy-references"""
    with pytest.raises(ValueError, match=r"write params\.KEY, tags\.KEY, or KEY alone"):
        reference(text)


def test_commit_is_a_fact_of_its_own():
    assert (fact("commit"), fact("lr"), fact("tags.x")) == ("commit", "params.lr", "tags.x")


@pytest.mark.parametrize(
    ("full", "written"),
    [
        ("params.use_vq", "use_vq"),
        ("tags.x", "tags.x"),
        ("params.tags.x", "params.tags.x"),
        ("params.a.b", "a.b"),
    ],
)
def test_short_is_how_people_write_it(full, written):
    assert short(full) == written


@given(
    st.from_regex(r"(params|tags)\.[a-z. ]+", fullmatch=True).filter(
        lambda text: text.partition(".")[2].strip()
    )
)
def test_short_means_the_same(full):
    assert reference(short(full)) == full


@pytest.mark.parametrize(
    ("text", "normal"),
    [("042", "42"), ("42", "42"), ("-1", "-1"), ("-01", "-1"), ("-0", "0"), ("+7", "7"), ("000", "0")]
    + [(text, text) for text in ("1.0", "1e3", "0x1F", "four", "", " 42", "٤٢", "1_0")],
)
def test_decimal_integers_compare_by_value(text, normal):
    assert normal_seed(text) == normal


@given(st.integers(), st.integers(min_value=0, max_value=5))
def test_leading_zeros_do_not_count(number, zeros):
    sign, digits = ("-", str(-number)) if number < 0 else ("", str(number))
    assert normal_seed(sign + "0" * zeros + digits) == str(number)


def test_seeds_sort_by_value_before_other_texts():
    assert sorted(["b", "123", "9", "a", "-5", "042"], key=seed_order) == ["-5", "9", "042", "123", "a", "b"]


def test_a_number_of_thousands_of_digits_is_only_a_text():
    assert normal_seed("0" + "9" * 5000) == "0" + "9" * 5000
    assert seed_order("9" * 5000)[0]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("True", "true", True),
        ("False", "false", True),
        ("TRUE", "true", True),
        ("yes", "true", False),
        ("True", "False", False),
        ("1", "1.0", False),
    ],
)
def test_true_and_true_are_one(left, right, same):
    assert same_text(left, right) is same
    assert same_text(right, left) is same


def test_a_value_matches_any_of_those_expected():
    assert matches("True", ("a", "true"))
    assert not matches("b", ("a", "true"))
    assert not matches(None, ("a", "None"))


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("pape", Ratio(Operand("pape"))),
        ("val_loss / train_loss", Ratio(Operand("val_loss"), Operand("train_loss"))),
        ("val_loss.min / train_loss.last", Ratio(Operand("val_loss", "min"), Operand("train_loss", "last"))),
        ("train/loss.first", Ratio(Operand("train/loss", "first"))),
        ("train/loss  /  val/loss.max", Ratio(Operand("train/loss"), Operand("val/loss", "max"))),
        ("`loss.min`", Ratio(Operand("loss.min"))),
        ("`loss.min`.last", Ratio(Operand("loss.min", "last"))),
        ("`a / b` / c", Ratio(Operand("a / b"), Operand("c"))),
        ("c / `a / b`.min", Ratio(Operand("c"), Operand("a / b", "min"))),
        ("val.loss", Ratio(Operand("val.loss"))),
        ("val loss", Ratio(Operand("val loss"))),
    ],
)
def test_ratios(text, ratio):
    assert Ratio.parse(text) == ratio
    assert [operand.metric for operand in ratio.operands] == [
        operand.metric for operand in (ratio.numerator, ratio.denominator) if operand
    ]


@pytest.mark.parametrize(
    "text", ["", " ", "a / b / c", "a /b", "a/ b", "a / ", "`a", "`a`b", "``", "`a`.median"]
)
def test_what_is_no_ratio_is_refused(text):
    with pytest.raises(ValueError, match="METRIC / METRIC"):
        Ratio.parse(text)


@given(st.text("ab/. ", min_size=1), st.text("ab/. ", min_size=1), st.sampled_from(["", ".last", ".min"]))
def test_backquotes_hold_any_name(numerator, denominator, pick):
    ratio = Ratio.parse(f"`{numerator}`{pick} / `{denominator}`")
    assert (ratio.numerator.metric, ratio.denominator) == (numerator, Operand(denominator))
    assert f".{ratio.numerator.pick}" == (pick or ".None")


Facts = Mapping[str, str]
NOTHING: Facts = {}


def read(
    text: str,
    group: Literal["cell", "seed"] = "cell",
    params: Facts = NOTHING,
    tags: Facts = NOTHING,
    parent_params: Facts = NOTHING,
    parent_tags: Facts = NOTHING,
    run_name: str | None = None,
) -> str | None:
    return Template.parse(text).read(params, tags, parent_params, parent_tags, run_name, group)


@pytest.mark.parametrize(
    ("text", "facts", "value"),
    [
        ("params.cell", {"params": {"cell": "A3"}}, "A3"),
        ("cell", {"params": {"cell": "A3"}}, "A3"),
        ("params.model.name", {"params": {"model.name": "A3"}}, "A3"),
        ("tags.variant", {"tags": {"variant": "A3"}, "params": {"variant": "B0"}}, "A3"),
        ("parent.params.cell", {"parent_params": {"cell": "A3"}, "params": {"cell": "B0"}}, "A3"),
        ("parent.tags.cell", {"parent_tags": {"cell": "A3"}, "tags": {"cell": "B0"}}, "A3"),
        ("run_name:(?P<cell>[^_]+)_s(?P<seed>\\d+)", {"run_name": "A3_s42"}, "A3"),
        ("{params.method}/{params.pretrained}", {"params": {"method": "m", "pretrained": "True"}}, "m/True"),
        ("x-{method}-{parent.tags.y}!", {"params": {"method": "m"}, "parent_tags": {"y": "1"}}, "x-m-1!"),
    ],
)
def test_identity_comes_from_the_one_place_named(text, facts, value):
    """spec: pair-one-place"""
    assert read(text, **facts) == value


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("params.cell", {"tags": {"cell": "A3"}, "run_name": "A3"}),
        ("params.cell", {"params": {"cell": ""}}),
        ("parent.params.cell", {"params": {"cell": "A3"}}),
        ("run_name:(?P<cell>A3)", {"run_name": "A3_s42"}),
        ("run_name:(?P<cell>A3)", {"run_name": "xA3"}),
        ("run_name:(?P<cell>A3)", {"run_name": None}),
        ("run_name:(?P<cell>A3)?.*", {"run_name": "B0"}),
        ("run_name:(?P<cell>.*)x", {"run_name": "x"}),
        ("{params.a}/{params.b}", {"params": {"a": "1"}}),
        ("{params.a}/{params.b}", {"params": {"a": "1", "b": ""}}),
        ("none", {"params": {"none": "A3"}}),
    ],
)
def test_where_a_part_is_missing_or_empty_there_is_no_identity(text, facts):
    assert read(text, **facts) is None


def test_a_run_name_gives_the_group_that_is_asked_for():
    """spec: pair-one-place"""
    assert read("run_name:(?P<cell>.+)-(?P<seed>.+)", run_name="A3-42", group="seed") == "42"


@pytest.mark.parametrize(
    ("text", "references", "reads_parent"),
    [
        ("params.cell", ("params.cell",), False),
        ("{method}/{parent.tags.x}", ("params.method", "parent.tags.x"), True),
        ("run_name:(?P<cell>.*)", (), False),
        ("none", (), False),
    ],
)
def test_a_template_says_what_it_reads(text, references, reads_parent):
    template = Template.parse(text)
    assert (template.references, template.reads_parent) == (references, reads_parent)
    assert template.is_none is (text == "none")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a reference"),
        ("metrics.x", "not a reference"),
        ("parent.cell", "nothing of the parent"),
        ("parent.metrics.cell", "nothing of the parent"),
        ("{params.a", "brace"),
        ("params.a}", "brace"),
        ("{{params.a}}", "brace"),
        ("{}", "not a reference"),
        ("{metrics.a}", "not a reference"),
        ("run_name:(", "broken"),
        ("run_name:a{99999999999999}", "broken"),
    ],
)
def test_what_is_no_template_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Template.parse(text)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("checkpoints/*", "checkpoints/*"),
        ("./checkpoints/*", "checkpoints/*"),
        (".//./a///b/./*", "a/b/*"),
        ("**", "**"),
        (".hidden/..a/*..", ".hidden/..a/*.."),
    ],
)
def test_a_path_pattern_has_one_spelling(text, pattern):
    assert path_pattern(text) == pattern


@pytest.mark.parametrize("text", ["/etc/*", "//a", "../a", "a/../b", "a/..", ".."])
def test_a_path_pattern_stays_in_its_folder(text):
    """spec: policy-path-patterns"""
    with pytest.raises(ValueError, match="leads out of its folder"):
        path_pattern(text)


@pytest.mark.parametrize("text", ["a/", "./", ".", "a/.", "a\0/*"])
def test_a_path_pattern_that_can_match_no_file_is_refused(text):
    with pytest.raises(ValueError, match="can match no file"):
        path_pattern(text)


@given(st.text("a./*", min_size=1))
def test_the_one_spelling_of_a_path_pattern_is_itself(text):
    with suppress(ValueError):
        pattern = path_pattern(text)
        assert path_pattern(pattern) == pattern


@pytest.mark.parametrize(
    ("path", "pattern", "matching"),
    [
        ("checkpoints/best.pt", "checkpoints/*", True),
        ("checkpoints/a/best.pt", "checkpoints/*", False),
        ("checkpoints/a/best.pt", "checkpoints/**", True),
        ("checkpoints/best.pt", "checkpoints/**/*.pt", True),
        ("a.py", "**/*.py", True),
        ("src/a/b.py", "**/*.py", True),
        ("src/.hidden/.b.py", "**/*.py", True),
        ("checkpoints/.best.pt", "checkpoints/*", True),
        ("Checkpoints/best.pt", "checkpoints/*", False),
        ("a", "{a,b}", False),
        ("{a,b}", "{a,b}", True),
        ("b", "!a", False),
        ("figures/f1.png", "figures/f[0-9].png", True),
        ("x/figures/f1.png", "figures/*.png", False),
    ],
)
def test_path_patterns(path, pattern, matching):
    """spec: policy-path-patterns"""
    assert path_matches(path, pattern) is matching


@pytest.mark.parametrize(
    ("threshold", "planned", "runs"),
    [
        (2, 12, 2),
        (1, 12, 1),
        (20, 12, 12),
        ("10%", 12, 2),
        ("10%", 10, 1),
        ("7%", 100, 7),
        ("1%", 3, 1),
        ("100%", 12, 12),
        (2, 1, 1),
    ],
)
def test_thresholds_are_rounded_up_and_never_more_than_planned(threshold, planned, runs):
    """spec: policy-thresholds"""
    assert threshold_runs(threshold, planned) == runs


@given(st.integers(min_value=1, max_value=100), st.integers(min_value=1, max_value=10_000))
def test_a_percentage_is_the_smallest_number_that_reaches_it(percent, planned):
    runs = threshold_runs(f"{percent}%", planned)
    assert 1 <= runs <= planned
    assert runs * 100 >= percent * planned
    assert (runs - 1) * 100 < percent * planned


def test_sha256():
    assert is_sha256("0a" * 32)
    assert not is_sha256("0A" * 32)
    assert not is_sha256("0a" * 31)
    assert not is_sha256("0a" * 32 + "\n")


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("rsme", ["loss", "rmse"], "rmse"),
        ("RMSE", ["loss", "Rmse"], "Rmse"),
        ("pape", ["loss", "rmse"], None),
        ("e\u0301", ["\u00e9", "f"], "\u00e9"),
        ("pape", [], None),
        ("rsme", ["rmse", *map(str, range(500))], None),
    ],
)
def test_the_nearest_name_is_found_where_one_is_near_and_there_are_not_too_many(name, known, near):
    assert nearest(name, known) == near


def test_how_near_is_asked_for():
    assert nearest("B0", ["B1"]) is None
    assert nearest("B0", ["B1"], cutoff=0.5) == "B1"


def test_an_experiment_may_be_a_part_of_a_template():
    """spec: pair-one-place"""
    assert Template.parse("experiment").read({"experiment": "p"}, {}, {}, {}, None, "cell", "e") == "e"
    assert Template.parse("{net}/{experiment}").read({"net": "n"}, {}, {}, {}, None, "cell", "e") == "n/e"
    assert Template.parse("experiment").read({}, {}, {}, {}, None, "cell") is None
    assert Template.parse("params.experiment").read({"experiment": "p"}, {}, {}, {}, None, "cell", "e") == "p"
