"""The table of `make bench`: which line is missed, which lines of the page stay, and what becomes of a failure."""

import pytest

from benchmarks.performance.measurement import Bench, Measurement, measured
from benchmarks.performance.processes import ProcessError, cost, script
from benchmarks.performance.table import Target, write

CPU = Target("12 runs: CPU", 0.65)
IMPORT = Target("an import: CPU", 2.2, at_least=True)
MEMORY = Target("memory", 1.5, "GB")


def test_a_line_has_the_target_beside_the_median_and_the_range():
    assert CPU.measured([0.9, 0.5, 0.6]) == "| 12 runs: CPU | ≤ 0.65 | 0.60 (0.50 to 0.90) |"
    assert MEMORY.measured([1.4]) == "| memory | ≤ 1.5 GB | 1.40 GB (once) |"
    assert Target("a click", None, "ms").measured([1234.5]) == "| a click | none | 1234 ms (once) |"


def test_a_missed_target_is_said():
    assert CPU.measured([0.66]).endswith("**missed** |")
    assert IMPORT.measured([2.1]) == "| an import: CPU | ≥ 2.2 | 2.10 (once), **missed** |"
    assert not IMPORT.measured([2.3]).endswith("**missed** |")


def test_a_line_without_a_number_has_the_reason():
    assert CPU.not_measured("Error: a | b\n<c>") == (
        "| 12 runs: CPU | ≤ 0.65 | not measured: Error: a \\| b &lt;c> |"
    )


def test_what_was_not_measured_now_stays_in_the_page_and_what_stands_below_the_table_too(tmp_path):
    page, targets = tmp_path / "performance.md", [CPU, IMPORT, MEMORY]
    write(page, targets, {CPU.what: CPU.measured([1.0]), MEMORY.what: MEMORY.measured([1.0])})
    page.write_text(page.read_text() + "\n## By hand\n\n| one | two |\n")
    write(page, targets, {CPU.what: CPU.measured([0.5]), IMPORT.what: IMPORT.not_measured("x")})
    table, below = page.read_text().split("\n## ")
    assert [line for line in table.splitlines() if line.startswith("| ")][1:] == [
        CPU.measured([0.5]), IMPORT.not_measured("x"), MEMORY.measured([1.0])
    ]  # fmt: skip
    assert below == "By hand\n\n| one | two |\n"


def test_a_measurement_that_fails_says_so_in_each_of_its_lines(tmp_path, capsys):
    def fails(bench: Bench) -> list[list[float]]:
        return [[cost(bench.root, script("raise OSError('the disk is full')")).cpu]]

    found = measured(Measurement("both", [CPU, MEMORY], fails), Bench(tmp_path, runs=1, repeats=1))
    reason = "not measured: ProcessError: a process ended with 1: OSError: the disk is full |"
    assert found == {
        CPU.what: f"| 12 runs: CPU | ≤ 0.65 | {reason}",
        MEMORY.what: f"| memory | ≤ 1.5 GB | {reason}",
    }
    assert capsys.readouterr().out.splitlines() == list(found.values())


def test_a_process_has_a_cost(tmp_path):
    one = cost(tmp_path, script("sum(range(1_000_000)); print('text')"))
    assert one.cpu > 0
    assert one.wall > 0
    assert one.memory > 1000
    with pytest.raises(ProcessError, match="a process ended with 3: it wrote no message"):
        cost(tmp_path, script("raise SystemExit(3)"))
