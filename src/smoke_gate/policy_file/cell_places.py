"""Where a policy file names each cell of its plan: a failed run can then be shown at its line."""

from collections.abc import Mapping
from pathlib import Path

from smoke_gate.policy_file.errors import PolicyError, Position
from smoke_gate.policy_file.reader import read_document


def cell_places(file: Path | None) -> Mapping[str, Position]:
    """Return where a policy file names each cell; nothing where there is no such file, or it is not a policy."""
    if file is None:
        return {}
    try:
        document = read_document(file)
    except PolicyError:
        return {}
    plan = document.value.get("plan")
    cells = plan.get("cells") if isinstance(plan, Mapping) else None
    if isinstance(cells, Mapping):
        return {cell: document.places["plan", "cells", cell] for cell in cells}
    names = enumerate(cells) if isinstance(cells, list) else ()
    return {cell: document.places["plan", "cells", index] for index, cell in names if isinstance(cell, str)}
