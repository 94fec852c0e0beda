import pytest

from smoke_gate.probes.formats import ALL, promised_formats
from smoke_gate.vocabulary import CHECKPOINT_SUFFIXES

OF_ANYTHING = {".bin"}  # PyTorch's weights, and any other bytes
PARTS = {".distcp", ".index.json"}  # of a checkpoint of several files, the other of which is called otherwise


@pytest.mark.parametrize("suffix", CHECKPOINT_SUFFIXES)
def test_the_content_of_every_kind_of_checkpoint_is_probed(suffix):
    assert bool(promised_formats(f"model{suffix}")) is (suffix not in OF_ANYTHING)


def test_every_suffix_that_promises_a_format_is_one_of_checkpoints():
    promising = {end for each in ALL for end in each.promised_by if end.startswith(".")}
    packed = {end for end in promising if end.count(".") == 2} - PARTS
    assert {f".{end.split('.')[1]}" for end in packed} == {".pkl", ".pickle", ".joblib"}
    assert promising - packed - PARTS == set(CHECKPOINT_SUFFIXES) - OF_ANYTHING
