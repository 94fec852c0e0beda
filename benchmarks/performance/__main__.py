"""The cost of `smoke-gate`: a table of ratios to what a bare script does with the same runs, beside their targets.

Each ratio is of CPU times (or of peak memory) of whole processes that run in turn on one machine; its median is told.
Usage: python -m benchmarks.performance [--runs N] [--repeats N] [--only WORD …] [--write]
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.performance import other_rows, peer_rows, server_rows, sqlite_rows
from benchmarks.performance.measurement import Bench, Measurement, measured
from benchmarks.performance.table import write

PAGE = Path(__file__).parent.parent.parent / "docs" / "performance.md"


def main() -> None:
    """Measure, print, and write the page where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="of the large store")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="WORD",
        help=f"the measurements whose name holds one of the words: {', '.join(named(10_000))}",
    )  # fmt: skip
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}, up to its second heading")
    arguments = parser.parse_args()
    every = named(arguments.runs)
    chosen = [one for name, one in every.items() if any(word in name for word in arguments.only)]
    if not chosen:
        parser.error(f"no measurement has such a name; there are {', '.join(every)}")
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), arguments.runs, arguments.repeats)
        bench.against_bare(bench.small, "plain.yml")  # writes missing byte code and warms the disk's cache
        lines = {what: line for one in chosen for what, line in measured(one, bench).items()}
    if arguments.write:
        write(PAGE, [target for one in every.values() for target in one.targets], lines)


def named(runs: int) -> dict[str, Measurement]:
    """Return all measurements by name, in the table's order."""
    return {
        one.name: one
        for rows in (
            sqlite_rows.measurements(runs), peer_rows.measurements(), server_rows.measurements(runs),
            other_rows.measurements(),
        )
        for one in rows
    }  # fmt: skip


if __name__ == "__main__":
    main()
