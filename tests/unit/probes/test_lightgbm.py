import json

import pytest

from smoke_gate.evidence import Holds
from smoke_gate.probes import lightgbm
from tests.unit.probes.files import inspected, problem_of

TREES = [b"Tree=0\nnum_leaves=2\n\n\n", b"Tree=1\nnum_leaves=3\nx=1\n\n\n"]
HEAD = b"tree\nversion=v4\nnum_class=1\nfeature_names=a b\n"
ENDING = b"\nfeature_importances:\na=1\n\nparameters:\n[boosting: gbdt]\n\nend of parameters\n"
PYTHON = b"\npandas_categorical:null\n"


def whole(
    trees: list[bytes] = TREES, ending: bytes = ENDING + PYTHON, sizes: list[int] | None = None
) -> bytes:
    said = " ".join(str(size) for size in (sizes if sizes is not None else map(len, trees)))
    return HEAD + f"tree_sizes={said}\n\n".encode() + b"".join(trees) + b"end of trees\n" + ending


@pytest.mark.parametrize(
    "data",
    [
        whole(),
        whole(ending=ENDING),  # of the command line or R
        whole(ending=ENDING + b"\npandas_categorical:" + json.dumps([["x", "y"]]).encode() + b"\n"),
        whole(ending=b"\nfeature_importances:\n" + PYTHON),
    ],
)
@pytest.mark.parametrize("name", ["model.txt", "model.lgb", "booster.model", "model"])
def test_whole_texts(data, name):
    found, problem, inspection = inspected(data, name)
    assert (found, problem, inspection.holds) == ("lightgbm", None, Holds.TENSORS)


def test_a_model_without_trees_holds_nothing():
    assert inspected(whole([]), "model.txt")[2].holds is Holds.NOTHING


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (whole(sizes=[22, 25]), "do not end where its tree_sizes say"),
        (whole(sizes=[21, 27]), "no tree 1 where"),
        (whole(sizes=[22]), "do not end where"),
        (whole(sizes=[22, 26, 30]), "no tree 2 where"),
        (whole(sizes=[3]), "no tree 0 where"),
        (whole(TREES[::-1]), "no tree 0 where"),
        (whole().replace(b"tree_sizes=22 26", b"tree_sizes=22 -7"), "not numbers"),
        (whole().replace(b"tree_sizes=22 26\n", b""), "no tree_sizes before its trees"),
        (HEAD, "ends before its trees"),
        (whole(ending=b""), "before its parameters do"),
        (whole(ending=ENDING[:-18]), "before its parameters do"),
        (whole(ending=ENDING + b"\n"), "before its parameters do"),
        (whole(ending=ENDING + PYTHON + b"more\n"), "lines after its last one"),
        (whole(ending=ENDING + b"\npandas_categorical:[[\n"), "pandas_categorical that cannot be read"),
        (whole()[:-1], "in the middle of a line"),
    ],
)
def test_broken_ones(data, reason):
    assert reason in problem_of(data, "model.lgb")


def test_texts_that_are_too_long(monkeypatch):
    monkeypatch.setattr(lightgbm, "_MAX_LINE_BYTES", 100)
    monkeypatch.setattr(lightgbm, "_MAX_LINES", 50)
    assert problem_of(whole(), "model.txt") == ""
    assert "a line of more than 100 bytes" in problem_of(whole(ending=b"x" * 101 + b"\n"), "model.txt")
    assert "more than 50 lines" in problem_of(whole(ending=b"\n" * 60), "model.txt")
