import struct

import pytest

from smoke_gate.evidence import Holds
from smoke_gate.probes import gguf
from tests.unit.probes.files import inspected, problem_of

F32, Q4_0, UNKNOWN = 0, 2, 900


def text(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data


def pair(name: bytes, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


def tensor(offset: int, *shape: int, kind: int = F32) -> bytes:
    return text(b"t") + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def whole(pairs: list[bytes], tensors: list[bytes], size: int, *, version: int = 3, align: int = 32) -> bytes:
    header = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(pairs)) + b"".join(pairs + tensors)
    return header + bytes(-len(header) % align) + bytes(size)


ALIGNED = pair(b"general.alignment", 4, struct.pack("<I", 64))


@pytest.mark.parametrize(
    "data",
    [
        whole([], [tensor(0, 4, 2)], 32),
        whole([], [tensor(0, 3)], 32),
        whole([], [tensor(0, 3)], 12),  # without the padding behind the last one
        whole([], [tensor(32, 3), tensor(0, 5)], 64),
        whole([], [tensor(0, 64, 2, kind=Q4_0)], 96),
        whole([], [tensor(0)], 32),
        whole([], [tensor(0, 0, 4), tensor(0, 8)], 32),
        whole([ALIGNED], [tensor(0, 3), tensor(64, 3)], 128, align=64),
        whole([], [tensor(0, 3, kind=UNKNOWN), tensor(96, 3)], 128),
        whole([], [tensor(0, 3)], 32, version=2),
        whole([pair(b"a", 9, struct.pack("<IQ", 8, 2) + text(b"x") + text(b""))], [tensor(0, 8)], 32),
        whole([pair(b"a", 9, struct.pack("<IQIQ", 9, 1, 5, 2) + bytes(8))], [tensor(0, 8)], 32),
    ],
)
def test_whole_files(data):
    found, problem, inspection = inspected(data, "m.gguf")
    assert (found, problem, inspection.holds) == ("gguf", None, Holds.TENSORS)


def test_a_vocabulary_alone():
    data = whole([pair(b"a", 8, text(b"x"))], [], 0)
    assert inspected(data, "m.gguf")[2].holds is Holds.DATA
    assert problem_of(data + b"more", "m.gguf")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (whole([], [tensor(0, 8)], 31), "31 bytes of data where its tensors say 32"),
        (whole([], [tensor(0, 8)], 64), "64 bytes of data where its tensors say 32"),
        (whole([], [tensor(0, 3)], 13), "13 bytes of data where its tensors say 12"),
        (whole([], [tensor(0, 8), tensor(0, 8)], 32), "where 32 is expected"),
        (whole([], [tensor(0, 8), tensor(64, 8)], 96), "where 32 is expected"),
        (whole([], [tensor(4, 7)], 32), "aligned to 32"),
        (whole([], [tensor(0, 3, kind=UNKNOWN), tensor(640, 3)], 128), "of 128"),
        (whole([], [tensor(0, 33, kind=Q4_0)], 96), "whole blocks"),
        (whole([], [tensor(0, 8)], 32, version=1), "unknown version 1"),
        (whole([], [tensor(0, *[1] * 9)], 32), "9 dimensions"),
        (whole([pair(b"general.alignment", 4, struct.pack("<I", 12))], [], 0), "alignment of 12"),
        (whole([pair(b"a", 13, b"")], [], 0), "unknown type 13"),
        (whole([pair(b"a", 9, struct.pack("<IQ", 9, 1) * 20)], [], 0), "arrays in arrays"),
        (whole([pair(b"x" * 2000, 0, b"a")], [], 0), "name of 2000 bytes"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 40, 0), "1099511627776 tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60), "cut off"),
    ],
)
def test_broken_ones(data, reason):
    assert reason in problem_of(data, "m.gguf")


def template(text_: bytes, key: bytes = b"tokenizer.chat_template") -> bytes:
    return whole([pair(key, 8, text(text_))], [tensor(0, 8)], 32)


@pytest.mark.parametrize(
    "escape",
    [
        b"{{ x.__class__ }}",
        b"{{ x['__class__'] }}",
        b'{{ x|attr("__class__") }}',
        b"{% for c in ().__class__.__base__.__subclasses__() %}{{ c.__init__.__globals__ }}{% endfor %}",
    ],
)
@pytest.mark.parametrize("key", [b"tokenizer.chat_template", b"tokenizer.chat_template.tool_use"])
def test_templates_that_leave_their_sandbox(escape, key):
    found, problem, inspection = inspected(template(escape, key), "m.gguf")
    assert (found, problem) == ("gguf", None)
    assert "tokenizer.chat_template.__class__" in inspection.imports.dangerous


@pytest.mark.parametrize("text_", [b"{{ messages[0].content }} <__media__> __init__ x__class__", b""])
def test_honest_templates(text_):
    found, problem, inspection = inspected(template(text_), "m.gguf")
    assert (found, problem, inspection.imports.dangerous) == ("gguf", None, set())


def test_a_template_that_is_too_long():
    assert "template of 2000000 bytes" in problem_of(template(b" " * 2_000_000), "m.gguf")


def test_too_many_values(monkeypatch):
    monkeypatch.setattr(gguf, "_MAX_VALUES", 10)
    many = pair(b"a", 9, struct.pack("<IQ", 8, 20) + text(b"x") * 20)
    assert "more than 10 values" in problem_of(whole([many], [], 0), "m.gguf")
