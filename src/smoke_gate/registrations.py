"""Which preregistration is in force: one rule for those who register, those who read and those who judge. Pure."""

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Link(Protocol):
    """A registration, as a link of a chain: its own definition hash, and the hash of the one that it replaces."""

    @property
    def sha256(self) -> str | None:
        """The hash of the definition; None if the registration belongs to another metric."""

    @property
    def prior_sha256(self) -> str | None:
        """The hash of the registration that this one replaces."""


L = TypeVar("L", bound=Link)


def last_of_chain(registrations: Sequence[L]) -> L | None:
    """Return the registration that counts: a single one, or the last of a chain in which each names its predecessor.

    The chain must hold all registrations that state a hash, each once. A fork, a circle, a chain beside a circle, two
    chains, or one hash twice: none counts, so None is returned. Registrations without a hash belong to another metric
    and are ignored. The first link may name a predecessor that is not there, for example because it was deleted.
    """
    stating = [one for one in registrations if one.sha256]
    replaced = {one.prior_sha256 for one in stating}
    last = [one for one in stating if one.sha256 not in replaced]
    if len(last) != 1:
        return None
    by_hash = {one.sha256: one for one in stating}
    length, prior = 1, by_hash.get(last[0].prior_sha256)
    while prior is not None and length <= len(stating):  # a chain that is longer runs in a circle
        length, prior = length + 1, by_hash.get(prior.prior_sha256)
    return last[0] if length == len(stating) else None
