import errno
import os
import stat
from datetime import UTC, datetime, timedelta, timezone

import pytest

from smoke_gate.errors import ExitCode
from smoke_gate.report.files import ReportError, output_directory, stamp, write_whole

SEOUL = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    "created_at", [datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC), datetime(2026, 1, 31, 21, 0, 5, tzinfo=SEOUL)]
)
def test_a_stamp_is_the_time_in_utc_and_the_evidence(created_at):
    assert stamp(created_at, "ab12cd34" + "0" * 56) == "20260131T120005Z_ab12cd34"


def test_a_folder_that_is_made_stays_out_of_git(tmp_path):
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


def test_a_folder_that_is_gone(tmp_path):
    with pytest.raises(ReportError, match="No such file or directory"):
        write_whole(tmp_path / "gone" / "report.md", b"")


def test_a_folder_that_may_not_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(
        os, "access", lambda path, mode: False
    )  # the tests may run as root, who may write anywhere
    with pytest.raises(ReportError, match="Permission denied"):
        output_directory(tmp_path)
