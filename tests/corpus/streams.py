"""How a pickle hides what it calls: by other opcodes, by the memo, by names, by where it breaks off, by frames."""

import io
import pickle
import zlib
from collections.abc import Iterator

import joblib
import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper

from tests.corpus.writer import (
    CLEAN,
    ECHO,
    EVIL,
    EVIL_TEXT,
    PRINT,
    SYSTEM,
    WORD,
    Call,
    Entry,
    Expected,
    Ref,
    call,
    code,
    framed,
    pickled,
    text,
)

FOUR = b"\x80\x04"
OS, NAME = text("os"), text("system")
ARGUMENTS = text(ECHO) + b"\x85"
FINISH = b"\x93" + ARGUMENTS + b"R."
LEGACY_MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)


def _string(value: str) -> bytes:
    return b"U" + bytes([len(value)]) + value.encode()


OPCODES = {
    "GLOBAL": FOUR + b"cos\nsystem\n" + ARGUMENTS + b"R.",
    "GLOBAL of protocol 0": EVIL_TEXT,
    "GLOBAL of protocol 2": b"\x80\x02cos\nsystem\n" + _string(ECHO) + b"\x85R.",
    "INST": b"(S'" + ECHO.encode() + b"'\nios\nsystem\n.",
    "INST of protocol 5": b"\x80\x05(" + text(ECHO) + b"ios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'" + ECHO.encode() + b"'\no.",
    "OBJ that is dropped": FOUR + b"(" + OS + NAME + b"\x93" + text(ECHO) + b"o0N.",
    "NEWOBJ": FOUR + b"csubprocess\nPopen\n" + text(ECHO) + b"\x85\x81.",
    "NEWOBJ_EX": FOUR + b"csubprocess\nPopen\n" + text(ECHO) + b"\x85}\x92.",
    "BUILD": FOUR + b"csubprocess\nPopen\n)\x81}b.",
    "by the name of Python 2": b"\x80\x02c__builtin__\neval\n" + _string(PRINT) + b"\x85R.",
    "by copyreg": pickled(call("copyreg:__newobj__", Ref("subprocess", "Popen"), ECHO)),
    "by copyreg._reconstructor": pickled(
        call("copyreg:_reconstructor", Ref("subprocess", "Popen"), None, ECHO)
    ),
    "as an argument of a harmless call": pickled(call("collections:defaultdict", Ref("os", "getcwd"))),
    "as an argument of map": pickled(call("builtins:map", Ref("os", "system"), [ECHO])),
    "a chain of calls": pickled(
        Call(call("operator:methodcaller", "system", ECHO), (call("builtins:__import__", "os"),))
    ),
    "in a list": pickled([1, 2, SYSTEM]),
    "as a key": FOUR + b"}" + code(SYSTEM) + b"Ns.",
    "as a state": FOUR + b"cmy\nThing\n)\x81" + code(SYSTEM) + b"b.",
    "as a persistent id": FOUR
    + b"("
    + text("storage")
    + b"ctorch\nFloatStorage\n"
    + text("0")
    + text("cpu")
    + code(SYSTEM)
    + b"tQ.",
    "without PROTO": OS + NAME + FINISH,
    "with PROTO twice": FOUR + FOUR + b"\x80\x02" + b"\x80\x04" + OS + NAME + FINISH,
    "PROTO 0": b"\x80\x00" + OS + NAME + FINISH,
    "texts of BINUNICODE8": FOUR + b"\x8d" + (2).to_bytes(8, "little") + b"os" + NAME + FINISH,
    "texts of BINUNICODE": FOUR + b"X\x02\0\0\0os" + b"X\x06\0\0\0system" + FINISH,
    "strings of Python 2": FOUR + b"T\x02\0\0\0os" + _string("system") + FINISH,
    "texts on lines": FOUR + b"Vos\nVsystem\n" + FINISH,
    "quoted texts": FOUR + b"S'os'\nS\"system\"\n" + FINISH,
}

NAMES = {
    "names from the memo": FOUR + OS + b"\x94" + NAME + b"\x9400h\x00h\x01" + FINISH,
    "names from the memo, in text": FOUR + OS + b"p0\n" + NAME + b"p7\n00g0\ng7\n" + FINISH,
    "harmless names memoized by another opcode": FOUR
    + OS
    + b"q\x00"
    + NAME
    + b"q\x01"
    + text("torch._utils")
    + b"\x94"
    + text("_rebuild_tensor_v2")
    + b"\x940000h\x00h\x01"
    + FINISH,
    "a memo entry written again": FOUR + text("math") + b"q\x000" + OS + b"q\x000h\x00" + NAME + FINISH,
    "a memo entry far away": FOUR
    + OS
    + b"r\xff\xff\xff\x00"
    + b"0"
    + NAME
    + b"r\xfe\xff\xff\x00"
    + b"0j\xff\xff\xff\x00j\xfe\xff\xff\x00"
    + FINISH,
    "something between the names": FOUR + OS + b"N0" + NAME + b"]0K\x010" + FINISH,
    "a mark between the names": FOUR + OS + b"(NN1" + NAME + FINISH,
    "a copied name": FOUR + text("os.path") + b"0" + OS + b"20" + NAME + b"20" + FINISH,
    "the global itself from the memo": FOUR + OS + NAME + b"\x93\x940N0h\x00" + ARGUMENTS + b"R.",
    "a name that is called": FOUR + b"cbuiltins\nstr\n" + OS + b"\x85R" + NAME + FINISH,
    "a name that is joined": FOUR
    + code(call("builtins:str", "os"))
    + code(call("_codecs:encode", "system"))
    + FINISH,
    "a name in bytes": FOUR + b"C\x02os" + NAME + FINISH,
    "a name with an escape": FOUR + b"S'o\\x73'\n" + NAME + FINISH,
    "a name with a unicode escape": FOUR + b"Vo\\u0073\n" + NAME + FINISH,
    "a name that is a number": FOUR + b"K\x2a" + NAME + FINISH,
    "a name that is too long": FOUR + text("o" * 500) + NAME + FINISH,
    "dots in the name": pickled(call("os:path.os.system", ECHO)),
    "an attribute of a class that is set": FOUR
    + code(Ref("fractions", "Fraction"))
    + code((None, {"numerator": 1}))
    + b"b.",
    "a default of a function that is set": FOUR
    + code(Ref("re", "_compile"))
    + code((None, {"__defaults__": (1,)}))
    + b"b.",
    "an attribute of a module that is set": FOUR + code(Ref("os", "path")) + code({"join": None}) + b"b.",
    "dots that lead through a class": pickled(call("pathlib:Path.__class__.mro")),
    "a module's private name": pickled(call("random:_os.system", ECHO)),
    "a name behind underlines": pickled(call("random:__os.system", ECHO)),
    "a function that is built and called": pickled(
        Call(call("cloudpickle.cloudpickle:_make_function", None), (WORD,))
    ),
    "a function of dill that is called": pickled(Call(call("dill._dill:_create_function", None), (WORD,))),
    "an attribute of what is made": pickled(call("builtins:getattr", call("my:Net"), "run")),
    "an attribute that is set": pickled(call("builtins:setattr", Ref("json", "decoder"), "loads", 1)),
    "numpy's dtype of a dangerous name": FOUR + b"cnumpy\ndtype\n" + OS + NAME + b"\x93\x85R.",
}

BREAKS = {
    "a byte that is not an opcode": EVIL[:-1] + b"\xff",
    "a byte that is not an opcode, then a stop": EVIL[:-1] + b"\xff.",
    "no stop": EVIL[:-1],
    "an empty stack": EVIL[:-1] + b"000.",
    "a text that is not UTF-8": EVIL[:-1] + b"\x8c\x01\xff.",
    "a memo entry that is not there": EVIL[:-1] + b"h\x63.",
    "a protocol that is not there": EVIL[:-1] + b"\x80\x09.",
    "a length beyond the end": EVIL[:-1] + b"B\xff\xff\xff\x7f.",
    "a word in place of an integer": EVIL[:-1] + b"Ifive\n.",
    "a persistent id": EVIL[:-1] + b"P0\n.",
    "garbage behind it": EVIL + b"\x00" * 100,
    "text behind it": EVIL_TEXT + b"\n# and a comment\n",
    "a second pickle": CLEAN + EVIL,
    "a third pickle": CLEAN + CLEAN + EVIL,
    "a pickle behind a broken one": CLEAN + EVIL[:-1] + b"\xff",
    "the first of two": EVIL + CLEAN,
    "torch's magic number behind it": EVIL + LEGACY_MAGIC,
    "in the head of torch's old format": LEGACY_MAGIC + EVIL + CLEAN + CLEAN + CLEAN,
    "in the keys of torch's old format": LEGACY_MAGIC + pickle.dumps(1001, 2) + CLEAN + CLEAN + EVIL,
}

FRAMES = {
    "in a frame": FOUR + framed(OS + NAME + FINISH),
    "behind a frame": FOUR + framed(b"N0") + OS + NAME + FINISH,
    "across two frames": FOUR + framed(OS) + framed(NAME + FINISH),
}

BROKEN = {
    # the C unpickler drops what is left of the frame, and runs what the Python one takes for a text
    "a text that leaves its frame": FOUR
    + b"N"
    + framed(b"\x8c\x05", 4)
    + b"ab"
    + b"abcde"
    + OS
    + NAME
    + FINISH,
    "bytes that leave their frame": FOUR
    + b"}0}("
    + framed(b"B\x07\x01", 2)
    + b"\0\0\0\0"
    + (b"cos\nsystem\nV" + ECHO.encode() + b"\n\x85R(").ljust(261, b"N")
    + b"1.",
    "a line that leaves its frame": FOUR + framed(b"Vab", 3) + b"cos\nsystem\n" + ARGUMENTS + b"R.",
    "a frame that begins in another": FOUR + b"\x95" + (40).to_bytes(8, "little") + framed(b"N.", 2),
    "a frame's length that leaves its frame": FOUR
    + framed(b"N0N\x95", 4)
    + (20).to_bytes(8, "little")
    + b"." * 30,
    "a stop before the frame ends": FOUR + framed(b"N.", 100),
    "an array of joblib in a frame": pickle.dumps(
        NumpyArrayWrapper(np.ndarray, (3,), "C", np.dtype("f8")), protocol=4
    ),
    "an array of joblib of another length": pickle.dumps(
        NumpyArrayWrapper(np.ndarray, (3,), "C", np.dtype("f8")), protocol=3
    )[:-1]
    + b"\x10"
    + b"c" * 16
    + bytes(23)
    + b".",
}


class Evil:
    """An object that calls ``eval`` when it is loaded."""

    def __reduce__(self) -> tuple[object, ...]:
        return eval, (PRINT,)


def _dumped(value: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


def _padded() -> bytes:
    """Return an array whose padding byte a plain unpickler takes for an opcode."""
    head = pickle.dumps(NumpyArrayWrapper(np.ndarray, (3,), "C", np.dtype("f8")), protocol=3)[:-1]
    return head + b"c" + b"os\nsystem\n".ljust(ord("c")) + bytes(24) + b"."


JOBLIB = {
    "behind an array of joblib": _dumped([np.arange(1000.0), Evil()]),
    "in an array of objects of joblib": _dumped(np.array([Evil()], dtype=object)),
    "in an array of objects": pickle.dumps(np.array([Evil()], dtype=object)),
    "in a sorted set of arrays": _dumped({"a": np.zeros(0), "b": [np.ones(3), {"c": Evil()}]}),
}


def _nested() -> Iterator[tuple[str, bytes]]:
    data = EVIL
    for depth in range(3):
        data = pickled(call("pickle:loads", data))
        yield f"a pickle in a pickle, {depth + 1} deep", data
    yield (
        "a packed pickle in a pickle",
        pickled(call("pickle:loads", call("zlib:decompress", zlib.compress(EVIL)))),
    )
    yield (
        "a pickle in a text in a pickle",
        pickled(call("pickle:loads", call("base64:b64decode", "gASVHQAAAAAAAACM"))),
    )


def _entries(tricks: dict[str, bytes], expected: Expected) -> list[Entry]:
    return [Entry(trick, data, "model.pkl", expected) for trick, data in tricks.items()]


UNKNOWN = {
    "a name of a surrogate": FOUR + b"\x8c\x03\xed\xa0\x80" + NAME + FINISH,
    "an extension": FOUR + b"\x82\x01" + ARGUMENTS + b"R.",
    "a name with a carriage return": pickled(call("os\r:system", ECHO)),
    "a name with a blank": pickled(call(" os:system", ECHO)),
    "an empty name": pickled(call(":", ECHO)),
}

STREAMS = [
    *_entries(UNKNOWN, "unknown"),
    *_entries(OPCODES | NAMES | BREAKS | FRAMES | JOBLIB | dict(_nested()), "dangerous"),
    *_entries(BROKEN | {"padding that is code": _padded()}, "broken"),
    Entry(
        "an object of joblib's array without padding",
        pickle.dumps(
            NumpyArrayWrapper(np.ndarray, (), "C", np.dtype("f8"), numpy_array_alignment_bytes=None),
            protocol=3,
        )[:-1]
        + EVIL_TEXT[:8]
        + b".",
        "model.joblib",
        "unknown",
    ),
]
