import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Globals
from smoke_gate.probes.native import machine_code
from tests.unit.probes.files import probed, zipped

ELF = b"\x7fELF\x02\x01\x01" + bytes(100)
MACH_O = b"\xcf\xfa\xed\xfe" + struct.pack("<3I", 0x0100000C, 0, 6) + bytes(100)
MACH_O_BIG = b"\xfe\xed\xfa\xce" + struct.pack(">3I", 18, 0, 8) + bytes(100)
UNIVERSAL = b"\xca\xfe\xba\xbe" + struct.pack(">I", 2) + bytes(100)
PE = b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64) + b"PE\0\0" + bytes(100)
CODE = {"ELF": ELF, "Mach-O": MACH_O, "Mach-O, big": MACH_O_BIG, "Mach-O, universal": UNIVERSAL, "PE": PE}


@pytest.mark.parametrize(("kind", "data"), CODE.items())
def test_machine_code_is_told(tmp_path, kind, data):
    kind = kind.partition(",")[0]
    assert machine_code(data) == kind
    artifact = probed(tmp_path, data, "checkpoints/custom_op")
    assert artifact.globals == Globals(unknown=(f"machine code ({kind}) in checkpoints/custom_op",))
    inside = probed(tmp_path, zipped({"a/b.bin": data, "x": b"1"}), "model.zip")
    assert inside.globals == Globals(unknown=(f"machine code ({kind}) in a/b.bin",))
    nested = probed(tmp_path, zipped({"inner": zipped({"c": data})}), "model.zip")
    assert nested.globals == Globals(unknown=(f"machine code ({kind}) in c",))


def test_real_machine_code_is_told():
    with Path(sys.executable).open("rb") as file:
        assert machine_code(file.read(4096)) in ("ELF", "Mach-O", "PE")


@given(
    st.sampled_from([b"", b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe"]),
    st.binary(max_size=20),
)
def test_beginnings_raise_nothing(start, rest):
    assert machine_code(start + rest) in (None, "ELF", "Mach-O")


@pytest.mark.parametrize(
    "data",
    [
        b"MZ" + bytes(500),
        b"MZ of something else",
        b"\xca\xfe\xba\xbe\x00\x00\x00\x41 a class of Java",
        b"\xcf\xfa\xed\xfe" + b"\xff" * 40,
        b"\x7fELF, a poem",
        b"",
    ],
)
def test_what_only_begins_alike_is_not_machine_code(data):
    assert machine_code(data) is None
