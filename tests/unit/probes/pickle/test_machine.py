import io
import json
import pickle
import pickletools
import random
import re
from collections import ChainMap, Counter, OrderedDict, UserDict, deque
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Globals
from smoke_gate.probes.inspection import COMPUTED_NAME, MIN_OPCODES, Inspection, LimitError
from smoke_gate.probes.pickle import machine as pickle_machine
from smoke_gate.probes.pickle.machine import Machine
from smoke_gate.probes.streams import ExactReader
from tests.unit.probes.files import SHELL, scanned

cloudpickle = import_module("cloudpickle")


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


STACKED_SYSTEM = text("os") + text("system") + b"\x93"

HARMLESS_VALUES = [
    None,
    {"a": [1, 2.5, True], "b": (None, "text", b"bytes")},
    {1, 2},
    frozenset({3}),
    bytearray(b"xyz"),
    -(2**70),
    2 + 3j,
    OrderedDict(a=1),
    Counter("aab"),
    deque([1, 2], maxlen=3),
    datetime(2026, 1, 1, tzinfo=UTC),
    Decimal("1.5"),
    list(range(3000)),
    "x" * 100_000,
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.ones((2, 3))),
    np.array(["a", None], dtype=object),
    np.array([(1, 2.0)], dtype=[("i", "i4"), ("f", "f8")]),
    np.float64(2.5),
    np.datetime64("2026-01-01"),
    np.ma.array([1, 2], mask=[True, False]),
    np.random.default_rng(0),
    np.random.RandomState(1),
    ...,
    NotImplemented,
    ChainMap({"a": 1}, {"b": 2}),
    UserDict(a=1),
    random.Random(1),
    re.compile("a+", re.IGNORECASE),
    np.eye(2).view(np.matrix),
    np.rec.array([(1, 2.0)], dtype=[("i", "i4"), ("f", "f8")]),
    np.poly1d([1, 2]),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", HARMLESS_VALUES, ids=lambda value: type(value).__name__)
def test_what_checkpoints_hold_is_harmless(value, protocol):
    found, problem = scanned(pickle.dumps(value, protocol))
    assert problem is None
    assert found.dangerous == ()
    assert found.unknown == ()


class Model:
    def __init__(self) -> None:
        self.weights = np.ones(3)


def test_a_class_of_ones_own_is_unknown():
    found, problem = scanned(pickle.dumps(Model()))
    assert problem is None
    assert found.unknown == (f"{__name__}.Model",)
    assert found.dangerous == ()


DANGEROUS = {
    "protocol 0": (SHELL, "os.system"),
    "INST": (b"(S'true'\nios\nsystem\n.", "os.system"),
    "OBJ": (b"(cos\nsystem\nS'true'\no.", "os.system"),
    "STACK_GLOBAL": (b"\x80\x04" + STACKED_SYSTEM + b".", "os.system"),
    "without PROTO": (STACKED_SYSTEM + b".", "os.system"),
    "names from the memo": (
        b"\x80\x04" + text("os") + b"\x94" + text("system") + b"\x940" + b"0h\x00h\x01\x93.",
        "os.system",
    ),
    # picklescan issue 14: harmless strings are memoized behind the dangerous ones, by another opcode
    "PUT mixed with MEMOIZE": (
        b"\x80\x04U\x02osq\x00U\x06systemq\x01"
        + text("torch._utils")
        + b"\x94"
        + text("_rebuild_tensor_v2")
        + b"\x940000h\x00h\x01\x93.",
        "os.system",
    ),
    "a memo entry written again": (
        b"\x80\x04"
        + text("math")
        + b"q\x000"
        + text("os")
        + b"q\x00"
        + b"0h\x00"
        + text("system")
        + b"\x93.",
        "os.system",
    ),
    "something between the names": (
        b"\x80\x04" + text("os") + b"N0" + text("system") + b"]0\x93.",
        "os.system",
    ),
    "BINUNICODE8": (
        b"\x80\x04\x8d" + (2).to_bytes(8, "little") + b"os" + b"X\x06\x00\x00\x00system\x93.",
        "os.system",
    ),
    "strings of Python 2": (b"\x80\x02T\x02\x00\x00\x00osU\x06system\x93.", "os.system"),
    "a dotted name": (b"\x80\x04" + text("torch") + text("os.system") + b"\x93.", "torch.os.system"),
    "a chain of getattr": (
        b"\x80\x04cbuiltins\ngetattr\n(cmath\npi\n" + text("__class__") + b"tR.",
        "builtins.getattr",
    ),
    "popped at once": (b"\x80\x04" + STACKED_SYSTEM + b"0N.", "os.system"),
    "behind an opcode that fickling lacked": (b"}F1.0\n" + SHELL, "os.system"),
    "behind bytes out of band": (b"\x80\x05\x97" + STACKED_SYSTEM + b".", "os.system"),
    "in a frame": (b"\x80\x04\x95" + (12).to_bytes(8, "little") + STACKED_SYSTEM + b".", "os.system"),
}


@pytest.mark.parametrize(("data", "name"), DANGEROUS.values(), ids=DANGEROUS)
def test_dangerous_globals_are_found(data, name):
    found, problem = scanned(data)
    assert problem is None
    assert name in found.dangerous


@pytest.mark.parametrize(
    "tail", [b"", b"\xff", b"00000", b"h\x63", b"\x80\x09", b"B\xff\xff\xff\x7f", b"\x85"]
)
def test_what_breaks_off_after_a_dangerous_global_shows_both(tail):
    found, problem = scanned(b"\x80\x04" + STACKED_SYSTEM + tail)
    assert found.dangerous == ("os.system",)
    assert problem


COMPUTED = {
    "called": b"cbuiltins\nstr\n(S'os'\ntR" + text("system") + b"\x93.",
    "from an attribute": b"cnumpy\nprod\nN}S'a'\nS'os'\ns\x86b0cnumpy\nprod.a\n" + text("system") + b"\x93.",
    "escaped": b"S'o\\x73'\n" + text("system") + b"\x93.",
    "escaped, as unicode": b"Vo\\u0073\n" + text("system") + b"\x93.",
    "bytes": b"C\x02os" + text("system") + b"\x93.",
    "a number": b"K\x01" + text("system") + b"\x93.",
    "too long": b"X\xf4\x01\x00\x00" + b"o" * 500 + text("system") + b"\x93.",
}


@pytest.mark.parametrize("data", COMPUTED.values(), ids=COMPUTED)
def test_a_global_whose_name_is_computed_is_dangerous(data):
    found, _ = scanned(data)
    assert COMPUTED_NAME in found.dangerous


@pytest.mark.parametrize(
    ("start", "follows"),
    [(b"", False), (b"\x80\x02", False), (b"\x80\x04", True), (b"\x80\x04\x80\x02", False)],
)
def test_names_with_dots_are_followed_where_the_unpickler_follows_them(start, follows):
    if follows:
        assert pickle.loads(start + b"cjson\ndecoder.JSONDecoder\n.") is json.JSONDecoder
    else:
        with pytest.raises(AttributeError):
            pickle.loads(start + b"cjson\ndecoder.JSONDecoder\n.")
    found, problem = scanned(start + b"ctorch\nos.system\n.")
    assert problem is None
    assert (found.dangerous == ("torch.os.system",)) is follows
    assert (found.unknown == ("torch.os.system",)) is not follows


def test_an_instance_without_its_mark_is_imported_by_one_unpickler_and_made_by_none():
    found, problem = scanned(b"ios\nsystem\n.")
    assert (found.dangerous, found.unknown) == ((), ("os.system",))
    assert "a mark is missing" in (problem or "")
    found, _ = scanned(b"(ios\nsystem\n.")
    assert found.dangerous == ("os.system",)


def own_code() -> dict[str, Any]:
    """Define what cloudpickle carries along, because no module has it."""

    class Own:
        def double(self) -> int:
            return 2

    def rebuilt(value: int) -> int:
        return value

    class Rebuilt:
        def __reduce__(self) -> tuple[Any, ...]:
            return rebuilt, (1,)

    return {"object": Own(), "class": Own, "function": rebuilt, "lambda": lambda: 1, "rebuilt": Rebuilt()}


@pytest.mark.parametrize("name", ["object", "class", "function", "lambda"])
def test_code_of_ones_own_is_unknown(name):
    found, problem = scanned(cloudpickle.dumps(own_code()[name]))
    assert problem is None
    assert found.dangerous == ()
    assert "cloudpickle.cloudpickle._make_function" in found.unknown


def test_code_that_a_pickle_brings_along_and_calls_is_dangerous():
    found, problem = scanned(cloudpickle.dumps(own_code()["rebuilt"]))
    assert problem is None
    assert found.dangerous == ("cloudpickle.cloudpickle._make_function",)


BROUGHT = b"cdill._dill\n_create_function\n)R"
CALLS = {
    "REDUCE": BROUGHT + b")R",
    "from the memo": BROUGHT + b"\x940h\x00)R",
    "OBJ": b"(" + BROUGHT + b"o",
    "NEWOBJ": BROUGHT + b")\x81",
    "NEWOBJ_EX": BROUGHT + b")}\x92",
    "DUP": BROUGHT + b"2)R",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_however_it_is_called(call):
    assert scanned(b"\x80\x04" + call + b".")[0].dangerous == ("dill._dill._create_function",)


def test_extension_codes_are_unknown():
    found, problem = scanned(b"\x80\x02\x82\x11\x83\x12\x00\x84\x13\x00\x00\x00\x87.")
    assert problem is None
    assert found.unknown == tuple(f"copyreg._extension_registry[{code}]" for code in (17, 18, 19))


def test_torch_ids_that_are_known():
    storage = b"((X\x07\0\0\0storageq\0ctorch\nFloatStorage\nX\1\0\0\0%dX\3\0\0\0cpuK\6tQ"
    module = b"(X\6\0\0\0modulecmy\nNet\nX\4\0\0\0filetQ"
    found, problem = scanned(b"\x80\2" + storage % 0 + module + b"t.")
    assert (problem, found.unknown) == (None, ("my.Net",))


def test_more_torch_storages_than_are_kept(monkeypatch):
    monkeypatch.setattr(pickle_machine, "_MAX_STORAGES", 3)
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0%dX\3\0\0\0cpuK\6tQ"
    many = b"".join(storage % key for key in range(4))
    assert "torch storages" in (scanned(b"\x80\2" + many + b".")[1] or "")


def test_opcodes_that_picklers_hardly_use():
    """POP_MARK, NEXT_BUFFER, READONLY_BUFFER, DUP: with a list below the marks, and without."""
    assert scanned(b"\x80\x05](NN(NN1\x97\x982e.")[1] is None
    assert "empty stack" in (scanned(b"\x80\x05((NN1\x97\x982e.")[1] or "")


class WithKeywords:
    def __getnewargs_ex__(self):
        return (1,), {"a": 2}


def test_objects_made_with_keywords():
    found, problem = scanned(pickle.dumps(WithKeywords(), protocol=4))
    assert (problem, found.unknown) == (None, (f"{__name__}.WithKeywords",))


BROKEN = {
    "no byte": (b"", "cut off"),
    "no opcode": (b"\x80\x04\xff.", "0xff is not an opcode"),
    "no STOP": (b"\x80\x04N", "cut off"),
    "nothing to return": (b"\x80\x04.", "empty stack"),
    "underflow": (b"\x80\x040.", "empty stack"),
    "a tuple of too few": (b"N\x86.", "empty stack"),
    "below a mark": (b"N(\x85.", "empty stack"),
    "no mark": (b"Nt.", "mark"),
    "odd dict": (b"}(Nu.", "without a value"),
    "a text that is called": (b"V5\n)R.", "not a function or a class"),
    "a number that is called": (b"(K\x05o.", "not a function or a class"),
    "a tuple that is called": (b"))\x81.", "not a function or a class"),
    "a dict that is called": (b"})}\x92.", "not a function or a class"),
    "object of no class": (b"(o.", "without a class"),
    "no such memo entry": (b"h\x05.", "memo entry 5"),
    "memo of nothing": (b"\x94.", "empty stack"),
    "memo index in words": (b"gfive\n.", "not a number"),
    "protocol 6": (b"\x80\x06N.", "protocol 6"),
    "negative length": (b"T\xff\xff\xff\xff.", "negative"),
    "length beyond the end": (b"\x8e" + b"\xff" * 8 + b"N.", "cut off"),
    "no UTF-8": (b"\x8c\x01\xff.", "UTF-8"),
    "string without quotes": (b"Sos\n.", "quotes"),
    "line without end": (b"cos", "cut off"),
    "frame within a frame": (b"\x80\x04\x95" + b"\x20" + b"\0" * 7 + b"\x95" + b"\0" * 8 + b"N.", "frame"),
    "an opcode leaves its frame": (
        b"\x80\x04}0}(\x95"
        + (2).to_bytes(8, "little")
        + b"B\x07\x01\0\0\0\0"
        + (b"cos\nsystem\nVecho\n\x85R(").ljust(261, b"N")
        + b"1.",
        "begins in a frame and ends beyond it",
    ),
    "a frame's length leaves the frame before": (
        b"\x80\x04\x95" + (4).to_bytes(8, "little") + b"N0N\x95" + (1).to_bytes(8, "little") + b".",
        "begins in a frame and ends beyond it",
    ),
    "a text leaves its frame": (
        b"\x80\x04\x95" + (4).to_bytes(8, "little") + b"\x8c\x05abcde.",
        "begins in a frame and ends beyond it",
    ),
    "a line leaves its frame": (
        b"\x80\x04\x95" + (4).to_bytes(8, "little") + b"Vabcde\n.",
        "begins in a frame and ends beyond it",
    ),
    "stops before its frame ends": (b"\x80\x04\x95" + b"\x20" + b"\0" * 7 + b"N.", "frame"),
    "name without end": (b"c" + b"o" * 5000 + b"\nsystem\n.", "too long"),
    "persistent id": (b"K\x05Q.", "persistent id"),
    "persistent id in text": (b"P5\n.", "persistent id"),
    "too many names": (b"".join(b"cm%d\nn\n0" % n for n in range(2000)) + b"N.", "different globals"),
    "too high": (b"(" + b"N" * 300_000 + b"t.", "stack"),
    "too many marks": (b"(" * 300_000 + b"N.", "stack"),
    "scattered memo": (
        b"N" + b"".join(b"r" + n.to_bytes(4, "little") for n in range(9, 100_200)) + b".",
        "memo",
    ),
}


@pytest.mark.parametrize(("data", "reason"), BROKEN.values(), ids=BROKEN)
def test_corrupt_streams_are_told(data, reason):
    _, problem = scanned(data)
    assert problem
    assert reason in problem


def test_more_opcodes_than_can_be_followed_are_a_problem():
    inspection = Inspection(expansion_left=0, opcodes_left=10)
    with pytest.raises(LimitError, match=f"more than {MIN_OPCODES} pickle opcodes"):
        Machine(ExactReader(io.BufferedReader(io.BytesIO(b"N" * 20 + b"."))), inspection).run()


def test_every_opcode_there_is_has_a_handler():
    source = ExactReader(io.BufferedReader(io.BytesIO()))
    handlers = Machine(source, Inspection.of_size(0))._handlers()
    assert handlers.keys() | {b"."} == {opcode.code.encode("latin-1") for opcode in pickletools.opcodes}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(value=values, protocol=st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_as_many_opcodes_are_followed_as_pickletools_finds(value, protocol):
    data = pickle.dumps(value, protocol)
    inspection = Inspection.of_size(len(data))
    Machine(ExactReader(io.BufferedReader(io.BytesIO(data))), inspection).run()
    assert inspection.opcodes - inspection.opcodes_left == sum(1 for _ in pickletools.genops(data)) - 1


UNLOADABLE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)


class Anything:
    """A stand-in for every global in a real unpickler: it takes whatever is done to it."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __new__(cls, *_, **__):
        return super().__new__(cls)

    def __setstate__(self, _):
        pass

    append = extend = add = __setitem__ = update = __setstate__


def recorder(unpickler: Any) -> Any:
    """Return an unpickler that imports nothing and notes what it is asked for."""

    def find_class(self, module, name):
        self.asked.add(f"{module}.{name}")
        return Anything

    return type("Recorder", (unpickler,), {"find_class": find_class, "persistent_load": Anything})


words = st.sampled_from(["m", "n", "o", "a.b"])
small = st.integers(0, 4)
operations = st.one_of(
    st.builds(lambda word: text(word), words),
    st.builds(lambda word: b"X" + len(word).to_bytes(4, "little") + word.encode(), words),
    st.builds(lambda word: b"U" + bytes([len(word)]) + word.encode(), words),
    st.builds(lambda word: b"V" + word.encode() + b"\n", words),
    st.builds(lambda word: b"S'" + word.encode() + b"'\n", words),
    st.builds(lambda module, name: f"c{module}\n{name}\n".encode(), words, words),
    st.builds(lambda module, name: f"i{module}\n{name}\n".encode(), words, words),
    st.builds(lambda index: b"q" + bytes([index]), small),
    st.builds(lambda index: b"h" + bytes([index]), small),
    st.builds(lambda index: b"p%d\n" % index, small),
    st.builds(lambda index: b"g%d\n" % index, small),
    st.builds(lambda index: b"r" + index.to_bytes(4, "little"), small),
    st.builds(lambda index: b"j" + index.to_bytes(4, "little"), small),
    st.sampled_from(
        [bytes([code]) for code in b"N()]}0012ltdaesuRbo\x85\x86\x87\x81\x92\x93\x93\x93\x94\x94\x8f\x90\x91"]
    ),
    st.builds(lambda number: b"K" + bytes([number]), small),
)


# In C and in Python: they differ in small things.
@pytest.mark.parametrize("unpickler", [recorder(pickle.Unpickler), recorder(pickle._Unpickler)])
@given(steps=st.lists(operations, max_size=25))
def test_whatever_an_unpickler_would_import_is_found(unpickler, steps):
    start = b"".join(
        text(word) + b"\x94" for word in ("m", "n", "o", "m", "a.b")
    )  # so that few streams end at once
    data = b"\x80\x04" + start + b"".join(steps) + b"."
    real = unpickler(io.BytesIO(data))
    real.asked = set()
    try:
        real.load()
        loads = True
    except UNLOADABLE:
        loads = False
    found, problem = scanned(data)
    if COMPUTED_NAME not in found.dangerous:
        assert real.asked <= set(found.unknown)
    assert not (loads and problem)


def test_a_vocabulary_of_a_third_of_a_million_words_is_followed():
    data = pickle.dumps({f"term{number:06}": number for number in range(358_000)})
    assert scanned(data) == (Globals(), None)


@pytest.mark.parametrize(("size", "bound"), [(0, 4_000_000), (10_000_000, 5_250_000)])
def test_the_bound_on_opcodes_grows_with_the_file(size, bound):
    assert Inspection.of_size(size).opcodes == Inspection.of_size(size).opcodes_left == bound


def test_a_name_that_the_memo_has_no_room_for_is_a_limit_and_no_accusation():
    data = b"\x80\x04\x8c\x05numpy\x940\x8c\x07ndarray\x940h\x00h\x01\x93."
    machine = Machine(
        ExactReader(io.BufferedReader(io.BytesIO(data))), Inspection(expansion_left=0, memory=80)
    )
    with pytest.raises(LimitError, match="more text than can be remembered"):
        machine.run()
    assert scanned(data) == (Globals(), None)
