"""What a probe of one file carries along: what it found so far, and how much work is left to it."""

from dataclasses import dataclass, field

from smoke_gate.collect.probes.pickle_globals import Danger, judge
from smoke_gate.evidence import Globals, sayable

MIN_EXPANSION_BYTES = 256 << 20  # arrays of zeros shrink a thousandfold: no honest small file may fail
MAX_EXPANSION_RATIO = 20  # beyond that allowance, the ratio that dense weights never reach
MAX_OPCODES = 1_000_000  # a second or two; an array is one opcode, so that checkpoints need thousands
MAX_GLOBALS = 1000  # different names in one file
COMPUTED_NAME = "a name that is computed while loading"


class BrokenError(Exception):
    """The file is not intact; the message says why."""


class LimitError(BrokenError):
    """The file may be intact: there is more of it than is looked at; the message says of what."""


@dataclass(slots=True)
class Imports:
    """The globals that pickles in one file would import and that are not known to be harmless."""

    dangerous: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    computed: bool = False

    def add(self, module: str, name: str, *, follows_dots: bool = True) -> None:
        """Judge one global, as ``judge`` does, and keep it unless it is harmless."""
        found = judge(module, name, follows_dots=follows_dots)
        if found is Danger.DANGEROUS:
            self.dangerous.add(f"{module}.{name}")
        elif found is Danger.UNKNOWN:
            self.unknown.add(f"{module}.{name}")
        if len(self.dangerous) + len(self.unknown) > MAX_GLOBALS:
            raise BrokenError(f"it names more than {MAX_GLOBALS} different globals")

    def merge(self, other: "Imports") -> None:
        """Take over what another scan found."""
        self.dangerous |= other.dangerous
        self.unknown |= other.unknown
        self.computed |= other.computed

    def as_evidence(self) -> Globals:
        """Return the findings in a fixed order."""
        computed = {COMPUTED_NAME} if self.computed else set()
        return Globals(dangerous=_ordered(self.dangerous | computed), unknown=_ordered(self.unknown))


def _ordered(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(map(sayable, names)))


@dataclass(slots=True)
class Inspection:
    """One file's probe: its findings, and how many bytes may still be unpacked and opcodes followed.

    ``holds_something`` is whether it came upon anything but empty arrays, archives and members.
    """

    expansion_left: int
    opcodes_left: int = MAX_OPCODES
    imports: Imports = field(default_factory=Imports)
    holds_something: bool = False

    @classmethod
    def of_size(cls, size: int) -> "Inspection":
        """Return the probe of a file of ``size`` bytes."""
        return cls(expansion_left=MIN_EXPANSION_BYTES + MAX_EXPANSION_RATIO * size)

    def expand(self, size: int) -> None:
        """Account for ``size`` bytes that are unpacked, before they are.

        Raises:
            LimitError: the file unpacks to more than any checkpoint of its size.

        """
        self.expansion_left -= size
        if self.expansion_left < 0:
            raise LimitError(
                f"it unpacks to more than {MAX_EXPANSION_RATIO} times its size and {MIN_EXPANSION_BYTES >> 20} MiB"
            )

    def apart(self) -> "Inspection":
        """Return a probe that shares nothing of what is found, with what is left of the opcodes."""
        return Inspection(expansion_left=self.expansion_left, opcodes_left=self.opcodes_left)
