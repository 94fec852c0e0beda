import io

from smoke_gate.probes.windows import window


def test_a_part_of_a_file():
    part = window(io.BytesIO(b"0123456789"), 2, 5)
    assert part.read() == b"23456"
    assert part.seek(-2, io.SEEK_END) == 3
    assert part.read(10) == b"56"
    assert part.seek(1) == 1
    assert part.seek(1, io.SEEK_CUR) == 2
    assert (part.tell(), part.read(2)) == (2, b"45")
    assert part.seek(100) == 100
    assert part.read(1) == b""


def test_others_may_read_from_the_file_in_between():
    file = io.BytesIO(bytes(range(256)) * 1000)
    first, second = window(file, 0, 100_000), window(file, 100_000, 100_000)
    for _ in range(5):
        assert first.read(20_000) + second.read(20_000)
    assert first.read() == b""
    first.seek(0)
    file.seek(77)
    assert first.read(3) == b"\x00\x01\x02"
