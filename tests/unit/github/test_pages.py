"""Which pages the second line of a comment leads to."""

from dataclasses import replace

import pytest

from smoke_gate.evidence import PolicyChange
from smoke_gate.github.event import Situation
from smoke_gate.github.job import Job
from smoke_gate.github.pages import pages_of
from smoke_gate.github.settings import Settings
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown import markdown
from smoke_gate.report.origin import Pages
from tests.support.matrix import passing_matrix
from tests.unit.report.judgements import Page, judgement

REPOSITORY = "https://git.example/org/repo"
SHA = "c0ffee" * 6 + "c0de"
PULL_REQUEST = Situation(repository="org/repo", sha=SHA, pull_request=7, base_ref="release/1 #2", run_id=41)
PUSH = replace(PULL_REQUEST, pull_request=None, base_ref=None)
IMAGE = f"registry.example/org/smoke-gate@sha256:{'ab' * 32}"


def job(situation: Situation) -> Job:
    return Job(
        settings=Settings(), situation=situation, github=None, run_url=None, server_url="https://git.example"
    )


def judged(
    file: str | None = "smoke-gate.yml", image: str | None = IMAGE, *, changed: bool = False
) -> Judgement:
    change = PolicyChange(found="They differ.", difference=("-a",)) if changed else None
    found = judgement(evidence=replace(passing_matrix(), policy_change=change))
    tool, source = found.document.tool, found.document.source
    document = replace(
        found.document, tool=replace(tool, image_digest=image), source=replace(source, policy_file=file)
    )
    return replace(found, document=document)


def test_each_has_its_page():
    assert pages_of(job(PUSH), judged()) == Pages(
        commit=f"{REPOSITORY}/commit/{SHA}",
        run=f"{REPOSITORY}/actions/runs/41",
        files=f"{REPOSITORY}/actions/runs/41#artifacts",
        policy=f"{REPOSITORY}/blob/{SHA}/smoke-gate.yml",
        image="https://registry.example/org/smoke-gate",
    )


@pytest.mark.parametrize(
    ("situation", "changed", "revision"),
    [(PUSH, False, SHA), (PULL_REQUEST, False, "release/1%20%232"), (PULL_REQUEST, True, SHA)],
)
def test_the_policy_is_shown_as_it_counted(situation, changed, revision):
    pages = pages_of(job(situation), judged(changed=changed))
    assert pages.policy == f"{REPOSITORY}/blob/{revision}/smoke-gate.yml"


@pytest.mark.parametrize("file", [None, "/etc/smoke-gate.yml", "../smoke-gate.yml"])
def test_a_policy_outside_the_repository_has_no_page(file):
    assert pages_of(job(PUSH), judged(file)).policy is None


@pytest.mark.parametrize("image", [None, "smoke-gate:dev", "sha256:ab", "smoke-gate@sha256:ab"])
def test_an_image_without_a_registry_has_no_page(image):
    assert pages_of(job(PUSH), judged(image=image)).image is None


def test_without_a_verdict_there_are_commit_and_run():
    pages = pages_of(job(PUSH))
    assert (pages.commit, pages.run) == (f"{REPOSITORY}/commit/{SHA}", f"{REPOSITORY}/actions/runs/41")
    assert (pages.files, pages.policy, pages.image) == (None, None, None)
    assert pages_of(job(Situation())) == Pages()


def test_the_second_line_has_them_as_links_and_without_github_as_words():
    found = judged()
    _, _, line, *_ = markdown(found, pages=pages_of(job(PUSH), found)).splitlines()
    shown = Page(line)
    assert [link.removeprefix(REPOSITORY) for link in shown.links] == [
        f"/commit/{SHA}", "/actions/runs/41", "/actions/runs/41#artifacts", f"/blob/{SHA}/smoke-gate.yml",
        "https://registry.example/org/smoke-gate",
    ]  # fmt: skip
    assert shown.code == ["c0ffee", "smoke-gate.yml", "sha256:abababababab"]
    _, _, plain, *_ = markdown(found).splitlines()
    assert Page(plain).links == []
    assert Page(plain).code == shown.code
    assert " run " not in Page(plain).text
