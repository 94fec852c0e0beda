import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.collect.errors import ArtifactError
from smoke_gate.collect.folders import Entry, LocalFolder, Tree
from smoke_gate.policy.terms import path_matches
from smoke_gate.probes.ranges import Fetch


def written(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    return root.resolve()


FILES = (
    "a.png",
    "x/a.png",
    "x/b.pt",
    "x/y/a.png",
    "x/y/z/b.pt",
    ".hidden/a.png",
    "y/x/a.png",
    "x/[1].png",
    "x/{a}.pt",
)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("x/*",), ["x/[1].png", "x/a.png", "x/b.pt", "x/{a}.pt"]),
        (("x/**",), ["x/[1].png", "x/a.png", "x/b.pt", "x/y/a.png", "x/y/z/b.pt", "x/{a}.pt"]),
        (("**/*.pt",), ["x/b.pt", "x/y/z/b.pt", "x/{a}.pt"]),
        (("*.png",), ["a.png"]),
        (("*/y/*.png",), ["x/y/a.png"]),
        (("x/a.png", "nothing/*"), ["x/a.png"]),
        (("*/*/*.png", "*/*/*/*"), ["x/y/a.png", "x/y/z/b.pt", "y/x/a.png"]),
        (("x/*.PNG",), []),
        ((), []),
    ],
)
def test_matching(tmp_path, patterns, expected):
    tree = Tree(LocalFolder(written(tmp_path, *FILES)))
    assert [entry.path for entry in tree.matching(patterns)] == expected


segments = st.sampled_from(["a", "b", "x", "*", "**", "?", "a*"])
patterns = st.lists(st.lists(segments, min_size=1, max_size=4).map("/".join), min_size=1, max_size=3)


@given(patterns)
def test_looking_where_matches_may_be_misses_none(listed_tree, patterns):
    root, paths = listed_tree
    expected = [path for path in paths if any(path_matches(path, pattern) for pattern in patterns)]
    assert [entry.path for entry in Tree(LocalFolder(root)).matching(patterns)] == expected


@pytest.fixture(scope="module")
def listed_tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    names = ("a", "b", "x", "ab")
    paths = sorted(
        {
            "/".join((*start, "f"))
            for start in ((), *((n,) for n in names), *((n, m) for n in names for m in names))
        }
    )
    paths += ["x/x/x"]
    return written(root, *paths), sorted(paths)


def test_only_asked_for_folders_are_listed(tmp_path):
    class Watched:
        def __init__(self, folder: LocalFolder) -> None:
            self.folder = folder
            self.asked: list[str] = []

        def entries(self, path: str) -> Sequence[Entry]:
            self.asked.append(path)
            return self.folder.entries(path)

        def opened(self, entry: Entry, max_bytes: int) -> AbstractContextManager[Path]:
            return self.folder.opened(entry, max_bytes)

        def kept(self, entry: Entry) -> None:
            self.folder.kept(entry)

        def ranges(self, entry: Entry) -> AbstractContextManager[Fetch]:
            return self.folder.ranges(entry)

    folder = Watched(LocalFolder(written(tmp_path, *FILES)))
    tree = Tree(folder)
    tree.matching(("x/*", "x/y/*"))
    tree.matching(("x/*",))
    assert tree.file("x/b.pt") == Entry("x/b.pt", 6)
    assert tree.file("x/y") is None
    assert sorted(folder.asked) == ["x", "x/y"]


def test_files_are_used_where_they_are(tmp_path):
    folder = LocalFolder(written(tmp_path, "x/a"))
    with folder.opened(Entry("x/a", 3), 3) as path:
        assert path == folder.root / "x/a"


@pytest.mark.parametrize("target", ["file", "folder", "absent"])
def test_a_link_that_leads_out_is_listed_and_not_opened(tmp_path, target):
    written(tmp_path, "outside/file")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(
        tmp_path / {"file": "outside/file", "folder": "outside", "absent": "no"}[target]
    )
    folder = LocalFolder((tmp_path / "root").resolve())
    (entry,) = Tree(folder).matching(("**",))
    assert entry == Entry("link")
    with pytest.raises(ArtifactError, match="leads out"), folder.opened(entry, 100):
        pass


def test_links_inside_are_followed_and_circles_end(tmp_path):
    root = written(tmp_path, "x/a")
    (root / "y").symlink_to(root / "x")
    (root / "x" / "again").symlink_to(root / "x")
    found = [entry.path for entry in Tree(LocalFolder(root)).matching(("y/*", "x/**"))]
    assert "y/a" in found
    assert len(found) < 100


def test_a_link_to_a_folder_that_it_lies_in_shows_nothing_new(tmp_path):
    root = written(tmp_path, "x/a", "x/y/b", "z/c")
    (root / "x/here").symlink_to(".")
    (root / "x/y/up").symlink_to("..")
    (root / "x/y/top").symlink_to(root)
    (root / "z/x").symlink_to("../x")
    (root / "x/z").symlink_to("../z")
    found = [entry.path for entry in Tree(LocalFolder(root)).matching(("**",))]
    assert found == ["x/a", "x/y/b", "x/z/c", "z/c", "z/x/a", "z/x/y/b"]


def test_two_links_to_their_own_folder_end_at_once(tmp_path):
    root = written(tmp_path, "figs/a.png")
    for name in ("latest", "old"):
        (root / "figs" / name).symlink_to(".")
    assert [entry.path for entry in Tree(LocalFolder(root)).matching(("figs/**/*.png",))] == ["figs/a.png"]


def test_a_file_in_many_folders_is_found(tmp_path):
    path = "x/" * 100 + "a.png"
    assert [entry.path for entry in Tree(LocalFolder(written(tmp_path, path))).matching(("**/*.png",))] == [
        path
    ]


@pytest.mark.parametrize("target", ["loop.pt", "absent"])
def test_a_link_that_leads_nowhere_is_listed_and_not_opened(tmp_path, target):
    folder = LocalFolder(written(tmp_path, "x/a.pt"))
    (folder.root / "x/loop.pt").symlink_to(target)
    assert Tree(folder).matching(("x/*",)) == (Entry("x/a.pt", 6), Entry("x/loop.pt"))
    with pytest.raises(ArtifactError, match="leads nowhere"), folder.opened(Entry("x/loop.pt"), 100):
        pass


def test_a_name_that_is_no_text_is_escaped_for_evidence_and_patterns(tmp_path):
    folder = LocalFolder(written(tmp_path, "x/a"))
    (folder.root / "x/a").rename(folder.root / os.fsdecode(b"x/\xe9.pt"))
    (entry,) = Tree(folder).matching(("x/*.pt",))
    assert entry.shown == r"x/\udce9.pt"
    with folder.opened(entry, 100) as path:
        assert path.exists()
    assert Tree(folder).matching(("x/?.pt",)) == ()


def test_a_folder_that_cannot_be_listed_is_named_in_text(tmp_path, monkeypatch):
    def denied(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(ArtifactError) as caught:
        LocalFolder(tmp_path).entries(os.fsdecode(b"x/\xe9"))
    assert str(caught.value) == r"the folder x/\udce9 cannot be listed: Permission denied"


def test_what_is_no_regular_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    folder = LocalFolder(tmp_path.resolve())
    (entry,) = Tree(folder).matching(("*",))
    with pytest.raises(ArtifactError, match="not a regular file"), folder.opened(entry, 100):
        pass


def test_vanished_and_too_large(tmp_path):
    folder = LocalFolder(written(tmp_path, "a"))
    with pytest.raises(ArtifactError, match="not there any more"), folder.opened(Entry("b", 1), 100):
        pass
    (tmp_path / "a").write_bytes(b"x" * 101)
    with pytest.raises(ArtifactError, match="larger than 100 bytes"), folder.opened(Entry("a", 1), 100):
        pass


def test_a_file_that_may_not_be_looked_at_is_a_problem(tmp_path, monkeypatch):
    def denied(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    folder = LocalFolder(written(tmp_path, "a"))
    monkeypatch.setattr(Path, "exists", denied)
    with pytest.raises(ArtifactError, match="Permission denied"), folder.opened(Entry("a", 1), 100):
        pass


def test_an_error_while_reading_is_the_files_problem(tmp_path):
    folder = LocalFolder(written(tmp_path, "a"))
    with (
        pytest.raises(ArtifactError, match="cannot be read: Input/output error"),
        folder.opened(Entry("a", 1), 100),
    ):
        raise OSError(5, "Input/output error")


def test_no_folder_is_an_empty_folder(tmp_path):
    assert Tree(LocalFolder(tmp_path / "no")).matching(("**",)) == ()
    assert LocalFolder(written(tmp_path, "a")).entries("a") == []


def test_paths_are_relative_to_the_root(tmp_path):
    assert not Path(LocalFolder(written(tmp_path, "x/a")).entries("x")[0].path).is_absolute()


# --- parts of files ---------------------------------------------------------------------------------------------------


def test_parts_of_a_file_of_this_machine(tmp_path):
    folder = LocalFolder(written(tmp_path, "x/model.npz"))
    with folder.ranges(Entry("x/model.npz", 11)) as fetch:
        assert fetch(2, 5) == b"model"
        assert fetch(0, 1) == b"x"
        assert fetch(9, 10) == b"pz"


@pytest.mark.parametrize("path", ["gone", "folder", "out", "loop"])
def test_parts_of_what_is_not_a_file_of_the_folder(tmp_path, path):
    root = written(tmp_path / "root", "folder/a")
    (tmp_path / "secret").write_text("x")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "loop").symlink_to(root / "loop")
    with pytest.raises(ArtifactError), LocalFolder(root).ranges(Entry(path, 3)):
        pass
