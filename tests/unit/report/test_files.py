import errno
import os
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from smoke_gate.errors import ExitCode
from smoke_gate.report.files import ReportError, output_directory, stamp, write_folder, write_whole

SEOUL = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    "created_at", [datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC), datetime(2026, 1, 31, 21, 0, 5, tzinfo=SEOUL)]
)
def test_a_stamp_is_the_time_in_utc_and_the_evidence(created_at):
    """spec: file-names"""
    assert stamp(created_at, "ab12cd34" + "0" * 56) == "20260131T120005Z_ab12cd34"


def test_a_folder_that_is_made_stays_out_of_git(tmp_path):
    """spec: file-folder"""
    folder = output_directory(tmp_path / "a" / "outputs")
    assert (folder / ".gitignore").read_text() == "*\n"
    assert not (tmp_path / "a" / ".gitignore").exists()


def test_a_folder_that_was_there_is_left_as_it_is(tmp_path):
    assert output_directory(tmp_path) == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_written_replaced_and_readable_by_all(tmp_path):
    path = tmp_path / "report.md"
    for content in (b"one", b"two, longer", b""):
        assert write_whole(path, content).read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_finished_leaves_the_old_one_and_nothing_else(tmp_path, monkeypatch):
    """spec: file-whole"""
    path = write_whole(tmp_path / "report.md", b"old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReportError, match="No space left on device"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "Free some space, or choose another folder with --output-dir"),
        (errno.EDQUOT, "Free some space, or choose another folder with --output-dir"),
        (errno.EFBIG, "Free some space, or choose another folder with --output-dir"),
        (errno.EACCES, "Make the folder writable for this user, or choose another folder with --output-dir"),
    ],
)
def test_the_advice_fits_the_cause(tmp_path, monkeypatch, number, fix):
    def refuse(_descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(ReportError) as caught:
        write_whole(tmp_path / "report.md", b"new")
    assert str(caught.value).endswith(f"{os.strerror(number)}. {fix}")


def test_a_file_in_the_way_of_the_folder(tmp_path):
    path = tmp_path / "outputs"
    path.write_text("")
    with pytest.raises(ReportError, match=r"cannot write .*outputs: .*--output-dir") as caught:
        output_directory(path)
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_link_that_leads_in_a_circle(tmp_path, below):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ReportError, match="Remove the file or the link that stands where a folder should be"):
        output_directory(tmp_path / "a" / below)


def test_a_folder_that_is_gone(tmp_path):
    with pytest.raises(ReportError, match="No such file or directory"):
        write_whole(tmp_path / "gone" / "report.md", b"")


def test_a_folder_that_may_not_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(
        os, "access", lambda path, mode: False
    )  # the tests may run as root, who may write anywhere
    with pytest.raises(ReportError, match="Permission denied"):
        output_directory(tmp_path)


# --- root in somebody's folder ----------------------------------------------------------------------------------------


@pytest.fixture
def given(monkeypatch) -> dict[int, tuple[int, int]]:
    """Return to whom root gives which inode: the tests run as any user, who may not give anything away."""
    found: dict[int, tuple[int, int]] = {}

    def fchown(descriptor, uid, gid):
        found[os.fstat(descriptor).st_ino] = (uid, gid)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", fchown)
    return found


def inodes(*paths: Path) -> set[int]:
    return {path.stat().st_ino for path in paths}


def test_what_root_makes_belongs_to_the_owner_of_the_folder(tmp_path, given):
    """spec: file-folder"""
    folder = output_directory(tmp_path / "a" / "b" / "outputs")
    write_whole(folder / "report.md", b"text")
    write_folder(folder / "figures", {"one.png": b"png"})
    made = list(tmp_path.rglob("*"))
    assert len(made) == 7
    assert given.keys() == inodes(*made)
    assert set(given.values()) == {(tmp_path.stat().st_uid, tmp_path.stat().st_gid)}


def test_nobody_but_root_gives_anything_away(tmp_path, given, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1001)
    write_whole(output_directory(tmp_path / "outputs") / "report.md", b"text")
    assert given == {}


def test_what_was_there_keeps_its_owner(tmp_path, given):
    folder = output_directory(tmp_path)
    write_folder(folder, {"one.png": b"png"})
    assert given.keys() == inodes(folder / "one.png")


def test_no_owner_is_changed_behind_a_link(tmp_path, given):
    secret, elsewhere, outputs = (tmp_path / name for name in ("secret", "elsewhere", "outputs"))
    secret.write_text("root's")
    elsewhere.mkdir()
    outputs.mkdir()
    (outputs / "report.md").symlink_to(secret)
    (outputs / "figures").symlink_to(elsewhere)
    write_whole(outputs / "report.md", b"text")
    write_folder(outputs / "figures", {"one.png": b"png"})
    assert secret.read_text() == "root's"
    assert given.keys() == inodes(outputs / "report.md", elsewhere / "one.png")
    assert not given.keys() & inodes(secret, elsewhere)


def test_a_folder_that_becomes_a_link_keeps_its_owner(tmp_path, given, monkeypatch):
    target = tmp_path / "elsewhere"
    target.mkdir()
    make = type(tmp_path).mkdir

    def swapped(path, *arguments, **named):
        make(path, *arguments, **named)
        path.rmdir()
        path.symlink_to(target)

    monkeypatch.setattr(type(tmp_path), "mkdir", swapped)
    with pytest.raises(ReportError):
        output_directory(tmp_path / "outputs")
    assert given == {}


def test_a_file_system_that_refuses_costs_nothing(tmp_path, given, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    folder = output_directory(tmp_path / "outputs")
    assert write_whole(folder / "report.md", b"text").read_bytes() == b"text"
