"""The image data of a PNG: whether they unpack to as many bytes as the header promises.

They are unpacked in pieces that nobody keeps, and no further than promised: what some writers leave behind the last
row is not looked at by those who draw the image either.
"""

import struct
import zlib

from smoke_gate.errors import ContractError

HEADER_BYTES = 13  # of IHDR's data
_BIT_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # by colour type
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by colour type
_PALETTE = 3
_MAX_SIDE = 2**31 - 1  # as the specification says
_MAX_BYTES = 1 << 30  # of a larger image only so much is unpacked
_STEP_BYTES = 1 << 20
_WHOLE = ((0, 0, 1, 1),)  # column and row where a pass begins, and how far apart its pixels are
_ADAM7 = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
)  # fmt: skip


class ProvenanceError(ContractError):
    """A file is not a whole, readable PNG, or a PNG cannot hold a text; the message says which and why."""


class ImageData:
    """The unpacked part of the IDAT chunks, which are one stream."""

    def __init__(self) -> None:
        self.has_palette = False
        self._promised = 0
        self._count = 0
        self._any = False
        self._problem: str | None = None
        self._inflater = zlib.decompressobj()

    def begin(self, header: bytes, length: int) -> None:
        """Read IHDR: size, bit depth by colour type, and the only compression, filter and interlace methods there are.

        Raises:
            ProvenanceError: It does not have the form of such a header.

        """
        if length != HEADER_BYTES:
            raise ProvenanceError(f"damaged PNG: IHDR holds {length} bytes, not {HEADER_BYTES}")
        width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", header)
        if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
            raise ProvenanceError(f"damaged PNG: IHDR says {width} x {height} pixels")
        if depth not in _BIT_DEPTHS.get(colour, ()):
            raise ProvenanceError(f"damaged PNG: IHDR says colour type {colour} with {depth} bits")
        if compression or filtering or interlace > 1:
            raise ProvenanceError(
                "damaged PNG: IHDR names an unknown compression, filter or interlace method"
            )
        self.has_palette = colour == _PALETTE
        self._promised = _bytes_of(width, height, depth * _SAMPLES[colour], _ADAM7 if interlace else _WHOLE)

    def feed(self, data: bytes) -> None:
        """Unpack a piece of the stream. What is wrong with it is told at the end: a wrong checksum explains it."""
        self._any = self._any or bool(data)
        while data and not self._is_enough():
            data = self._unpack(data)

    def finish(self) -> None:
        """Check, after the last piece, that the image is all there.

        Raises:
            ProvenanceError: It is not.

        """
        if not self._any:
            raise ProvenanceError("PNG without image data (IDAT)")
        before = -1
        while before < self._count and not self._is_enough():  # what the last piece had no room for
            before = self._count
            self._unpack(b"")
        if self._problem:
            raise ProvenanceError(f"damaged PNG: its image data cannot be unpacked: {self._problem}")
        if self._count < min(self._promised, _MAX_BYTES):
            raise ProvenanceError(
                f"damaged PNG: its image data unpack to {self._count} bytes where IHDR promises {self._promised}"
            )
        if not self._is_enough():
            raise ProvenanceError("damaged PNG: its image data do not end")

    def _unpack(self, data: bytes) -> bytes:
        """Unpack some of the data and return the rest."""
        try:
            self._count += len(self._inflater.decompress(data, _STEP_BYTES))
        except zlib.error as error:
            self._problem = str(error)
        return self._inflater.unconsumed_tail

    def _is_enough(self) -> bool:
        """Return whether the stream has ended, broken off, or given more than is looked at."""
        ended = self._inflater.eof or self._problem is not None
        return ended or self._count > min(self._promised, _MAX_BYTES)


def _bytes_of(width: int, height: int, bits: int, passes: tuple[tuple[int, int, int, int], ...]) -> int:
    """Return how many bytes an image has: a row of a pass has one for its filter, and whole bytes of pixels."""
    size = 0
    for column, row, across, down in passes:
        pixels, rows = _steps(width - column, across), _steps(height - row, down)
        size += rows * (1 + _steps(pixels * bits, 8)) if pixels else 0
    return size


def _steps(length: int, step: int) -> int:
    return max(0, -(-length // step))
