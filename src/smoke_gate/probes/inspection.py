"""The state of a probe of one file: its findings so far, and how much work is left to it."""

import posixpath
from dataclasses import dataclass, field, replace

from smoke_gate.evidence import Globals, Holds, sayable
from smoke_gate.probes.pickle.globals import Danger, judge

MIN_EXPANSION_BYTES = 256 << 20  # arrays of zeros shrink a thousandfold: no honest small file may fail
MAX_EXPANSION_RATIO = 20  # beyond that allowance, the ratio that dense weights never reach
# An array is one opcode, a word of a vocabulary four or more. A million take two seconds or three.
MIN_OPCODES = 4_000_000  # of any file: a small one may be compressed
BYTES_AN_OPCODE = 8  # beyond that allowance
MIN_VALUES = 250_000  # on the stack at once: picklers write long lists and dicts in batches, but not tuples
BYTES_A_VALUE = 16
MIN_MEMORY = 64 << 20  # for texts that a pickle may take up again
MAX_MEMORY = 512 << 20
MEMORY_A_BYTE = 4
MAX_COMPANIONS = 10_000  # files that one file names
MAX_GLOBALS = 1000  # different names in one file
_TELLING = tuple(Holds)
COMPUTED_NAME = "a name that is computed while loading"


class BrokenError(Exception):
    """The file is not intact; the message says why."""


class LimitError(BrokenError):
    """The file may be intact: there is more of it than is looked at; the message says of what."""


class CodeError(Exception):
    """The part that can carry code cannot be looked at without reading the whole file; the message says which."""


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
    """One file's probe: its findings, and how much work may still be done on it.

    ``expansion_left`` bytes may still be unpacked, and ``opcodes_left`` of ``opcodes`` followed. ``values`` may lie
    on an unpickler's stack at once; ``memory`` is how many bytes of texts its memo may hold.
    ``holds`` is the most telling content that it came upon, ``companions`` are the files beside it that it names, as
    paths from its own folder. ``name`` is its own name, empty while a member of an archive is looked at: what that one
    names does not lie beside the archive. ``unparsed`` says that it came upon content that no probe understands.
    ``all_nan`` says whether all floating-point numbers so far are NaN, None where there were none. ``content`` is the
    hash of what training changes in an archive; ``storages`` has by key what torch's storages are, as ``nan`` names
    kinds.
    """

    expansion_left: int
    opcodes: int = MIN_OPCODES
    opcodes_left: int = MIN_OPCODES
    values: int = MIN_VALUES
    memory: int = MIN_MEMORY
    imports: Imports = field(default_factory=Imports)
    holds: Holds = Holds.NOTHING
    companions: set[str] = field(default_factory=set)
    name: str = ""
    unparsed: bool = False
    all_nan: bool | None = None
    content: str | None = None
    storages: dict[str, str] = field(default_factory=dict)

    @property
    def known_content(self) -> Holds | None:
        """The most telling content, None where what was parsed tells little and there is more that was not."""
        is_little = _TELLING.index(self.holds) <= _TELLING.index(Holds.DATA)
        return None if self.unparsed and is_little else self.holds

    @classmethod
    def of_size(cls, size: int) -> "Inspection":
        """Return the probe of a file of ``size`` bytes."""
        opcodes = MIN_OPCODES + size // BYTES_AN_OPCODE
        return cls(
            expansion_left=MIN_EXPANSION_BYTES + MAX_EXPANSION_RATIO * size,
            opcodes=opcodes,
            opcodes_left=opcodes,
            values=MIN_VALUES + size // BYTES_A_VALUE,
            memory=min(MIN_MEMORY + MEMORY_A_BYTE * size, MAX_MEMORY),
        )

    def came_upon(self, content: Holds) -> None:
        """Take account of a part of the file's content."""
        self.holds = max(self.holds, content, key=_TELLING.index)

    def needs_beside(self, path: str) -> None:
        """Take account of a file that this one names, by its path from this one's folder.

        Raises:
            BrokenError: the path does not lead to a file in that folder or below, or too many are named.

        """
        if not path or "\\" in path or "\0" in path or not {"", ".."}.isdisjoint(path.split("/")):
            raise BrokenError(f"it names a file that does not lie beside it: {path[:80]!r}")
        if not self.name:
            return
        self.companions.add(posixpath.normpath(path))
        if len(self.companions) > MAX_COMPANIONS:
            raise LimitError(f"it names more than {MAX_COMPANIONS} files beside it")

    def expand(self, size: int) -> None:
        """Count ``size`` bytes against the limit, before they are unpacked.

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
        return replace(self, imports=Imports(), holds=Holds.NOTHING, companions=set())
