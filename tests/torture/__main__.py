"""Torture of one kind: prints what came of it, and ends with 1 where anything was wrong.

Usage: python -m tests.torture {server,github,kills,together,disks,texts,facts,load} [--seed N] [--count N].
The seed decides which faults there are and when; threads and the speed of the machine decide which requests they meet.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.torture.disks import disks
from tests.torture.facts import facts
from tests.torture.github_faults import github_faults
from tests.torture.kills import kills, together
from tests.torture.load import load
from tests.torture.server_faults import server_faults
from tests.torture.tally import Tally
from tests.torture.texts import texts

KINDS: Mapping[str, tuple[Callable[[int, int, Path], Tally], int]] = {
    "server": (server_faults, 250),
    "github": (github_faults, 190),
    "kills": (kills, 200),
    "together": (together, 50),
    "disks": (disks, 100),
    "texts": (texts, 100),
    "facts": (facts, 10_000),
    "load": (load, 50),
}


def main() -> int:
    """Run one kind and print its tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int)
    asked = parser.parse_args()
    sequence, usual = KINDS[asked.kind]
    begun, used = time.monotonic(), os.times()
    with TemporaryDirectory() as folder:
        tally = sequence(asked.seed, usual if asked.count is None else asked.count, Path(folder))
    cpu = sum(os.times()[:4]) - sum(used[:4])
    sys.stdout.write(f"{tally.line} ({time.monotonic() - begun:.0f} s, {cpu:.0f} s of CPU)\n")
    sys.stderr.writelines(f"wrong: {sentence}\n" for sentence in tally.wrong)
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
