"""The facts that gates need to know of runs and of the checkout. Nothing else is read."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The facts that are read of each selected run, and of the checkout.

    ``params`` and ``tags`` are keys, ``histories`` metric names. ``checkpoints`` and ``figures`` are patterns of
    artifacts, ``files`` patterns in the checkout. ``weights`` are patterns of checkpoints that are weights, whatever
    their names say. Of a checkpoint no more than ``max_bytes`` are read. ``definition``
    is the param that holds the definition's hash, None where nobody asks for it. ``head`` says whether head and
    its code count, ``ancestry`` whether the registration's commit must come before the
    runs'. ``ledger`` says whether all params and tags are compared, and with them the environments, the data sets and
    the steps.
    """

    params: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    histories: frozenset[str] = frozenset()
    checkpoints: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    max_bytes: int = 0
    figures: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    definition: str | None = None
    head: bool = False
    ancestry: bool = False
    ledger: bool = False

    def __or__(self, other: "Needs") -> "Needs":
        """Return what both need."""
        return Needs(
            params=self.params | other.params,
            tags=self.tags | other.tags,
            histories=self.histories | other.histories,
            weights=tuple(dict.fromkeys(self.weights + other.weights)),
            checkpoints=tuple(dict.fromkeys(self.checkpoints + other.checkpoints)),
            max_bytes=max(self.max_bytes, other.max_bytes),
            figures=tuple(dict.fromkeys(self.figures + other.figures)),
            files=tuple(dict.fromkeys(self.files + other.files)),
            definition=self.definition or other.definition,
            head=self.head or other.head,
            ancestry=self.ancestry or other.ancestry,
            ledger=self.ledger or other.ledger,
        )


NOTHING = Needs()


def facts(references: Iterable[str]) -> Needs:
    """Return the need for facts of runs, which are named ``params.KEY`` or ``tags.KEY``; ``commit`` is always read."""
    known = frozenset(references)
    return Needs(params=_keys("params.", known), tags=_keys("tags.", known))


def params(keys: Iterable[str]) -> Needs:
    """Return the need for params."""
    return Needs(params=frozenset(keys))


def _keys(prefix: str, references: frozenset[str]) -> frozenset[str]:
    return frozenset(name.removeprefix(prefix) for name in references if name.startswith(prefix))
