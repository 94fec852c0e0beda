"""Reading a verdict file as one would a stranger's: bounded, strictly, and held against its own hashes."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, cast

from smoke_gate import __version__
from smoke_gate.errors import UsageError
from smoke_gate.evidence import Evidence
from smoke_gate.evidence_json import EvidenceError, evidence_from_json
from smoke_gate.hashing import HashError, canonical_json, sha256_hex
from smoke_gate.policy.errors import PolicyError
from smoke_gate.policy.formats import HASHED, policy_from_json
from smoke_gate.policy.model import Policy
from smoke_gate.report.document import VerdictDocument
from smoke_gate.report.escape import shortened
from smoke_gate.report.schema import verdict_schema

LARGEST_FILE = 64 << 20  # bytes; the file of a thousand runs has about 15 MB
_LONGEST_QUOTE = 300  # characters of what a parser says about the file
_LONGEST_REASON = 20_000  # characters of what is wrong with its policy or its evidence
_MOST_PROBLEMS = 50  # of those with its form, that are looked at


class VerdictFileError(UsageError):
    """A file is no verdict file that this version can read, or contradicts itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A verdict file that agrees with its own hashes: the document, and the policy and evidence that it holds."""

    document: VerdictDocument
    policy: Policy
    evidence: Evidence


def read_document(path: Path) -> VerdictDocument:
    """Read a verdict file and check its form; whether it is true is not asked.

    Raises:
        VerdictFileError: It cannot be read, is larger than 64 MiB, is no JSON, names a key twice, or is not what the
            schema says.

    """
    content = _content(path)
    try:
        document = json.loads(content, object_pairs_hook=_distinct_keys, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = shortened(str(error), _LONGEST_QUOTE)
        raise VerdictFileError(f"{path} is no verdict file: it is no JSON: {reason}") from None
    if problem := _schema_problem(document):
        raise VerdictFileError(f"{path} is no verdict file: {problem}{_other_version(document)}")
    return cast(VerdictDocument, document)


def read_recorded(path: Path) -> Recorded:
    """Read a verdict file whose policy and evidence are used: it must agree with its own hashes.

    Raises:
        VerdictFileError: As :func:`read_document`; or policy or evidence do not match their hashes.

    """
    document = read_document(path)
    if problem := tampering(document):
        raise VerdictFileError(f"{path} was tampered with: {problem}")
    return recorded(document, path)


def recorded(document: VerdictDocument, path: Path) -> Recorded:
    """Return a document with the policy and the evidence that it holds; ``path`` is for the message.

    Raises:
        VerdictFileError: They are not what this version knows.

    """
    try:
        policy, evidence = policy_from_json(document["policy"]), evidence_from_json(document["evidence"])
    except (PolicyError, EvidenceError) as error:
        reason = shortened(str(error), _LONGEST_REASON)
        raise VerdictFileError(f"{path} cannot be judged: {reason}{_other_version(document)}") from None
    return Recorded(document=document, policy=policy, evidence=evidence)


def tampering(document: VerdictDocument) -> str | None:
    """Return which part of a document does not match its hash, None where both do."""
    policy = {name: document["policy"][name] for name in HASHED if name in document["policy"]}
    parts = (
        ("evidence", document["evidence"], document["evidence_sha256"]),
        ("policy", policy, document["policy_sha256"]),
    )
    for name, value, stated in parts:
        found = _sha256(value)
        if found != stated:
            return f"the {name} does not match its hash (the file says {stated}, its {name} gives {found})"
    return None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise VerdictFileError(
            f"{path} cannot be read: {error.strerror}; expected a verdict file, smoke_verdict_….json"
        ) from None
    if len(content) > LARGEST_FILE:
        raise VerdictFileError(f"{path} is larger than {LARGEST_FILE >> 20} MiB: that is no verdict file")
    return content


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse what other readers resolve by keeping one of the two, each another one."""
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = sorted(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"it names a key twice: {', '.join(map(repr, twice))}")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}")


def _schema_problem(document: object) -> str | None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    # A long list of wrong entries has as many problems: the best of the first ones is good enough.
    problems = islice(Draft202012Validator(verdict_schema()).iter_errors(document), _MOST_PROBLEMS)
    problem = best_match(problems)
    if problem is None:
        return None
    place = "/".join(map(str, problem.absolute_path)) or "the whole"
    return f"{place}: {shortened(problem.message, _LONGEST_QUOTE)}"


def _other_version(document: object) -> str:
    """Say so where another version made the file: its form may simply be newer, or older."""
    tool = document.get("tool") if isinstance(document, Mapping) else None
    version = tool.get("version") if isinstance(tool, Mapping) else None
    if not isinstance(version, str) or version == __version__:
        return ""
    return f" (it was made by smoke-gate {shortened(version, 40)}, this is {__version__}: use that version)"


def _sha256(value: object) -> str:
    try:
        return sha256_hex(canonical_json(value))
    except HashError:
        return "none"
