"""Where a verdict comes from, in one line: commit, run, files, policy file, image, with links where there are pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from smoke_gate.message import Message, say
from smoke_gate.report.judgement import Judgement

_SHORT_COMMIT = 7
_SHORT_DIGEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The addresses of the pages of a verdict; None where there is no page."""

    commit: str | None = None
    run: str | None = None
    files: str | None = None
    policy: str | None = None
    image: str | None = None


NO_PAGES = Pages()


@dataclass(frozen=True, slots=True)
class OriginPart:
    """A part of the line: what it says, and its page."""

    words: Message
    url: str | None = None


def origins(judgement: Judgement, pages: Pages = NO_PAGES) -> Sequence[OriginPart]:
    """Return what is known of where a verdict comes from. A run and its files are nothing without their page."""
    document = judgement.document
    commit = document.context.sha or judgement.evidence.head.commit
    policy, image = _policy(document.source.policy_file), _image(judgement)
    return [*beginnings(commit, pages), OriginPart(policy, pages.policy), OriginPart(image, pages.image)]


def beginnings(commit: str | None, pages: Pages) -> Sequence[OriginPart]:
    """Return the part of the line that is known before there is a verdict."""
    found = (
        [OriginPart(say("commit {commit}", commit=commit[:_SHORT_COMMIT]), pages.commit)] if commit else []
    )
    return [
        *found,
        *(OriginPart(say(name), url) for name, url in (("run", pages.run), ("files", pages.files)) if url),
    ]


def _policy(file: str | None) -> Message:
    if file is None:
        return say("no policy file")
    return say("policy file {file}", file=file)


def _image(judgement: Judgement) -> Message:
    tool = judgement.document.tool
    if tool.image_digest is None:
        return say("smoke-gate {version}", version=tool.version)
    name, _, digest = tool.image_digest.rpartition("@")
    algorithm, _, digits = digest.rpartition(":")
    return say(
        "image {digest}", digest=f"{algorithm}:{digits[:_SHORT_DIGEST]}" if algorithm else name or digest
    )
