"""The cost of breaking a matrix in every way that the gates know, and of judging each: CPU time of `bite`.

The evidence is of runs that log all that a gate can read. A loop of ten million additions says how fast this machine
is at that moment. Usage: python benchmarks/bite.py [--seeds N ...] [--repeats N]
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smoke_gate.bite import bite
from smoke_gate.evidence import Evidence
from smoke_gate.policy.model import Policy
from tests.support.bitten import strict_policy, talkative_matrix, with_value


def main() -> None:
    """Measure each number of seeds, of four cells, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 25])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    for number in arguments.seeds:
        seeds = [str(seed) for seed in range(number)]
        policy = with_value(strict_policy(), ("plan", "seeds"), seeds)
        evidence = talkative_matrix(seeds=seeds)
        bite(policy, evidence, ["lost_run"])  # what is loaded once
        times = [seconds(policy, evidence) for _ in range(arguments.repeats)]
        loops = [loop() for _ in range(arguments.repeats)]
        print(
            f"{len(evidence.runs)} runs: {statistics.median(times):.2f} s of CPU time, {min(times):.2f} to "
            f"{max(times):.2f}; the loop: {statistics.median(loops):.2f} s"
        )


def seconds(policy: Policy, evidence: Evidence) -> float:
    before = time.process_time()
    bite(policy, evidence)
    return time.process_time() - before


def loop() -> float:
    before, total = time.process_time(), 0
    for number in range(10_000_000):
        total += number
    return time.process_time() - before


if __name__ == "__main__":
    main()
