import io
import struct
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.probes.archives import MemberProbe, probe_members
from smoke_gate.probes.inspection import BrokenError, Inspection
from smoke_gate.probes.zip_directory import read_directory
from tests.unit.probes.files import zipped

CONTENT = {"first": b"0123456789" * 20, "second": b"", "third": bytes(range(256)) * 10}
STORED = zipped(CONTENT)
DEFLATED = zipped(CONTENT, zipfile.ZIP_DEFLATED)


def probe(file: io.BytesIO, inspection: Inspection, look: MemberProbe) -> None:
    probe_members(file, read_directory(file, len(file.getvalue())), inspection, look)


def contents(data: bytes, room: int = 1 << 20) -> dict[str, bytes]:
    found = {}

    def keep(stream: io.BufferedReader, member) -> None:
        found[member.name] = stream.read()

    probe(io.BytesIO(data), Inspection(expansion_left=room), keep)
    return found


@pytest.mark.parametrize("data", [STORED, DEFLATED])
def test_members_come_out_as_they_went_in(data):
    assert contents(data) == CONTENT


@given(at=st.integers(0, len(STORED) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_in_what_is_stored_is_a_problem(at, bit):
    data = bytearray(STORED)
    data[at] ^= 1 << bit
    is_content = any(at - start in range(len(body)) for start, body in places(STORED))
    try:
        same = contents(bytes(data)) == CONTENT
    except BrokenError:
        return
    assert same  # dates, versions and permissions are not verified by anything
    assert not is_content


def places(data: bytes) -> list[tuple[int, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(i.header_offset + 30 + len(i.filename), archive.read(i)) for i in archive.infolist()]


@given(at=st.integers(0, len(DEFLATED) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_in_what_is_deflated_is_a_problem_or_changes_nothing(at, bit):
    data = bytearray(DEFLATED)
    data[at] ^= 1 << bit
    with suppress(BrokenError):
        assert contents(bytes(data)) == CONTENT


def test_one_broken_member_does_not_hide_the_others():
    data = bytearray(STORED)
    data[data.index(b"0123456789")] ^= 1
    seen = []
    with pytest.raises(BrokenError, match="member 'first': it is damaged"):
        probe(io.BytesIO(data), Inspection.of_size(0), lambda _, member: seen.append(member.name))
    assert seen == list(CONTENT)


def test_what_a_probe_finds_names_the_member():
    def refuse(_, member):
        if member.name == "third":
            raise BrokenError("is not good")

    with pytest.raises(BrokenError, match="member 'third': is not good"):
        probe(io.BytesIO(STORED), Inspection.of_size(0), refuse)


def test_a_file_that_shrinks_while_it_is_read():
    file = io.BytesIO(STORED)

    def shrink(*_):
        file.truncate(100)

    with pytest.raises(BrokenError, match="cut off"):
        probe(file, Inspection.of_size(0), shrink)


def test_a_bomb_is_refused_before_it_is_unpacked():
    data = zipped({"zeros": bytes(10_000_000)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(BrokenError, match="unpacks to more than 20 times"):
        contents(data, room=9_999_999)


def test_a_bomb_that_says_it_is_small_is_stopped():
    data = bytearray(zipped({"zeros": bytes(10_000_000)}, zipfile.ZIP_DEFLATED))
    struct.pack_into("<L", data, 22, 10)
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, 10)
    with pytest.raises(BrokenError, match="unpacks to more than the directory says"):
        contents(bytes(data))


def with_packed(packed: bytes, content: bytes) -> bytes:
    """Return an archive of one deflated member with this compressed data."""
    whole = zlib.crc32(content)
    name = b"m"
    fields = struct.pack("<5H3L2H", 20, 0, 8, 0, 33, whole, len(packed), len(content), 1, 0)
    local = b"PK\x03\x04" + fields + name + packed
    central = b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<3H2L", 0, 0, 0, 0, 0) + name
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def test_compressed_data_with_something_behind_it():
    content = b"abc" * 100
    assert contents(with_packed(deflated(content), content)) == {"m": content}
    with pytest.raises(BrokenError, match="after the end"):
        contents(with_packed(deflated(content) + b"hidden", content))


@pytest.mark.parametrize("packed", [b"", deflated(b"abc" * 100)[:-1], b"\xff\xff\xff"])
def test_compressed_data_that_do_not_end(packed):
    with pytest.raises(BrokenError, match="is damaged"):
        contents(with_packed(packed, b"abc" * 100))
