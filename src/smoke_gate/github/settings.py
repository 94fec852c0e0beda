"""The action's inputs, which GitHub passes as ``INPUT_*`` variables. Pure; one small function a setting.

An input that is empty, or nothing but blanks, counts as not given. Defaults are those of ``action.yml``.
"""

import os.path
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from smoke_gate.errors import UsageError
from smoke_gate.options import Options, clean_branch, clean_executor, clean_mapping, clean_names, clean_sha
from smoke_gate.origins import ArtifactHost, clean_artifact_host
from smoke_gate.waiting import duration

LARGEST_CHARACTER = "\uffff"
"""GitHub refuses those beyond it in a commit status."""

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)


class CommentMode(StrEnum):
    """When a comment may be made. One that exists is always brought up to date."""

    ALWAYS = "always"
    PROBLEMS = "problems"
    NEVER = "never"


class FailOn(StrEnum):
    """The mildest verdict that fails the job."""

    FAIL = "fail"
    WARNING = "warning"


class PolicyRef(StrEnum):
    """Whose policy counts on a pull request."""

    HEAD = "head"
    BASE = "base"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The inputs; those that ``check`` has too are its ``options``. ``wait`` is in seconds; None: not given."""

    options: Options = field(default_factory=Options)
    fail_on: FailOn = FailOn.FAIL
    wait: float = 0
    comment: CommentMode = CommentMode.ALWAYS
    comment_id: str = "smoke-gate"
    commit_status: str | None = None
    policy_ref: PolicyRef = PolicyRef.HEAD
    publish: Path | None = None
    github_token: str | None = None


_INPUTS = {option.name for option in fields(Options)} - {"workers", "cache"} | {"wait", "fail_on"}
"""Those that are options of ``check`` too."""
_OPTION = re.compile(rf"(?<![\w-])--({'|'.join(_INPUTS).replace('_', '-')})(?![\w-])")

TELL_WHERE = frozenset({"sha", "pull_request", "comment_id", "commit_status"})
"""The inputs that say where a report goes."""


def by_inputs(text: str) -> str:
    """Return an error's text with inputs named in place of the command line's options, which a workflow has not."""
    return _OPTION.sub(lambda option: f"input `{option[1].replace('-', '_')}`", text)


class InputError(UsageError):
    """Inputs are not what they may be; ``settings`` is what the others say, with the wrong ones at their defaults."""

    def __init__(self, problems: Mapping[str, str], settings: Settings) -> None:
        super().__init__("\n".join(f"input `{name}`: {problem}" for name, problem in problems.items()))
        self.settings = settings
        self.place_is_known = not problems.keys() & TELL_WHERE


def settings_of(environ: Mapping[str, str]) -> Settings:
    """Read the inputs.

    Raises:
        InputError: an input is not what it may be; the message names each of them.

    """
    problems: dict[str, str] = {}

    def read(name: str, clean: Callable[[str], T], default: T) -> T:
        text = environ.get(f"INPUT_{name.upper()}", "").strip()
        try:
            return clean(text) if text else default
        except ValueError as error:
            problems[name] = str(error)
            return default

    plain = Settings()
    settings = Settings(
        options=_options(read, environ),
        fail_on=read("fail_on", clean_fail_on, plain.fail_on),
        wait=read("wait", duration, plain.wait),
        comment=read("comment", clean_comment, plain.comment),
        comment_id=read("comment_id", clean_comment_id, plain.comment_id),
        commit_status=read("commit_status", clean_commit_status, None),
        policy_ref=read("policy_ref", clean_policy_ref, plain.policy_ref),
        publish=read("publish", Path, None),
        github_token=read("github_token", str, environ.get("GITHUB_TOKEN", "").strip() or None),
    )
    if problems:
        raise InputError(problems, settings)
    return settings


def token_has_blanks(environ: Mapping[str, str]) -> bool:
    """Return whether the token came with white space around it, such as a line break, which is left out."""
    given = environ.get("INPUT_GITHUB_TOKEN", "")
    token = given if given.strip() else environ.get("GITHUB_TOKEN", "")
    return bool(token.strip()) and token != token.strip()


class _Read(Protocol):
    """Reads an input by its name; what it may be is the cleaner's business."""

    def __call__(self, name: str, clean: Callable[[str], T], default: T) -> T: ...


def _options(read: _Read, environ: Mapping[str, str]) -> Options:
    """Read the inputs that ``check`` has too."""
    plain = Options()

    def clean_output_dir(text: str) -> Path:
        return output_dir(text, environ.get("GITHUB_WORKSPACE"), environ.get("RUNNER_TEMP"))

    return Options(
        tracking_uri=read("tracking_uri", str, None),
        experiment=read("experiment", clean_names, ()),
        cells=read("cells", clean_names, None),
        seeds=read("seeds", clean_names, None),
        threshold=read("threshold", clean_threshold, None),
        policy=read("policy", Path, None),
        definition=read("definition", str, None),
        output_dir=read("output_dir", clean_output_dir, plain.output_dir),
        baseline=read("baseline", Path, None),
        baseline_ref=read("baseline_ref", clean_branch, None),
        no_figures=read("no_figures", clean_flag, plain.no_figures),
        profile=read("profile", clean_profile, None),
        sha=read("sha", clean_sha, None),
        pull_request=read("pull_request", clean_pull_request, None),
        artifact_path_map=read("artifact_path_map", clean_artifact_path_map, ()),
        artifact_host=read("artifact_host", partial(clean_artifact_hosts, with_credentials=False), ()),
        artifact_host_with_credentials=read(
            "artifact_host_with_credentials", partial(clean_artifact_hosts, with_credentials=True), ()
        ),
        executor=read("executor", clean_executor, None),
    )


def output_dir(text: str, workspace: str | None, temp: str | None) -> Path:
    """Read a folder that outlives the container: the runner mounts the workspace and its folder for temporary files.

    Args:
        text: the folder, from the workspace.
        workspace: where the workspace is, None where there is no runner; then any folder will do.
        temp: where the folder for temporary files is, None where there is none.

    """
    if workspace is None:
        return Path(text)
    place = Path(os.path.normpath(Path(workspace, text)))
    if not any(place.is_relative_to(kept) for kept in (workspace, temp) if kept):
        allowed = "a folder in the workspace, such as outputs, or one in `${{ runner.temp }}`"
        raise ValueError(
            f"found {text!r}; expected {allowed}: what is written elsewhere is lost with the container"
        )
    return Path(text)


def clean_threshold(text: str) -> str:
    """Check a number of runs or a percentage; the policy gives it its meaning."""
    if not re.fullmatch(r"[1-9]\d*%?", text):
        raise ValueError(f"found {text!r}; expected a number of runs such as 2, or a percentage such as 10%")
    return text


def clean_flag(text: str) -> bool:
    """Read true or false, as YAML's core schema spells them."""
    if text.lower() not in ("true", "false"):
        raise ValueError(f"found {text!r}; expected true or false")
    return text.lower() == "true"


def clean_fail_on(text: str) -> FailOn:
    """Read a verdict from which the job fails."""
    return _one_of(FailOn, text)


def clean_profile(text: str) -> str:
    """Read the name of a profile."""
    if text not in ("contract", "basic"):
        raise ValueError(f"found {text!r}; expected contract or basic")
    return text


def clean_pull_request(text: str) -> int:
    """Read a pull request's number."""
    if not re.fullmatch(r"[1-9]\d{0,17}", text, re.ASCII):
        raise ValueError(f"found {text!r}; expected a pull request's number")
    return int(text)


def clean_comment(text: str) -> CommentMode:
    """Read when to comment."""
    return _one_of(CommentMode, text)


def clean_comment_id(text: str) -> str:
    """Read what tells several gates apart; it stands in an HTML comment, where ``--`` has a meaning."""
    if len(text) > 100 or not re.fullmatch(r"[\w.:/]+(-[\w.:/]+)*", text, re.ASCII):
        allowed = "letters, digits and . _ : / with single hyphens between them, 100 at most"
        raise ValueError(f"found {text!r}; expected {allowed}")
    return text


def clean_commit_status(text: str) -> str:
    """Read a commit status' context."""
    if len(text) > 255 or not text.isprintable() or max(text) > LARGEST_CHARACTER:
        expected = (
            "a name of at most 255 characters on one line, none of them an emoji or another beyond U+FFFF"
        )
        raise ValueError(f"found {text!r}; expected {expected}")
    return text


def clean_policy_ref(text: str) -> PolicyRef:
    """Read whose policy counts."""
    return _one_of(PolicyRef, text)


def clean_artifact_path_map(text: str) -> tuple[tuple[str, str], ...]:
    """Read ``OLD=NEW`` pairs, one a line."""
    return tuple(clean_mapping(line.strip()) for line in text.splitlines() if line.strip())


def clean_artifact_hosts(text: str, *, with_credentials: bool) -> tuple[ArtifactHost, ...]:
    """Read addresses of hosts, told apart by commas, blanks and line ends."""
    return tuple(
        clean_artifact_host(one, with_credentials=with_credentials)
        for one in re.split(r"[,\s]+", text.strip())
    )


def _one_of(kind: type[Choice], text: str) -> Choice:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"found {text!r}; expected one of {', '.join(kind)}") from None
