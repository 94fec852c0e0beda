import pytest

from smoke_gate.evidence import Globals, Holds
from tests.unit.probes.files import inspected, problem_of
from tests.unit.probes.protobuf_messages import content, number

INFO = content(1, content(2, b"") + content(4, b"serve"))
GRAPH = content(2, content(1, content(1, b"x") + content(2, b"Placeholder")))
SAVER = content(3, content(1, b"save/Const:0"))


def saved(*graphs: bytes) -> bytes:
    return number(1, 1) + b"".join(content(2, graph) for graph in graphs)


def test_a_model_with_variables():
    found, problem, inspection = inspected(saved(INFO + GRAPH + SAVER), "model/saved_model.pb")
    assert (found, problem, inspection.holds) == ("savedmodel", None, Holds.TENSORS)
    assert inspection.companions == {"variables/variables.index"}


def test_a_model_without_variables():
    found, problem, inspection = inspected(saved(INFO + GRAPH, INFO + GRAPH), "exported.pb")
    assert (found, problem, inspection.companions) == ("savedmodel", None, set())


@pytest.mark.parametrize("data", [saved(), b"\x08\x01", b"\x08", b"<html>", saved(INFO), saved(INFO)[:-1]])
def test_what_has_no_graph(data):
    _, problem, inspection = inspected(data, "saved_model.pb")
    assert problem or inspection.holds is Holds.NOTHING


def node(operation: bytes) -> bytes:
    return content(1, b"name") + content(2, operation) + content(3, b"input")


OPERATIONS = [
    (b"WriteFile", "dangerous"),
    (b"ReadFile", "unknown"),
    (b"EagerPyFunc", "unknown"),
    (b"MatMul", ""),
]


@pytest.mark.parametrize(("operation", "kind"), OPERATIONS)
@pytest.mark.parametrize(
    "graph",
    [
        lambda each: content(1, each),
        lambda each: (
            content(1, node(b"MatMul")) + content(2, content(1, content(1, b"signature") + content(3, each)))
        ),
    ],
)
@pytest.mark.parametrize("name", ["saved_model.pb", "model.ckpt.meta"])
def test_operations_that_reach_beyond_the_model(operation, kind, graph, name):
    meta = INFO + content(2, graph(node(operation)))
    found = inspected(saved(meta) if name.endswith(".pb") else meta, name)[2].imports.as_evidence()
    expected = {kind: ("tensorflow.raw_ops." + operation.decode(),)} if kind else {}
    assert found == Globals(**expected)


def test_of_two_operations_of_a_node_the_last_one_counts_too():
    twice = node(b"MatMul") + content(2, b"WriteFile")
    found = inspected(saved(INFO + content(2, content(1, twice))), "saved_model.pb")[2].imports
    assert found.dangerous == {"tensorflow.raw_ops.WriteFile"}


def test_other_files_of_the_suffix_are_of_no_known_format():
    for data in (b"\x0a\x04node", b"\x08\xb4\xfc\xd9", b"text"):
        assert inspected(data, "fingerprint.pb")[:2] == (None, None)


def test_graphs_of_tensorflow_1():
    found, problem, inspection = inspected(INFO + GRAPH + SAVER, "model.ckpt.meta")
    assert (found, problem, inspection.holds) == ("tensorflow_graph", None, Holds.DATA)
    assert inspection.companions == set()
    assert problem_of(INFO, "model.ckpt.meta") == "it is a MetaGraphDef without a graph: cut off, or none"
    assert inspected(b"\nnotes\n", "data.meta")[:2] == (None, None)
