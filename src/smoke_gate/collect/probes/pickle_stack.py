"""The stack and the memo of the unpickler, with its own rules and bounds on memory."""

from smoke_gate.collect.probes.inspection import BrokenError, LimitError
from smoke_gate.collect.probes.pickle_values import Dict, Opaque, Value

_MAX_VALUES = 250_000  # at once, and marks; picklers write long lists and dicts in batches of a thousand
_TOO_HIGH = f"it needs a stack of more than {_MAX_VALUES} values to unpickle"
_MEMO_BYTES = 64 << 20  # of texts and dicts that stay known in the memo
_VALUE_BYTES = 120  # about what one costs
_MAX_SCATTERED = 100_000  # memo entries out of order, which no pickler writes


class Stack:
    """The unpickler's stack: values, and marks below which nothing is taken."""

    def __init__(self) -> None:
        self._values: list[Value] = []
        self._marks: list[int] = []
        self._fence = 0  # where the values above the last mark begin

    @property
    def has_mark(self) -> bool:
        """Whether a mark is set."""
        return bool(self._marks)

    def push(self, value: Value) -> None:
        """Put a value on top."""
        if len(self._values) >= _MAX_VALUES:
            raise LimitError(_TOO_HIGH)
        self._values.append(value)

    def pop(self) -> Value:
        """Take the value on top."""
        if len(self._values) <= self._fence:
            raise BrokenError("it is a corrupt pickle: it takes a value from an empty stack")
        return self._values.pop()

    def pop_many(self, count: int) -> list[Value]:
        """Take the ``count`` values on top, and return them with the topmost last."""
        start = len(self._values) - count
        if start < self._fence:
            raise BrokenError("it is a corrupt pickle: it takes values from an empty stack")
        items = self._values[start:]
        del self._values[start:]
        return items

    def top(self) -> Value:
        """Return the value on top and leave it there."""
        if len(self._values) <= self._fence:
            raise BrokenError("it is a corrupt pickle: it uses a value of an empty stack")
        return self._values[-1]

    def mark(self) -> None:
        """Set a mark."""
        if len(self._marks) >= _MAX_VALUES:
            raise LimitError(_TOO_HIGH)
        self._fence = len(self._values)
        self._marks.append(self._fence)

    def pop_mark(self) -> list[Value]:
        """Take the last mark and return the values above it."""
        if not self._marks:
            raise BrokenError("it is a corrupt pickle: a mark is missing")
        start = self._marks.pop()
        self._fence = self._marks[-1] if self._marks else 0
        items = self._values[start:]
        del self._values[start:]
        return items

    def drop(self) -> None:
        """Take what is on top, a mark or a value."""
        if self._marks and self._fence == len(self._values):
            self.pop_mark()
        else:
            self.pop()

    def collect(self) -> None:
        """Make the values above the last mark into one that is not followed: a list, a set."""
        self.pop_mark()
        self.push(Opaque.VALUE)

    def extend(self) -> None:
        """Add the values above the last mark to what lies below it."""
        self.pop_mark()
        self.top()

    def append(self) -> None:
        """Add the value on top to what lies below it."""
        self.pop()
        self.top()


class Memo:
    """The unpickler's memo: entries in order, as picklers write them, and a few scattered ones."""

    def __init__(self) -> None:
        self._ordered: list[Value] = []
        self._scattered: dict[int, Value] = {}
        self._bytes_left = _MEMO_BYTES

    def __len__(self) -> int:
        return len(self._ordered) + len(self._scattered)

    def put(self, index: int, value: Value) -> None:
        """Store a value, without what is known of it once too much is kept."""
        kept = self._kept(value)
        if index < len(self._ordered):
            self._ordered[index] = kept
        elif index == len(self._ordered) and index not in self._scattered:
            self._ordered.append(kept)
        elif len(self._scattered) < _MAX_SCATTERED:
            self._scattered[index] = kept
        else:
            raise BrokenError(f"it has more than {_MAX_SCATTERED} memo entries out of order")

    def get(self, index: int) -> Value:
        """Return a stored value.

        Raises:
            BrokenError: nothing was stored there.

        """
        if 0 <= index < len(self._ordered):
            return self._ordered[index]
        if index in self._scattered:
            return self._scattered[index]
        raise BrokenError(f"it reads memo entry {index}, which it never wrote")

    def _kept(self, value: Value) -> Value:
        if isinstance(value, str | Dict):
            self._bytes_left -= _VALUE_BYTES + (len(value) if isinstance(value, str) else 0)
            if self._bytes_left < 0:
                if isinstance(value, Dict):
                    value.known = False  # it can now change unseen
                return Opaque.VALUE
        return (
            Opaque.VALUE if isinstance(value, tuple | int) else value
        )  # picklers take none of these up again
