"""Figures of the checkout, such as those of a paper."""

from collections.abc import Sequence
from pathlib import Path

from smoke_gate.collect.artifacts import figure_of
from smoke_gate.collect.errors import ArtifactError
from smoke_gate.collect.folders import LocalFolder, Tree
from smoke_gate.errors import UsageError
from smoke_gate.evidence import Figure


def read_figures(checkout: Path, patterns: Sequence[str]) -> tuple[Figure, ...]:
    """Return the figures of a checkout that match the patterns, by path from its root.

    Raises:
        UsageError: A folder of the checkout cannot be listed.

    """
    if not patterns:
        return ()
    tree = Tree(LocalFolder(checkout.resolve()))
    try:
        found = tree.matching(patterns)
    except ArtifactError as error:
        raise UsageError(f"the figures of the checkout cannot be read: {error}") from error
    return tuple(figure_of(tree, entry) for entry in found if not entry.path.startswith(".git/"))
