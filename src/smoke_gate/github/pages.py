"""The pages of what a verdict comes from: the commit, the workflow run, its files, the policy, the image. Pure."""

from pathlib import PurePosixPath
from urllib.parse import quote

from smoke_gate.github.job import Job
from smoke_gate.report.escape import web_address
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.origin import Pages


def pages_of(job: Job, judgement: Judgement | None = None) -> Pages:
    """Return the pages that there are.

    Args:
        job: where this job stands. The run is the one that judged the commit, which has the files too.
        judgement: what is told; None where there is no verdict.

    """
    where = job.situation
    repository = web_address(f"{job.server_url}/{where.repository}") if where.repository else None
    run = f"{repository}/actions/runs/{where.run_id}" if repository and where.run_id else job.run_url
    return Pages(
        commit=f"{repository}/commit/{where.sha}" if repository and where.sha else None,
        run=run,
        files=f"{run}#artifacts" if run and judgement is not None else None,
        policy=_policy(job, judgement, repository) if repository and judgement else None,
        image=_image(judgement.document.tool.image_digest) if judgement else None,
    )


def _policy(job: Job, judgement: Judgement, repository: str) -> str | None:
    """Return the page of the policy file: as the base branch has it, unless the pull request's own counts."""
    file, where = judgement.document.source.policy_file, job.situation
    own = where.pull_request is None or where.base_ref is None or judgement.evidence.policy_change is not None
    revision = where.sha if own else where.base_ref
    if (
        file is None
        or revision is None
        or PurePosixPath(file).is_absolute()
        or ".." in PurePosixPath(file).parts
    ):
        return None
    return f"{repository}/blob/{quote(revision)}/{quote(file)}"


def _image(digest: str | None) -> str | None:
    """Return the page of a published image: registries show one under its name, where that names their host."""
    name, at, _ = (digest or "").partition("@")
    host, _, path = name.partition("/")
    return web_address(f"https://{name}") if at and path and "." in host else None
