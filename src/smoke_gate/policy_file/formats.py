"""The policy as others read it: YAML for people, JSON for verdict files, a hash."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import yaml

from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.errors import PolicyError, Position, Problem, shown
from smoke_gate.policy_file.load import effective
from smoke_gate.policy_file.reader import Document

UNHASHED = ("report", "compare")  # they decide no verdict


def policy_json(policy: Policy) -> dict[str, Any]:
    """Return the effective policy as a verdict file holds it: as JSON values, with the defaults filled in."""
    return policy.model_dump(mode="json")


def policy_from_json(value: object) -> Policy:
    """Return the policy that :func:`policy_json` wrote.

    Raises:
        PolicyError: It is not a policy, or contradicts itself.
    """
    place = Position("policy")
    if not isinstance(value, Mapping):
        raise PolicyError([Problem(place, "", f"found {shown(value)}; expected a mapping")])
    return effective(Document(dict(value), {(): place}), as_recorded=True)


def policy_sha256(policy: Policy) -> str:
    """Return the hash of all that decides a verdict, as RFC 8785 JSON, in lower-case hex.

    The policy without its report and its limits against a baseline.
    """
    from smoke_gate.hashing import canonical_json  # printing a policy needs no hashes

    values = decisive(policy_json(policy))
    return hashlib.sha256(canonical_json(values)).hexdigest()


def decisive(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a policy, in its JSON form, that decide a verdict."""
    return {name: value for name, value in values.items() if name not in UNHASHED}


def effective_yaml(policy: Policy) -> str:
    """Return the effective policy as a policy file; a narrowing, which no file can say, is a comment above it."""
    values = policy.model_dump(mode="json", exclude={"narrowed"})
    text: str = yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110
    )
    return inert_yaml(f"{_narrowing(policy)}{text}")


def inert_yaml(text: str) -> str:
    """Return YAML that a GitHub runner takes for no command, and that reads as it did.

    Such a command is ``::`` at the start of a line, after any blanks, or ``##[`` anywhere in it. Either must stand in a
    double-quoted scalar, where its first character can be an escape, or in a comment.
    """
    return re.sub(r"(?m)^(\s*):(?=:)", r"\1\\x3a", text.replace("##[", r"\x23#["))


class _Dumper(yaml.SafeDumper):
    """Writes every text so that it reads back the same, also from `inert_yaml`.

    PyYAML alone folds rare line breaks away.
    """

    def represent_str(self, data: str) -> yaml.ScalarNode:
        plain = data.isprintable() and "::" not in data and "##[" not in data
        style = None if plain else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def _narrowing(policy: Policy) -> str:
    if policy.narrowed is None:
        return ""
    options = (("--cells", policy.narrowed.cells), ("--seeds", policy.narrowed.seeds))
    said = " ".join(f"{option} {','.join(names)!a}" for option, names in options if names)
    return f"# narrowed: {said}\n"
