import pytest

from smoke_gate.collect.nearest import nearest_keys
from smoke_gate.gates import policy_of
from smoke_gate.policy.model import Policy


def policy(cell: str = "params.cell", **expect: str) -> Policy:
    return policy_of(
        {"version": 1, "runs": {"cell": cell}, "plan": {"cells": {"A": {"expect": expect}}, "seeds": ["1"]}}
    )


@pytest.mark.parametrize(
    ("named", "params", "tags", "expected"),
    [
        (policy(), {"cell", "seed", "use_vq"}, set(), {}),
        (policy("params.cel"), {"cell", "seed"}, set(), {"params.cel": "params.cell"}),
        (policy(), {"seed"}, {"cell"}, {"params.cell": "tags.cell"}),
        (policy("tags.cell"), {"cell", "seed"}, set(), {"tags.cell": "params.cell"}),
        (policy("{params.model}/{tags.siez}"), {"model", "seed"}, {"size"}, {"tags.siez": "tags.size"}),
        (policy(degre="1"), {"cell", "seed", "degree"}, set(), {"params.degre": "params.degree"}),
        (policy(), {"cell", "seed", "uses_vq"}, set(), {"params.use_vq": "params.uses_vq"}),
        (policy("parent.params.model"), {"seed", "mode"}, set(), {}),
        (policy(), {"lr", "batch"}, set(), {}),
    ],
)
def test_what_may_be_meant(named, params, tags, expected):
    found = nearest_keys(named, params, tags)
    assert found == expected
