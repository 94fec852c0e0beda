"""The options of `check`, for the command line and for the action alike."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smoke_gate.credentials import without_credentials_and_query
from smoke_gate.origins import ArtifactHost
from smoke_gate.policy_file.names import POLICY_NAMES, found_policy
from smoke_gate.policy_file.overrides import Overrides

DEFAULT_OUTPUT = Path("outputs")
DEFAULT_WORKERS = 8


def clean_sha(text: str) -> str:
    """Return a commit's whole hash, in lower case as git writes it.

    Raises:
        ValueError: It is not a whole hash. An abbreviated one would never equal a run's commit.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}", text):
        raise ValueError(f"found {text!r}; expected a whole commit hash of 40 or 64 hex digits")
    return text.lower()


def clean_branch(text: str) -> str:
    """Return a branch's name, which may be given as ``refs/heads/NAME``.

    Raises:
        ValueError: No branch can have this name.
    """
    name = text.removeprefix("refs/heads/")
    if not name.isprintable() or re.search(r"[ ~^:?*\[\\]|\.\.|^[-/]|/$|^refs/", name) or not name:
        raise ValueError(f"found {text!r}; expected a branch's name, such as main")
    return name


def clean_executor(text: str) -> str:
    """Return the address of a Dask scheduler.

    Raises:
        ValueError: It is not one.
    """
    if not re.fullmatch(r"dask(?:\+tls)?://(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}", text):
        raise ValueError(f"found {text!r}; expected dask://HOST:PORT, or dask+tls://HOST:PORT")
    return text


def clean_names(text: str) -> tuple[str, ...]:
    """Split a list at commas and newlines."""
    parts = (part.strip() for part in text.replace("\n", ",").split(","))
    return tuple(part for part in parts if part)


def clean_mapping(text: str) -> tuple[str, str]:
    """Return where artifacts were and where they are, of ``OLD=NEW``.

    Raises:
        ValueError: It does not have that form.
    """
    old, _, new = text.partition("=")
    if not (old and new):
        raise ValueError(f"found {text!r}, expected OLD=NEW")
    return old, new


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `check`, under their names there; None, empty: not given.

    ``fail_on`` and what is only for the terminal are not here: they do not change what is judged or written.
    """

    policy: Path | None = None
    experiment: tuple[str, ...] = ()
    cells: tuple[str, ...] | None = None
    seeds: tuple[str, ...] | None = None
    threshold: str | None = None
    definition: str | None = None
    profile: str | None = None
    tracking_uri: str | None = None
    artifact_path_map: tuple[tuple[str, str], ...] = ()
    artifact_host: tuple[ArtifactHost, ...] = ()
    artifact_host_with_credentials: tuple[ArtifactHost, ...] = ()
    workers: int = DEFAULT_WORKERS
    executor: str | None = None
    cache: Path | None = None
    sha: str | None = None
    pull_request: int | None = None
    output_dir: Path = DEFAULT_OUTPUT
    no_figures: bool = False
    baseline: Path | None = None
    baseline_ref: str | None = None

    @property
    def policy_file(self) -> Path | None:
        """The policy file that counts: the one that is named, else that of the working directory; None: there is none.

        Raises:
            UsageError: None is named, and the working directory has two.
        """
        return self.policy or found_policy()

    @property
    def policy_names(self) -> tuple[Path, ...]:
        """Where a policy file may be that counts, on this branch or on another."""
        return (self.policy,) if self.policy else POLICY_NAMES

    @property
    def artifact_hosts(self) -> tuple[ArtifactHost, ...]:
        """The hosts that may be asked for artifacts; one that is named twice gets credentials."""
        return (*self.artifact_host_with_credentials, *self.artifact_host)

    @property
    def overrides(self) -> Overrides:
        """The values that the options set in the policy."""
        return Overrides(
            experiments=self.experiment,
            cells=self.cells,
            seeds=self.seeds,
            threshold=self.threshold,
            definition=self.definition,
            profile=self.profile,
        )

    def arguments(self, tracking_uri: str) -> tuple[str, ...]:
        """Return the command line that asks the same of the store at ``tracking_uri``, for a report's reader.

        What is left out changes no verdict: what reads, and what it keeps, where the files go, and which branch has the
        baseline.
        """
        return tuple(self._arguments(tracking_uri))

    def _arguments(self, tracking_uri: str) -> Iterator[str]:
        yield from ("--tracking-uri", tracking_uri)
        single = {
            "--policy": self.policy,
            "--cells": ",".join(self.cells or ()),
            "--seeds": ",".join(self.seeds or ()),
            "--threshold": self.threshold,
            "--definition": self.definition,
            "--profile": self.profile,
            "--sha": self.sha,
            "--baseline": self.baseline,
        }
        for name, value in single.items():
            if value:
                yield from (name, str(value))
        for experiment in self.experiment:
            yield from ("--experiment", experiment)
        for pair in self.artifact_path_map:
            yield from ("--artifact-path-map", "=".join(map(without_credentials_and_query, pair)))
        for host in self.artifact_host:
            yield from ("--artifact-host", str(host.origin))
        for host in self.artifact_host_with_credentials:
            yield from ("--artifact-host-with-credentials", str(host.origin))
