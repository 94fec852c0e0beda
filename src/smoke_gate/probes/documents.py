"""Members of archives that name code in JSON: Keras' configuration, skops' schema, the data of stable-baselines3.

References: skops, ``io/_general.py`` and ``io/_audit.py``; stable-baselines3, ``common/save_util.py``.
"""

import base64
import binascii
import io
from collections.abc import Callable
from typing import Any, Final

from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.keras import judge_keras, objects
from smoke_gate.probes.pickle.attributes import is_plain_class
from smoke_gate.probes.pickle.files import scan_one_pickle
from smoke_gate.strict_json import JsonError, parse_json

MAX_DOCUMENT_BYTES: Final = 8 << 20
_PICKLED = ":serialized:"


def read_document(name: str, data: bytes, inspection: Inspection) -> None:
    """Judge the code that a member of this name makes a library load.

    Raises:
        BrokenError: it is not what the library writes.

    """
    _READERS[name](data, inspection)


def is_document(name: str) -> bool:
    """Return whether a member of this name is looked at; the libraries know them by name."""
    return name in _READERS


def check_size(size: int) -> None:
    """Refuse a document that is too large to be read whole.

    Raises:
        LimitError: it is.

    """
    if size > MAX_DOCUMENT_BYTES:
        raise LimitError(f"it has {size} bytes of JSON; at most {MAX_DOCUMENT_BYTES} are read")


def _keras(data: bytes, inspection: Inspection) -> None:
    judge_keras(data, inspection.imports)


def _skops(data: bytes, inspection: Inspection) -> None:
    """Judge each type and function of a schema, and each method of an object."""
    for node in objects(_parsed(data)):
        module, name, content = node.get("__module__"), node.get("__class__"), node.get("content")
        inner = content if isinstance(content, dict) else {}
        function = inner.get("module_path"), inner.get("function")
        is_function = node.get("__loader__") == "FunctionNode" and all(function)
        if isinstance(module, str) and isinstance(name, str) and not is_function:
            if node.get("__loader__") != "ObjectNode" or not is_plain_class(module, name):
                inspection.imports.add(module, name)
            if node.get("__loader__") == "MethodNode":
                inspection.imports.add(module, f"{name}.{inner.get('func')}")
        if isinstance(function[0], str) and isinstance(function[1], str):
            inspection.imports.add(function[0], function[1])


def _stable_baselines(data: bytes, inspection: Inspection) -> None:
    """Scan each value that cloudpickle made; decoded as the library decodes it, which takes no notice of odd bytes."""
    if not data.lstrip().startswith(b"{"):
        return
    for node in objects(_parsed(data)):
        text = node.get(_PICKLED)
        if isinstance(text, str):
            try:
                pickled = base64.b64decode(text.encode())
            except (binascii.Error, UnicodeEncodeError):
                raise BrokenError(f"it has a {_PICKLED} that is not base64") from None
            scan_one_pickle(io.BufferedReader(io.BytesIO(pickled)), inspection)


def _parsed(data: bytes) -> Any:
    try:
        return parse_json(data, constant=float)
    except JsonError as error:
        raise BrokenError(str(error)) from None


_READERS: Final[dict[str, Callable[[bytes, Inspection], None]]] = {
    "config.json": _keras,
    "schema.json": _skops,
    "data": _stable_baselines,
}
