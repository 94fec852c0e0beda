"""The rules of a revision: its policy with this job's options over it, and the definition file that the policy names.

Both are read through the API, as the revision has them. The checkout's are read only where GitHub cannot tell.
"""

import os.path
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smoke_gate.collect.definitions import definition_sha256
from smoke_gate.errors import SmokeGateError, UsageError
from smoke_gate.evidence import PolicyChange
from smoke_gate.gates.definition import ByFile, BySha256, DefinitionHashSettings
from smoke_gate.github.policy_change import PULL_REQUEST, policy_change, policy_unknown, together
from smoke_gate.github.transport import GitHubError
from smoke_gate.options import Options
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.formats import effective_yaml
from smoke_gate.policy_file.load import load_policy

Read = Callable[[Sequence[str]], Mapping[str, str]]
"""Returns the texts of those files that are there, by their paths from the repository's root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """The definition file that a policy names.

    ``text`` is None if there is no such file, or if it could not be read; ``sha256`` is None if it has no hash;
    ``error`` says what is wrong with the file.
    """

    file: Path
    text: str | None = None
    sha256: str | None = None
    error: SmokeGateError | None = None

    @property
    def shown(self) -> str | None:
        """The text below its hash: a comparison of lines may leave out what changes the hash."""
        return self.text if self.sha256 is None else f"sha256: {self.sha256}\n{self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The policy of a revision, whose messages call ``whose``; ``file`` is None if the revision has no policy file."""

    whose: str
    file: Path | None
    policy: Policy
    definition: Definition | None = None

    @property
    def is_known(self) -> bool:
        """True if everything that decides could be read."""
        return self.definition is None or not isinstance(self.definition.error, GitHubError)

    @property
    def text(self) -> str | None:
        """The effective policy, None if there is no file of it: a comment in the file makes no difference."""
        return None if self.file is None else effective_yaml(self.policy)

    @property
    def counted(self) -> Policy:
        """The policy with its definition's hash in place of the file's name.

        Raises:
            SmokeGateError: there is no such definition.

        """
        if self.definition is None:
            return self.policy
        if self.definition.sha256 is None:
            raise self.definition.error or absent(self.definition.file, self.whose)
        return with_hash(self.policy, self.definition.sha256)

    def same_as(self, other: "Rules") -> bool:
        """Return whether two revisions have the same effective policy."""
        return self._decisive == other._decisive

    @property
    def _decisive(self) -> tuple[str, str | None]:
        return effective_yaml(self.policy), None if self.definition is None else self.definition.shown


def with_hash(policy: Policy, sha256: str) -> Policy:
    """Return a policy with a definition's hash, which may be any text, in place of where that is from."""
    return policy.with_settings(DefinitionHashSettings, expected=BySha256.model_construct(sha256=sha256))


def rules_at(read: Read, options: Options, whose: str) -> Rules:
    """Return the rules of a revision.

    Args:
        read: reads files of the revision.
        options: this job's options.
        whose: how messages name the revision.

    Raises:
        GitHubError: the policy cannot be read.
        UsageError: there are two policy files.
        PolicyError: it is not a policy.

    """
    paths = {path: name for name in options.policy_names if (path := repository_path(name)) is not None}
    found = {paths[path]: text for path, text in read(list(paths)).items()} if paths else {}
    if len(found) > 1:
        raise UsageError(f"{whose} has both {' and '.join(sorted(map(str, found)))}: keep one of them")
    file, text = next(iter(found.items()), (None, ""))
    policy = load_policy(file, options.overrides, plan_required=False, text=text.encode())
    named = _definition_file(policy, file)
    definition = None if named is None else _definition_at(read, named, whose)
    return Rules(whose=whose, file=file, policy=policy, definition=definition)


def rules_in_checkout(options: Options) -> Rules:
    """Return the rules of the working tree.

    Raises:
        PolicyError: its policy cannot be read, or is not one.

    """
    policy = load_policy(options.policy_file, options.overrides, plan_required=False)
    file = _definition_file(policy, options.policy_file)
    definition = None if file is None else _definition(file, _text_in_checkout(file), PULL_REQUEST)
    return Rules(whose=PULL_REQUEST, file=options.policy_file, policy=policy, definition=definition)


def change_between(base: Rules, counted: Rules) -> PolicyChange | None:
    """Return how the rules that counted differ from the base branch's; None if they do not."""
    policies = None
    if effective_yaml(base.policy) != effective_yaml(counted.policy):
        policies = policy_change(base.text, counted.text, branch=base.whose, other=counted.whose)
    return together(policies, _change_of_definition(base, counted))


def _change_of_definition(base: Rules, counted: Rules) -> PolicyChange | None:
    one, other = base.definition, counted.definition
    if one is None or other is None:  # the policies differ, and show it
        return None
    if one.error is not None:
        return policy_unknown(str(one.error), other=counted.whose)
    if one.sha256 is not None and one.sha256 == other.sha256:
        return None
    what = f"definition {shown(other.file)}"
    return policy_change(one.shown, other.shown, branch=base.whose, other=counted.whose, what=what)


# --- definitions ------------------------------------------------------------------------------------------------------


def absent(file: Path, whose: str) -> UsageError:
    """Return that a revision does not have the definition that its policy names."""
    return UsageError(f"the policy names the definition {shown(file)}, and {whose} has no such file")


def shown(file: Path) -> str:
    """Return a file as messages name it: from the repository's root, where it lies in it."""
    return repository_path(file) or str(file)


def _definition_file(policy: Policy, policy_file: Path | None) -> Path | None:
    """Return the definition file that a policy names; None if it names none, or G1 is off."""
    gate = policy.settings(DefinitionHashSettings)
    if not (gate.enabled and isinstance(gate.expected, ByFile)):
        return None
    return (policy_file or Path()).parent / gate.expected.file


def _definition_at(read: Read, file: Path, whose: str) -> Definition:
    path = repository_path(file)
    try:
        text = None if path is None else read([path]).get(path)
    except GitHubError as error:
        message = f"the definition {shown(file)} of {whose} could not be read: {error}"
        return Definition(file=file, error=GitHubError(error.refusal, message))
    return _definition(file, text, whose)


def _definition(file: Path, text: str | None, whose: str) -> Definition:
    if text is None:
        return Definition(file=file)
    try:
        return Definition(file=file, text=text, sha256=definition_sha256(file, text.encode()))
    except UsageError as error:
        return Definition(file=file, text=text, error=UsageError(f"in {whose}, {error}"))


def _text_in_checkout(file: Path) -> str | None:
    """Return what a file holds; None if it cannot be read, which is told when the runs are read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def repository_path(file: Path) -> str | None:
    """Return a file's path from the root of its checkout, as GitHub names it.

    No link is followed: a pull request could put one in the policy's place, to another file that its base has too.
    None if the file lies outside: then no revision can have it. Without a checkout the working directory is the root.
    """
    place = Path(os.path.normpath(Path.cwd() / file))
    root = next((parent for parent in place.parents if (parent / ".git").exists()), Path.cwd())
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else None
