from smoke_gate.report.registrations import chain_text
from tests.support.matrix import COMMIT, DEFINITION, payload, registration, sha256
from tests.unit.report.judgements import HOSTILE


def lines(*registrations, in_force=None, golden=()) -> list[str]:
    return chain_text(registrations, in_force, golden, key="pape_definition_hash").splitlines()


def test_nothing_is_registered():
    assert lines() == ["0 registered"]


def test_one_registration():
    one = registration()
    assert lines(one, in_force=one, golden={"registration"}) == [
        "1 registered",
        f"{DEFINITION} (in force)",
        "  run registration, FINISHED, 2023-11-14T22:13:20.000Z",
        f"  commit {COMMIT}",
        "  definition: its text gives the hash",
        "  policy not recorded, golden tensor: yes",
    ]


def test_what_it_replaces_and_why():
    second = registration("second", sha256=sha256("new"), prior_sha256=DEFINITION, reason="peaks were cut")
    assert f"  replaces {DEFINITION}: peaks were cut" in lines(registration(), second, in_force=second)
    silent = registration("second", sha256=sha256("new"), prior_sha256=DEFINITION)
    assert f"  replaces {DEFINITION}: no reason given" in lines(registration(), silent, in_force=silent)


def test_a_text_that_does_not_give_the_hash_is_told():
    assert "  definition: its text does not give the hash" in lines(
        registration(payload=payload(canonical_sha256=sha256("other")))
    )
    assert "  definition: its text is not recorded" in lines(registration(payload=None))


def test_what_does_not_count_is_told():
    shown = lines(registration(lifecycle_stage="deleted", sha256=None, commit=None, start_time=None))
    assert shown[1:4] == [
        "no pape_definition_hash",
        "  run registration, deleted, at an unknown time",
        "  commit unknown",
    ]
    assert shown[-1].startswith("none is in force")


def test_another_key_is_named():
    shown = lines(registration(sha256=None, other_keys=("a_definition_hash", "b_definition_hash")))
    assert shown[1] == "no pape_definition_hash, but a_definition_hash and b_definition_hash"
    assert shown[-1] == (
        "none is in force: none has pape_definition_hash, say with --key which one is meant (`smoke-gate explain G1`)"
    )


def test_foreign_text_starts_no_workflow_command():
    shown = lines(registration(prior_sha256=DEFINITION, reason=HOSTILE, commit="\n::error::x"))
    assert not [line for line in shown if line.lstrip().startswith("::")]
