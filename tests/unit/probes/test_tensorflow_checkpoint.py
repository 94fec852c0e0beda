import struct

import pytest

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Inspection
from smoke_gate.probes.sstable import _crc32c, _masked, entries
from smoke_gate.probes.streams import stream_of
from smoke_gate.probes.tensorflow_checkpoint import probe_index
from tests.unit.probes.files import inspected, problem_of
from tests.unit.probes.protobuf_messages import content, fixed32, number, varint

HEADER = number(1, 1) + content(3, number(1, 1))


def block(pairs: list[tuple[bytes, bytes]], compression: int = 0) -> bytes:
    entries = b"".join(
        varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in pairs
    )
    body = entries + struct.pack("<2I", 0, 1) + bytes([compression])
    return body + struct.pack("<I", _masked(_crc32c(body)))


def table(*blocks: bytes, gap: bytes = b"") -> bytes:
    data = b""
    handles: list[tuple[bytes, bytes]] = []
    for each in blocks:
        handles.append((b"%d" % len(handles), varint(len(data)) + varint(len(each) - 5)))
        data += each
    meta, index = block([]), block(handles)
    places = varint(len(data)) + varint(len(meta) - 5) + varint(len(data + meta)) + varint(len(index) - 5)
    return data + meta + index + gap + places.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def entry(size: int, *shape: int, kind: int = 1, offset: int = 0, shard: int = 0) -> bytes:
    dimensions = b"".join(content(2, number(1, length)) for length in shape)
    place = number(3, shard) + number(4, offset) + number(5, size)
    return number(1, kind) + content(2, dimensions) + place + fixed32(6, b"crc!")


def index(*entries: bytes, header: bytes = HEADER) -> bytes:
    return table(block([(b"", header), *((b"t%03d" % n, each) for n, each in enumerate(entries))]))


def test_the_checksum_is_that_of_its_specification():
    assert _crc32c(b"123456789") == 0xE3069283  # RFC 3720, section B.4, and others


@pytest.mark.parametrize(
    "data",
    [
        index(entry(24, 2, 3)),
        index(entry(24, 2, 3), entry(8, 1, kind=9, offset=24)),
        index(entry(4)),
        index(entry(24, 2, 3), entry(77, kind=7, offset=24)),  # texts: their lengths are in the bytes
        index(
            entry(24, 2, 3), entry(0, 4, 4) + content(7, content(1, b""))
        ),  # whose slices are other entries
        table(block([(b"", HEADER)]), block([(b"a", entry(24, 2, 3))])),
    ],
)
def test_whole_indexes(data):
    found, problem, inspection = inspected(data, "folder/ckpt-7.index")
    assert (found, problem, inspection.holds) == ("tensorflow_index", None, Holds.TENSORS)
    assert inspection.companions == {"ckpt-7.data-00000-of-00001"}


def test_several_files_of_data():
    data = index(entry(4, 1, shard=1), entry(4, 1), header=number(1, 2))
    assert inspected(data, "variables.index")[2].companions == {
        "variables.data-00000-of-00002",
        "variables.data-00001-of-00002",
    }


def test_keys_may_share_their_beginnings():
    data = entry(4, 1)
    pairs = varint(0) + varint(0) + varint(len(HEADER)) + HEADER
    pairs += varint(0) + varint(3) + varint(len(data)) + b"abc" + data
    pairs += varint(2) + varint(1) + varint(len(entry(4, 1, offset=4))) + b"d" + entry(4, 1, offset=4)
    body = pairs + struct.pack("<2I", 0, 1) + b"\0"
    assert problem_of(table(body + struct.pack("<I", _masked(_crc32c(body)))), "a.index") == ""


DATA = index(entry(24, 2, 3))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (index(entry(23, 2, 3)), "23 bytes where its shape and type say 24"),
        (index(entry(24, 2, 3), entry(4, 1, offset=20)), "overlap at byte 20"),
        (index(entry(4, 1, shard=1)), "with a tensor in file 1"),
        (index(entry(4, 1), header=number(1, 0)), "with a tensor in file 0"),
        (index(entry(4, *[1] * 300)), "more than 254 dimensions"),
        (index(entry(4, 1), header=number(1, 1 << 40)), "1099511627776 files"),
        (table(block([(b"", HEADER), (b"b", entry(4, 1)), (b"a", entry(4, 1))])), "not in order"),
        (table(block([(b"", HEADER)], compression=1)), "compressed blocks"),
        (DATA[:-1], "does not end with its footer"),
        (DATA + b"x", "does not end with its footer"),
        (bytes([*DATA[:6], DATA[6] ^ 1, *DATA[7:]]), "checksum of a block"),
        (table(block([(b"", HEADER)]), gap=b"gap"), "belong to no block"),
        (DATA[:-48] + b"\xff" * 40 + DATA[-8:], "malformed number"),
        (DATA[:-48] + (varint(1 << 40) * 4).ljust(40, b"\0") + DATA[-8:], "beyond its end"),
    ],
)
def test_broken_indexes(data, reason):
    assert reason in problem_of(data, "variables.index")


@pytest.mark.parametrize(
    "body",
    [
        b"\0\0\0\xff\0",
        struct.pack("<2IB", 0, 9, 0),
        b"\x05\0\0" + struct.pack("<2IB", 0, 1, 0),
        b"\0\x05\x05key" + struct.pack("<2IB", 0, 1, 0),
        b"\xff" * 20 + struct.pack("<2IB", 0, 1, 0),
    ],
)
def test_blocks_that_are_malformed(body):
    first = block([(b"", HEADER)])
    with pytest.raises(BrokenError, match="malformed"):
        list(entries(table(first, body + struct.pack("<I", _masked(_crc32c(body))))))


def test_an_index_without_a_header():
    data = table(block([(b"a", entry(4, 1))]))
    stream = stream_of(iter([data]))
    with pytest.raises(BrokenError, match="does not say how many files"):
        probe_index(stream, len(data), Inspection.of_size(len(data)))


STATE = b'model_checkpoint_path: "a\\"b"\nall_model_checkpoint_paths: "a"\nlast_preserved_timestamp: 1.5e9\n'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (STATE, ""),
        (STATE[:-1], "in the middle of a line"),
        (STATE + b"more\n", "malformed line"),
        (STATE.splitlines(keepends=True)[0], "names none but the newest"),
    ],
)
def test_lists_of_checkpoints(data, reason):
    found, problem, inspection = inspected(data, "checkpoint")
    assert found == "tensorflow_state"
    assert reason in (problem or "")
    assert bool(problem) is bool(reason)
    assert inspection.companions == set()
