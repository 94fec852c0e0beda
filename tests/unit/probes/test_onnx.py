import pytest

from smoke_gate.evidence import Holds
from tests.unit.probes.files import inspected, problem_of
from tests.unit.probes.protobuf_messages import content, fixed32, number, varint

SETS = content(8, number(2, 21))


def node(domain: str = "") -> bytes:
    return content(1, content(4, b"Relu") + (content(7, domain.encode()) if domain else b""))


def model(*parts: bytes, sets: bytes = SETS) -> bytes:
    return number(1, 10) + content(7, b"".join(parts)) + sets


def tensor(*parts: bytes, kind: int = 1, shape: tuple[int, ...] = (2, 3)) -> bytes:
    return content(5, b"".join(number(1, length) for length in shape) + number(2, kind) + b"".join(parts))


def external(location: str) -> bytes:
    entry = content(1, b"location") + content(2, location.encode())
    return tensor(content(13, entry), content(13, content(1, b"offset") + content(2, b"0")), number(14, 1))


@pytest.mark.parametrize(
    "tensors",
    [
        tensor(content(9, bytes(24))),
        tensor(content(9, bytes(12)), kind=10),
        tensor(content(9, bytes(3)), kind=22),
        tensor(content(9, bytes(2)), kind=25),
        tensor(content(9, bytes(96)), kind=15),
        tensor(content(9, bytes(4)), shape=()),
        tensor(content(9, b""), shape=(0, 4)),
        tensor(content(4, bytes(24))),
        tensor(*[fixed32(4, bytes(4))] * 6),
        tensor(content(4, bytes(48)), kind=14),
        tensor(content(10, bytes(48)), kind=11),
        tensor(content(7, varint(300) * 6), kind=7),
        tensor(content(5, varint(1) * 3), kind=22),
        tensor(*[content(6, b"text")] * 6, kind=8),
        tensor(content(9, b"a type that is not known"), kind=99),
        content(5, content(1, b"\2\3") + number(2, 1) + content(9, bytes(24))),  # a shape that is packed
    ],
)
def test_tensors_of_the_size_that_shape_and_type_say(tensors):
    assert problem_of(model(node(), tensors), "m.onnx") == ""


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        (tensor(content(9, bytes(23))), "23 bytes where its shape and type say 24"),
        (tensor(content(9, b"")), "0 bytes where"),
        (tensor(content(4, bytes(20))), "5 numbers where its shape says 6"),
        (tensor(content(4, bytes(21))), "ends amid a number"),
        (tensor(), "0 numbers where its shape says 6"),
        (tensor(content(7, varint(1) * 5), kind=7), "5 numbers"),
        (tensor(content(6, b"text"), kind=8), "1 texts"),
        (tensor(content(9, bytes(24)), shape=((1 << 64) - 2, 3)), "negative"),
        (tensor(shape=(1,) * 1100), "more than 1024 dimensions"),
    ],
)
def test_tensors_of_another_size(tensors, reason):
    assert reason in problem_of(model(node(), tensors), "m.onnx")


def test_external_data_are_companions():
    found = inspected(model(node(), external("m.onnx.data"), external("parts/w.bin")), "folder/m.onnx")
    assert found[1] is None
    assert found[2].companions == {"m.onnx.data", "parts/w.bin"}


@pytest.mark.parametrize("location", ["", "/etc/passwd", "../w.bin", "a/../../w.bin", "a\\w.bin", "a//b"])
def test_external_data_that_do_not_lie_beside_it(location):
    assert "does not lie beside it" in problem_of(model(node(), external(location)), "m.onnx")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (number(1, 10), "without a graph and operator sets"),
        (number(1, 10) + content(7, node()), "without operator sets"),
        (content(7, node()) + SETS, "without a version"),
        (model(node("ai.onnx.ml")), "'ai.onnx.ml', an operator set that it does not import"),
        (model(node()) + b"\x3a\x05", "beyond its message"),
    ],
)
def test_models_that_are_cut_off_between_fields(data, reason):
    assert reason in problem_of(data, "m.onnx")


def test_domains():
    sets = SETS + content(8, content(1, b"ai.onnx.ml") + number(2, 3))
    assert problem_of(model(node("ai.onnx.ml"), node("ai.onnx"), sets=sets), "m.onnx") == ""


def test_what_a_model_holds():
    assert inspected(model(node()), "m.onnx")[2].holds is Holds.TENSORS
    assert inspected(model(tensor(content(9, bytes(24)))), "m.onnx")[2].holds is Holds.TENSORS
    assert inspected(model(), "m.onnx")[2].holds is Holds.NOTHING
