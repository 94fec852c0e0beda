import pytest

from smoke_gate.reproduce.differences import differences, same

CHECK = {
    "gate": "G3", "kind": "count", "cell": "A3", "seed": "42", "subject": "checkpoints", "run_id": "r1",
    "status": "PASS",
}  # fmt: skip
OTHER = {**CHECK, "seed": "123", "run_id": "r2"}


def test_what_is_the_same_gives_no_line():
    document = {"verdict": "FAIL", "checks": [CHECK], "summary": {"planned": 1}}
    assert differences(document, document) == ()


@pytest.mark.parametrize(
    ("said", "found", "line"),
    [
        ({"verdict": "FAIL"}, {"verdict": "WARNING"},
         'verdict: the file says "FAIL", its evidence gives "WARNING"'),
        ({"summary": {"planned": 1}}, {"summary": {"planned": 2}},
         "summary: planned: the file says 1, its evidence gives 2"),
        ({"checks": [{**CHECK, "status": "FAIL"}, OTHER]}, {"checks": [CHECK, OTHER]},
         'checks G3 count A3 42 checkpoints r1: status: the file says "FAIL", its evidence gives "PASS"'),
        ({"checks": [OTHER]}, {"checks": [CHECK, OTHER]},
         "checks G3 count A3 42 checkpoints r1: missing in the file"),
        ({"checks": [CHECK, OTHER]}, {"checks": [OTHER]},
         "checks G3 count A3 42 checkpoints r1: only in the file"),
        ({"checks": [CHECK, CHECK]}, {"checks": [CHECK]},
         "checks G3 count A3 42 checkpoints r1 (2): only in the file"),
        ({"checks": [OTHER, CHECK]}, {"checks": [CHECK, OTHER]}, "checks: the same entries, in another order"),
        ({"summary": {}}, {"summary": {"planned": 2}},
         "summary: planned: the file says null, its evidence gives 2"),
        ({"summary": {"planned": 1}}, {"summary": {}},
         "summary: planned: the file says 1, its evidence gives null"),
        ({"gates": [{"id": "G3"}]}, {"gates": []}, "gates G3: only in the file"),
        ({"attempts": [{"run_id": "r1"}]}, {"attempts": []}, "attempts r1: only in the file"),
        ({"references": [{"metric": "pape", "cell": "A3", "seed": None, "source": "a paper"}]},
         {"references": []}, "references pape A3 a paper: only in the file"),
        ({"waivers": [{"gate": "G3", "cell": "A3", "seed": "42", "subject": "checkpoints", "run_id": "r1"}]},
         {"waivers": []}, "waivers G3 A3 42 checkpoints r1: only in the file"),
    ],
)  # fmt: skip
def test_a_difference_is_one_line(said, found, line):
    assert differences(said, found) == (line,)


def test_a_long_value_is_cut():
    (line,) = differences({"headline": "x" * 1000}, {"headline": "y"})
    assert len(line) < 300


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (0, False), ([1], [1.0]), (None, False)])
def test_what_python_takes_for_equal_is_not_the_same_json(one, other):
    assert not same(one, other)
