"""Where a finding is, in few words that cover all of its runs: ``A7, all 5 seeds``."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from smoke_gate.gates.base import Check
from smoke_gate.message import Message, between, say
from smoke_gate.policy.terms import normal_seed
from smoke_gate.selection import Matrix
from smoke_gate.text import counted

_MOST = 4  # things that are named
_FEW_SEEDS = 2  # of a cell that are named one by one

_Seeds = dict[str, str]  # as the plan compares them → as they are shown; one empty one where there are none


def where(checks: Iterable[Check], matrix: Matrix) -> Message:
    """Return the planned pairs that the checks are about, cells whole where they are; nothing where they have none.

    Args:
        checks: those of one finding.
        matrix: the plan, which says how many seeds a cell has.

    """
    planned: dict[str, _Seeds] = {}
    for place in matrix.places:
        planned.setdefault(place.pair.cell, {})[_key(place.pair.seed)] = place.pair.seed or ""
    found: dict[str, _Seeds] = {}
    others = set()
    for check in checks:
        if check.cell is None:
            others.add(check.run_id)
        elif check.seed is None:
            found.setdefault(check.cell, {}).update(planned.get(check.cell, {"": ""}))
        else:
            found.setdefault(check.cell, {})[_key(check.seed)] = check.seed
    runs = len(others - {None})
    return between("; ", [*_pairs(found, planned), *([say(counted(runs, "other run"))] if found and runs else [])])


def _key(seed: str | None) -> str:
    return "" if seed is None else normal_seed(seed)


def _pairs(found: Mapping[str, _Seeds], planned: Mapping[str, _Seeds]) -> list[Message]:
    number = sum(map(len, found.values()))
    if number > 1 and found.keys() == planned.keys() and number == sum(map(len, planned.values())):
        return [say(f"all {counted(number, 'run')}")]
    if one_seed := _one_seed(found, planned):
        return [one_seed]
    whole = [cell for cell, seeds in found.items() if _is_whole(cell, seeds, planned)]
    named = [*_whole_cells(whole, planned)]
    named += [message for cell, seeds in found.items() if cell not in whole for message in _part(cell, seeds, planned)]
    rest = len(named) - _MOST
    return [*named[:_MOST], say(f"{rest} more")] if rest > 0 else named


def _one_seed(found: Mapping[str, _Seeds], planned: Mapping[str, _Seeds]) -> Message | None:
    """Return the one seed of which all cells are found, where a cell has several."""
    seeds = {key: shown for cell in found.values() for key, shown in cell.items()}
    if len(seeds) != 1 or not all(seeds):
        return None
    (key, shown), = seeds.items()
    cells = {cell for cell, own in planned.items() if key in own}
    if len(cells) < 2 or cells != set(found) or max(map(len, planned.values())) == 1:
        return None
    return say("seed {seed} of all {number} cells", seed=shown, number=len(cells))


def _is_whole(cell: str, seeds: _Seeds, planned: Mapping[str, _Seeds]) -> bool:
    own = planned.get(cell, {})
    return seeds.keys() >= own.keys() and (len(own) > 1 or "" in own)


def _whole_cells(cells: Sequence[str], planned: Mapping[str, _Seeds]) -> Iterable[Message]:
    """Yield the cells that are found whole, together where they have as many seeds."""
    sizes = Counter(len(planned[cell]) for cell in cells)
    for size in sizes:
        named = [cell for cell in cells if len(planned[cell]) == size]
        names = [say("{cell}", cell=cell) for cell in named[:_MOST]]
        rest = [say(f"{len(named) - _MOST} more cells")] if len(named) > _MOST else []
        yield between(", ", [*names, *rest, *([say(f"all {size} seeds")] if size > 1 else [])])


def _part(cell: str, seeds: _Seeds, planned: Mapping[str, _Seeds]) -> list[Message]:
    if "" in seeds:
        return [say("{cell}", cell=cell)]
    if len(seeds) <= _FEW_SEEDS:
        return [say("{pair}", pair=f"{cell}/{seed}") for seed in seeds.values()]
    return [say("{cell}, {count} of {size} seeds", cell=cell, count=len(seeds), size=len(planned.get(cell, seeds)))]
