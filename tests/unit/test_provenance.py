import io
import stat
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from smoke_gate.provenance import ProvenanceError, embed_provenance, read_provenance, read_text

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes = b"", *, crc: int | None = None, length: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data) if length is None else length) + kind + data + checksum.to_bytes(4)


def header(
    *,
    width: int = 1,
    height: int = 1,
    depth: int = 8,
    colour: int = 0,
    compression: int = 0,
    filtering: int = 0,
    interlace: int = 0,
) -> bytes:
    return chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, compression, filtering, interlace)
    )


PIXEL = chunk(b"IDAT", zlib.compress(b"\0\x7f"))
END = chunk(b"IEND")


def png(*between: bytes, head: bytes | None = None, after: bytes = b"") -> bytes:
    """Return a PNG of one grey pixel with other chunks between header and pixel."""
    return b"".join([SIGNATURE, head or header(), *between, PIXEL, END, after])


def itxt(keyword: bytes, text: bytes, *, flag: int = 0, method: int = 0) -> bytes:
    stored = zlib.compress(text) if flag else text
    return chunk(b"iTXt", keyword + b"\0" + bytes([flag, method]) + b"ko\0keyword\0" + stored)


def ztxt(keyword: bytes, text: bytes, *, method: int = 0, body: bytes | None = None) -> bytes:
    return chunk(b"zTXt", keyword + b"\0" + bytes([method]) + (zlib.compress(text) if body is None else body))


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "figure.png"
        path.write_bytes(content)
        return path

    return write


# --- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("between", "text"),
    [
        ([], {}),
        ([chunk(b"tEXt", b"cell\0caf\xe9")], {"cell": "café"}),
        ([chunk(b"tEXt", b"cell\0")], {"cell": ""}),
        ([ztxt(b"cell", b"A3")], {"cell": "A3"}),
        ([itxt(b"cell", "셀 A3".encode())], {"cell": "셀 A3"}),
        ([itxt(b"cell", "셀 A3".encode(), flag=1)], {"cell": "셀 A3"}),
        ([chunk(b"tEXt", b"a\x001"), chunk(b"tEXt", b"a\x001"), ztxt(b"b", b"2")], {"a": "1", "b": "2"}),
        ([chunk(b"gAMA", b"\0\0\xb1\x8f"), chunk(b"prVt", b"x" * 200_000)], {}),
    ],
)
def test_text_is_read_from_every_kind_of_chunk(file, between, text):
    assert read_provenance(file(png(*between))) == text


def test_text_after_the_pixels_counts(file):
    content = b"".join([SIGNATURE, header(), PIXEL, chunk(b"tEXt", b"cell\0A3"), END])
    assert read_provenance(file(content)) == {"cell": "A3"}


def test_what_pillow_writes(tmp_path):
    info = PngInfo()
    info.add_text("source_run_ids", '["a"]', zip=True)
    info.add_itxt("cell", "셀", lang="ko", tkey="칸", zip=True)
    info.add_text("plain", "A3")
    Image.new("RGB", (300, 200), "teal").save(tmp_path / "x.png", pnginfo=info)
    assert read_provenance(tmp_path / "x.png") == {"source_run_ids": '["a"]', "cell": "셀", "plain": "A3"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "signature"),
        (b"\xff\xd8\xff\xe0 a JPEG", "signature"),
        (SIGNATURE, "the end .IEND. is missing"),
        (SIGNATURE + header(), "the end .IEND. is missing"),
        (SIGNATURE + header() + PIXEL, "the end .IEND. is missing"),
        (SIGNATURE + header() + END, "without image data"),
        (SIGNATURE + header() + chunk(b"IDAT") + END, "without image data"),
        (SIGNATURE + PIXEL + END, "found IDAT where IHDR"),
        (SIGNATURE + header() + header() + PIXEL + END, "found IHDR where another"),
        (SIGNATURE + chunk(b"IHDR", b"\0" * 12) + PIXEL + END, "IHDR holds 12 bytes"),
        (SIGNATURE + chunk(b"IHDR", b"\0" * 1_000_000) + PIXEL + END, "IHDR holds 1000000 bytes"),
        (png(head=header(width=0)), "0 x 1 pixels"),
        (png(head=header(height=2**31)), "1 x 2147483648 pixels"),
        (png(head=header(depth=3)), "colour type 0 with 3 bits"),
        (png(head=header(colour=2, depth=4)), "colour type 2 with 4 bits"),
        (png(head=header(colour=5)), "colour type 5"),
        (png(head=header(compression=1)), "unknown compression"),
        (png(head=header(filtering=1)), "unknown compression, filter"),
        (png(head=header(interlace=2)), "unknown compression, filter or interlace"),
        (png(chunk(b"CRIT")), "critical chunk CRIT is unknown"),
        (png(chunk(b"gAMA", b"\0\0\0\1", crc=7)), "checksum of chunk gAMA"),
        (png(chunk(b"1234")), "no chunk begins at byte 33"),
        (png(chunk(b"teST", length=2**31)), "claims 2147483648 bytes"),
        (png(chunk(b"teST", length=2**30)), "ends within chunk teST"),
        (png(after=b"left over"), "data after the end"),
        (SIGNATURE + header() + PIXEL + chunk(b"IEND", b"x"), "IEND holds data"),
        (SIGNATURE + header() + PIXEL + chunk(b"IEND", b"x" * 100_000), "IEND holds data"),
        (png(chunk(b"tEXt", b"no keyword")), "no keyword"),
        (png(chunk(b"tEXt", b"\0text")), "no keyword"),
        (png(chunk(b"tEXt", b"k" * 80 + b"\0text")), "no keyword"),
        (png(ztxt(b"k" * 80, b"1" * 5_000_000, body=b"x" * 5_000_000)), "no keyword"),
        (SIGNATURE + header(colour=3) + PIXEL + END, "its palette .PLTE. is missing"),
        (
            SIGNATURE + header() + PIXEL + chunk(b"tEXt", b"a\0") + chunk(b"IDAT") + END,
            "between the image data",
        ),
    ],
)
def test_what_is_no_whole_png(file, content, said):
    with pytest.raises(ProvenanceError, match=said):
        read_provenance(file(content))


# --- image data -----------------------------------------------------------------------------------------------------


def drawn(data: bytes, *, pieces: int = 1, **head: int) -> bytes:
    """Return a PNG with this image data, in some IDAT chunks."""
    size = -(-len(data) // pieces)
    parts = [chunk(b"IDAT", data[start : start + size]) for start in range(0, len(data), size)]
    return b"".join([SIGNATURE, header(**head), chunk(b"PLTE", b"\0\0\0"), *parts, END])


def saved(mode: str, size: tuple[int, int], **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.effect_noise(size, 50).convert(mode).save(stream, "PNG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (500, 400)])
def test_images_of_every_kind_are_whole(file, mode, size):
    assert read_provenance(file(saved(mode, size))) == {}


@pytest.mark.parametrize(("depth", "colour"), [(1, 0), (4, 3), (8, 2), (16, 6)])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 1), (4, 4), (8, 8), (13, 27)])
def test_interlaced_images_have_seven_passes(file, depth, colour, size):
    bits = depth * {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    data = b""
    for number in range(7):  # by the book: a pixel's pass, by its place in a square of eight
        rows = [
            sum(ADAM7[row % 8][column % 8] == number + 1 for column in range(size[0]))
            for row in range(size[1])
        ]
        data += b"".join(b"\0" * (1 + -(-pixels * bits // 8)) for pixels in rows if pixels)
    head = {"width": size[0], "height": size[1], "depth": depth, "colour": colour, "interlace": 1}
    assert read_provenance(file(drawn(zlib.compress(data), **head))) == {}
    with Image.open(io.BytesIO(drawn(zlib.compress(data), **head))) as image:
        image.load()
    with pytest.raises(
        ProvenanceError, match=f"unpack to {len(data) - 1} bytes where IHDR promises {len(data)}"
    ):
        read_provenance(file(drawn(zlib.compress(data[:-1]), **head)))


ADAM7 = (
    (1, 6, 4, 6, 2, 6, 4, 6), (7,) * 8, (5, 6) * 4, (7,) * 8, (3, 6, 4, 6) * 2, (7,) * 8, (5, 6) * 4, (7,) * 8
)  # fmt: skip
ROWS = b"".join(b"\0" + bytes(range(100)) for _ in range(50))
SQUARE = {"width": 100, "height": 50}


@pytest.mark.parametrize("pieces", [1, 2, 60, 10_000])
@pytest.mark.parametrize("level", [0, 9])
def test_image_data_in_many_pieces(file, pieces, level):
    assert read_provenance(file(drawn(zlib.compress(ROWS, level), pieces=pieces, **SQUARE))) == {}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"garbage", "image data cannot be unpacked"),
        (zlib.compress(ROWS)[:-1], "image data do not end"),
        (zlib.compress(ROWS)[:-4] + b"sum!", "image data cannot be unpacked"),
        (zlib.compress(ROWS)[:60], "where IHDR promises 5050"),
        (zlib.compress(ROWS[: 101 * 25]), "unpack to 2525 bytes where IHDR promises 5050"),
        (zlib.compress(ROWS[:-1]), "unpack to 5049 bytes"),
        (zlib.compress(b""), "unpack to 0 bytes"),
    ],
)
def test_image_data_that_are_not_whole(file, data, said):
    with pytest.raises(ProvenanceError, match=said):
        read_provenance(file(drawn(data, **SQUARE)))


@pytest.mark.parametrize("data", [zlib.compress(ROWS + b"more"), zlib.compress(ROWS) + b"more"])
def test_what_follows_the_last_row_is_no_matter(file, data):
    path = file(drawn(data, pieces=3, **SQUARE))
    assert read_provenance(path) == {}
    with Image.open(path) as image:
        image.load()


def test_an_image_that_is_too_large_is_unpacked_up_to_a_bound(file, monkeypatch):
    monkeypatch.setattr("smoke_gate.provenance.image._MAX_BYTES", 3000)
    for data in (ROWS, ROWS[:3100]):
        assert read_provenance(file(drawn(zlib.compress(data), pieces=9, **SQUARE))) == {}
    with pytest.raises(ProvenanceError, match="unpack to 2525 bytes"):
        read_provenance(file(drawn(zlib.compress(ROWS[: 101 * 25]), **SQUARE)))


def test_a_wrong_checksum_explains_image_data_that_cannot_be_unpacked(file):
    damaged = SIGNATURE + header() + chunk(b"IDAT", b"garbage", crc=7) + END
    with pytest.raises(ProvenanceError, match="checksum of chunk IDAT"):
        read_provenance(file(damaged))


# --- a text that cannot be told is the loss of that text alone ------------------------------------------------------


@pytest.mark.parametrize(
    ("between", "said"),
    [
        ([chunk(b"tEXt", b"a\x001"), chunk(b"tEXt", b"a\x002")], "two different things"),
        ([ztxt(b"a", b"1", method=1)], "names an unknown compression"),
        ([ztxt(b"a", b"1", body=b"no zlib")], "cannot be decompressed"),
        ([ztxt(b"a", b"1", body=zlib.compress(b"1" * 99)[:-1])], "is cut off"),
        ([itxt(b"a", b"1", flag=2)], "names an unknown compression"),
        ([itxt(b"a", b"1", flag=1, method=1)], "names an unknown compression"),
        ([itxt(b"a", b"\xff")], "is not utf-8 text"),
        ([chunk(b"iTXt", b"a\0\0\0no more")], "iTXt chunk is malformed"),
        ([chunk(b"iTXt", b"a\0")], "iTXt chunk is malformed"),
        ([chunk(b"tEXt", b"a\x001"), ztxt(b"a", b"1", method=1)], "names an unknown compression"),
        ([ztxt(b"a", b"1", method=1), chunk(b"tEXt", b"a\x001")], "names an unknown compression"),
    ],
)
def test_a_text_that_cannot_be_told(file, between, said):
    path = file(png(chunk(b"tEXt", b"cell\0A3"), *between, chunk(b"tEXt", b"seed\x0042")))
    found = read_text(path)
    assert found.by_keyword == {"cell": "A3", "seed": "42"}
    assert list(found.unread) == ["a"]
    assert said in found.unread["a"]
    assert read_provenance(path) == {"cell": "A3", "seed": "42"}
    assert read_provenance(file(embed_provenance(path.read_bytes(), {"a": "3"})))["a"] == "3"


WHOLE = png(chunk(b"tEXt", b"source_run_ids\0[]"), ztxt(b"cell", b"A3"), itxt(b"seed", b"42", flag=1))


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_every_truncation_is_seen(file, length):
    with pytest.raises(ProvenanceError):
        read_provenance(file(WHOLE[:length]))


@pytest.mark.parametrize("position", range(len(WHOLE)))
def test_every_flipped_bit_is_seen(file, position):
    flipped = bytearray(WHOLE)
    flipped[position] ^= 1 << position % 8
    with pytest.raises(ProvenanceError):
        read_provenance(file(bytes(flipped)))


@pytest.mark.parametrize(
    "between",
    [
        [ztxt(b"bomb", b"\0" * 50_000_000)],
        [itxt(b"bomb", b"\0" * 50_000_000, flag=1)],
        [ztxt(b"bomb%d" % n, b"\0" * 1_000_000) for n in range(6)],
        [chunk(b"tEXt", b"big\0" + b"x" * 5_000_000)],
        [chunk(b"tEXt", b"big%d\0" % n + b"x" * 1_000_000) for n in range(6)],
    ],
    ids=["zTXt", "iTXt", "several zTXt", "large", "several large"],
)
def test_text_is_bounded(file, between):
    found = read_text(file(png(*between, chunk(b"tEXt", b"cell\0A3"))))
    assert sum(map(len, found.by_keyword.values())) <= 4 << 20
    assert set(found.unread.values()) == {"the PNG's text chunks are larger than 4194304 bytes"}
    assert len(found.by_keyword) + len(found.unread) == len(between) + 1


def test_chunks_are_bounded(file):
    with pytest.raises(ProvenanceError, match="more than 100000 chunks"):
        read_provenance(file(png(*[chunk(b"teST")] * 100_001)))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_provenance(tmp_path / "none.png")


# --- writing --------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)
KEYWORD = st.text(st.sampled_from("abcXYZ_é0"), min_size=1, max_size=79)


@given(st.dictionaries(KEYWORD, TEXT, max_size=4), st.dictionaries(KEYWORD, TEXT, max_size=4))
def test_what_is_written_is_read(tmp_path_factory, first, second):
    path = tmp_path_factory.mktemp("png") / "x.png"
    path.write_bytes(embed_provenance(embed_provenance(png(), first), second))
    assert read_provenance(path) == first | second


@given(KEYWORD, TEXT)
def test_pillow_reads_what_is_written(keyword, text):
    with Image.open(io.BytesIO(embed_provenance(png(), {keyword: text}))) as image:
        image.load()
        assert isinstance(image, PngImageFile)
        assert image.text == {keyword: text}
        assert image.getpixel((0, 0)) == 0x7F


def test_other_chunks_stay_and_old_text_goes():
    gamma = chunk(b"gAMA", b"\0\0\xb1\x8f")
    image = png(gamma, ztxt(b"cell", b"B0"), itxt(b"cell", b"B0"), chunk(b"tEXt", b"seed\x0042"))
    expected = png(chunk(b"tEXt", b"cell\0A3"), gamma, chunk(b"tEXt", b"seed\x0042"))
    assert embed_provenance(image, {"cell": "A3"}) == expected


def test_a_file_is_replaced_in_place(file, tmp_path):
    path = file(png())
    path.chmod(0o640)
    link = tmp_path / "link.png"
    link.symlink_to(path)
    written = embed_provenance(str(link), {"cell": "셀"})
    assert path.read_bytes() == written
    assert read_provenance(path) == {"cell": "셀"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["figure.png", "link.png"]


@pytest.mark.parametrize("content", [WHOLE[:-5], b"no PNG"])
def test_a_file_that_is_no_png_stays_as_it_is(file, tmp_path, content):
    path = file(content)
    with pytest.raises(ProvenanceError):
        embed_provenance(path, {"cell": "A3"})
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ({"": "x"}, "1 to 79 printable"),
        ({"k" * 80: "x"}, "1 to 79 printable"),
        ({" cell": "x"}, "1 to 79 printable"),
        ({"a  b": "x"}, "1 to 79 printable"),
        ({"a\nb": "x"}, "1 to 79 printable"),
        ({"a\0b": "x"}, "1 to 79 printable"),
        ({"셀": "x"}, "has no place in a PNG"),
        ({"cell": "\ud800"}, "has no place in a PNG"),
        ({"cell": "a\0b"}, "zero byte"),
        ({"cell": "x" * 5_000_000}, "larger than 4194304 bytes"),
    ],
)
def test_text_that_a_png_cannot_hold(text, said):
    with pytest.raises(ProvenanceError, match=said):
        embed_provenance(png(), text)


def test_an_existing_contradiction_is_resolved_by_writing_once():
    image = png(chunk(b"tEXt", b"cell\0A3"), chunk(b"tEXt", b"cell\0B0"))
    assert embed_provenance(image, {"cell": "A3"}) == png(chunk(b"tEXt", b"cell\0A3"))
