import os
from pathlib import Path

import pytest

from smoke_gate.policy_file.errors import Position
from smoke_gate.policy_file.load import PolicyError
from smoke_gate.policy_file.reader import MAX_BYTES, read_document
from tests.unit.policy.reading import problem


def read(folder: Path, text: str) -> dict[str, object]:
    path = folder / "policy.yml"
    path.write_text(text, encoding="utf-8")
    document = read_document(path)
    assert document.problems == ()
    return document.value


@pytest.mark.parametrize(
    "text",
    [
        "042",
        "1e3",
        "yes",
        "NO",
        "on",
        "0x1F",
        "0o17",
        "1_000",
        "3.10",
        ".inf",
        "2026-01-31",
        "True",
        "true",
        "Null",
    ],
)
def test_scalars_keep_their_text(tmp_path, text):
    """spec: policy-texts"""
    assert read(tmp_path, f"key: {text}\n{text}: value\n") == {"key": text, text: "value"}


@pytest.mark.parametrize("text", ["null", "~", ""])
def test_null_is_only_null_tilde_and_nothing(tmp_path, text):
    """spec: policy-texts"""
    assert read(tmp_path, f"key: {text}") == {"key": None}


@pytest.mark.parametrize(
    ("text", "value"), [("'null'", "null"), ('"~"', "~"), ("''", ""), ("|\n  null", "null")]
)
def test_a_quoted_null_is_text(tmp_path, text, value):
    assert read(tmp_path, f"key: {text}") == {"key": value}


def test_a_quoted_merge_key_is_a_name(tmp_path):
    assert read(tmp_path, "{'<<': {a: 1}}") == {"<<": {"a": "1"}}


def test_anchors_and_aliases_are_read(tmp_path):
    assert read(tmp_path, "a: &x {b: [1]}\nc: *x") == {"a": {"b": ["1"]}, "c": {"b": ["1"]}}


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    assert read(tmp_path, "\ufeffa: 1\r\nb:\r\n- 2\r\n") == {"a": "1", "b": ["2"]}


def test_every_entry_has_its_place(tmp_path):
    path = tmp_path / "policy.yml"
    path.write_text("a:\n  b: [x, {c: y}]\n한글: z\n", encoding="utf-8")
    places = {
        location: (place.line, place.column)
        for location, place in read_document(path).places.items()
        if place.source == str(path)
    }
    assert places == {
        (): (1, 1),
        ("a",): (1, 1),
        ("a", "b"): (2, 3),
        ("a", "b", 0): (2, 7),
        ("a", "b", 1): (2, 10),
        ("a", "b", 1, "c"): (2, 11),
        ("한글",): (3, 1),
    }


@pytest.mark.parametrize(
    ("text", "place", "key", "message"),
    [
        (
            "version: 1\nruns:\n  cell: a\n  cell: b\n",
            "4:3",
            "runs.cell",
            "named twice, first in line 3, column 3",
        ),
        ("version: 1\nversion: 1\n", "2:1", "version", "named twice, first in line 1, column 1"),
        (
            "runs: {ignore: [{cell: x, 'cell': y}]}",
            "1:27",
            "runs.ignore[0].cell",
            "first in line 1, column 18",
        ),
        ("plan: {cells: {<<: {A: }}}", "1:16", "plan.cells", "merge keys are not read: write the keys out"),
        ("? [a, b]\n: c\n", "1:3", "", "found a list; expected a key"),
        ("~: c\n", "1:1", "", "found nothing; expected a key"),
        ("version: !!int 1\n", "1:10", "version", "tags are not read: found 'tag:yaml.org,2002:int'"),
        ("runs: !x {}\n", "1:7", "runs", "tags are not read: found '!x'"),
    ],
)
def test_what_does_not_hinder_reading_on_is_reported_with_the_rest(tmp_path, text, place, key, message):
    """spec: policy-file-form"""
    path = tmp_path / "policy.yml"
    path.write_text(text, encoding="utf-8")
    (found,) = read_document(path).problems
    assert str(found.place) == f"{path}:{place}"
    assert found.key == key
    assert message in found.message


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "1:1", "found nothing; expected a mapping that begins with `version: 1`"),
        ("# only a comment\n", "1:1", "found nothing"),
        ("- a\n", "1:1", "found a list; expected a mapping"),
        ("version 1\n", "1:1", "found a text; expected a mapping"),
        ("version: 1\n\truns: {}\n", "2:1", "indent with blanks, not tabs"),
        ("runs:\n  cell: [a\nplan: b\n", "3:5", "not YAML"),
        ("a: b: c\n", "1:5", "mapping values are not allowed here"),
        ("a: 'b\n", "2:1", "not YAML"),
        ("a: *b\n", "1:4", "undefined alias 'b'"),
        ("version: 1\n---\nversion: 1\n", "2:1", "but found another document"),
        ("version: 1\nruns: {cell: \x07}\n", "2:14", "character 0x7 is not allowed"),
        (b"version: 1\nruns: {cell: \xff}\n", "2:14", "byte 0xff is not UTF-8"),
        ("version: 1\n".encode("utf-16"), "1:1", "is not UTF-8"),
        ('a: "\\UFFFFFFFF"\n', "1:1", "stands for no character"),
        ('a: "\\U00110000"\n', "1:1", "stands for no character"),
        ("[" * 2_000, "1:1", "nested deeper"),
        ("a: " + "[" * 60 + "]" * 60, "1:44", "40 levels"),
        ("a: &x [*x]\n", "1:4", "40 levels"),
    ],
)
def test_what_cannot_be_read_is_one_problem_with_its_place(tmp_path, text, place, message):
    """spec: policy-file-form"""
    found = problem(tmp_path, text)
    assert found[:2] == (place, "")
    assert message in found[2]


def test_an_alias_bomb_is_refused(tmp_path):
    """spec: policy-file-form"""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "50000 entries" in problem(tmp_path, "\n".join(lines))[2]


def test_a_file_that_is_no_policy_by_its_size_is_not_parsed(tmp_path):
    assert problem(tmp_path, b"a: 1\n" * (MAX_BYTES // 5 + 1)) == (
        "",
        "",
        "larger than 256 KiB: this is not a policy file",
    )


def test_a_file_that_cannot_be_read_is_a_problem_of_the_policy(tmp_path):
    for path, reason in ((tmp_path / "absent.yml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(PolicyError, match=f"cannot be read: {reason}") as error:
            read_document(path)
        assert error.value.problems[0].place == Position(str(path))


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("smoke_gate.policy_file.reader.PATIENCE_SECONDS", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PolicyError, match="a pipe that nobody writes to"):
        read_document(tmp_path / "pipe")
    (tmp_path / "pipe").write_text("")  # ends the thread that waits
