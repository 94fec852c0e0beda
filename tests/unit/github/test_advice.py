from collections.abc import Sequence

import pytest

from smoke_gate.github.advice import advice, permissions, unpublished
from smoke_gate.github.event import Situation
from smoke_gate.github.retry import Refusal

WRITES, READS = Situation(), Situation(reads_only=True)


def given(problems: Sequence[Refusal], where: Situation, *, sets_status: bool) -> str:
    """Return the advice that there is."""
    text = advice(problems, where, sets_status=sets_status)
    assert text is not None
    return text


@pytest.mark.parametrize("problem", [Refusal.LIMITED, Refusal.INVALID, Refusal.UNREACHABLE])
def test_what_permissions_do_not_mend_gets_no_advice(problem):
    assert advice([problem], WRITES, sets_status=True) is None


@pytest.mark.parametrize("problem", [Refusal.FORBIDDEN, Refusal.NOT_FOUND, Refusal.NO_TOKEN])
def test_a_missing_permission_is_shown_as_the_block_to_add(problem):
    text = given([Refusal.LIMITED, problem], WRITES, sets_status=False)
    assert "permissions:\n  contents: read\n  pull-requests: write\n```" in text
    assert "statuses: write" in given([problem], WRITES, sets_status=True)


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (Refusal.LOCKED, "Unlock it"),
        (Refusal.ARCHIVED, "Unarchive it"),
        (Refusal.PROTECTED, "single sign-on"),
        (Refusal.UNAUTHORIZED, "does not accept the token"),
    ],
)
def test_advice_follows_what_happened(refusal, told):
    for where in (WRITES, READS):
        text = given([refusal, refusal], where, sets_status=True)
        assert text.count(told) == 1
        assert "permissions:" not in text
    both = given([refusal, Refusal.FORBIDDEN], WRITES, sets_status=True)
    assert told in both
    assert "permissions:" in both


def test_where_no_permission_helps_the_second_workflow_is_named():
    text = given([Refusal.FORBIDDEN], READS, sets_status=True)
    assert "workflow_run" in text
    assert "```" not in text


def test_the_second_workflow_is_explained_on_this_actions_own_page():
    here = Situation(reads_only=True, documentation="https://github.com/lab/smoke-gate/blob/v1/docs")
    link = "(https://github.com/lab/smoke-gate/blob/v1/docs/workflows.md#pull-requests-from-forks)"
    assert link in given([Refusal.FORBIDDEN], here, sets_status=True)
    unknown = given([Refusal.FORBIDDEN], READS, sets_status=True)
    assert "](" not in unknown
    assert "in the repository of smoke-gate" in unknown


def test_dependabots_token_may_write_where_permissions_say_so():
    text = given([Refusal.FORBIDDEN], Situation(by_dependabot=True), sets_status=True)
    assert "statuses: write\n```" in text
    assert "among the secrets of Actions" in text
    assert "Dependabot" not in given([Refusal.FORBIDDEN], WRITES, sets_status=True)


def test_the_job_that_publishes_for_another_workflow_keeps_its_artifact():
    assert "permissions:\n  actions: read\n" in permissions(
        Situation(event="workflow_run"), sets_status=False
    )
    assert "actions: read" not in permissions(Situation(event="pull_request"), sets_status=False)


def test_messages_are_shown_as_text():
    part = unpublished(["comment: <b>@everyone</b>"], "Do this.")
    assert "<b>" not in part
    assert part.endswith("Do this.")
    assert "None" not in unpublished(["x"], None)
