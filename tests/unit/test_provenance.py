import io
import stat
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from smoke_gate.provenance import ProvenanceError, embed_provenance, read_provenance

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
        (png(chunk(b"tEXt", b"a\x001"), chunk(b"tEXt", b"a\x002")), "two different things under 'a'"),
        (png(ztxt(b"a", b"1", method=1)), "'a' names an unknown compression"),
        (png(ztxt(b"a", b"1", body=b"no zlib")), "'a' cannot be decompressed"),
        (png(ztxt(b"a", b"1", body=zlib.compress(b"1" * 99)[:-1])), "'a' is cut off"),
        (png(itxt(b"a", b"1", flag=2)), "'a' names an unknown compression"),
        (png(itxt(b"a", b"1", flag=1, method=1)), "'a' names an unknown compression"),
        (png(itxt(b"a", b"\xff")), "'a' is not utf-8 text"),
        (png(chunk(b"iTXt", b"a\0\0\0no more")), "malformed iTXt chunk 'a'"),
        (png(chunk(b"iTXt", b"a\0")), "malformed iTXt chunk 'a'"),
    ],
)
def test_what_is_no_whole_png(file, content, said):
    with pytest.raises(ProvenanceError, match=said):
        read_provenance(file(content))


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
    with pytest.raises(ProvenanceError, match="4194304 bytes"):
        read_provenance(file(png(*between)))


def test_chunks_are_bounded(file):
    with pytest.raises(ProvenanceError, match="more than 100000 chunks"):
        read_provenance(file(png(*[chunk(b"teST")] * 100_001)))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_provenance(tmp_path / "none.png")


# --- writing --------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)
KEYWORD = st.text(st.sampled_from("abcXYZ_é0"), min_size=1, max_size=79)


@settings(deadline=None)
@given(st.dictionaries(KEYWORD, TEXT, max_size=4), st.dictionaries(KEYWORD, TEXT, max_size=4))
def test_what_is_written_is_read(tmp_path_factory, first, second):
    path = tmp_path_factory.mktemp("png") / "x.png"
    path.write_bytes(embed_provenance(embed_provenance(png(), first), second))
    assert read_provenance(path) == first | second


@settings(deadline=None)
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
