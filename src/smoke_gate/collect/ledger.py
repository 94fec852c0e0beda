"""The facts of the selected runs that no rule names: params, tags, data sets, steps."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from smoke_gate.evidence import Column, Ledger, is_exact
from smoke_gate.hashing import sha256_hex

if TYPE_CHECKING:
    from mlflow.entities import Run as RecordedRun

_LONGEST = 200  # characters of a value; a longer one stands as its hash
_CONTEXT = "mlflow.data.context"


def ledger_of(runs: Sequence["RecordedRun"]) -> Ledger:
    """Return all params and tags of the runs, by column."""
    return Ledger(
        runs=tuple(run.info.run_id for run in runs),
        params=_columns(runs, lambda run: run.data.params),
        tags=_columns(runs, lambda run: run.data.tags),
    )


def _columns(
    runs: Sequence["RecordedRun"], facts: Callable[["RecordedRun"], Mapping[str, str]]
) -> dict[str, Column]:
    keys = sorted({key for run in runs for key in facts(run)})
    return {key: _column([facts(run).get(key) for run in runs]) for key in keys}


def _column(texts: Sequence[str | None]) -> Column:
    places: dict[str, int] = {}
    of_runs = tuple(None if text is None else places.setdefault(_short(text), len(places)) for text in texts)
    return Column(values=tuple(places), of_runs=of_runs)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"sha256:{sha256_hex(text.encode())}"


def rows_of(run: "RecordedRun") -> dict[str, int]:
    """Return the number of rows of each data set that MLflow recorded for a run, by its context and its name."""
    found = {}
    for one in run.inputs.dataset_inputs if run.inputs else []:
        context = next((tag.value for tag in one.tags if tag.key == _CONTEXT), "")
        try:
            profile = json.loads(one.dataset.profile or "{}")
        except (ValueError, RecursionError):
            continue
        number = profile.get("num_rows") if isinstance(profile, dict) else None
        if type(number) is int and is_exact(number):
            found[f"{context} {one.dataset.name}".strip()] = number
    return dict(sorted(found.items()))


def last_step_of(run: "RecordedRun") -> int | None:
    """Return the highest step of any metric of a run; None where it has none."""
    steps = [metric.step for metric in getattr(run.data, "_metric_objs", ()) if is_exact(metric.step)]
    return max(steps, default=None)
