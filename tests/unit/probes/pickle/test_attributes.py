import contextlib
import io
import pickle
from datetime import datetime
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.probes.pickle.globals import HARMLESS
from tests.unit.probes.files import SHELL, scanned


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


GETATTR = b"cbuiltins\ngetattr\n"
ZONE = b"czoneinfo\nZoneInfo\n"
UNPICKLE = ZONE + text("_unpickle") + b"\x86"
BERLIN = text("Europe/Berlin") + b"K\x01\x86R"

ZONES = [
    ZoneInfo("Europe/Berlin"),
    ZoneInfo.no_cache("UTC"),
    [ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Paris"), ZoneInfo("Europe/Berlin")],
    datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", ZONES, ids=lambda value: type(value).__name__)
def test_time_zones_are_harmless(value, protocol):
    data = pickle.dumps(value, protocol)
    assert b"getattr" in data
    found, problem = scanned(data)
    assert problem is None
    assert found.dangerous == found.unknown == ()


def test_pandas_objects_with_a_time_zone_are_not_dangerous():
    pd = import_module("pandas")
    times = pd.date_range("2026-01-01", periods=3, tz="Europe/Berlin")
    for value in (times, pd.DataFrame({"at": times}), times[0]):
        found, problem = scanned(pickle.dumps(value))
        assert problem is None
        assert found.dangerous == ()


CALLED = {
    "written out": GETATTR + UNPICKLE + b"R" + BERLIN,
    "twice from the memo": GETATTR + b"\x94" + UNPICKLE + b"R0h\x00" + UNPICKLE + b"R" + BERLIN,
    "a copy": GETATTR + b"2" + UNPICKLE + b"R0" + UNPICKLE + b"R" + BERLIN,
}


@pytest.mark.parametrize("data", CALLED.values(), ids=CALLED)
def test_a_harmless_attribute_of_a_global(data):
    assert pickle.loads(b"\x80\x04" + data + b".") is ZoneInfo("Europe/Berlin")
    found, problem = scanned(b"\x80\x04" + data + b".")
    assert problem is None
    assert found.dangerous == found.unknown == ()


def called(owner: bytes, attribute: str) -> bytes:
    return GETATTR + owner + text(attribute) + b"\x86R"


OTHERWISE = {
    **{
        f"ZoneInfo.{name}": called(ZONE, name)
        for name in (
            "from_file",
            "clear_cache",
            "_unpickle.__self__",
            "_unpickle.__class__",
            "__init_subclass__",
            "__reduce__",
            "__reduce_ex__",
            "__class__",
            "__dict__",
            "__globals__",
            "",
        )
    },
    "of another class": called(b"ccollections\nOrderedDict\n", "fromkeys"),
    "of the function itself": called(ZONE[:-1] + b"._unpickle\n", "__self__"),
    "of a module": called(b"cos\npath\n", "os"),
    "of itself": called(GETATTR, "__self__"),
    "of an import": called(b"cbuiltins\n__import__\n", "__self__"),
    "of a name cut elsewhere": called(b"czoneinfo.ZoneInfo\n_unpickle\n", "_unpickle"),
    "of a whole name": called(b"czoneinfo\n\n", "ZoneInfo"),
    "of an object": GETATTR + b"]" + text("_unpickle") + b"\x86R",
    "of what was called": GETATTR + ZONE + text("UTC") + b"\x85R" + text("_unpickle") + b"\x86R",
    "a name that is computed": GETATTR + ZONE + b"cbuiltins\nstr\n)R\x86R",
    "a name in bytes": GETATTR + ZONE + b"C\x09_unpickle\x86R",
    "three arguments": GETATTR + ZONE + text("_unpickle") + b"N\x87R",
    "one argument": GETATTR + ZONE + b"\x85R",
    "no arguments": GETATTR + b")R",
    "a list of arguments": GETATTR + b"](" + ZONE + text("_unpickle") + b"eR",
    "arguments from the memo": GETATTR + UNPICKLE + b"\x940h\x00R",
    "arguments from the memo of a call": GETATTR + b"2" + UNPICKLE + b"\x94R0h\x00R",
    "not called": GETATTR,
    "left below": GETATTR + b"N",
    "dropped": GETATTR + b"0N",
    "left in the memo": GETATTR + b"\x940N",
    "called harmlessly and handed on": GETATTR + b"\x94" + UNPICKLE + b"R0h\x00\x85",
    "called harmlessly, its copy handed on": GETATTR + b"2" + UNPICKLE + b"R0\x85",
    "handed on and called harmlessly": GETATTR + b"\x94\x850h\x00" + UNPICKLE + b"R",
    "handed to a call": b"cfunctools\npartial\n" + GETATTR + UNPICKLE[:-1] + b"\x87R",
    "given to another as its name": GETATTR + GETATTR + text("_unpickle") + b"\x86R",
    "in a list": b"]" + GETATTR + b"a",
    "in a dict": b"}" + text("a") + GETATTR + b"s",
    "above a mark": b"(" + GETATTR + b"10N",
    "as a state": b"cmy\nThing\n)R" + GETATTR + b"b",
    "with a state": GETATTR + b"}b" + UNPICKLE + b"R" + GETATTR,
    "INST": b"(" + ZONE + text("_unpickle") + b"ibuiltins\ngetattr\n",
    "OBJ": b"(" + GETATTR + ZONE + text("_unpickle") + b"o",
    "NEWOBJ": GETATTR + UNPICKLE + b"\x81",
    "NEWOBJ_EX": GETATTR + UNPICKLE + b"}\x92",
    "a torch module": b"(X\6\0\0\0module" + GETATTR + b"X\4\0\0\0filetQ" + UNPICKLE + b"R",
    "broken off": GETATTR + b"\xff",
    "broken off behind a call": GETATTR + b"\x94" + UNPICKLE + b"R0h\x00\xff",
}


@pytest.mark.parametrize("data", OTHERWISE.values(), ids=OTHERWISE)
@pytest.mark.parametrize("module", ["builtins", "__builtin__"])
def test_any_other_use_is_dangerous(data, module):
    found, _ = scanned(b"\x80\x04" + data.replace(b"builtins\ngetattr", f"{module}\ngetattr".encode()) + b".")
    assert f"{module}.getattr" in found.dangerous


SETATTR = b"cbuiltins\nsetattr\n"
CLASS = b"cdill._dill\n_create_type\n)R"
OUTER = text("Outer.Inner")


@pytest.mark.parametrize("attribute", ["__qualname__", "cell_contents"])
def test_what_dill_gives_to_a_class_or_a_cell_that_it_made_is_harmless(attribute):
    found, problem = scanned(
        b"\x80\x04" + CLASS + b"\x94" + SETATTR + b"h\x00" + text(attribute) + OUTER + b"\x87R0."
    )
    assert problem is None
    assert (found.dangerous, found.unknown) == ((), ("dill._dill._create_type",))


SET_OTHERWISE = {
    "another attribute": SETATTR + CLASS + text("forward") + OUTER + b"\x87R",
    "an attribute of a global": SETATTR + ZONE + text("__qualname__") + OUTER + b"\x87R",
    "a name that is computed": SETATTR + CLASS + b"cbuiltins\nstr\n)R" + OUTER + b"\x87R",
    "two arguments": SETATTR + CLASS + text("__qualname__") + b"\x86R",
    "by getattr": GETATTR + CLASS + text("__qualname__") + OUTER + b"\x87R",
    "not called": SETATTR,
    "handed on": SETATTR + b"\x85",
    "left in the memo": SETATTR + b"\x94" + CLASS + text("__qualname__") + OUTER + b"\x87R0h\x00",
}


@pytest.mark.parametrize("data", SET_OTHERWISE.values(), ids=SET_OTHERWISE)
def test_setattr_for_anything_else_is_dangerous(data):
    found, _ = scanned(b"\x80\x04" + data + b".")
    assert [name for name in found.dangerous if name.endswith("etattr")]


def test_a_call_that_is_harmless_hides_no_other():
    found, _ = scanned(b"\x80\x04" + GETATTR + UNPICKLE + b"R" + b"0" + SHELL)
    assert found.dangerous == ("os.system",)


def test_no_attribute_that_python_defines_itself_is_harmless():
    assert not [name for names in HARMLESS.values() for name in names if ".__" in name]


class _Uses:
    """A stand-in for getattr in an unpickler: it notes how it is called."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def __call__(self, *arguments: object) -> object:
        self.calls.append(arguments)
        return object()


class _Zone:
    pass


def recorder(unpickler: Any) -> Any:
    def find_class(self, module, name):
        return self.uses if name == "getattr" else _Zone

    return type("Recorder", (unpickler,), {"find_class": find_class})


operations = st.sampled_from(
    [
        *[GETATTR, ZONE, UNPICKLE, UNPICKLE + b"R", text("_unpickle"), text("__reduce__")],
        *[b"\x94", b"h\x00", b"h\x01", b"h\x02", b"q\x00", b"q\x01"],
        *[bytes([code]) for code in b"N()]}012tdlaesuRRR\x85\x86\x86\x87"],
    ]
)


@pytest.mark.parametrize("unpickler", [recorder(pickle.Unpickler), recorder(pickle._Unpickler)])
@given(steps=st.lists(operations, max_size=25))
def test_whatever_else_an_unpickler_calls_it_for_is_dangerous(unpickler, steps):
    data = b"\x80\x04" + GETATTR + b"\x94" + UNPICKLE + b"R" + b"".join(steps) + b"."
    real = unpickler(io.BytesIO(data))
    real.uses = _Uses()
    kept: object = None
    with contextlib.suppress(Exception):  # whatever stops it, it has called until then
        kept = real.load()
    if kept is real.uses or any(arguments != (_Zone, "_unpickle") for arguments in real.uses.calls):
        assert "builtins.getattr" in scanned(data)[0].dangerous
