"""The rows of peers that are only imported, as their README files do it, against a whole `check` of twelve runs.

Each has an environment of its own, in which it is installed alone: beside other packages its import takes longer.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.performance.measurement import Bench, Measurement, Values, database
from benchmarks.performance.processes import ProcessError, check, cost, cpu, pairs
from benchmarks.performance.table import Target

ENVIRONMENTS = Path(".venv-bench").resolve()
EVIDENTLY = """
import pandas
from sklearn import datasets
from evidently import Report
from evidently.presets import DataDriftPreset
"""
PEERS = (
    ("Great Expectations", "great_expectations", "import great_expectations", 2.2),
    ("Evidently", "evidently", EVIDENTLY, 3.3),
    ("Deepchecks", "deepchecks", "from deepchecks.tabular.suites import model_evaluation", 3.8),
)


def measurements() -> Iterator[Measurement]:
    """Yield the measurements."""
    for name, environment, code, bound in PEERS:
        what = f"the import of {name} alone, to a whole `check` of 12 runs, no figures: CPU"
        target = Target(what, bound, at_least=True)
        yield Measurement(
            f"peers-{environment}", [target], partial(imported, environment=environment, code=code)
        )


def imported(bench: Bench, environment: str, code: str) -> Values:
    """Import a peer and run `check` in turn."""
    python = ENVIRONMENTS / environment / "bin" / "python"
    if not python.exists():
        raise ProcessError(f"it is not installed; run `make .venv-bench/{environment}/installed`")
    theirs = [str(python), "-c", code]
    cost(bench.small, theirs)  # writes missing byte code
    ours = check("plain.yml", database(bench.small), "--no-figures")
    return [cpu(pairs(bench.small, theirs, ours, bench.repeats))]
