"""Provenance in figures: the text chunks of a PNG, written and read without decoding a pixel.

Reading also verifies that the file is a whole PNG: signature, IHDR first and sane, the CRC of every chunk, image data
that unpack to what IHDR promises, IEND, and nothing after it. Format: W3C, Portable Network Graphics (PNG)
Specification, third edition.

Memory and time are bounded: large chunks are read in blocks, the file is read once, and both the image and the text of
all chunks together, inflated, have a limit.
"""

from smoke_gate.provenance.files import embed_provenance, read_provenance, read_text
from smoke_gate.provenance.image import ProvenanceError
from smoke_gate.provenance.text import Text

__all__ = ["ProvenanceError", "Text", "embed_provenance", "read_provenance", "read_text"]
