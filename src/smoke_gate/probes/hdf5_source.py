"""The bytes of an HDF5 file by address, and the numbers in them; bounded, whatever the file says of itself.

Format: The HDF Group, HDF5 File Format Specification Version 3.0. Checksum: Bob Jenkins, ``lookup3.c``.
"""

from dataclasses import dataclass
from typing import BinaryIO, Final

from smoke_gate.probes.inspection import BrokenError

_MAX_READ_BYTES = 24 << 20  # of structure in one file; the numbers of its datasets are not read
_MAX_READS = 500_000
_CHECKSUM_BYTES = 4
_ADDRESS_WIDTHS: Final = (2, 4, 8, 16)


class UnfamiliarError(Exception):
    """The file uses a part of the format that is not followed here; the message says which."""


@dataclass(frozen=True, slots=True)
class Widths:
    """How many bytes an address and a length have in one file."""

    address: int
    length: int

    def __post_init__(self) -> None:
        """Refuse widths that the format does not have."""
        if self.address not in _ADDRESS_WIDTHS or self.length not in _ADDRESS_WIDTHS:
            raise BrokenError("it has a damaged HDF5 superblock")


class Cursor:
    """Takes numbers out of bytes, one after the other."""

    def __init__(self, data: bytes, widths: Widths, at: int = 0) -> None:
        self._data = data
        self._widths = widths
        self.at = at

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self.at

    def take(self, count: int) -> bytes:
        """Return the next bytes.

        Raises:
            BrokenError: there are fewer.

        """
        if not 0 <= count <= self.left:
            raise BrokenError("it has an HDF5 structure that ends in the middle")
        self.at += count
        return self._data[self.at - count : self.at]

    def number(self, width: int) -> int:
        """Return the next unsigned number of so many bytes."""
        return int.from_bytes(self.take(width), "little")

    def length(self) -> int:
        """Return the next length."""
        return self.number(self._widths.length)

    def address(self) -> int | None:
        """Return the next address, None where it leads nowhere."""
        value = self.number(self._widths.address)
        return None if value == (1 << 8 * self._widths.address) - 1 else value


def there(address: int | None) -> int:
    """Return an address that must lead somewhere.

    Raises:
        BrokenError: it leads nowhere.

    """
    if address is None:
        raise BrokenError("it has an HDF5 address that leads nowhere")
    return address


class Hdf5File:
    """A seekable file of ``size`` bytes; addresses count from ``base``."""

    def __init__(self, file: BinaryIO, size: int, base: int, widths: Widths) -> None:
        self._file = file
        self.size = size
        self._base = base
        self.widths = widths
        self._bytes_left = _MAX_READ_BYTES
        self._reads_left = _MAX_READS

    def holds(self, address: int, count: int) -> bool:
        """Return whether so many bytes from an address on are in the file."""
        return self._base + address + count <= self.size

    def read(self, address: int | None, count: int) -> bytes:
        """Return bytes at an address.

        Raises:
            BrokenError: they are not in the file.
            UnfamiliarError: the file has more structure than is read.

        """
        self._bytes_left -= count
        self._reads_left -= 1
        if self._bytes_left < 0 or self._reads_left < 0:
            raise UnfamiliarError(f"more than {_MAX_READ_BYTES >> 20} MiB of structure")
        return self.data(address, count)

    def data(self, address: int | None, count: int) -> bytes:
        """Return bytes that are not structure, whose number the caller bounds.

        Raises:
            BrokenError: they are not in the file.

        """
        start = there(address)
        if not self.holds(start, count):
            raise BrokenError("it has an HDF5 address outside of the file")
        self._file.seek(self._base + start)
        data = self._file.read(count)
        if len(data) != count:
            raise BrokenError("it is cut off")
        return data

    def cursor(self, address: int | None, count: int, signature: bytes = b"") -> Cursor:
        """Return a cursor behind the signature of a structure.

        Raises:
            BrokenError: there is another signature.

        """
        data = self.read(address, count)
        if not data.startswith(signature):
            raise BrokenError(f"it has no HDF5 structure {signature.decode()} where it must be")
        return Cursor(data, self.widths, len(signature))

    def checked(self, address: int | None, count: int, signature: bytes) -> Cursor:
        """Return a cursor over a structure without its checksum, which must match."""
        data = self.read(address, count)
        if not data.startswith(signature):
            raise BrokenError(f"it has no HDF5 structure {signature.decode()} where it must be")
        check(data)
        return Cursor(data[:-_CHECKSUM_BYTES], self.widths, len(signature))


def check(data: bytes) -> None:
    """Hold a structure against the checksum in its last four bytes.

    Raises:
        BrokenError: it does not match.

    """
    body, stored = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if int.from_bytes(stored, "little") != lookup3(body):
        raise BrokenError("it is damaged: an HDF5 checksum does not match")


def lookup3(data: bytes) -> int:
    """Return Jenkins' hash of bytes, as HDF5 uses it: ``hashlittle`` with the initial value 0."""
    mask = 0xFFFFFFFF
    a = b = c = (0xDEADBEEF + len(data)) & mask
    if not data:
        return c
    whole = (len(data) - 1) // 12 * 12
    for at in range(0, whole, 12):
        a = (a + int.from_bytes(data[at : at + 4], "little")) & mask
        b = (b + int.from_bytes(data[at + 4 : at + 8], "little")) & mask
        c = (c + int.from_bytes(data[at + 8 : at + 12], "little")) & mask
        a = (a - c & mask) ^ ((c << 4 | c >> 28) & mask)
        c = c + b & mask
        b = (b - a & mask) ^ ((a << 6 | a >> 26) & mask)
        a = a + c & mask
        c = (c - b & mask) ^ ((b << 8 | b >> 24) & mask)
        b = b + a & mask
        a = (a - c & mask) ^ ((c << 16 | c >> 16) & mask)
        c = c + b & mask
        b = (b - a & mask) ^ ((a << 19 | a >> 13) & mask)
        a = a + c & mask
        c = (c - b & mask) ^ ((b << 4 | b >> 28) & mask)
        b = b + a & mask
    rest = data[whole:].ljust(12, b"\0")
    a = (a + int.from_bytes(rest[0:4], "little")) & mask
    b = (b + int.from_bytes(rest[4:8], "little")) & mask
    c = (c + int.from_bytes(rest[8:12], "little")) & mask
    c = ((c ^ b) - (b << 14 | b >> 18)) & mask
    a = ((a ^ c) - (c << 11 | c >> 21)) & mask
    b = ((b ^ a) - (a << 25 | a >> 7)) & mask
    c = ((c ^ b) - (b << 16 | b >> 16)) & mask
    a = ((a ^ c) - (c << 4 | c >> 28)) & mask
    b = ((b ^ a) - (a << 14 | a >> 18)) & mask
    return ((c ^ b) - (b << 24 | b >> 8)) & mask
