import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from smoke_gate.contract import Golden
from smoke_gate.errors import UsageError
from smoke_gate.golden import GoldenResult, load_function, replay_golden

INPUTS: dict[str, Any] = {"actual": np.array([1.0, 2.0]), "forecast": np.array([1.5, 2.0])}


def replayed(
    returned: Any, expected: Mapping[str, float], rtol: float = 1e-6, atol: float = 1e-9
) -> dict[str, GoldenResult]:
    def implementation(*, actual: Any, forecast: Any) -> Any:
        assert actual is INPUTS["actual"]
        assert forecast is INPUTS["forecast"]
        return returned

    results = replay_golden(Golden(INPUTS, expected), implementation, rtol=rtol, atol=atol)
    return {result.metric: result for result in results}


@pytest.mark.parametrize("value", [0.25, np.float32(0.25), np.array(0.25)])
def test_one_value_needs_no_name(value):
    assert replayed(value, {"mae": 0.25})["mae"] == GoldenResult(
        metric="mae", expected=0.25, found=0.25, holds=True
    )


def test_several_values_come_by_name():
    found = replayed({"mae": 0.25, "worst": 0.6, "more": 1}, {"mae": 0.25, "worst": 0.5})
    assert {metric: result.holds for metric, result in found.items()} == {"mae": True, "worst": False}


@pytest.mark.parametrize(
    ("found", "expected", "rtol", "atol", "holds"),
    [
        (1.0 + 1e-7, 1.0, 1e-6, 0.0, True),
        (1.0 + 1e-5, 1.0, 1e-6, 0.0, False),
        (-100.5, -100.0, 0.01, 0.0, True),
        (1e-10, 0.0, 1e-6, 1e-9, True),
        (1e-8, 0.0, 1e-6, 1e-9, False),
        (0.3, 0.3, 0.0, 0.0, True),
        (0.1 + 0.2, 0.3, 0.0, 0.0, False),
        (math.nan, 1.0, 1.0, 1e300, False),
        (math.inf, 1.0, 1.0, 1e300, False),
    ],
)
def test_the_tolerance_is_relative_and_absolute(found, expected, rtol, atol, holds):
    """spec: prereg-golden"""
    assert replayed(found, {"m": expected}, rtol, atol)["m"].holds is holds


@pytest.mark.parametrize(
    ("returned", "expected", "problem"),
    [
        ({}, {"mae": 1.0}, "it gave no mae, only nothing"),
        ({"rmse": 1.0}, {"mae": 1.0}, "it gave no mae, only rmse"),
        (None, {"mae": 1.0}, "it gave no number: "),
        (np.array([1.0, 2.0]), {"mae": 1.0}, "it gave no number: "),
        (10**400, {"mae": 1.0}, "it gave no number: "),
        (1.0, {"mae": 1.0, "worst": 1.0}, "it raised TypeError: returned float, expected a mapping with"),
    ],
)  # fmt: skip
def test_what_is_no_value_does_not_hold(returned, expected, problem):
    for result in replayed(returned, expected).values():
        assert not result.holds
        assert (result.problem or "").startswith(problem)


def test_an_implementation_that_raises_does_not_hold():
    """spec: prereg-golden"""

    def implementation(actual: Any) -> float:
        return 1.0

    (result,) = replay_golden(Golden(INPUTS, {"mae": 1.0}), implementation, rtol=0, atol=0)
    assert not result.holds
    assert "it raised TypeError: " in (result.problem or "")
    assert "forecast" in (result.problem or "")


def test_an_implementation_that_ends_the_process_does_not_hold():
    def implementation(**_inputs: Any) -> float:
        sys.exit(0)

    (result,) = replay_golden(Golden(INPUTS, {"mae": 1.0}), implementation, rtol=0, atol=0)
    assert not result.holds
    assert result.problem == "it raised SystemExit: 0"


# --- the function -----------------------------------------------------------------------------------------------------


def test_a_function_of_the_folder_is_found(tmp_path):
    (tmp_path / "my_metric_module.py").write_text(
        "class Metrics:\n    @staticmethod\n    def pape():\n        return 7\n"
    )
    before = sys.path[:]
    assert load_function("my_metric_module:Metrics.pape", tmp_path)() == 7
    assert sys.path == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("math", "expected MODULE:FUNCTION"),
        (":hypot", "expected MODULE:FUNCTION"),
        ("math:", "expected MODULE:FUNCTION"),
        ("no_such_module:f", "cannot be imported: ModuleNotFoundError"),
        ("math:no_such", "cannot be imported: AttributeError"),
        ("math:pi", "math:pi is float, expected a function"),
        ("broken_metric_module:f", "cannot be imported: ZeroDivisionError: division by zero"),
        ("ending_metric_module:f", "cannot be imported: SystemExit: 0"),
    ],
)
def test_what_is_no_function_is_an_error(name, said, tmp_path):
    (tmp_path / "broken_metric_module.py").write_text("1 / 0\n")
    (tmp_path / "ending_metric_module.py").write_text("import sys\nsys.exit(0)\n")
    with pytest.raises(UsageError, match=said):
        load_function(name, tmp_path)
