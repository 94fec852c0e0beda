"""Facts: from a matrix that passes, each damage to each fact worsens the verdict, unless the table says why not."""

from pathlib import Path

from smoke_gate.verdict import VerdictStatus
from tests.torture.tally import Tally
from tests.unit.test_facts import CASES, UNCOVERED, status_of


def facts(_seed: int, count: int, _folder: Path) -> Tally:
    """Judge the matrix with each damage; ``count`` bounds how many."""
    tally = Tally("damaged facts")
    for fact, damage, evidence in CASES[:count]:
        tally.faults += 1
        unseen, _ = UNCOVERED.get(fact, ((), ""))
        passes = status_of(evidence) is VerdictStatus.ALL_PASS
        tally.end("not seen, with a reason" if damage in unseen else "a worse verdict")
        if passes is not (damage in unseen):
            tally.wrong.append(f"{fact}, {damage}: {'ALL PASS' if passes else 'a worse verdict'}")
    return tally
