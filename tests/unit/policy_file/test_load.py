"""Options over the file, places of their problems, and policies without a plan."""

import subprocess
import sys
from pathlib import Path

import pytest

from smoke_gate.errors import ExitCode
from smoke_gate.gates.definition import ByFile, BySha256, DefinitionHashSettings
from smoke_gate.gates.figures import FiguresSettings
from smoke_gate.gates.metric_ratio import MetricRatioSettings
from smoke_gate.policy.plan import Narrowing
from smoke_gate.policy_file.load import Overrides, PolicyError, has_plan, load_policy
from tests.unit.policy.reading import PLAN, load, problem, problems, with_plan

SHA256 = "0a" * 32


def test_without_options_the_file_is_the_policy(tmp_path):
    policy = load(tmp_path, PLAN)
    assert policy.experiments == ("stage05",)
    assert list(policy.plan.cells) == ["B0", "A3"]
    assert policy.narrowed is None
    assert has_plan(policy)


def test_experiment_is_the_same_as_experiments_for_one(tmp_path):
    policy = load(tmp_path, PLAN.replace("experiments: [stage05]", "experiment: stage05"))
    assert policy == load(tmp_path, PLAN)


def test_options_come_before_the_file(tmp_path):
    policy = load(
        tmp_path,
        with_plan(
            "profile: contract\ngates: {metric_ratio: {fail_threshold: 3}, definition_hash: {key: mape_hash}}"
        ),
        Overrides(experiments=("a", "b", "a"), profile="contract", threshold="25%", definition=SHA256),
    )
    assert policy.experiments == ("a", "b")
    assert policy.settings(MetricRatioSettings).fail_threshold == "25%"
    assert policy.settings(DefinitionHashSettings).expected == BySha256(sha256=SHA256)
    assert policy.settings(DefinitionHashSettings).key == "mape_hash"


def test_another_metric_in_one_line(tmp_path):
    """spec: policy-metric"""
    policy = load(tmp_path, with_plan("metric: rmse"))
    assert policy.plan.required_metrics[0] == "rmse"
    assert policy.settings(DefinitionHashSettings).key == "rmse_definition_hash"
    assert policy.settings(FiguresSettings).required_keys == ("source_run_ids", "rmse_definition_hash")
    named = load(tmp_path, with_plan("metric: rmse\ngates: {definition_hash: {key: own_hash}}"))
    assert named.settings(DefinitionHashSettings).key == "own_hash"


def test_an_experiment_option_replaces_either_spelling(tmp_path):
    text = PLAN.replace("experiments: [stage05]", "experiment: stage05")
    assert load(tmp_path, text, Overrides(experiments=("7",))).experiments == ("7",)


def test_the_profile_option_brings_its_defaults(tmp_path):
    assert not load(tmp_path, PLAN, Overrides(profile="basic")).settings(DefinitionHashSettings).enabled
    policy = load(tmp_path, with_plan("profile: basic"), Overrides(profile="contract"))
    assert policy.settings(DefinitionHashSettings).enabled


def test_a_definition_file_is_named_from_the_policys_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ci").mkdir()
    Path("ci/smoke-gate.yml").write_text(PLAN)
    Path("smoke-gate.yml").write_text(PLAN)
    overrides = Overrides(definition="definition.json")
    in_folder = load_policy(Path("ci/smoke-gate.yml"), overrides)
    beside = load_policy(Path("smoke-gate.yml"), overrides)
    assert in_folder.settings(DefinitionHashSettings).expected == ByFile(file="../definition.json")
    assert beside.settings(DefinitionHashSettings).expected == ByFile(file="definition.json")
    alone = load_policy(None, Overrides(cells=("A",), seeds=("1",), definition="x.json"))
    assert alone.settings(DefinitionHashSettings).expected == ByFile(file="x.json")


def test_a_definition_for_a_gate_that_is_off_is_refused(tmp_path):
    found = problem(tmp_path, with_plan("profile: basic"), Overrides(definition=SHA256))
    assert found[:2] == ("--definition", "gates.definition_hash")
    assert "G1 is off (profile basic): set `enabled: true`" in found[2]


@pytest.mark.parametrize(
    ("overrides", "place", "key", "message"),
    [
        (
            Overrides(threshold="0"),
            "--threshold",
            "gates.metric_ratio.fail_threshold",
            "found '0'; expected a number",
        ),
        (Overrides(threshold="many"), "--threshold", "gates.metric_ratio.fail_threshold", "found 'many'"),
        (Overrides(profile="strict"), "--profile", "profile", "allowed: 'contract', 'basic'"),
        (
            Overrides(definition="0A" * 32),
            "--definition",
            "gates.definition_hash.expected.sha256",
            "lower-case",
        ),
        (Overrides(experiments=("a", "")), "--experiment", "experiments[1]", "found ''"),
        (
            Overrides(cells=("b0",)),
            "--cells",
            "",
            "the plan has no cell 'b0'; did you mean 'B0'? allowed: 'B0', 'A3'",
        ),
        (Overrides(cells=("B0", "A4")), "--cells", "", "the plan has no cell 'A4'; did you mean 'A3'?"),
        (Overrides(seeds=("43",)), "--seeds", "", "the plan has no seed '43'; did you mean '42'?"),
        (Overrides(cells=("A3",), seeds=("456",)), "--cells", "", "nothing is left of the plan"),
    ],
)
def test_a_wrong_option_is_reported_as_one(tmp_path, overrides, place, key, message):
    found = problem(
        tmp_path, with_plan("gates: {metric_ratio: {fail_threshold: 1}}\nprofile: contract"), overrides
    )
    assert found[:2] == (place, key)
    assert message in found[2]


def test_cells_and_seeds_narrow_the_plan_and_keep_what_it_says(tmp_path):
    whole = load(tmp_path, PLAN)
    narrowed = load(tmp_path, PLAN, Overrides(cells=("A3",), seeds=("042", "123")))
    assert narrowed.narrowed == Narrowing(cells=("A3",), seeds=("042", "123"))
    assert narrowed.plan == whole.plan


def test_cells_and_seeds_are_the_plan_where_there_is_no_file():
    policy = load_policy(None, Overrides(cells=("B0", "A3", "B0"), seeds=("42", "123")))
    assert list(policy.plan.cells) == ["B0", "A3"]
    assert policy.plan.seeds == ("42", "123")
    assert policy.narrowed is None


def test_cells_and_seeds_are_the_plan_where_the_file_has_none(tmp_path):
    policy = load(
        tmp_path, "version: 1\nplan: {required_metrics: [pape]}", Overrides(cells=("B0",), seeds=("42",))
    )
    assert (list(policy.plan.cells), policy.plan.seeds) == (["B0"], ("42",))
    assert policy.plan.required_metrics == ("pape",)


@pytest.mark.parametrize("cells", ["[B0, A3]", "{B0: , A3: {deterministic: true}}"])
def test_seeds_are_the_plans_where_the_file_names_cells_only(tmp_path, cells):
    policy = load(tmp_path, f"version: 1\nplan: {{cells: {cells}}}", Overrides(cells=("B0",), seeds=("42",)))
    assert policy.plan.seeds == ("42",)
    assert policy.narrowed == Narrowing(cells=("B0",))


def test_seeds_narrow_those_that_cells_name_of_their_own(tmp_path):
    policy = load(tmp_path, "version: 1\nplan: {cells: {B0: {seeds: [1, 2]}}}", Overrides(seeds=("1",)))
    assert policy.narrowed == Narrowing(seeds=("1",))
    ragged = "version: 1\nplan: {cells: {B0: {seeds: [1, 2]}, A3: }}"
    assert problem(tmp_path, ragged, Overrides(seeds=("1",)))[1] == "plan.cells.A3"


def test_what_is_narrowed_out_may_still_be_named(tmp_path):
    text = with_plan("""\
        waivers: [{gate: G2, cell: A3, seed: 123, reason: r, expires: 2026-01-31}]
        references: [{metric: pape, cells: [A3], low: 1, high: 2, n: 1, source: s}]
        report: {reference_cell: A3}
    """)
    assert load(tmp_path, text, Overrides(cells=("B0",), seeds=("456",))).waivers[0].cell == "A3"


@pytest.mark.parametrize("text", ["version: 1\n", "version: 1\nplan: {required_metrics: [pape]}\n"])
def test_a_policy_without_a_plan_loads_only_where_none_is_required(tmp_path, text):
    assert problem(tmp_path, text)[1:] == (
        "plan.cells",
        "no cells are planned; name them in `plan.cells` or with --cells",
    )
    policy = load(tmp_path, text, plan_required=False)
    assert policy.plan.cells == {}
    assert not has_plan(policy)


def test_without_a_file_and_cells_there_is_no_plan():
    with pytest.raises(PolicyError, match=r"^options: plan\.cells: no cells are planned") as error:
        load_policy(None)
    assert error.value.exit_code == ExitCode.USAGE
    assert not has_plan(load_policy(None, Overrides(seeds=("1",), experiments=("a",)), plan_required=False))


@pytest.mark.parametrize("cells", ["[]", "{}"])
def test_an_empty_plan_is_refused_always(tmp_path, cells):
    """spec: policy-empty-plan"""
    text = f"version: 1\nplan: {{cells: {cells}, seeds: [1]}}\n"
    assert problem(tmp_path, text)[:2] == ("2:8", "plan.cells")
    with pytest.raises(PolicyError, match=r"plan\.cells: no cells are planned"):
        load(tmp_path, text, plan_required=False)
    with pytest.raises(PolicyError, match=r"plan\.cells: no cells are planned"):
        load(tmp_path, text, Overrides(cells=("A",)))


def test_problems_of_reading_models_plan_and_options_come_together(tmp_path):
    text = with_plan("""\
        profile: contract
        profile: basic
        gates: {figures: {pahts: []}}
        waivers: [{gate: G2, cell: A9, reason: r, expires: 2026-01-31}]
        report: {reference_cell: b0}
    """)
    found = problems(tmp_path, text, Overrides(cells=("A4",), threshold="x"))
    assert [(found.place.line, found.key) for found in found] == [
        (0, ""),
        (0, "gates.metric_ratio.fail_threshold"),
        (7, "profile"),
        (8, "gates.figures.pahts"),
        (9, "waivers[0].cell"),
        (10, "report.reference_cell"),
    ]


def test_a_section_that_is_refused_is_not_held_against_the_plan(tmp_path):
    text = with_plan("""\
        waivers: [{gate: G2, cell: A9, reason: r, expires: soon}]
        report: {reference_cell: A9}
    """)
    assert [found.key for found in problems(tmp_path, text)] == [
        "waivers[0].expires",
        "report.reference_cell",
    ]


def test_where_the_plan_itself_is_refused_nothing_is_held_against_it(tmp_path):
    text = "version: 1\nplan: {cells: [A], seed: [1]}\nreport: {reference_cell: B}\n"
    assert [found.key for found in problems(tmp_path, text)] == ["plan.seed"]


def test_a_hundred_problems_are_enough(tmp_path):
    with pytest.raises(PolicyError) as error:
        load(tmp_path, PLAN + "".join(f"key{number}: x\n" for number in range(150)))
    lines = str(error.value).splitlines()
    assert (len(error.value.problems), len(lines), lines[-1]) == (150, 101, "and 50 more problems")


def test_loading_a_policy_imports_no_heavy_package(tmp_path):
    policy = tmp_path / "smoke-gate.yml"
    policy.write_text(PLAN)
    program = (
        "import sys, pathlib; from smoke_gate.policy_file.load import load_policy;"
        "from smoke_gate.policy_file import formats;"
        "formats.effective_yaml(load_policy(pathlib.Path(sys.argv[1])));"
        "print(sorted({'mlflow', 'numpy', 'rfc8785', 'wcmatch', 'jsonschema'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program, policy], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_another_content_may_count_in_place_of_the_files(tmp_path):
    path = tmp_path / "smoke-gate.yml"
    path.write_text("version: 3")
    assert load_policy(path, text=PLAN.encode()) == load(tmp_path, PLAN)
    with pytest.raises(PolicyError, match=r"smoke-gate\.yml: larger than 256 KiB"):
        load_policy(path, text=b"#" * 300_000)


def test_where_the_rest_is_no_policy_either_only_what_is_refused_is_reported(tmp_path):
    text = with_plan("""\
        profile: basic
        gates:
          plan: {enabled: false, reason: r}
          checkpoints: {enabled: false, reason: r}
          figures: {enabled: false, reason: r}
          metric_ratio: {enabled: true, rules: []}
          comparison: {enabled: false, reason: r}
        report: {reference_cell: X}
    """)
    assert [found.key for found in problems(tmp_path, text)] == ["gates.metric_ratio.rules"]


def test_an_option_does_not_hide_a_broken_section(tmp_path):
    found = problem(tmp_path, with_plan("gates: on"), Overrides(threshold="2"))
    assert found == ("6:1", "gates", "found 'on'; expected a mapping")
