"""HDF5 heaps and the trees that lead into them: where strings, and the attributes and links of large objects, are.

Format: HDF5 File Format Specification Version 3.0, sections III.A.2 (B-trees, version 2), III.E (global heap), III.G
(fractal heap).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from smoke_gate.probes.hdf5_source import Cursor, Hdf5File, UnfamiliarError, there
from smoke_gate.probes.inspection import BrokenError

_MAX_OBJECT_BYTES = 16 << 20  # of an attribute or a string
_MAX_RECORDS = 100_000
_MAX_DEPTH = 8
_NODE_OVERHEAD = 10  # signature, version, type and checksum
_MAX_HEAP_OBJECTS = 1 << 16
_MANAGED, _HUGE, _TINY = 0, 1, 2


def global_object(source: Hdf5File, address: int | None, index: int) -> bytes:
    """Return an object of a global heap, such as the text of a string of variable length.

    Raises:
        BrokenError: there is none.
        UnfamiliarError: it is larger than is read.

    """
    start = there(address)
    head = source.cursor(start, 8 + source.widths.length, b"GCOL")
    head.take(4)
    at, end = start + 8 + source.widths.length, start + head.length()
    object_head = 8 + source.widths.length
    for _ in range(_MAX_HEAP_OBJECTS):
        if at + object_head > end:
            break
        cursor = source.cursor(at, object_head)
        found = cursor.number(2)
        cursor.take(6)
        size = cursor.length()
        if found == index:
            if size > _MAX_OBJECT_BYTES:
                raise UnfamiliarError(f"a text of {size} bytes")
            return source.read(at + object_head, size)
        if not found:
            break
        at += object_head + (size + 7) // 8 * 8
    raise BrokenError("it has an HDF5 string that is not in its heap")


def tree_records(source: Hdf5File, address: int | None) -> Iterator[bytes]:
    """Yield the records of a B-tree of version 2.

    Raises:
        BrokenError: it is damaged.
        UnfamiliarError: it is larger than is followed.

    """
    cursor = source.checked(address, 22 + source.widths.address + source.widths.length, b"BTHD")
    cursor.take(2)
    node_size, record_size, depth = cursor.number(4), cursor.number(2), cursor.number(2)
    cursor.take(2)
    root, count = cursor.address(), cursor.number(2)
    if depth > _MAX_DEPTH:
        raise UnfamiliarError("a B-tree that is too deep")
    if root is None:
        return
    if not record_size or node_size <= _NODE_OVERHEAD + record_size:
        raise BrokenError("it has a damaged HDF5 B-tree")
    shape = _TreeShape.of(source.widths.address, node_size, record_size, depth)
    pending = [(root, count, depth)]
    left = _MAX_RECORDS
    while pending:
        node, count, level = pending.pop()
        pointers = count + 1 if level else 0
        size = _NODE_OVERHEAD + count * record_size + pointers * shape.pointer_bytes(level)
        cursor = source.checked(node, size, b"BTIN" if level else b"BTLF")
        cursor.take(2)
        left -= count + 1
        if left < 0:
            raise UnfamiliarError("a B-tree of more records than are followed")
        for _ in range(count):
            yield cursor.take(record_size)
        for _ in range(pointers):
            child, child_count = cursor.address(), cursor.number(shape.count_bytes)
            cursor.take(shape.total_bytes[level - 1])
            if child is None:
                raise BrokenError("it has a damaged HDF5 B-tree")
            pending.append((child, child_count, level - 1))


@dataclass(frozen=True, slots=True)
class _TreeShape:
    """How many bytes the numbers of a B-tree have: as many as the largest possible one needs."""

    address_bytes: int
    count_bytes: int
    total_bytes: tuple[int, ...]
    """By level: of the number of all records below a node of that level."""

    @classmethod
    def of(cls, address_bytes: int, node_size: int, record_size: int, depth: int) -> "_TreeShape":
        most = total = (node_size - _NODE_OVERHEAD) // record_size
        count_bytes = _bytes_for(most)
        total_bytes = [0]
        for _ in range(depth):
            pointer = address_bytes + count_bytes + total_bytes[-1]
            most = (node_size - _NODE_OVERHEAD - pointer) // (record_size + pointer)
            total = (most + 1) * total + most
            total_bytes.append(_bytes_for(total))
        return cls(address_bytes, count_bytes, tuple(total_bytes))

    def pointer_bytes(self, level: int) -> int:
        """Return the bytes of a pointer in a node of a level above 0."""
        return self.address_bytes + self.count_bytes + self.total_bytes[level - 1]


def _bytes_for(largest: int) -> int:
    return (max(largest, 1).bit_length() - 1) // 8 + 1


class FractalHeap:
    """A heap of objects that are known by ids."""

    def __init__(self, source: Hdf5File, address: int | None) -> None:
        """Read the heap's header.

        Raises:
            BrokenError: it is damaged.
            UnfamiliarError: its objects are filtered.

        """
        widths = source.widths
        size = 26 + 12 * widths.length + 3 * widths.address  # without filters
        cursor = source.cursor(address, size, b"FRHP")
        cursor.take(1)
        self._id_bytes, filters, _ = cursor.number(2), cursor.number(2), cursor.number(1)
        if filters:
            raise UnfamiliarError("a heap whose objects are filtered")
        cursor = source.checked(address, size, b"FRHP")
        cursor.take(6)
        self._source = source
        self._most_managed = cursor.number(4)
        cursor.take(widths.length)
        self._huge_tree = cursor.address()
        cursor.take(widths.length + widths.address + 8 * widths.length)
        self._width = cursor.number(2)
        self._first_size, self._largest_direct = cursor.length(), cursor.length()
        self._bits = cursor.number(2)
        cursor.take(2)
        self._root, self._rows = cursor.address(), cursor.number(2)
        if not self._width or not self._first_size or not 1 <= self._bits <= 64:
            raise BrokenError("it has a damaged HDF5 heap")
        self._huge: dict[int, tuple[int | None, int]] | None = None

    def get(self, identity: bytes) -> bytes:
        """Return the object of an id.

        Raises:
            BrokenError: there is none.
            UnfamiliarError: it is larger than is read.

        """
        if not identity:
            raise BrokenError("it has a damaged HDF5 heap id")
        kind = identity[0] >> 4 & 3
        cursor = Cursor(identity, self._source.widths, 1)
        if kind == _TINY:
            if self._id_bytes > 18:
                raise UnfamiliarError("a heap with long ids")
            return cursor.take((identity[0] & 0xF) + 1)
        if kind == _HUGE:
            address, length = self._place_of_huge(cursor)
        elif kind == _MANAGED:
            offset = cursor.number((self._bits + 7) // 8)
            length = cursor.number(_bytes_for(min(self._largest_direct, self._most_managed)))
            address = self._place(self._root, self._rows, 0, offset, _MAX_DEPTH)
        else:
            raise BrokenError("it has a damaged HDF5 heap id")
        if length > _MAX_OBJECT_BYTES:
            raise UnfamiliarError(f"an attribute of {length} bytes")
        return self._source.read(address, length)

    def _place_of_huge(self, cursor: Cursor) -> tuple[int | None, int]:
        widths = self._source.widths
        if cursor.left >= widths.address + widths.length:
            return cursor.address(), cursor.length()
        if self._huge is None:
            self._huge = {}
            for record in tree_records(self._source, self._huge_tree):
                entry = Cursor(record, widths)
                place = entry.address(), entry.length()
                self._huge[entry.length()] = place
        key = cursor.number(min(cursor.left, widths.length))
        if key not in self._huge:
            raise BrokenError("it has an HDF5 attribute that is not in its heap")
        return self._huge[key]

    def _place(self, block: int | None, rows: int, start: int, offset: int, depth: int) -> int:
        """Return the address of what is ``offset`` bytes into the heap, within a block that begins at ``start``.

        A block without rows is direct: it holds objects. Any other holds blocks, in rows of doubling sizes.
        """
        if block is None or depth < 0:
            raise BrokenError("it has a damaged HDF5 heap")
        if not rows:
            return block + offset - start
        size, before = self._first_size, 0
        for row in range(rows):
            size = self._first_size << max(row - 1, 0)
            column = (offset - start) // size
            if column < self._width:
                before += column
                start += column * size
                break
            before += self._width
            start += self._width * size
        else:
            raise BrokenError("it has an HDF5 attribute that is not in its heap")
        widths = self._source.widths
        head = 5 + widths.address + (self._bits + 7) // 8
        child = self._source.cursor(block + head + before * widths.address, widths.address).address()
        return self._place(child, self._rows_of(size), start, offset, depth - 1)

    def _rows_of(self, size: int) -> int:
        """Return the rows of a block of so many bytes, 0 where it is direct."""
        if size <= self._largest_direct:
            return 0
        return (size // (self._first_size * self._width)).bit_length()
