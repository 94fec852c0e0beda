"""The baseline of an action: a file, or the newest verdict that a branch's workflow runs keep on GitHub."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smoke_gate.evidence import Evidence
from smoke_gate.github.archive import verdict_files
from smoke_gate.github.artifacts import MOST_PAGES
from smoke_gate.github.baseline import MOST_TRIED
from smoke_gate.github.download import downloaded
from smoke_gate.github.transport import GitHubError
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.formats import effective_yaml
from smoke_gate.verdict_file.read import LARGEST_OF_OTHERS
from tests.github.runner import (
    Runner,
    Step,
    all_pass,
    fail,
    other,
    pending,
    pull_request,
    warning,
    workflow_run,
)
from tests.github.server import TIP, FakeGitHub, Fault, Kept
from tests.github.storage import storage_of, zipped
from tests.github.waits import HEAD
from tests.support.http import Received, answering
from tests.support.matrix import passing_matrix, passing_policy, with_run

LIMITED = passing_policy(compare={"max_rise": {"pape": 0.5}})
MERGED = "e" * 40


@pytest.fixture
def asked_of_storage(github: FakeGitHub) -> Iterator[list[Received]]:
    """Yield the requests that the storage got."""
    with storage_of(github) as asked:
        yield asked


@pytest.fixture(autouse=True)
def _storage(asked_of_storage: list[Received]) -> None:
    """Let every test have a storage."""


def use(runner: Runner, policy: Policy) -> None:
    """Let the workspace, and with it head and main, have a policy."""
    text = effective_yaml(policy)
    (runner.workspace / "smoke-gate.yml").write_text(text)
    runner.github.files["refs/heads/main:smoke-gate.yml"] = {"text": text}


def worse(value: str = "99") -> Evidence:
    return with_run(passing_matrix(), "A3/42", metrics={"pape": value})


def verdict_of(runner: Runner, evidence: Evidence, sha: str = TIP, **inputs: Any) -> Path:
    """Judge on a push, as main's workflow does, and return the verdict file."""
    step = runner.run(evidence, *other("push", sha), comment="never", **inputs)
    return Path(step.outputs["verdict_file"])


def keep(runner: Runner, evidence: Evidence, number: int = 1, sha: str = TIP, **facts: Any) -> Kept:
    """Let a workflow run of main keep its outputs, as upload-artifact does."""
    file = verdict_of(runner, evidence, sha)
    kept = Kept(id=number, sha=sha, archive=zipped({file.name: file.read_bytes(), "smoke_report_1.md": "#"}))
    kept = replace(kept, run_id=number + 1000, **facts)
    runner.github.kept.append(kept)
    return kept


def judged(runner: Runner, evidence: Evidence, **inputs: Any) -> Step:
    """Judge the pull request against main."""
    asked = {"baseline_ref": "main", "commit_status": "smoke-gate", **inputs}
    return runner.run(evidence, *pull_request(7, HEAD), **asked)


def said(github: FakeGitHub) -> str:
    (note,) = github.of()
    return note.body


# --- what comes of it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "head", "code", "outputs", "state", "first"),
    [
        (all_pass, all_pass, 0, ("ALL PASS", "PASS"), "success", "ALL PASS"),
        (all_pass, worse, 1, ("ALL PASS", "FAIL"), "failure", "ALL PASS · baseline: FAIL"),
        (worse, all_pass, 0, ("ALL PASS", "PASS"), "success", "ALL PASS"),
        (all_pass, fail, 1, ("FAIL", "PASS"), "failure", "FAIL"),
        (fail, all_pass, 0, ("ALL PASS", "PASS"), "success", "ALL PASS"),
        (all_pass, pending, 1, ("FAIL", "NONE"), "pending", "FAIL (pending)"),
        (all_pass, warning, 0, ("WARNING", "PASS"), "success", "WARNING"),
    ],
)
def test_a_pull_request_is_held_against_main(runner, github, base, head, code, outputs, state, first):
    use(runner, LIMITED)
    keep(runner, base())
    step = judged(runner, head())
    assert (step.code, step.outputs["verdict"], step.outputs["baseline_verdict"]) == (code, *outputs), (
        step.stdout
    )
    assert github.statuses[-1]["state"] == state
    assert f"Smoke gate: {first} · 1" in said(github).splitlines()[1]  # then how many runs
    assert "Against the baseline" in said(github)
    assert "artifact <code>smoke-gate-main</code> of run 1001 on <code>main</code>" in said(github)
    assert said(github).splitlines()[1] in step.summary
    page = Path(step.outputs["html_report"]).read_text()
    assert "Against the baseline" in page
    assert f"baseline {step.outputs['baseline_verdict']}" in step.stdout


def test_a_broken_limit_is_told_everywhere_and_changes_no_verdict(runner, github):
    """spec: baseline-own-verdict"""
    use(runner, LIMITED)
    keep(runner, all_pass())
    step = judged(runner, worse(), fail_on="warning", comment="problems")
    assert step.code == 1
    assert "baseline FAIL: pape at 1 place" in github.statuses[-1]["description"]
    assert "::error title=smoke-gate::baseline FAIL: pape at 1 place" in step.stdout
    assert "A limit against the baseline is broken" in said(github).partition("###")[0]
    document = json.loads(Path(step.outputs["verdict_file"]).read_text())
    assert document["verdict"] == "ALL PASS"
    assert "baseline" not in document["headline"]


def test_who_asks_for_no_baseline_gets_none(runner, github):
    use(runner, LIMITED)
    keep(runner, all_pass())
    asked = github.asked("GET", ".*/actions/.*")
    step = judged(runner, worse(), baseline_ref="")
    assert (step.code, step.outputs["baseline_verdict"]) == (0, "")
    assert github.asked("GET", ".*/actions/.*") == asked
    assert "baseline" not in said(github)


def test_a_file_is_a_baseline_too(runner, github):
    use(runner, LIMITED)
    file = verdict_of(runner, all_pass())
    file.rename("main.json")
    assert (
        judged(runner, worse(), baseline="main.json", baseline_ref="").outputs["baseline_verdict"] == "FAIL"
    )
    step = judged(runner, worse(), baseline="nothing.json", baseline_ref="")
    assert (step.code, step.outputs["baseline_verdict"]) == (0, "NONE")
    assert "There is no file <code>nothing&#46;json</code>. To make one," in said(github)
    assert "docs/baseline.md" in said(github)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"baseline": "broken.json", "baseline_ref": ""}, "broken.json is not a verdict file"),
        ({"baseline": "broken.json"}, "input `baseline` and input `baseline_ref` both name a baseline"),
        ({"baseline_ref": "no branch"}, "input `baseline_ref`: found 'no branch'"),
    ],
)
def test_what_was_asked_wrongly_is_an_error(runner, github, inputs, words):
    Path("broken.json").write_text("{}")
    step = judged(runner, all_pass(), **inputs)
    assert (step.code, step.outputs["verdict"]) == (2, "ERROR")
    assert words in step.stderr + step.stdout


# --- which artifact ---------------------------------------------------------------------------------------------------


def test_the_newest_artifact_counts_wherever_it_is_in_the_list(runner, github):
    use(runner, LIMITED)
    keep(runner, worse("1.0"), 1, created_at="2026-01-30T12:00:00Z")
    for number in range(2, 140):
        github.kept.append(Kept(id=number, archive=b"", name="lint", branch="feature"))
    keep(runner, worse("2.0"), 140, created_at="2026-01-29T12:00:00Z")
    keep(runner, all_pass(), 141, created_at="2026-01-31T12:00:00Z")
    judged(runner, all_pass())
    assert "of run 1141 on" in said(github)
    github.kept = github.kept[:-2]
    judged(runner, all_pass())
    assert "of run 1001 on" in said(github)


UNSUITABLE: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"expired": True}, "holds a verdict file of this gate. To make one"),
    "of another branch": ({"branch": "feature"}, "holds a verdict file of this gate. To make one"),
    "of a fork's branch of that name": ({"repository": "fork/forecasts"}, "of this gate. To make one"),
    "of a pull request": ({"event": "pull_request"}, "its run was started by pull_request"),
    "of a second workflow": ({"event": "workflow_run"}, "its run was started by workflow_run"),
    "too large": ({"size": LARGEST_OF_OTHERS + 1}, "it is larger than 64 MiB"),
    "without a verdict": ({"archive": zipped({"report.md": "#"})}, "it holds no verdict file"),
    "no archive": ({"archive": b"text"}, "it is not a zip archive"),
    "cut off": ({"archive": zipped({"smoke_verdict_1.json": "x" * 9999})[40:]}, "its archive cannot be read"),
    "no verdict file": (
        {"archive": zipped({"smoke_verdict_1.json": "[]"})},
        "smoke_verdict_1.json is not a verdict",
    ),
}


@pytest.mark.parametrize("name", UNSUITABLE)
def test_an_unsuitable_artifact_is_passed_over(runner, github, name):
    """spec: baseline-which"""
    use(runner, LIMITED)
    facts, words = UNSUITABLE[name]
    keep(runner, worse("1.0"), 2)
    github.kept[0] = replace(github.kept[0], **facts)
    step = judged(runner, worse())
    assert (step.code, step.outputs["verdict"], step.outputs["baseline_verdict"]) == (0, "ALL PASS", "NONE")
    shown = (
        said(github).replace("<code>", "").replace("</code>", "").replace("&#95;", "_").replace("&#46;", ".")
    )
    assert words in shown
    assert "**Baseline: NONE.**" in said(github).partition("###")[0]
    assert "::warning title=smoke-gate::baseline: " in step.stdout
    keep(runner, all_pass(), 1)
    assert judged(runner, worse()).outputs["baseline_verdict"] == "FAIL"


def changed(kept: Kept, **values: object) -> Kept:
    """Return an artifact with other values in its verdict file, by key or by a key of its context or source."""
    (name, content), *_ = verdict_files(kept.archive)
    document = json.loads(content)
    for key, value in values.items():
        place = document if key in document else document["context"] if key in document["context"] else None
        (document["source"] if place is None else place)[key] = value
    return replace(kept, archive=zipped({name: json.dumps(document)}))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"repository": "lab/another"}, "its verdict is about another repository"),
        ({"sha": None}, "does not say which commit"),
        ({"sha": "b" * 40}, "which is not a commit of the branch"),
        ({"pending": True}, "its verdict is pending"),
        ({"policy_file": "other.yml"}, "another gate"),
        ({"evidence_sha256": "0" * 64}, "was tampered with"),
        ({"schema": "smoke-gate/verdict/v0"}, "is not a verdict file"),
    ],
)
def test_a_verdict_about_something_else_is_passed_over(runner, github, values, words):
    """spec: baseline-which"""
    use(runner, LIMITED)
    keep(runner, worse("1.0"), 2)
    kept = changed(github.kept[0], policy_file="smoke-gate.yml")
    github.kept[0] = kept
    assert judged(runner, worse()).outputs["baseline_verdict"] == "FAIL"
    github.kept[0] = changed(kept, **values)
    assert judged(runner, worse()).outputs["baseline_verdict"] == "NONE"
    assert words in said(github)


def test_an_older_commit_of_the_branch_is_a_baseline(runner, github):
    """As where the training of main's commit ended after the next merge, and a dispatch judged it."""
    use(runner, LIMITED)
    github.merge_base = MERGED
    github.revisions.add(MERGED)
    keep(runner, all_pass(), sha=MERGED)
    github.kept[0] = replace(github.kept[0], sha=TIP, event="repository_dispatch")
    assert judged(runner, worse()).outputs["baseline_verdict"] == "FAIL"
    assert f"commit <code>{MERGED[:12]}</code>" in said(github)


def test_the_own_run_is_not_its_own_baseline(runner, github):
    use(runner, LIMITED)
    keep(runner, all_pass(), 2)
    github.kept[0] = replace(github.kept[0], run_id=100)  # the run of this job
    step = runner.run(all_pass(), *other("push", TIP), baseline_ref="main")
    assert step.outputs["baseline_verdict"] == "NONE"


def test_it_does_not_look_for_ever(runner, github):
    for number in range(1, MOST_TRIED + 3):
        github.kept.append(Kept(id=number, archive=zipped({"a": "b"}), run_id=number + 1000))
    assert judged(runner, all_pass()).outputs["baseline_verdict"] == "NONE"
    assert github.asked("GET", ".*/actions/artifacts/.*/zip") == MOST_TRIED
    github.kept = [Kept(id=number, archive=b"", branch="x") for number in range(1, 100 * MOST_PAGES + 200)]
    judged(runner, all_pass())
    assert github.asked("GET", ".*/actions/artifacts") == 1 + MOST_PAGES


def test_the_name_of_an_artifact_does_not_matter_unless_there_are_many(runner, github):
    use(runner, LIMITED)
    keep(runner, all_pass(), name="results")
    assert judged(runner, all_pass()).outputs["baseline_verdict"] == "PASS"
    for number in range(2, MOST_TRIED + 3):
        github.kept.append(Kept(id=number, archive=zipped({"a": "b"}), name="wheels", run_id=number + 1000))
    assert judged(runner, all_pass()).outputs["baseline_verdict"] == "NONE"
    github.kept[0] = replace(github.kept[0], name="smoke-gate-main")
    assert judged(runner, all_pass()).outputs["baseline_verdict"] == "PASS"


def test_of_several_verdicts_in_an_artifact_the_newest_suitable_counts(runner, github):
    use(runner, LIMITED)
    old, new = (verdict_of(runner, evidence).read_bytes() for evidence in (all_pass(), worse("8.0")))
    files = {
        "outputs/smoke_verdict_20260101T000000Z_a.json": old,
        "outputs/smoke_verdict_20260102T000000Z_a.json": new,
        "outputs/smoke_verdict_20260103T000000Z_a.json": b"{}",
        "outputs/": b"",
    }
    github.kept.append(Kept(id=1, archive=zipped(files), run_id=1001))
    step = judged(runner, worse("9.0"))
    assert step.outputs["baseline_verdict"] == "FAIL"
    assert "rose by 1, from 8 to 9" in said(github)


# --- within bounds ----------------------------------------------------------------------------------------------------


def test_an_archive_that_unpacks_to_too_much_is_refused(runner, github):
    bomb = zipped({"smoke_verdict_1.json": b" " * (LARGEST_OF_OTHERS + 1)})
    assert len(bomb) < 1 << 20
    github.kept.append(Kept(id=1, archive=bomb, run_id=1001))
    judged(runner, all_pass())
    assert "is larger than 64 MiB" in said(github)


def test_an_archive_of_very_many_files_is_refused(runner, github):
    names = {f"{number:0200}": b"" for number in range(20_000)}
    github.kept.append(Kept(id=1, archive=zipped(names), run_id=1001))
    judged(runner, all_pass())
    assert "it holds more files than are looked at" in said(github)


def test_a_storage_that_sends_more_than_was_said_is_cut_off(runner, github, monkeypatch):
    monkeypatch.setattr("smoke_gate.github.baseline.LARGEST_OF_OTHERS", 1 << 20)
    github.kept.append(Kept(id=1, archive=b"x" * (2 << 20), size=10, run_id=1001))
    judged(runner, all_pass())
    assert "sends more than 1 MiB" in said(github)


# --- whom it trusts ---------------------------------------------------------------------------------------------------


def test_the_storage_gets_no_token_and_nobody_sees_its_signature(
    runner, github, asked_of_storage, monkeypatch
):
    Path("netrc").write_text("machine localhost login me password netrc-secret\n")
    monkeypatch.setenv("NETRC", str(Path("netrc").absolute()))
    keep(runner, all_pass())
    step = judged(runner, all_pass())
    assert step.outputs["baseline_verdict"] == "PASS"
    (request,) = asked_of_storage
    assert "Authorization" not in request.headers
    assert "secret-token" not in str(request.headers)
    github.kept[0] = replace(github.kept[0], location=f"{github.storage}/404?sig=signature-of-the-storage")
    step = judged(runner, all_pass())
    assert "answers HTTP 404" in said(github)
    assert "signature" not in said(github) + step.stdout + step.stderr + step.summary


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://169.254.169.254/latest/meta-data", "a link-local address: not followed"),
        ("http://[fe80::1]/", "a link-local address: not followed"),
        ("http://[::ffff:169.254.169.254]/", "a link-local address: not followed"),
        ("file:///etc/passwd", "what is not a web address"),
        ("http://[/", "what is not a web address"),
    ],
)
def test_a_redirect_to_the_machines_own_network_is_not_followed(runner, github, location, words):
    keep(runner, all_pass())
    github.kept[0] = replace(github.kept[0], location=location)
    step = judged(runner, all_pass())
    assert (step.code, step.outputs["baseline_verdict"]) == (0, "NONE")
    assert words in step.stdout


def test_redirects_end(runner, github):
    keep(runner, all_pass())
    with answering(lambda request: (302, b"")) as address:  # to itself
        github.kept[0] = replace(github.kept[0], location=address)
        judged(runner, all_pass())
    assert "more than 5 redirects" in said(github)


@pytest.mark.parametrize(
    ("url", "location", "words"),
    [
        ("https://api.github.com/x", "http://storage.example/x", "which is not encrypted: not followed"),
        ("https://api.github.com/x", "//169.254.169.254/x", "a link-local address: not followed"),
        ("http://127.0.0.1/x", "http://storage example/x", "not a web address"),
    ],
)
def test_where_no_redirect_is_followed_to(url, location, words):
    with pytest.raises(GitHubError, match=words):
        downloaded(url, location, largest=10, timeout=1, ca_bundle=None)


# --- where GitHub does not do as asked --------------------------------------------------------------------------------


def test_without_the_permission_it_says_which(runner, github):
    keep(runner, all_pass())
    github.tokens["secret-token"].may_read_actions = False
    step = judged(runner, all_pass())
    assert (step.code, step.outputs["verdict"], step.outputs["baseline_verdict"]) == (0, "ALL PASS", "NONE")
    assert "Give the job the permission <code>actions: read</code>" in said(github).replace("&#58;<wbr>", ":")
    assert step.outputs["published"] == "true"


def test_without_a_token_it_says_so(runner, github, monkeypatch):
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    step = runner.run(all_pass(), *other("push", TIP), baseline_ref="main", github_token="")
    assert (step.code, step.outputs["baseline_verdict"]) == (0, "NONE")
    assert "there is no token" in step.summary


@pytest.mark.parametrize(
    "path", [".*/actions/artifacts", ".*/actions/runs/.*", ".*/actions/artifacts/.*/zip"]
)
def test_a_github_that_is_out_of_order_costs_no_verdict(runner, github, path):
    keep(runner, all_pass())
    github.faults.append(Fault("GET", path, 502, times=100))
    step = judged(runner, all_pass())
    assert (step.code, step.outputs["verdict"], step.outputs["baseline_verdict"]) == (0, "ALL PASS", "NONE")
    assert "Run the job again" in said(github)
    assert github.statuses[-1]["state"] == "success"


def test_an_answer_that_is_lost_once_is_asked_for_again(runner, github):
    keep(runner, all_pass())
    github.faults.append(Fault("GET", ".*/actions/artifacts", 502))
    assert judged(runner, all_pass()).outputs["baseline_verdict"] == "PASS"


# --- publish ----------------------------------------------------------------------------------------------------------


def claimed(runner: Runner, evidence: Evidence) -> str:
    """Judge a fork's pull request with a token that can only read, and return its verdict file."""
    runner.github.pulls[7].label = "fork:main"
    return runner.run(evidence, *pull_request(7, HEAD, fork=True), comment="never").outputs["verdict_file"]


def test_a_second_workflow_holds_a_forks_verdict_against_main(runner, github):
    use(runner, LIMITED)
    keep(runner, all_pass())
    file = claimed(runner, worse())
    asked = {"baseline_ref": "main", "commit_status": "smoke-gate"}
    step = runner.run(worse(), *workflow_run(HEAD), publish=file, **asked)
    assert (step.code, step.outputs["verdict"], step.outputs["baseline_verdict"]) == (1, "ALL PASS", "FAIL")
    assert github.statuses[-1]["state"] == "failure"
    assert "Smoke gate: ALL PASS · baseline: FAIL · " in said(github).splitlines()[1]
    command = runner.publish(Path(file), *workflow_run(HEAD), **asked)
    assert (command.code, command.outputs["baseline_verdict"]) == (1, "FAIL")


def test_the_limits_are_not_those_that_a_fork_claims(runner, github):
    use(runner, LIMITED)
    keep(runner, all_pass())
    main = github.files["refs/heads/main:smoke-gate.yml"]
    (runner.workspace / "smoke-gate.yml").write_text(effective_yaml(passing_policy()))
    file = claimed(runner, worse())
    github.files[f"{HEAD}:smoke-gate.yml"] = main
    step = runner.run(worse(), *workflow_run(HEAD), publish=file, baseline_ref="main")
    assert step.outputs["baseline_verdict"] == "FAIL"
    assert step.outputs["verdict"] == "WARNING"  # its policy differs


def test_a_second_workflow_says_that_there_is_no_baseline(runner, github):
    file = claimed(runner, all_pass())
    step = runner.run(all_pass(), *workflow_run(HEAD), publish=file, baseline_ref="main")
    assert (step.code, step.outputs["verdict"], step.outputs["baseline_verdict"]) == (0, "ALL PASS", "NONE")
    assert "**Baseline: NONE.**" in said(github)
