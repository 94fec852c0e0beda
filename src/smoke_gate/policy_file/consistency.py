"""The demands of one part of a policy on another: every name that is used must be one that the plan knows."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple
from unicodedata import normalize

from smoke_gate.gates import gates_of, is_usable
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import normal_seed
from smoke_gate.policy_file.errors import Location, shown, suggestion
from smoke_gate.text import is_blank

UNWAIVABLE_KINDS = ("coverage", "unread", "policy", "nothing_judged", "nothing_yet")
NOTHING_PLANNED = "no cells are planned; name them in `plan.cells` or with --cells"
NO_SEEDS = (
    "no seeds are planned; name them in `plan.seeds`, for the cell, or with --seeds; or set `runs.seed: none`"
)
WITHOUT_SEEDS = "stands beside `runs.seed: none`, where runs have no seeds: leave it out"
NOTHING_LEFT = "nothing is left of the plan"
NOTHING_TO_JUDGE = (
    "every pair of these cells is excluded, so this would judge nothing: name others, or remove it"
)


class Inconsistency(NamedTuple):
    """An entry of the policy that contradicts another part of it."""

    place: Location
    message: str


def inconsistencies(policy: Policy) -> list[Inconsistency]:
    """Return where the policy contradicts its plan, and how, in no particular order."""
    if not policy.plan.cells:
        return [Inconsistency(("plan", "cells"), NOTHING_PLANNED)]
    found = [
        *_of_gates(policy),
        *_of_twins(policy),
        *_of_same_as(policy),
        *_of_names(policy),
        *_of_ignored(policy),
    ]
    found += (
        [*_without_seeds(policy)]
        if policy.runs.seed_template.is_none
        else [*_of_seeds(policy), *_of_excluded(policy)]
    )
    return found or [*_of_what_is_left(policy), *_of_what_judges_nothing(policy)]


def _cells_by_place(policy: Policy) -> Iterator[tuple[Location, str]]:
    """Yield every cell that the policy names outside the plan's own list."""
    for index, excluded in enumerate(policy.plan.exclude):
        yield ("plan", "exclude", index, "cell"), excluded.cell
    yield from (
        (("waivers", index, "cell"), one.cell) for index, one in enumerate(policy.waivers) if one.cell
    )
    for location, cells in (*_cells_of_rules(policy), *_cells_of_references(policy)):
        yield from (((*location, index), cell) for index, cell in enumerate(cells))
    if policy.report.reference_cell is not None:
        yield ("report", "reference_cell"), policy.report.reference_cell
    for name, planned in policy.plan.cells.items():
        if planned.same_as is not None:
            yield ("plan", "cells", name, "same_as"), planned.same_as
    if policy.narrowed is not None:
        for index, cell in enumerate(policy.narrowed.cells or ()):
            yield ("narrowed", "cells", index), cell


def _cells_of_rules(policy: Policy) -> Iterator[tuple[Location, Sequence[str]]]:
    sections = policy.gates.by_section()
    for gate in gates_of(policy):
        for place, cells in gate.cells(sections[gate.section]):
            yield ("gates", gate.section, *place), cells


def _cells_of_references(policy: Policy) -> Iterator[tuple[Location, Sequence[str]]]:
    for index, reference in enumerate(policy.references):
        yield ("references", index, "cells"), reference.cells or ()


def _of_gates(policy: Policy) -> Iterator[Inconsistency]:
    """Yield each waiver of a gate that is not there, or that no waiver may touch.

    The id of a gate that cannot be used is not known, so it may be the one that a waiver names.
    """
    gates = {gate.id: gate for gate in gates_of(policy)}
    all_known = all(map(is_usable, gates.values()))
    for index, waiver in enumerate(policy.waivers):
        place = ("waivers", index, "gate")
        if waiver.gate not in gates and all_known:
            known = [*gates, *(gate.section for gate in gates.values())]
            yield Inconsistency(place, f"found {shown(waiver.gate)}; {suggestion(waiver.gate, known)}")
        if waiver.kind in UNWAIVABLE_KINDS:
            message = f"no waiver takes {shown(waiver.kind)}: do what its message says"
            yield Inconsistency(("waivers", index, "kind"), message)
        elif waiver.gate in gates and not gates[waiver.gate].waivable:
            yield Inconsistency(place, f"{waiver.gate} cannot be waived: correct the definition instead")


def _of_same_as(policy: Policy) -> Iterator[Inconsistency]:
    for name, cell in policy.plan.cells.items():
        if cell.same_as == name:
            place = ("plan", "cells", name, "same_as")
            yield Inconsistency(place, "names the cell itself: name the other one")


def _of_twins(policy: Policy) -> Iterator[Inconsistency]:
    """Yield each cell and seed that looks like an earlier one, though their characters differ."""
    yield from _look_alike(("plan", "cells"), policy.plan.cells)
    yield from _look_alike(("plan", "seeds"), policy.plan.seeds)
    for name, cell in policy.plan.cells.items():
        yield from _look_alike(("plan", "cells", name, "seeds"), cell.seeds or ())


def _look_alike(place: Location, names: Iterable[str]) -> Iterator[Inconsistency]:
    seen: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(as_seen(name), name)
        if first != name:
            message = f"{first!a} and {name!a} look alike: write one of them, or name them apart"
            yield Inconsistency(place, message)


def as_seen(name: str) -> str:
    """Return a name as it is seen: without what does not show, and with letters that look alike as one."""
    shown_only = "".join(character for character in name if not is_blank(character))
    return " ".join(normalize("NFKC", shown_only).split())


def _of_names(policy: Policy) -> Iterator[Inconsistency]:
    for location, cell in _cells_by_place(policy):
        if cell not in policy.plan.cells:
            message = f"the plan has no cell {shown(cell)}; {suggestion(cell, policy.plan.cells)}"
            yield Inconsistency(location, message)


def _seeds_of(policy: Policy, cell: str | None) -> dict[str, str]:
    """Return the seeds of a cell, or of all cells, by their one spelling."""
    cells = policy.plan.cells.values() if cell is None else [policy.plan.cells[cell]]
    return {normal_seed(seed): seed for one in cells for seed in (one.seeds or policy.plan.seeds)}


def _unknown_seed(policy: Policy, cell: str | None, seed: str) -> Iterator[str]:
    if cell is not None and cell not in policy.plan.cells:
        return  # the cell is reported
    seeds = _seeds_of(policy, cell)
    if normal_seed(seed) not in seeds:
        whose = "the plan" if cell is None else f"cell {shown(cell)}"
        yield f"{whose} has no seed {shown(seed)}; {suggestion(seed, seeds.values())}"


def _of_seeds(policy: Policy) -> Iterator[Inconsistency]:
    yield from _same_number(("plan", "seeds"), policy.plan.seeds)
    lacking = [name for name, cell in policy.plan.cells.items() if not (cell.seeds or policy.plan.seeds)]
    if len(lacking) == len(policy.plan.cells):
        yield Inconsistency(("plan", "seeds"), NO_SEEDS)
    else:
        yield from (Inconsistency(("plan", "cells", name), NO_SEEDS) for name in lacking)
    for name, cell in policy.plan.cells.items():
        yield from _same_number(("plan", "cells", name, "seeds"), cell.seeds or ())
    for index, waiver in enumerate(policy.waivers):
        if waiver.seed is not None:
            for message in _unknown_seed(policy, waiver.cell, waiver.seed):
                yield Inconsistency(("waivers", index, "seed"), message)
    for index, seed in enumerate((policy.narrowed and policy.narrowed.seeds) or ()):
        for message in _unknown_seed(policy, None, seed):
            yield Inconsistency(("narrowed", "seeds", index), message)


def _same_number(location: Location, seeds: Collection[str]) -> Iterator[Inconsistency]:
    spellings: dict[str, list[str]] = defaultdict(list)
    for index, seed in enumerate(seeds):
        spellings[normal_seed(seed)].append(seed)
        if len(spellings[normal_seed(seed)]) > 1:
            first = spellings[normal_seed(seed)][0]
            message = f"seeds {shown(first)} and {shown(seed)} are the same number: write one of them"
            yield Inconsistency((*location, index), message)


def _of_excluded(policy: Policy) -> Iterator[Inconsistency]:
    for index, excluded in enumerate(policy.plan.exclude):
        for seed_index, seed in enumerate(excluded.seeds):
            for message in _unknown_seed(policy, excluded.cell, seed):
                yield Inconsistency(("plan", "exclude", index, "seeds", seed_index), message)


def _without_seeds(policy: Policy) -> Iterator[Inconsistency]:
    """Yield every seed that the policy names although its runs have none."""
    named: list[tuple[Location, object]] = [(("plan", "seeds"), policy.plan.seeds)]
    named += [(("plan", "cells", name, "seeds"), cell.seeds) for name, cell in policy.plan.cells.items()]
    named += [
        (("plan", "exclude", index, "seeds"), one.seeds) for index, one in enumerate(policy.plan.exclude)
    ]
    named += [(("runs", "ignore", index, "seed"), one.seed) for index, one in enumerate(policy.runs.ignore)]
    named += [(("waivers", index, "seed"), waiver.seed) for index, waiver in enumerate(policy.waivers)]
    named += [(("narrowed", "seeds"), policy.narrowed.seeds)] if policy.narrowed else []
    yield from (Inconsistency(location, WITHOUT_SEEDS) for location, seeds in named if seeds)


def _planned(policy: Policy) -> list[tuple[str, str | None]]:
    """Return the planned pairs without the excluded, seeds in their one spelling."""
    if policy.runs.seed_template.is_none:
        return [(cell, None) for cell in policy.plan.cells]
    excluded = {(one.cell, normal_seed(seed)) for one in policy.plan.exclude for seed in one.seeds}
    pairs = [(cell, seed) for cell in policy.plan.cells for seed in _seeds_of(policy, cell)]
    return [pair for pair in pairs if pair not in excluded]


def _of_ignored(policy: Policy) -> Iterator[Inconsistency]:
    planned = _planned(policy)
    for index, ignored in enumerate(policy.runs.ignore):
        seed = ignored.seed and normal_seed(ignored.seed)
        covered = [pair for pair in planned if ignored.cell in (None, pair[0]) and seed in (None, pair[1])]
        if covered:
            subject = shown("/".join(filter(None, covered[0])))
            message = f"covers {subject}, which is planned: `ignore` names what is not planned"
            yield Inconsistency(("runs", "ignore", index), message)


def _of_what_is_left(policy: Policy) -> Iterator[Inconsistency]:
    left = _planned(policy)
    if not left:
        yield Inconsistency(("plan", "exclude"), NOTHING_LEFT)
        return
    narrowed = policy.narrowed
    if narrowed and narrowed.cells:
        left = [pair for pair in left if pair[0] in narrowed.cells]
    if narrowed and narrowed.seeds:
        seeds = set(map(normal_seed, narrowed.seeds))
        left = [pair for pair in left if pair[1] in seeds]
    if narrowed and not left:
        yield Inconsistency(("narrowed", "cells" if narrowed.cells else "seeds"), NOTHING_LEFT)


def _of_what_judges_nothing(policy: Policy) -> Iterator[Inconsistency]:
    """Yield each rule (if its gate is on) and each reference whose cells have no planned pair."""
    planned = {cell for cell, _ in _planned(policy)}
    enabled = {section for section, settings in policy.gates.by_section().items() if settings.enabled}
    rules = (rule for rule in _cells_of_rules(policy) if rule[0][1] in enabled)
    for location, cells in (*rules, *_cells_of_references(policy)):
        if planned and cells and planned.isdisjoint(cells):
            yield Inconsistency(location, NOTHING_TO_JUDGE)
