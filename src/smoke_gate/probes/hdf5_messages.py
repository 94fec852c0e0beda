"""The messages of an HDF5 object: its attributes, the objects that it links to, the data that it has.

Format: HDF5 File Format Specification Version 3.0, section IV.A.2.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

from smoke_gate.probes.hdf5_headers import HeaderMessage, Kind
from smoke_gate.probes.hdf5_heaps import FractalHeap, global_object, tree_records
from smoke_gate.probes.hdf5_source import Cursor, Hdf5File, UnfamiliarError, there
from smoke_gate.probes.inspection import BrokenError

_VARIABLE = 9  # the class of types whose values are in a global heap
_NUMERIC = frozenset({0, 1, 4, 6, 8, 10})  # integers, floats, bits, compounds, enumerations, arrays
_MAX_VALUES = 64  # of an attribute that is a text
_MAX_NODES = 100_000
_ATTRIBUTE_ID_BYTES = 8  # in the records of the tree of attributes; links have 7
_LINK_ID_BYTES = 7
_HASH_BYTES = 4  # before the id in the records of the tree of links
_HARD, _EXTERNAL = 0, 64  # kinds of links
_COMPACT, _CONTIGUOUS, CHUNKED, _VIRTUAL = range(4)  # classes of layouts


@dataclass(frozen=True, slots=True)
class GroupLink:
    """Where a link leads: to an object of this file, or into another file."""

    address: int | None
    leaves_file: bool = False


# --- attributes -------------------------------------------------------------------------------------------------------


def attribute_texts(
    source: Hdf5File, messages: Iterable[HeaderMessage], wanted: frozenset[str]
) -> Iterator[bytes]:
    """Yield the values of the attributes of these names, as bytes.

    Raises:
        BrokenError: an attribute is damaged.
        UnfamiliarError: the attributes are kept in a way that is not followed.

    """
    for message in messages:
        if message.kind == Kind.ATTRIBUTE:
            if message.shared:
                raise UnfamiliarError("shared attributes")
            yield from _wanted(source, message.data, wanted)
        elif message.kind == Kind.ATTRIBUTE_INFO:
            heap, tree = _dense(source, message.data, order_bytes=2)
            if heap is None:
                continue
            objects = FractalHeap(source, heap)
            for record in tree_records(source, tree):
                if record[_ATTRIBUTE_ID_BYTES] & 0x02:
                    raise UnfamiliarError("shared attributes")
                yield from _wanted(source, objects.get(record[:_ATTRIBUTE_ID_BYTES]), wanted)


def _dense(source: Hdf5File, data: bytes, order_bytes: int) -> tuple[int | None, int | None]:
    """Return the addresses of the heap and of the tree in which an object keeps its attributes or links."""
    cursor = Cursor(data, source.widths)
    cursor.take(1)
    flags = cursor.number(1)
    cursor.take(order_bytes if flags & 1 else 0)
    return cursor.address(), cursor.address()


def _wanted(source: Hdf5File, data: bytes, wanted: frozenset[str]) -> Iterator[bytes]:
    cursor = Cursor(data, source.widths)
    version, flags = cursor.number(1), cursor.number(1)
    if not 1 <= version <= 3:
        raise UnfamiliarError(f"an attribute of version {version}")
    sizes = [cursor.number(2) for _ in range(3)]
    cursor.take(1 if version == 3 else 0)
    parts = []
    for size in sizes:
        parts.append(cursor.take(size))
        cursor.take(-size % 8 if version == 1 else 0)
    name = parts[0].split(b"\0")[0].decode("utf-8", "replace")
    if name not in wanted:
        return
    if version > 1 and flags & 1:
        raise UnfamiliarError("an attribute whose type is elsewhere")
    value = cursor.take(cursor.left)
    if parts[1][0] & 0xF != _VARIABLE:
        yield value
        return
    references = Cursor(value, source.widths)
    for _ in range(_MAX_VALUES):
        if references.left < 8 + source.widths.address:
            return
        length, heap, index = references.number(4), references.address(), references.number(4)
        if length:
            yield global_object(source, heap, index)[:length]
    raise UnfamiliarError(f"an attribute of more than {_MAX_VALUES} texts")


# --- links ------------------------------------------------------------------------------------------------------------


def links(source: Hdf5File, messages: Iterable[HeaderMessage]) -> Iterator[GroupLink]:
    """Yield what a group links to; links by path are left out: what they lead to has a link of its own, or none.

    Raises:
        BrokenError: a link is damaged.
        UnfamiliarError: the links are kept in a way that is not followed.

    """
    for message in messages:
        if message.kind == Kind.LINK:
            yield from _link(source, message.data)
        elif message.kind == Kind.LINK_INFO:
            heap, tree = _dense(source, message.data, order_bytes=8)
            if heap is None:
                continue
            objects = FractalHeap(source, heap)
            for record in tree_records(source, tree):
                yield from _link(source, objects.get(record[_HASH_BYTES : _HASH_BYTES + _LINK_ID_BYTES]))
        elif message.kind == Kind.SYMBOL_TABLE:
            yield from _symbols(source, Cursor(message.data, source.widths).address())


def _link(source: Hdf5File, data: bytes) -> Iterator[GroupLink]:
    cursor = Cursor(data, source.widths)
    version, flags = cursor.number(1), cursor.number(1)
    if version != 1:
        raise UnfamiliarError(f"a link of version {version}")
    kind = cursor.number(1) if flags & 0x08 else _HARD
    cursor.take(8 if flags & 0x04 else 0)
    cursor.take(1 if flags & 0x10 else 0)
    cursor.take(cursor.number(1 << (flags & 3)))
    if kind == _HARD:
        yield GroupLink(cursor.address())
    elif kind == _EXTERNAL:
        yield GroupLink(None, leaves_file=True)


def _symbols(source: Hdf5File, tree: int | None) -> Iterator[GroupLink]:
    """Yield the links of an old group: a B-tree of version 1 whose leaves are tables of symbols."""
    widths = source.widths
    for _, leaf in leaves_of_tree(source, tree, kind=0, key_bytes=widths.length):
        entry_bytes = 2 * widths.address + 24
        head = source.cursor(leaf, 8, b"SNOD")
        head.take(2)
        count = head.number(2)
        table = source.cursor(there(leaf) + 8, count * entry_bytes)
        for _ in range(count):
            table.take(widths.address)
            address, cached = table.address(), table.number(4)
            table.take(20)
            if cached != 2:  # then it is a link by path
                yield GroupLink(address)


def leaves_of_tree(
    source: Hdf5File, address: int | None, kind: int, key_bytes: int
) -> Iterator[tuple[bytes, int | None]]:
    """Yield the keys and addresses in the leaves of a B-tree of version 1.

    Raises:
        BrokenError: it is damaged, or leads back to itself.

    """
    widths = source.widths
    pending, seen = [address], 0
    while pending:
        node = pending.pop()
        seen += 1
        head = source.cursor(node, 8 + 2 * widths.address, b"TREE")
        found, level, count = head.number(1), head.number(1), head.number(2)
        if found != kind or seen > _MAX_NODES:
            raise BrokenError("it has a damaged HDF5 B-tree")
        entries = source.cursor(there(node) + 8 + 2 * widths.address, count * (key_bytes + widths.address))
        for _ in range(count):
            key, child = entries.take(key_bytes), entries.address()
            if level:
                pending.append(child)
            else:
                yield key, child


# --- data -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dataset:
    """An array: how many elements it has, in how many dimensions, and whether they are numbers of this file."""

    elements: int
    dimensions: int
    is_numeric: bool
    leaves_file: bool


def dataset(source: Hdf5File, messages: Iterable[HeaderMessage]) -> Dataset | None:
    """Return the array that an object is, None where it is a group or a type.

    Raises:
        BrokenError: its data are not in the file.

    """
    by_kind = {message.kind: message for message in messages}
    layout = by_kind.get(Kind.LAYOUT)
    if layout is None:
        return None
    lengths = _lengths(source, by_kind.get(Kind.DATASPACE))
    leaves_file = _check_layout(source, layout.data) or Kind.EXTERNAL_FILES in by_kind
    kind = by_kind.get(Kind.DATATYPE)
    is_numeric = kind is None or kind.shared or not kind.data or kind.data[0] & 0xF in _NUMERIC
    return Dataset(
        elements=prod(lengths) if lengths is not None else 0,
        dimensions=len(lengths or ()),
        is_numeric=is_numeric,
        leaves_file=leaves_file,
    )


def _lengths(source: Hdf5File, message: HeaderMessage | None) -> tuple[int, ...] | None:
    """Return the lengths of an array, None where it is empty by its kind."""
    if message is None or message.shared:
        return None
    cursor = Cursor(message.data, source.widths)
    version, rank = cursor.number(1), cursor.number(1)
    cursor.take(1)
    kind = cursor.number(1)
    if version == 1:
        cursor.take(4)
    elif kind == 2:
        return None
    return tuple(cursor.length() for _ in range(rank))


def _check_layout(source: Hdf5File, data: bytes) -> bool:
    """Hold contiguous data against the file's length, and return whether the data are in another file."""
    cursor = Cursor(data, source.widths)
    version, kind = cursor.number(1), cursor.number(1)
    if version not in (3, 4):
        return False
    if kind == _CONTIGUOUS:
        address, length = cursor.address(), cursor.length()
        if address is not None and not source.holds(address, length):
            raise BrokenError("it has HDF5 data outside of the file")
    return kind == _VIRTUAL
