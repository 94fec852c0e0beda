"""Where a finding is, in few words that cover all of its runs: ``A7, all 5 seeds``."""

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
    return between(
        "; ", [*_pairs(found, planned), *([say(counted(runs, "other run"))] if found and runs else [])]
    )


def _key(seed: str | None) -> str:
    return "" if seed is None else normal_seed(seed)


def _pairs(found: Mapping[str, _Seeds], planned: Mapping[str, _Seeds]) -> list[Message]:
    number = sum(map(len, found.values()))
    if number > 1 and found.keys() == planned.keys() and number == sum(map(len, planned.values())):
        return [say(f"all {counted(number, 'run')}")]
    if one_seed := _one_seed(found, planned):
        return [one_seed]
    several: dict[tuple[int, int], list[str]] = {}
    few = []
    in_plan_order = [
        *(cell for cell in planned if cell in found),
        *(cell for cell in found if cell not in planned),
    ]
    for cell in in_plan_order:
        seeds, size = found[cell], len(planned.get(cell, found[cell]))
        if size > 1 and (len(seeds) == size or len(seeds) > _FEW_SEEDS):
            several.setdefault((len(seeds), size), []).append(cell)
        else:
            few += [say("{pair}", pair=f"{cell}/{seed}" if seed else cell) for seed in seeds.values()]
    cells = [_cells(names, count, size) for (count, size), names in several.items()][:_MOST]
    room = max(_MOST - len(cells), 1)
    rest = sum(len(names) * count for (count, _), names in list(several.items())[_MOST:]) + len(few[room:])
    named = [*cells, *([between(", ", few[:room])] if few else [])]
    return [*named, say(f"and {rest} more")] if rest else named


def _cells(names: Sequence[str], count: int, size: int) -> Message:
    """Name cells of which as many seeds are found."""
    named = [say("{cell}", cell=cell) for cell in names[:_MOST]]
    rest = len(names) - _MOST
    more = f" and {counted(rest, 'more cell')}" if rest > 0 else ""
    seeds = f", all {size} seeds" if count == size else f", {count} of {size} seeds"
    each = " each" if count < size and len(names) > 1 else ""
    return say("{named}" + more + seeds + each, named=between(", ", named))


def _one_seed(found: Mapping[str, _Seeds], planned: Mapping[str, _Seeds]) -> Message | None:
    """Return the one seed of which all cells are found, where a cell has several."""
    seeds = {key: shown for cell in found.values() for key, shown in cell.items()}
    if len(seeds) != 1 or not all(seeds):
        return None
    ((key, shown),) = seeds.items()
    cells = {cell for cell, own in planned.items() if key in own}
    if len(cells) < 2 or cells != set(found) or max(map(len, planned.values())) == 1:
        return None
    return say("seed {seed} of all {number} cells", seed=shown, number=len(cells))
