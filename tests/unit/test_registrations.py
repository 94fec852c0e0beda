"""One rule says which preregistration is in force: it is asked by itself here, and through all who use it."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.collect.registrations import in_force
from smoke_gate.contract import ContractError
from smoke_gate.contract.preregistration import preregister
from smoke_gate.evidence import Registration
from smoke_gate.gates import policy_of
from smoke_gate.gates.definition import of_registrations
from smoke_gate.message import say
from smoke_gate.registrations import last_of_chain

POLICY = policy_of({"version": 1, "plan": {"cells": ["B0"], "seeds": ["1"]}})
Links = Sequence[tuple[str | None, str | None]]


def registered(links: Links) -> list[Registration]:
    """Return registrations: the hash that each states, and the hash that it replaces."""
    return [
        Registration(
            run_id=f"r{index}", run_name="preregistration", status="FINISHED", lifecycle_stage="active",
            start_time=1, sha256=own, prior_sha256=prior,
        )
        for index, (own, prior) in enumerate(links)
    ]  # fmt: skip


CHAINS: dict[str, tuple[Links, str | None]] = {
    "none": ([], None),
    "one": ([("a", None)], "a"),
    "one whose predecessor was deleted": ([("a", "gone")], "a"),
    "a chain": ([("a", None), ("b", "a"), ("c", "b")], "c"),
    "a chain beside another metric": ([("a", None), (None, None), ("b", "a")], "b"),
    "only another metric": ([(None, None)], None),
    "two that do not know each other": ([("a", None), ("b", None)], None),
    "a fork": ([("a", None), ("b", "a"), ("c", "a")], None),
    "one hash twice": ([("a", None), ("a", None)], None),
    "itself": ([("a", "a")], None),
    "a circle": ([("a", "b"), ("b", "a")], None),
    "a chain beside a circle": ([("a", None), ("b", "c"), ("c", "b")], None),
    "a chain that runs into a circle": ([("a", "b"), ("b", "c"), ("c", "b")], None),
    "a chain beside one that replaces itself": ([("a", None), ("b", "b")], None),
}


@pytest.mark.parametrize(("links", "counting"), CHAINS.values(), ids=CHAINS)
@given(random=st.randoms())
def test_the_last_of_a_single_chain_is_in_force(links, counting, random):
    """spec: G1-chain"""
    registrations = registered(links)
    random.shuffle(registrations)
    last = last_of_chain(registrations)
    assert (last and last.sha256) == counting


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", "d", None]), st.sampled_from(["a", "b", "c", "z", None]))
    )
)
def test_reader_and_gate_agree(links):
    registrations = registered(links)
    found = in_force(POLICY, registrations)
    judged = of_registrations(registrations, "key", say("the preregistration run"))
    assert judged.registration == found


@pytest.mark.parametrize(("links", "counting"), CHAINS.values(), ids=CHAINS)
def test_who_registers_agrees(links, counting):
    """A new registration must replace the one in force; where several are there and none counts, it is refused."""
    runs = [
        SimpleNamespace(
            info=SimpleNamespace(run_id=one.run_id),
            data=SimpleNamespace(
                params={
                    "key": one.sha256 or "",
                    **({"prior_sha256": one.prior_sha256} if one.prior_sha256 else {}),
                }
            ),
        )
        for one in registered(links)
    ]
    client: Any = SimpleNamespace(
        get_experiment_by_name=lambda name: SimpleNamespace(experiment_id="1"),
        search_runs=lambda *_, **__: runs,
    )
    with pytest.raises(ContractError) as raised:
        preregister({"a": 1}, None, experiment="e", key="key", prior="no hash at all", client=client)
    said = str(raised.value)
    if counting is not None:
        assert said == f"there is no no hash at all to replace: what counts now is {counting}"
    elif any(own for own, _ in links):
        assert "are not a single chain, so none of them counts" in said
    else:
        assert "nothing is registered yet, so give no prior" in said
