import io
from collections.abc import Iterator

import pytest

from smoke_gate.probes.contents import Content, examine
from smoke_gate.probes.inspection import Inspection
from smoke_gate.probes.streams import stream_of
from tests.unit.probes.files import inspected, zipped


def examined(data: bytes, name: str, depth: int = 0) -> tuple[str | None, str | None]:
    content = Content(io.BufferedReader(io.BytesIO(data)), len(data), name, depth)
    found, problem = examine(content, Inspection.of_size(len(data)))
    return found, None if problem is None else str(problem)


@pytest.mark.parametrize(
    "error", [ValueError("odd"), KeyError("odd"), RecursionError("odd"), NotImplementedError("odd")]
)
@pytest.mark.parametrize("start", [b"", b"\x80\x04" + b"N0" * 50_000])
def test_whatever_is_not_foreseen_is_a_problem(error, start):
    def chunks() -> Iterator[bytes]:
        yield start
        raise error

    content = Content(stream_of(chunks()), 200_000, "model.pkl")
    found, problem = examine(content, Inspection.of_size(0))
    assert problem is not None
    assert "cannot be understood" in str(problem)
    assert "odd" in str(problem)
    assert found == ("pickle" if start else None)


def test_a_file_that_cannot_be_read_is_no_fact_about_it():
    def chunks() -> Iterator[bytes]:
        yield b"\x80\x04"
        raise OSError("input/output error")

    with pytest.raises(OSError, match="input/output"):
        examine(Content(stream_of(chunks()), 100, "model.pkl"), Inspection.of_size(0))


def test_a_member_of_an_archive_names_no_file_beside_the_archive():
    index = b'{"weight_map": {"w": "model-00001-of-00001.safetensors"}}'
    assert inspected(index, "model.safetensors.index.json")[2].companions == {
        "model-00001-of-00001.safetensors"
    }
    _, problem, inspection = inspected(zipped({"model.safetensors.index.json": index}), "bundle.zip")
    assert (problem, inspection.companions) == (None, set())


def test_problems_are_short():
    _, problem = examined(zipped({"x" * 900 + ".pkl": b"\xff"}), "model.pt")
    assert problem is not None
    assert len(problem) <= 300


def test_at_depth_only_what_is_unmistakable_or_promised_counts():
    assert examined(b"\x1f\x8b" + bytes(20), "data/0", depth=1) == (None, None)
    assert examined(b"\x80\x02" + bytes(20), "data/0", depth=1) == (None, None)
    assert examined(b"\x80\x02" + bytes(20), "data.pkl", depth=1)[1]
    assert examined(b"PK\x03\x04" + bytes(20), "data/0", depth=1)[1]


def test_what_the_problem_of_a_wrong_name_says():
    assert examined(b"<html>", "model.pt") == (
        None,
        "it promises pickle or zip by its name, but its bytes are of no known format",
    )
    assert (
        examined(b"N.", "model.npz")[1] == "it promises zip by its name, but its bytes are of no known format"
    )
