"""Machine code by its first bytes: ELF (Linux), Mach-O (macOS) and PE (Windows).

Formats: System V ABI; Apple, ``mach-o/loader.h`` and ``mach-o/fat.h``; Microsoft, PE Format.
"""

from typing import Final

_ELF: Final = b"\x7fELF"
_MACH_O: Final = {b"\xce\xfa\xed\xfe": "little", b"\xcf\xfa\xed\xfe": "little", b"\xfe\xed\xfa\xce": "big"}
_MACH_O_KIND_AT = 12
_MACH_O_KINDS = range(1, 16)
_UNIVERSAL: Final = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
_MOST_ARCHITECTURES = 30  # Java's class files begin like universal binaries, with a version above that
_PE_ADDRESS_AT = 60


def machine_code(head: bytes) -> str | None:
    """Return the format of the machine code in a file that begins so, None where it does not look like any.

    Chance bytes of a tensor do not: each format is known by more than its first four bytes.
    """
    if (
        head.startswith(_ELF)
        and head[4:5] in (b"\1", b"\2")
        and head[5:6] in (b"\1", b"\2")
        and head[6:7] == b"\1"
    ):
        return "ELF"
    order = _MACH_O.get(head[:4])
    if order is not None:
        kind = int.from_bytes(
            head[_MACH_O_KIND_AT : _MACH_O_KIND_AT + 4], "little" if order == "little" else "big"
        )
        return "Mach-O" if kind in _MACH_O_KINDS else None
    if head.startswith(_UNIVERSAL):
        return "Mach-O" if 0 < int.from_bytes(head[4:8], "big") <= _MOST_ARCHITECTURES else None
    if head.startswith(b"MZ"):
        at = int.from_bytes(head[_PE_ADDRESS_AT : _PE_ADDRESS_AT + 4], "little")
        return "PE" if head[at : at + 4] == b"PE\0\0" else None
    return None
