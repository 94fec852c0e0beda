"""The facts of the selected runs that no rule names: params, tags, data sets, steps."""

import json
from collections.abc import Callable, Mapping, Sequence

from smoke_gate.collect.recorded import RecordedRun
from smoke_gate.evidence import Column, Ledger, is_exact
from smoke_gate.hashing import sha256_hex

_LONGEST = 200  # characters of a value; a longer one stands as its hash


def ledger_of(runs: Sequence[RecordedRun]) -> Ledger:
    """Return all params and tags of the runs, by column."""
    return Ledger(
        runs=tuple(run.run_id for run in runs),
        params=_columns(runs, lambda run: run.params),
        tags=_columns(runs, lambda run: run.tags),
    )


def _columns(
    runs: Sequence[RecordedRun], facts: Callable[[RecordedRun], Mapping[str, str]]
) -> dict[str, Column]:
    keys = sorted({key for run in runs for key in facts(run)})
    return {key: _column([facts(run).get(key) for run in runs]) for key in keys}


def _column(texts: Sequence[str | None]) -> Column:
    places: dict[str, int] = {}
    of_runs = tuple(None if text is None else places.setdefault(_short(text), len(places)) for text in texts)
    return Column(values=tuple(places), of_runs=of_runs)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"sha256:{sha256_hex(text.encode())}"


def rows_of(run: RecordedRun) -> dict[str, int]:
    """Return the number of rows of each data set that MLflow recorded for a run, by its context and its name."""
    found = {}
    for data_set in run.data_sets:
        try:
            profile = json.loads(data_set.profile or "{}")
        except (ValueError, RecursionError):
            continue
        number = profile.get("num_rows") if isinstance(profile, dict) else None
        if type(number) is int and is_exact(number):
            found[f"{data_set.context} {data_set.name}".strip()] = number
    return dict(sorted(found.items()))


def last_step_of(run: RecordedRun) -> int | None:
    """Return the highest step of any metric of a run; None where it has none."""
    steps = [latest.step for latest in run.metrics.values() if is_exact(latest.step)]
    return max(steps, default=None)
