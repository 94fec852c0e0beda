"""Follows the opcodes of one pickle without importing, building or calling anything.

The effects on stack, marks and memo are those of CPython's unpickler, so that the two strings that STACK_GLOBAL takes
are known even if they come from the memo; a string that something would compute is not, and counts as dangerous.
Where the C and the Python unpickler, or pickle and joblib, would read the same bytes differently, the stream is
refused: no honest pickler writes one. Reference: CPython's ``Modules/_pickle.c`` and ``Lib/pickletools.py``.
"""

import pickletools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.pickle.attributes import Attributes
from smoke_gate.probes.pickle.objects import array_built, made
from smoke_gate.probes.pickle.operands import Operands
from smoke_gate.probes.pickle.stack import Memo, Stack
from smoke_gate.probes.pickle.values import (
    WRAPPER_MISUSED,
    ArrayWrapper,
    Dict,
    Dtype,
    Function,
    Instance,
    Name,
    Opaque,
    Value,
    tuple_of,
)
from smoke_gate.probes.streams import ExactReader

_MAX_STORAGES = 100_000
_MAX_PROTOCOL = 5
_FOLLOWS_DOTS = 4  # from this protocol on, names of globals with dots lead from attribute to attribute
_NO_STORAGE = "it has a persistent id that is not a torch storage: only its writer can load it"

_Handler: TypeAlias = Callable[[], object]


class Machine:
    """One pickle from its first opcode to STOP.

    ``storages`` are torch's storages by key: the storage class and the number of elements.
    """

    def __init__(self, source: ExactReader, inspection: Inspection) -> None:
        self._source = source
        self._inspection = inspection
        self._read = Operands(source)
        self._stack = Stack(inspection.values)
        self._memo = Memo(inspection.memory)
        self._attributes = Attributes(inspection.imports)
        self._frame_end = 0
        self._version = 0  # until PROTO says another
        self.storages: dict[str, tuple[Name, int]] = {}

    def run(self) -> Value:
        """Follow the pickle to its end and return what is known of the value it holds.

        Raises:
            BrokenError: the stream is cut off or corrupt.
            LimitError: it is longer, or needs a larger stack, than is followed.

        """
        try:
            self._follow()
            value = self._stack.pop()
            self._attributes.kept([value])
            return value
        finally:
            self._attributes.settle()

    def go_on_from(self, other: "Machine") -> None:
        """Take over a copy of another's stack and memo."""
        self._stack, self._memo = other._stack.copy(), other._memo.copy()
        self._attributes = other._attributes.copy(self._inspection.imports)
        self._version = other._version

    def _follow(self) -> None:
        handlers = self._handlers()
        take, inspection, position = self._source.take, self._inspection, self._source.position
        while (code := take(1)) != b".":
            handler = handlers.get(code)
            if handler is None:
                raise BrokenError(
                    f"it is not a pickle, or a corrupt one: byte 0x{code.hex()} is not an opcode"
                )
            inspection.opcodes_left -= 1
            if inspection.opcodes_left < 0:
                raise LimitError(
                    f"it has more than {inspection.opcodes} pickle opcodes, too many for its size"
                )
            frame_end = self._frame_end
            handler()
            begin, position = position, self._source.position
            if begin < frame_end < position and code not in _MAY_LEAVE_FRAME:
                raise BrokenError("it is a corrupt pickle: an opcode begins in a frame and ends beyond it")
        if self._frame_end > self._source.position:
            raise BrokenError("it is a corrupt pickle: it stops before its frame ends")

    # --- containers ---

    def _tuple(self, length: int) -> None:
        self._stack.push(tuple_of(self._stack.pop_many(length)))

    def _dict(self) -> None:
        pairs = self._stack.pop_mark()
        self._stack.push(Dict())
        self._fill(pairs)

    def _set_item(self) -> None:
        self._fill(self._stack.pop_many(2))

    def _fill(self, pairs: list[Value]) -> None:
        target = self._stack.top()
        self._attributes.filled(target)
        if len(pairs) % 2:
            raise BrokenError("it is a corrupt pickle: a dict has a key without a value")
        self._attributes.kept(pairs[1::2])
        if isinstance(target, Dict):
            target.put(pairs)
        else:
            self._stack.add(pairs[1::2])

    def _append(self) -> None:
        self._attributes.filled(self._stack.append())

    def _extend(self) -> None:
        self._attributes.filled(self._stack.extend())

    # --- globals ---

    def _import(self, module: Value, name: Value) -> Name | Opaque:
        if Opaque.FORGOTTEN in (module, name):
            raise LimitError("it has more text than can be remembered")
        if not isinstance(module, str) or not isinstance(name, str):
            self.name_is_computed(module, name)
            return Opaque.COMPUTED
        found = Name(module, name)
        self._attributes.imported(found, follows_dots=self._version >= _FOLLOWS_DOTS)
        return found

    def name_is_computed(self, *_names: Value) -> None:
        """Note that what a global is called is not known before the pickle is loaded."""
        self._inspection.imports.computed = True

    def _global(self) -> None:
        self._stack.push(self._import(self._read.name(), self._read.name()))

    def _stack_global(self) -> None:
        self._stack.push(self._import(*self._stack.pop_many(2)))

    def _extension(self, width: int) -> None:
        code = self._read.number(width, signed=width == 4)
        self._inspection.imports.add("copyreg", f"_extension_registry[{code}]")
        self._stack.push(Opaque.COMPUTED)

    def _persistent_line(self) -> None:
        self._read.line()
        raise BrokenError(_NO_STORAGE)

    def _persistent(self) -> None:
        match self._stack.pop():
            case ("storage", Name() as kind, (str() | int()) as key, _, int() as count, *_):
                self.storages[str(key)] = (kind, count)  # torch.package counts them
                self._inspection.came_upon(Holds.TENSORS if count else Holds.DATA)
                if len(self.storages) > _MAX_STORAGES:
                    raise LimitError(f"it has more than {_MAX_STORAGES} torch storages")
            case ("module", kind, *_) if self._attributes.is_known_class(kind):
                self._stack.push(kind)  # a class with its source, as torch wrote before 1.6
                return
            case ("module", *_):
                pass
            case _:
                raise BrokenError(_NO_STORAGE)
        self._stack.push(Opaque.VALUE)

    # --- objects ---

    def _make(self, maker: Value, arguments: Value) -> None:
        if isinstance(maker, Name) and maker.is_array_wrapper:
            raise BrokenError(WRAPPER_MISUSED)
        if isinstance(maker, Function):  # its maker alone is unknown; this runs what it made
            self._inspection.imports.dangerous.add(f"{maker.maker.module}.{maker.maker.name}")
        self._attributes.given(maker, arguments)
        value, holds = made(maker, arguments)
        if holds is not Holds.DATA:
            self._inspection.came_upon(holds)
        self._stack.push(value)

    def _push_instance(self, instance: Instance) -> None:
        self._inspection.came_upon(Holds.OBJECT)
        self._stack.push(instance)

    def _reduce(self) -> None:
        arguments, maker = self._stack.pop(), self._stack.pop()
        if instance := self._attributes.called(maker, arguments):
            self._push_instance(instance)
        else:
            self._make(maker, arguments)

    def _new(self) -> None:
        arguments, maker = self._stack.pop(), self._stack.pop()
        if isinstance(maker, Name) and maker.is_array_wrapper and arguments == ():
            self._stack.push(ArrayWrapper())
        elif arguments == () and (instance := self._attributes.made_empty(maker)):
            self._push_instance(instance)
        else:
            self._make(maker, arguments)

    def _new_with_keywords(self) -> None:
        keywords, arguments, maker = self._stack.pop(), self._stack.pop(), self._stack.pop()
        self._attributes.given(maker, keywords)
        self._make(maker, arguments)

    def _object(self) -> None:
        items = self._stack.pop_mark()
        if not items:
            raise BrokenError("it is a corrupt pickle: it makes an object without a class")
        self._make(items[0], tuple_of(items[1:]))

    def _instance(self) -> None:
        module, name = self._read.name(), self._read.name()
        if not self._stack.has_mark:
            # Python's unpickler imports it before it misses the mark, C's does not; neither makes anything of it.
            self._inspection.imports.unknown.add(f"{module}.{name}")
        items = self._stack.pop_mark()
        self._make(self._import(module, name), tuple_of(items))

    def _build(self) -> None:
        state, target = self._stack.pop(), self._stack.top()
        self._attributes.built(target, state)
        if isinstance(target, Dtype):
            target.set_state(state)
        elif isinstance(target, Name):
            self._inspection.imports.dangerous.add(f"{target.module}.{target.name}.__setattr__")
        elif target is Opaque.ARRAY:
            self._inspection.came_upon(array_built(state))
        elif isinstance(target, ArrayWrapper):
            if not isinstance(state, Dict) or not state.known:
                raise BrokenError(WRAPPER_MISUSED)
            target.state.update(state.items)
            self.array_wrapper_built(target)

    def bytes_of(self, length: int) -> Opaque:
        """Read past bytes."""
        return self._read.constant(length)

    def array_wrapper_built(self, wrapper: ArrayWrapper) -> None:
        """Note that joblib's stand-in for an array is complete; to a plain unpickler it is any object."""

    # --- stream ---

    def _protocol(self) -> None:
        self._version = self._read.number(1)
        if self._version > _MAX_PROTOCOL:
            raise BrokenError(f"it is a corrupt pickle: there is no protocol {self._version}")

    def _frame(self) -> None:
        length = self._read.number(8)
        if self._source.position < self._frame_end:
            raise BrokenError("it is a corrupt pickle: a frame begins within another")
        self._frame_end = self._source.position + length

    # --- opcodes ---

    def _pushing(self, read: Callable[[], Value]) -> _Handler:
        push = self._stack.push
        return lambda: push(read())

    def _bytes_reader(self, width: int) -> Callable[[], Value]:
        return lambda: self.bytes_of(self._read.number(width))

    def _putting(self, read: Callable[..., int], *arguments: int) -> _Handler:
        return lambda: self._memo.put(read(*arguments), self._stack.top())

    def _getting(self, read: Callable[..., int], *arguments: int) -> _Handler:
        return lambda: self._stack.push(self._attributes.copied(self._memo.get(read(*arguments))))

    def _handlers(self) -> Mapping[bytes, _Handler]:
        by_name = {
            **{name: self._pushing(read) for name, read in self._read.readers().items()},
            **{name: self._pushing(self._bytes_reader(width)) for name, width in _BYTES.items()},
            **self._stack_handlers(),
            **self._container_handlers(),
            **self._object_handlers(),
        }
        return {_CODES[name]: handler for name, handler in by_name.items()}

    def _stack_handlers(self) -> dict[str, _Handler]:
        read, stack = self._read, self._stack
        return {
            "MARK": stack.mark,
            "POP": stack.drop,
            "POP_MARK": stack.pop_mark,
            "DUP": lambda: stack.push(self._attributes.copied(stack.top())),
            "READONLY_BUFFER": stack.top,
            "MEMOIZE": self._putting(self._memo.__len__),
            "PUT": self._putting(read.index),
            "BINPUT": self._putting(read.number, 1),
            "LONG_BINPUT": self._putting(read.number, 4),
            "GET": self._getting(read.index),
            "BINGET": self._getting(read.number, 1),
            "LONG_BINGET": self._getting(read.number, 4),
        }

    def _container_handlers(self) -> dict[str, _Handler]:
        stack, pushing = self._stack, self._pushing
        return {
            **dict.fromkeys(("EMPTY_LIST", "EMPTY_SET"), partial(stack.push, Opaque.VALUE)),
            **dict.fromkeys(("LIST", "FROZENSET"), stack.collect),
            **dict.fromkeys(("APPENDS", "ADDITEMS"), self._extend),
            "APPEND": self._append,
            **{name: partial(self._tuple, length) for length, name in enumerate(_TUPLES)},
            "TUPLE": lambda: stack.push(tuple_of(stack.pop_mark())),
            "EMPTY_DICT": pushing(Dict),
            "DICT": self._dict,
            "SETITEM": self._set_item,
            "SETITEMS": lambda: self._fill(stack.pop_mark()),
        }

    def _object_handlers(self) -> dict[str, _Handler]:
        return {
            "GLOBAL": self._global,
            "STACK_GLOBAL": self._stack_global,
            **{f"EXT{width}": partial(self._extension, width) for width in (1, 2, 4)},
            "PERSID": self._persistent_line,
            "BINPERSID": self._persistent,
            "REDUCE": self._reduce,
            "BUILD": self._build,
            "INST": self._instance,
            "OBJ": self._object,
            "NEWOBJ": self._new,
            "NEWOBJ_EX": self._new_with_keywords,
            "PROTO": self._protocol,
            "FRAME": self._frame,
        }


# The C unpickler drops the rest of a frame that an opcode leaves, and the Python one does not (CPython issue 154848).
# But joblib writes an array's bytes behind the BUILD of its stand-in, which ends a frame.
_MAY_LEAVE_FRAME: Final = frozenset([b"b"])
_BYTES: Final = {
    "SHORT_BINBYTES": 1,
    "BINBYTES": 4,
    "BINBYTES8": 8,
    "BYTEARRAY8": 8,
}  # and the width of the length
_TUPLES: Final = ("EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3")
_CODES: Final = {opcode.name: opcode.code.encode("latin-1") for opcode in pickletools.opcodes}
