"""TensorFlow's graphs: ``saved_model.pb``, whose variables lie beside it, and ``NAME.meta`` of TensorFlow 1.

Format: tensorflow/core/protobuf, saved_model.proto and meta_graph.proto.
"""

import io

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Imports, Inspection
from smoke_gate.probes.protobuf import Field, WireReader
from smoke_gate.probes.streams import ExactReader

_META_GRAPHS = 2  # of SavedModel
_GRAPH, _SAVER = 2, 3  # of MetaGraphDef
_NODE, _LIBRARY = 1, 2  # of GraphDef
_FUNCTION, _FUNCTION_NODE = 1, 3  # of FunctionDefLibrary, of FunctionDef
_OPERATION = 2  # of NodeDef
_PREFIX = "tensorflow.raw_ops."
_WRITING = frozenset({"WriteFile"})  # any file
_REACHING_OUT = frozenset(
    {"EagerPyFunc", "MatchingFiles", "PyFunc", "PyFuncStateless", "ReadFile"}
    | {
        "DatasetToTFRecord",
        "SaveDataset",
        "SaveDatasetV2",
        "CreateSummaryFileWriter",
        "CreateSummaryDbWriter",
    }
    | {"DebugIdentity", "DebugIdentityV2", "DebugIdentityV3"}
)
_META_INFO = b"\x0a"  # the key of the first field of MetaGraphDef
_META_INFO_FIELDS = (b"\x0a", b"\x12", b"\x1a", b"\x22", b"\x2a", b"\x32", b"\x38")  # the keys of its fields
_VARIABLES = "variables/variables.index"


def begins_savedmodel(head: bytes, _: int) -> bool:
    """Return whether bytes begin like a schema version of 1 and a graph."""
    return head.startswith(b"\x08\x01\x12")


def begins_graph(head: bytes, _: int) -> bool:
    """Return whether bytes begin like a MetaGraphDef, with what is said about the graph; a text may begin so too."""
    if head[:1] != _META_INFO:
        return False
    length_bytes = next((at for at, byte in enumerate(head[1:11], 1) if byte < 0x80), 0)
    return head[length_bytes + 1 : length_bytes + 2] in _META_INFO_FIELDS


def probe_savedmodel(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify the lengths of the messages, and look for operations that write or read files, or call Python.

    Where a graph has a saver, its variables are companions.

    Raises:
        BrokenError: it is cut off, or has no graph.

    """
    reader = WireReader(ExactReader(stream))
    graphs = 0
    for part in reader.fields(size):
        if part.number == _META_GRAPHS and part.is_bytes:
            graphs += 1
            nodes, has_saver = _read_meta_graph(reader, part.end, inspection)
            if has_saver:
                inspection.needs_beside(_VARIABLES)
            if nodes:
                inspection.came_upon(Holds.TENSORS)
    if not graphs:
        raise BrokenError("it is a SavedModel without a graph: cut off, or none")


def probe_graph(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify the lengths of the messages of a MetaGraphDef, whose variables lie in a checkpoint.

    Raises:
        BrokenError: it is cut off, or has no graph.

    """
    nodes, _ = _read_meta_graph(WireReader(ExactReader(stream)), size, inspection)
    if not nodes:
        raise BrokenError("it is a MetaGraphDef without a graph: cut off, or none")
    inspection.came_upon(Holds.DATA)


def _read_meta_graph(reader: WireReader, end: int, inspection: Inspection) -> tuple[int, bool]:
    """Read a graph, and return its nodes and whether it has a saver: then it has variables."""
    nodes, has_saver = 0, False
    for part in reader.fields(end):
        if not part.is_bytes:
            continue
        if part.number == _SAVER:
            has_saver = True
        elif part.number == _GRAPH:
            for inner in reader.fields(part.end):
                if inner.number == _NODE:
                    nodes += 1
                    _judge_node(reader, inner, inspection)
                elif inner.number == _LIBRARY and inner.is_bytes:
                    _read_library(reader, inner.end, inspection)
    return nodes, has_saver


def _read_library(reader: WireReader, end: int, inspection: Inspection) -> None:
    """Look at the nodes of each function."""
    for function in reader.fields(end):
        if function.number == _FUNCTION and function.is_bytes:
            for part in reader.fields(function.end):
                if part.number == _FUNCTION_NODE:
                    _judge_node(reader, part, inspection)


def _judge_node(reader: WireReader, node: Field, inspection: Inspection) -> None:
    """Take account of an operation that reaches beyond the model when the graph runs."""
    if not node.is_bytes:
        raise BrokenError("it has a graph with a malformed node")
    for part in reader.fields(node.end):
        if part.number == _OPERATION:  # of a field that comes twice, readers take the last
            judge_operation(reader.text(part), inspection.imports)


def judge_operation(operation: str, imports: Imports) -> None:
    """Take account of an operation by its name."""
    if operation in _WRITING:
        imports.dangerous.add(_PREFIX + operation)
    elif operation in _REACHING_OUT:
        imports.unknown.add(_PREFIX + operation)
