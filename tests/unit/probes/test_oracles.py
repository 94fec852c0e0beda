"""A pickle that another scanner finds dangerous is never clean here: on the corpus, and on mutations of it.

They are oracles for what is hostile only: what they accuse may be honest, so that no honest file is asked of them.
"""

import io
import random
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from smoke_gate.probes.pickle.globals import Danger, judge
from tests.corpus import CORPUS
from tests.corpus.gadgets import GADGETS
from tests.corpus.streams import STREAMS
from tests.corpus.writer import Entry
from tests.unit.probes.files import probed

picklescan: Any = import_module("picklescan.scanner")
fickle: Any = import_module("fickling.fickle")
analysis: Any = import_module("fickling.analysis")

MUTATIONS_EACH = 30
# What picklescan blocks and honest files may hold: code of one's own, and what only combines what else is imported.
_OF_CLOUDPICKLE = "_builtin_type _function_setstate _make_cell _make_empty_cell _make_function subimport"
FOR_A_PERSON = {
    *[("functools", "partial"), ("operator", "itemgetter"), ("_operator", "itemgetter"), ("uuid", "any")],
    *[("profile", "any"), ("test", "any")],  # which modules of one's own may be called, too
    *[("cloudpickle.cloudpickle", name) for name in _OF_CLOUDPICKLE.split()],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oracles")


def is_clean(folder: Path, entry: Entry) -> bool:
    artifact = probed(folder, entry.data, entry.file)
    return not (artifact.problem or artifact.globals.dangerous or artifact.globals.unknown)


def by_picklescan(entry: Entry) -> set[str]:
    """Return the globals that picklescan finds dangerous."""
    suffix = Path(entry.file).suffix
    try:
        result = picklescan.scan_bytes(io.BytesIO(entry.data), entry.file, suffix)
    except Exception:  # noqa: BLE001 - whatever stops it: it found nothing
        return set()
    found = (one for one in result.globals if one.safety is picklescan.SafetyLevel.Dangerous)
    return {f"{one.module}.{one.name}" for one in found}


def by_fickling(entry: Entry) -> bool:
    """Return whether fickling calls a pickle overtly malicious, or likely so."""
    try:
        found = analysis.check_safety(fickle.Pickled.load(entry.data))
        return bool(found.severity >= analysis.Severity.LIKELY_OVERTLY_MALICIOUS)
    except Exception:  # noqa: BLE001 - whatever stops it: it found nothing
        return False


def test_picklescan(folder):
    hits = [(entry, found) for entry in CORPUS if (found := by_picklescan(entry))]
    assert len(hits) > len(CORPUS) // 4  # it works
    assert [(entry.trick, found) for entry, found in hits if is_clean(folder, entry)] == []


def test_fickling(folder):
    pickles = [entry for entry in (*GADGETS, *STREAMS) if entry.file.endswith(".pkl")]
    hits = [entry for entry in pickles if by_fickling(entry)]
    assert len(hits) > len(pickles) // 4
    assert [entry.trick for entry in hits if is_clean(folder, entry)] == []


def mutations() -> Iterator[Entry]:
    """Yield pickles of the corpus with bytes changed, dropped, repeated, or taken from another."""
    chance = random.Random(13)
    pickles = [entry for entry in (*GADGETS, *STREAMS) if len(entry.data) < 1000]
    for entry in pickles:
        for _ in range(MUTATIONS_EACH):
            data = bytearray(entry.data)
            at, other = chance.randrange(len(data)), chance.choice(pickles).data
            match chance.randrange(5):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randrange(1, 4)]
                case 2:
                    data[at:at] = data[at : at + chance.randrange(1, 9)]
                case 3:
                    data[at:at] = bytes([chance.choice(b"N()]}012tdlaesuRbo\x85\x86\x87\x81\x93\x94")])
                case _:
                    data[at:] = other[chance.randrange(len(other)) :]
            yield Entry(f"{entry.trick}, changed", bytes(data), entry.file, entry.expected)


def test_picklescan_on_mutations(folder):
    hits = [(entry, found) for entry in mutations() if (found := by_picklescan(entry))]
    assert len(hits) > 500
    assert [(entry.data, found) for entry, found in hits if is_clean(folder, entry)] == []


def test_fickling_on_mutations(folder):
    hits = [entry for entry in list(mutations())[::5] if by_fickling(entry)]
    assert len(hits) > 150
    assert [entry.data for entry in hits if is_clean(folder, entry)] == []


def blocked_by_picklescan() -> list[tuple[str, str]]:
    blocked = picklescan._unsafe_globals.items()
    return [
        (module, "any" if name == "*" else name)
        for module, names in blocked
        for name in ([names] if isinstance(names, str) else names)
    ]


@pytest.mark.parametrize(("module", "name"), sorted(blocked_by_picklescan()))
def test_what_picklescan_blocks(module, name):
    expected = Danger.UNKNOWN if (module, name) in FOR_A_PERSON else Danger.DANGEROUS
    assert judge(module, name) is expected


@pytest.mark.parametrize("module", sorted(fickle.UNSAFE_IMPORTS))
def test_what_fickling_blocks_is_never_harmless_as_a_whole(module):
    assert judge(module, "any") is not Danger.HARMLESS
