"""The stack and the memo of the unpickler, with its own rules and bounds on memory."""

from smoke_gate.probes.inspection import MIN_MEMORY, MIN_VALUES, BrokenError, LimitError
from smoke_gate.probes.pickle.values import Dict, Opaque, Value, instance_in, numbers, numbers_in, opaque

_TEXT_BYTES = 60  # what a text costs beside its letters
_DICT_BYTES = 120  # about what a short dict costs
_MAX_SCATTERED = 100_000  # memo entries out of order, which no pickler writes


class Stack:
    """The unpickler's stack: values, and marks below which nothing is taken; at most ``limit`` of each."""

    def __init__(self, limit: int = MIN_VALUES) -> None:
        self._limit = limit
        self._values: list[Value] = []
        self._marks: list[int] = []
        self._fence = 0  # where the values above the last mark begin

    def copy(self) -> "Stack":
        """Return a stack of the same values and marks."""
        stack = Stack(self._limit)
        stack._values, stack._marks, stack._fence = [*self._values], [*self._marks], self._fence
        return stack

    @property
    def has_mark(self) -> bool:
        """True if a mark is set."""
        return bool(self._marks)

    def push(self, value: Value) -> None:
        """Put a value on top."""
        if len(self._values) >= self._limit:
            raise self._too_high()
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

    def peek(self) -> Value | None:
        """Return the value on top, None where there is none."""
        return self._values[-1] if len(self._values) > self._fence else None

    def mark(self) -> None:
        """Set a mark."""
        if len(self._marks) >= self._limit:
            raise self._too_high()
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
        self.push(opaque(numbers_in(self.pop_mark())))

    def extend(self) -> Value:
        """Add the values above the last mark to what lies below it, and return that."""
        return self.add(self.pop_mark())

    def append(self) -> Value:
        """Add the value on top to what lies below it, and return that."""
        return self.add([self.pop()])

    def add(self, items: list[Value]) -> Value:
        """Add values to the container on top, which is not followed, and return it as it was."""
        target = self.top()
        if isinstance(target, Opaque) and target is not Opaque.NUMBERS:
            count = numbers_in(items, numbers(target))
            if count:
                self._values[-1] = opaque(count)
        return target

    def _too_high(self) -> LimitError:
        return LimitError(f"it needs a stack of more than {self._limit} values to unpickle")


class Memo:
    """The unpickler's memo: entries in order, as picklers write them, and a few scattered ones.

    ``memory`` is how many bytes of texts and dicts stay known in it.
    """

    def __init__(self, memory: int = MIN_MEMORY) -> None:
        self._ordered: list[Value] = []
        self._scattered: dict[int, Value] = {}
        self._bytes_left = memory

    def copy(self) -> "Memo":
        """Return a memo of the same entries."""
        memo = Memo(self._bytes_left)
        memo._ordered, memo._scattered = [*self._ordered], {**self._scattered}
        return memo

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
        if isinstance(value, str):
            self._bytes_left -= _TEXT_BYTES + len(value)
            return value if self._bytes_left >= 0 else Opaque.FORGOTTEN
        if isinstance(value, Dict):
            self._bytes_left -= _DICT_BYTES
            if self._bytes_left < 0:
                value.known = False  # it can now change unseen
                return Opaque.VALUE
        if isinstance(value, tuple | int):  # picklers take none of these up again
            return instance_in([value]) or Opaque.VALUE
        return value
