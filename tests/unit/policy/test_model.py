"""The values that each section refuses by itself, with the place of each problem."""

import pytest

from smoke_gate.gates import BUILT_IN
from smoke_gate.gates.checkpoint_settings import CheckpointsSettings
from smoke_gate.gates.definition import ByFile, DefinitionHashSettings
from smoke_gate.gates.figures import FiguresSettings
from smoke_gate.gates.paired_data import PairedDataSettings
from smoke_gate.gates.plan import PlanSettings
from smoke_gate.gates.unit_contract import UnitContractSettings
from smoke_gate.policy_file.formats import policy_json
from tests.unit.policy.reading import PLAN, load, problem, problems, with_plan

EXAMPLE = """\
version: 1
profile: contract
experiments: [stage05]
runs:
  cell: params.cell
  seed: params.seed
  where: ""
  commit: auto
  code_paths: ["**/*.py", "!**/tests/**", "!**/test_*.py", "!**/conftest.py", "!docs/**"]
  duplicates: latest
  unexpected: warn
  ignore: []
plan:
  cells:
    B0: {expect: {use_vq: "False"}}
    A3: {expect: {use_vq: "True", tags.run_status: completed}, seeds: [42, 123], deterministic: false}
  seeds: [42, 123, 456]
  exclude: []
  required_metrics: []
  max_attempts: null
gates:
  plan: {}
  definition_hash:
    key: pape_definition_hash
    retired_keys: [definition_hash]
    expected: preregistration
    require_ancestor: false
  unit_contract:
    rules:
      - when: {use_vq: "True"}
        required: [vq_input_unit, dlinear_output_unit, vq_scaler_space_signature, dlinear_output_scaler_space_signature]
        allowed: {vq_input_unit: [standardized, kW, kWh_per_h], dlinear_output_unit: [standardized, kW, kWh_per_h]}
        equal:
          - [vq_input_unit, dlinear_output_unit]
          - [vq_scaler_space_signature, dlinear_output_scaler_space_signature]
  checkpoints: {paths: ["checkpoints/**"], weights: [], min_count: 1, max_bytes: 256MiB, allow_globals: []}
  figures: {paths: ["figures/*.png"], files: [], required_keys: [source_run_ids, pape_definition_hash]}
  metric_ratio:
    fail_threshold: 2
    rules:
      - {value: "val_loss / train_loss", min: 0.2, max: 5.0}
  paired_data:
    key: "{split}_data_hash"
    splits: [train, val, test]
    same: []
references: []
waivers: []
report: {metrics: [], reference_cell: null}
"""


def test_the_documented_policy_is_the_default_one(tmp_path):
    documented = policy_json(load(tmp_path, EXAMPLE))
    defaults = policy_json(load(tmp_path, PLAN))
    documented["plan"]["cells"] = defaults["plan"]["cells"]
    assert documented == defaults


def test_what_the_user_says_arrives(tmp_path):
    policy = load(
        tmp_path,
        with_plan("""\
            runs: {cell: tags.variant, seed: 'run_name:(?P<seed>.*)', commit: code, code_paths: ['src/**']}
            gates:
              plan: {fail_threshold: 10%}
              definition_hash: {expected: {file: definition.json}, require_ancestor: TRUE}
              unit_contract: {rules: [{when: {use_vq: [True, 1]}, required: [tags.u]}]}
              checkpoints: {max_bytes: 1GiB, min_count: 2, fail_threshold: 3}
              paired_data: {same: [{of: [params.lr, commit, tags.a], within: matrix}]}
            references: [{metric: pape, cells: [B0], low: -1e-3, high: 5, n: 2, tolerance: 0.5, source: paper}]
            waivers: [{gate: G4, cell: A3, seed: 042, subject: x, reason: r, expires: 2026-02-28}]
            report: {metrics: [pape], reference_cell: B0}
        """),
    )
    definition, checkpoints = policy.settings(DefinitionHashSettings), policy.settings(CheckpointsSettings)
    (rule,) = policy.settings(UnitContractSettings).rules
    assert policy.runs.code_paths == ("src/**",)
    assert policy.plan.cells["A3"].seeds == ("42", "123")
    assert policy.settings(PlanSettings).fail_threshold == "10%"
    assert definition.expected == ByFile(file="definition.json")
    assert definition.require_ancestor is True
    assert rule.when == {"params.use_vq": ("True", "1")}
    assert rule.required == ("tags.u",)
    assert (checkpoints.max_bytes, checkpoints.min_count, checkpoints.fail_threshold) == (2**30, 2, 3)
    assert policy.settings(PairedDataSettings).same[0].of == ("params.lr", "commit", "tags.a")
    assert policy.references[0].low == -0.001
    assert policy.waivers[0].seed == "042"


@pytest.mark.parametrize(
    "plan", ["cells: [B0, A3]", "cells: {B0: , A3: {}}", "cells:\n    B0:\n    A3: {expect: {}}"]
)
def test_cells_are_a_list_or_a_mapping(tmp_path, plan):
    policy = load(tmp_path, f"version: 1\nplan:\n  {plan}\n  seeds: [1]\n")
    assert list(policy.plan.cells) == ["B0", "A3"]


def test_one_expected_text_and_a_list_of_one_are_the_same(tmp_path):
    policy = load(tmp_path, "version: 1\nplan: {cells: {A: {expect: {a: x, b: [x, y]}}}, seeds: [1]}\n")
    assert policy.plan.cells["A"].expect == {"params.a": ("x",), "params.b": ("x", "y")}


def test_path_patterns_have_one_spelling(tmp_path):
    text = """\
        runs: {code_paths: [./src/**/*.py]}
        gates:
          checkpoints: {paths: [.//checkpoints/./*]}
          figures: {paths: [././figures//*.png], files: [./figs/**]}
    """
    policy = load(tmp_path, with_plan(text))
    assert policy.runs.code_paths == ("src/**/*.py",)
    assert policy.settings(CheckpointsSettings).paths == ("checkpoints/*",)
    assert (policy.settings(FiguresSettings).paths, policy.settings(FiguresSettings).files) == (
        ("figures/*.png",),
        ("figs/**",),
    )


def test_g1_has_a_threshold_of_one(tmp_path):
    assert load(tmp_path, PLAN).settings(DefinitionHashSettings).threshold == 1


# Below each text: where the problem is said to be, at which key, and what the message says.
REFUSED = """\
profil: basic
    6:1: profil: unknown key; did you mean 'profile'? allowed: 'version', 'metric', 'profile',
tracking_uri: http://x
    6:1: tracking_uri: unknown key; allowed: 'version'
narrowed: {cells: [B0]}
    6:1: narrowed: unknown key; narrow the plan with the options --cells and --seeds
profile: strict
    6:1: profile: allowed: 'contract', 'basic'
runs:
    6:1: runs: found nothing; expected a mapping
runs: [a]
    6:1: runs: found a list; expected a mapping
runs: {commit: Same}
    6:8: runs.commit: found 'Same'; did you mean 'same'? allowed: 'auto', 'any', 'same', 'head', 'code'
runs: {duplicates: last}
    6:8: runs.duplicates: allowed: 'latest', 'fail'
runs: {unexpected: no}
    6:8: runs.unexpected: allowed: 'warn', 'fail', 'ignore'
runs: {code_paths: []}
    6:8: runs.code_paths: found an empty list; expected at least one entry
runs: {code_paths: [/src/*.py]}
    6:21: runs.code_paths[0]: '/src/*.py' leads out of its folder: write a path below it
runs: {code_paths: [src/]}
    6:21: runs.code_paths[0]: 'src/' can match no file
runs: {cell: metrics.x}
    6:8: runs.cell: 'metrics.x' is not a reference
runs: {cell: none}
    6:8: runs.cell: every run needs a cell: `none` is for `seed` only
runs: {cell: 'run_name:(?P<seed>.*)'}
    6:8: runs.cell: needs a group (?P<cell>…)
runs: {seed: 'run_name:.*'}
    6:8: runs.seed: needs a group (?P<seed>…)
runs: {seed: 'run_name:(?P<seed>'}
    6:8: runs.seed: is broken
runs: {where: metrics.pape < 3}
    6:8: runs.where: may not filter on metrics: a filter must not pick winners
runs: {where: "status = 'FINISHED'"}
    6:8: runs.where: may not filter on status
runs: {ignore: [{reason: r}]}
    6:17: runs.ignore[0]: needs `cell`, `seed` or both
runs: {ignore: [{cell: X}]}
    6:17: runs.ignore[0]: lacks reason
gates: {G1: {}}
    6:9: gates.G1: unknown key; allowed: 'plan', 'definition_hash', 'unit_contract',
gates: {plan: {enabled: no, reason: r}}
    6:16: gates.plan.enabled: found 'no'; expected true or false
gates: {plan: {enabled: false}}
    6:16: gates.plan.enabled: a gate that is off needs a `reason`
gates: {plan: {enabled: false, reason: ''}}
    6:32: gates.plan.reason: found ''; expected a reason that can be read
gates: {plan: {enabled: false, reason: "\u200b \u2800"}}
    6:32: gates.plan.reason: found
gates: {definition_hash: {enabled: false}}
    6:27: gates.definition_hash.enabled: needs a `reason`
gates: {definition_hash: {fail_threshold: 2}}
    6:27: gates.definition_hash.fail_threshold: G1 takes no threshold
gates: {definition_hash: {expected: prereg}}
    6:27: gates.definition_hash.expected: expected preregistration, {sha256: …}, {file: …}, {run_id: …} or
gates: {definition_hash: {expected: {hash: a}}}
    6:27: gates.definition_hash.expected: found a mapping; expected preregistration, {sha256
gates: {definition_hash: {expected: {sha256: ABC}}}
    6:38: gates.definition_hash.expected.sha256: found 'ABC'; expected 64 lower-case hex digits
gates: {definition_hash: {expected: {file: a, run_id: b}}}
    6:47: gates.definition_hash.expected.run_id: unknown key; allowed: 'file'
gates: {definition_hash: {retired_keys: [pape_definition_hash]}}
    6:27: gates.definition_hash.retired_keys: is among the retired ones
gates: {unit_contract: {rules: []}}
    6:25: gates.unit_contract.rules: nothing to assert
gates: {unit_contract: {rules: [{when: {a: b}}]}}
    6:33: gates.unit_contract.rules[0]: needs `required`, `allowed` or `equal`
gates: {unit_contract: {rules: [{when: {}, required: [a]}]}}
    6:34: gates.unit_contract.rules[0].when: found an empty mapping; expected at least one entry
gates: {unit_contract: {rules: [{when: use_vq, required: [a]}]}}
    6:34: gates.unit_contract.rules[0].when: found 'use_vq'; expected a mapping
gates: {unit_contract: {rules: [{when: {a: []}, required: [a]}]}}
    6:41: gates.unit_contract.rules[0].when.a: expected at least one entry
gates: {unit_contract: {rules: [{when: {metrics.a: b}, required: [a]}]}}
    6:41: gates.unit_contract.rules[0].when.'metrics.a': is not a reference
gates: {unit_contract: {rules: [{when: {a: b, params.a: c}, required: [a]}]}}
    6:34: gates.unit_contract.rules[0].when: named twice, with and without `params.`: 'params.a'
gates: {unit_contract: {rules: [{when: {a: b}, equal: [[a, params.a]]}]}}
    6:48: gates.unit_contract.rules[0].equal: a key always equals itself
gates: {unit_contract: {rules: [{when: {a: b}, equal: [[a]]}]}}
    6:56: gates.unit_contract.rules[0].equal[0]: lacks [1]
gates: {unit_contract: {rules: [{when: {a: b}, equal: [[a, b, c]]}]}}
    6:56: gates.unit_contract.rules[0].equal[0]: found 3 entries; expected 2
gates: {checkpoints: {paths: []}}
    6:23: gates.checkpoints.paths: nothing to assert
gates: {checkpoints: {min_count: 0}}
    6:23: gates.checkpoints.min_count: nothing to assert
gates: {checkpoints: {min_count: -1}}
    6:23: gates.checkpoints.min_count: found '-1'; expected 0 or more
gates: {checkpoints: {min_count: some}}
    6:23: gates.checkpoints.min_count: found 'some'; expected a whole number
gates: {checkpoints: {min_count: 1e99}}
    6:23: gates.checkpoints.min_count: expected
gates: {checkpoints: {min_count: 1_0}}
    6:23: gates.checkpoints.min_count: found '1_0'; expected a number without underscores
gates: {checkpoints: {max_bytes: 1_000MiB}}
    6:23: gates.checkpoints.max_bytes: found '1_000MiB'; expected a number without underscores
gates: {checkpoints: {max_bytes: 1_000}}
    6:23: gates.checkpoints.max_bytes: found '1_000'; expected a number without underscores
gates: {checkpoints: {max_bytes: many}}
    6:23: gates.checkpoints.max_bytes: found 'many'; expected a size such as 256MiB
gates: {checkpoints: {max_bytes: 5 foo}}
    6:23: gates.checkpoints.max_bytes: expected a size such as 256MiB
gates: {checkpoints: {max_bytes: 0}}
    6:23: gates.checkpoints.max_bytes: expected 1 or more
gates: {checkpoints: {max_bytes: 100EiB}}
    6:23: gates.checkpoints.max_bytes: or less
gates: {checkpoints: {paths: checkpoints/*}}
    6:23: gates.checkpoints.paths: found 'checkpoints/*'; expected a list
gates: {checkpoints: {paths: [a, a]}}
    6:23: gates.checkpoints.paths: named twice: 'a'
gates: {checkpoints: {paths: [a, '']}}
    6:34: gates.checkpoints.paths[1]: found ''; expected a text that is not empty
references: [{metric: m, cells: [''], low: 1, high: 2, n: 1, source: s}]
    6:34: references[0].cells[0]: found ''; expected a text that is not empty
gates: {checkpoints: {paths: [checkpoints/../../x/*]}}
    6:31: gates.checkpoints.paths[0]: leads out of its folder
gates: {checkpoints: {paths: [a/*, ./a//*]}}
    6:23: gates.checkpoints.paths: named twice: 'a/*'
gates: {figures: {paths: [..]}}
    6:27: gates.figures.paths[0]: leads out of its folder
gates: {figures: {files: [/etc/*]}}
    6:27: gates.figures.files[0]: '/etc/*' leads out of its folder
gates: {figures: {paths: []}}
    6:19: gates.figures.paths: nothing to assert
gates: {figures: {fail_threshold: 0}}
    6:19: gates.figures.fail_threshold: from 1 on, or a percentage of the planned runs such as "10%"
gates: {figures: {fail_threshold: 0%}}
    6:19: gates.figures.fail_threshold: expected a number of runs
gates: {figures: {fail_threshold: 101%}}
    6:19: gates.figures.fail_threshold: expected a number of runs
gates: {figures: {fail_threshold: 2.5}}
    6:19: gates.figures.fail_threshold: expected a number of runs
gates: {metric_ratio: {rules: []}}
    6:24: gates.metric_ratio.rules: nothing to assert
gates: {metric_ratio: {rules: [{value: a / b / c, min: 1}]}}
    6:33: gates.metric_ratio.rules[0].value: divides more than once
gates: {metric_ratio: {rules: [{value: a}]}}
    6:32: gates.metric_ratio.rules[0]: needs `min`, `max` or both
gates: {metric_ratio: {rules: [{value: a, min: 2, max: 1}]}}
    6:43: gates.metric_ratio.rules[0].min: `min` 2.0 is above `max` 1.0
gates: {metric_ratio: {rules: [{value: a, min: 1_000}]}}
    6:43: gates.metric_ratio.rules[0].min: found '1_000'; expected a number without underscores
gates: {metric_ratio: {rules: [{value: a, max: 0.000_1}]}}
    6:43: gates.metric_ratio.rules[0].max: found '0.000_1'; expected a number without underscores
references: [{metric: m, low: 1, high: 2, n: 1_0, source: s}]
    6:43: references[0].n: found '1_0'; expected a number without underscores
references: [{metric: m, low: 1, high: 2, n: 2, tolerance: 1_0, source: s}]
    6:49: references[0].tolerance: found '1_0'; expected a number without underscores
gates: {metric_ratio: {rules: [{value: a, min: nan}]}}
    6:43: gates.metric_ratio.rules[0].min: found 'nan'; expected a finite number
gates: {metric_ratio: {rules: [{value: a, min: 1e999}]}}
    6:43: gates.metric_ratio.rules[0].min: expected a finite number
gates: {metric_ratio: {rules: [{value: a, min: low}]}}
    6:43: gates.metric_ratio.rules[0].min: found 'low'; expected a number
gates: {metric_ratio: {rules: [{value: a, min: 1, cells: []}]}}
    6:51: gates.metric_ratio.rules[0].cells: expected at least one entry
gates: {paired_data: {splits: []}}
    6:23: gates.paired_data.splits: nothing to assert
gates: {paired_data: {splits: [train, train]}}
    6:23: gates.paired_data.splits: named twice: 'train'
gates: {paired_data: {key: data_hash}}
    6:23: gates.paired_data.key: `key` must contain {split}
gates: {paired_data: {same: [{of: [], within: cell}]}}
    6:31: gates.paired_data.same[0].of: at least one entry
gates: {paired_data: {same: [{of: [lr], within: run}]}}
    6:41: gates.paired_data.same[0].within: found 'run'; allowed: 'cell', 'seed', 'matrix'
references: [{metric: m, low: 2, high: 1, n: 1, source: s}]
    6:26: references[0].low: `low` 2.0 is above `high` 1.0
references: [{metric: m, low: 1, high: 2, n: 1, tolerance: 0, source: s}]
    6:49: references[0].tolerance: needs `n` of 2 or more
references: [{metric: m, low: 0, high: 1e308, n: 2, tolerance: 1e308, source: s}]
    6:53: references[0].tolerance: `tolerance` 1e+308 widens the band to infinity
references: [{metric: m, low: -1e308, high: 0, n: 2, tolerance: 1e308, source: s}]
    6:54: references[0].tolerance: `tolerance` 1e+308 widens the band to infinity
references: [{metric: m, low: 1, high: 2, n: 0, source: s}]
    6:43: references[0].n: found '0'; expected 1 or more
references: [{metric: m, low: 1, high: 2, n: 1}]
    6:14: references[0]: lacks source
references: {metric: m}
    6:1: references: found a mapping; expected a list
waivers: [{gate: G1, reason: r, expires: 2026-01-31}]
    6:12: waivers[0].gate: G1 cannot be waived
waivers: [{gate: G8, reason: r, expires: 2026-01-31}]
    6:12: waivers[0].gate: found 'G8'; did you mean 'G7'? allowed:
waivers: [{gate: G2, expires: 2026-01-31}]
    6:11: waivers[0]: lacks reason
waivers: [{gate: G2, reason: r}]
    6:11: waivers[0]: lacks expires
waivers: [{gate: G2, reason: r, expires: 2026-02-30}]
    6:33: waivers[0].expires: found '2026-02-30'; expected a day as YYYY-MM-DD
waivers: [{gate: G2, reason: r, expires: 20260131}]
    6:33: waivers[0].expires: expected a day as YYYY-MM-DD
waivers: [{gate: G2, reason: r, expires: 2026-W01-1}]
    6:33: waivers[0].expires: found '2026-W01-1'; expected a day as YYYY-MM-DD
waivers: [{gate: G2, reason: r, expires: ２０２６-01-31}]
    6:33: waivers[0].expires: expected a day as YYYY-MM-DD
report: {metric: [a]}
    6:10: report.metric: unknown key; did you mean 'metrics'?
"""
REFUSED_PLANS = """\
plan: {cells: [A, A], seeds: [1]}
    2:8: plan.cells: named twice: 'A'
plan: {cells: [A: {}], seeds: [1]}
    2:8: plan.cells: write a mapping to say more
plan: {cells: A, seeds: [1]}
    2:8: plan.cells: found 'A'; expected a mapping
plan: {cells: {A: x}, seeds: [1]}
    2:16: plan.cells.A: found 'x'; expected a mapping
plan: {cells: {A: {expects: {}}}, seeds: [1]}
    2:20: plan.cells.A.expects: did you mean 'expect'?
plan: {cells: {A: {expect: {a: }}}, seeds: [1]}
    2:29: plan.cells.A.expect.a: found nothing; expected a list
plan: {cells: {A: {seeds: []}}, seeds: [1]}
    2:20: plan.cells.A.seeds: at least one entry
plan: {cells: {A: {deterministic: 1}}, seeds: [1]}
    2:20: plan.cells.A.deterministic: expected true or false
plan: {cells: [A], seeds: 1}
    2:20: plan.seeds: found '1'; expected a list
plan: {cells: [A], seeds: [1, 1]}
    2:20: plan.seeds: named twice: '1'
plan: {cells: [A], seeds: [1], max_attempts: 0}
    2:32: plan.max_attempts: expected 1 or more
plan: {cells: [A], seeds: [1], exclude: [{cell: A, seeds: [], reason: r}]}
    2:52: plan.exclude[0].seeds: at least one entry
plan: {cells: [A], seeds: [1], exclude: [{cell: A, seeds: [1]}]}
    2:42: plan.exclude[0]: lacks reason
"""


def cases(table: str) -> list[tuple[str, ...]]:
    lines = table.splitlines()
    return [
        (text, *expected.strip().split(": ", 2))
        for text, expected in zip(lines[::2], lines[1::2], strict=True)
    ]


@pytest.mark.parametrize(("text", "place", "key", "message"), cases(REFUSED))
def test_refused(tmp_path, text, place, key, message):
    """spec: policy-file-form, policy-no-addresses, policy-nothing-asserted, policy-reasons"""
    found = problem(tmp_path, with_plan(text))
    assert found[:2] == (place, key)
    assert message in found[2]


@pytest.mark.parametrize(("text", "place", "key", "message"), cases(REFUSED_PLANS))
def test_refused_plans(tmp_path, text, place, key, message):
    found = problem(tmp_path, f"version: 1\n{text}")
    assert found[:2] == (place, key)
    assert message in found[2]


@pytest.mark.parametrize(
    ("text", "place", "key", "message"),
    [
        ("", "1:1", "", "lacks version"),
        ("version: 2", "1:1", "version", "found '2'; allowed: '1'"),
        ("version: 1\nexperiment: a\nexperiments: [b]", "2:1", "experiment", "stands beside `experiments`"),
        ("version: 1\nexperiment: [a]", "2:1", "experiments[0]", "found a list; expected a text"),
        ("version: 1\nexperiments: a", "2:1", "experiments", "found 'a'; expected a list"),
    ],
)
def test_refused_heads(tmp_path, text, place, key, message):
    found = problem(tmp_path, f"{text}\nplan: {{cells: [A], seeds: [1]}}")
    assert found[:2] == (place, key)
    assert message in found[2]


def test_a_section_that_is_off_may_be_empty(tmp_path):
    text = """\
        gates:
          unit_contract: {enabled: false, reason: no units, rules: []}
          metric_ratio: {enabled: false, reason: no losses, rules: []}
          figures: {enabled: false, reason: no figures, paths: []}
    """
    gates = load(tmp_path, with_plan(text)).gates.by_section()
    assert [section for section, settings in gates.items() if not settings.enabled] == [
        "unit_contract",
        "figures",
        "metric_ratio",
    ]


def test_all_gates_off_is_refused(tmp_path):
    """spec: policy-nothing-asserted"""
    text = "gates:\n" + "".join(f"  {gate.section}: {{enabled: false, reason: r}}\n" for gate in BUILT_IN)
    assert problem(tmp_path, with_plan(text)) == (
        "6:1",
        "gates",
        "all gates are off: nothing would be judged",
    )


def test_all_problems_at_once_in_the_order_of_the_file(tmp_path):
    """spec: policy-all-problems"""
    text = with_plan("""\
        runs: {commit: sam, commit: same}
        gates: {figures: {paths: []}, checkpoint: {}}
        waivers: [{gate: '', expires: soon}]
    """)
    assert [(found.place.line, found.key) for found in problems(tmp_path, text)] == [
        (6, "runs.commit"),
        (6, "runs.commit"),
        (7, "gates.figures.paths"),
        (7, "gates.checkpoint"),
        (8, "waivers[0]"),
        (8, "waivers[0].gate"),
        (8, "waivers[0].expires"),
    ]


def test_a_name_of_foreign_making_stays_in_its_line(tmp_path):
    (found,) = problems(tmp_path, with_plan('"a\\n::error::b": 1\n'))
    assert "\n" not in str(found)
    (found,) = problems(tmp_path, with_plan('profile: "a\\n::error::b"\n'))
    assert "\n" not in str(found)
