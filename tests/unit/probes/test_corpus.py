"""Every hostile file of the standing corpus is found."""

from collections import Counter
from pathlib import Path

import pytest

from smoke_gate.evidence import Artifact
from tests.corpus import CORPUS
from tests.unit.probes.files import probed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus")


def verdict(artifact: Artifact) -> str:
    if artifact.globals.dangerous:
        return "dangerous"
    if artifact.problem:
        return "broken"
    return "unknown" if artifact.globals.unknown else "clean"


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.trick)
def test_every_trick_is_found(folder, entry):
    """spec: G3-never-loaded"""
    artifact = probed(folder, entry.data, entry.file)
    assert verdict(artifact) == entry.expected, artifact


def test_no_trick_stands_twice():
    assert [trick for trick, count in Counter(entry.trick for entry in CORPUS).items() if count > 1] == []
