"""The golden tensor: a worked example of a metric, by which any implementation of it is held against its definition."""

import importlib
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smoke_gate.contract.preregistration import Golden
from smoke_gate.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenResult:
    """One metric of the worked example; ``found`` is None where the implementation did not give it, see ``problem``."""

    metric: str
    expected: float
    found: float | None
    holds: bool
    problem: str | None = None


def load_function(name: str, folder: Path) -> Callable[..., Any]:
    """Return the function that ``MODULE:FUNCTION`` names; modules in ``folder`` come first, as for ``python -m``.

    Raises:
        UsageError: There is none.

    """
    module_name, _, path = name.partition(":")
    if not module_name or not path:
        raise UsageError(f"found {name!r}, expected MODULE:FUNCTION, such as mypackage.metrics:pape")
    sys.path.insert(0, str(folder.resolve()))
    try:
        found: Any = importlib.import_module(module_name)
        for part in path.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever importing somebody's module raises
        raise UsageError(f"{name} cannot be imported: {type(error).__name__}: {error}") from None
    finally:
        sys.path.remove(str(folder.resolve()))
    if not callable(found):
        raise UsageError(f"{name} is {type(found).__name__}, expected a function")
    return found  # type: ignore[no-any-return]


def replay_golden(
    golden: Golden, function: Callable[..., Any], *, rtol: float, atol: float
) -> tuple[GoldenResult, ...]:
    """Compute the worked example by an implementation, and compare.

    Args:
        golden: the inputs, and the values that they must give.
        function: called once with the inputs by name; returns the values by metric name, or just the value where the
            example has one metric.
        rtol: how far a value may be off, as a part of the expected one.
        atol: how far it may be off besides.

    """
    try:
        values = _by_metric(golden, function(**golden.inputs))
        problem = None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - what raises does not hold, whatever it raises
        values, problem = {}, f"it raised {type(error).__name__}: {error}"
    return tuple(
        _result(metric, expected, values, problem, margin=atol + rtol * abs(expected))
        for metric, expected in golden.expected.items()
    )


def _by_metric(golden: Golden, returned: Any) -> Mapping[str, Any]:
    if isinstance(returned, Mapping):
        return returned
    if len(golden.expected) == 1:
        return dict.fromkeys(golden.expected, returned)
    names = ", ".join(golden.expected)
    raise TypeError(f"returned {type(returned).__name__}, expected a mapping with the metrics {names}")


def _result(
    metric: str, expected: float, values: Mapping[str, Any], problem: str | None, *, margin: float
) -> GoldenResult:
    found = None
    if problem is None and metric not in values:
        problem = f"it gave no {metric}, only {', '.join(map(str, values)) or 'nothing'}"
    elif problem is None:
        try:
            found = float(values[metric])
        except (TypeError, ValueError, OverflowError) as error:
            problem = f"it gave no number: {error}"
    holds = found is not None and math.isfinite(found) and abs(found - expected) <= margin
    return GoldenResult(metric=metric, expected=expected, found=found, holds=holds, problem=problem)
