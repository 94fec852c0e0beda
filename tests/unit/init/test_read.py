"""Which names MLflow made up."""

from typing import Any

import pytest
from mlflow.utils import name_utils

from smoke_gate.init.read import is_random

MLFLOW: Any = name_utils


def test_every_name_that_mlflow_makes_up_is_known():
    assert all(is_random(MLFLOW._generate_random_name(max_length=40)) for _ in range(500))


@pytest.mark.parametrize(
    "name",
    ["", "vit-base-1", "resnet-s42", "bold-fox", "fox-bold-1", "bold-fox-s1", "bold-fox-1-2", "bold fox 1"],
)
def test_a_name_that_somebody_gave(name: str):
    assert not is_random(name)


def test_without_mlflows_words_no_name_is_made_up(monkeypatch):
    assert is_random("gaudy-moth-123")
    monkeypatch.delattr(name_utils, "_GENERATOR_NOUNS")
    assert not is_random("gaudy-moth-123")
