"""Reads a verdict file that a stranger may have made: within bounds, strictly, and against its own hashes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from smoke_gate import __version__
from smoke_gate.errors import UsageError
from smoke_gate.evidence import Evidence
from smoke_gate.evidence_json import EvidenceError, evidence_from_json
from smoke_gate.hashing import HashError, canonical_json, sha256_hex
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.errors import PolicyError
from smoke_gate.policy_file.formats import decisive, policy_from_json
from smoke_gate.strict_json import JsonError, parse_json
from smoke_gate.text import shortened
from smoke_gate.typed_json import TypedJsonError
from smoke_gate.verdict_file.document import VerdictDocument, document_form

LARGEST_OF_OTHERS = 64 << 20  # bytes of a stranger's file; the file of a thousand runs has about 15 MB
_LONGEST_QUOTE = 300  # characters of what a parser says about the file
_LONGEST_REASON = 20_000  # characters of what is wrong with its policy or its evidence
_MOST_MISTAKES = 3  # in its form, that a message names


class VerdictFileError(UsageError):
    """A file is not a verdict file that this version can read, or contradicts itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A verdict file that agrees with its own hashes: the document, and the policy and evidence that it holds."""

    document: VerdictDocument
    policy: Policy
    evidence: Evidence


def read_document(path: Path, *, largest: int | None = None) -> VerdictDocument:
    """Read a verdict file and check its form. The hashes, the policy and the evidence are not checked here.

    Args:
        path: The file.
        largest: The most bytes that are read; None: as many as there are, which suits a file of one's own.

    Raises:
        VerdictFileError: It cannot be read, is larger, is not JSON, names a key twice, or does not have the form of a
            verdict document.

    """
    return document_of(_content(path, largest), str(path))


def document_of(content: bytes, name: str) -> VerdictDocument:
    """Read the content of a verdict file and check its form, as :func:`read_document`; ``name`` is for the message.

    Raises:
        VerdictFileError: It is not a verdict document.

    """
    try:
        value = parse_json(content)
    except JsonError as error:
        reason = shortened(str(error), _LONGEST_QUOTE)
        raise VerdictFileError(f"{name} is not a verdict file: {reason}") from None
    try:
        return document_form().read(value, most=_MOST_MISTAKES)
    except TypedJsonError as error:
        raise VerdictFileError(
            f"{name} is not a verdict file: {error}{_other_version(_maker(value))}"
        ) from None


def read_recorded(path: Path, *, largest: int | None = None) -> Recorded:
    """Read a verdict file whose policy and evidence are used: it must agree with its own hashes.

    Raises:
        VerdictFileError: As :func:`read_document`; or policy or evidence do not match their hashes.

    """
    return untampered(read_document(path, largest=largest), str(path))


def untampered(document: VerdictDocument, name: str) -> Recorded:
    """Return a document that agrees with its own hashes with its policy and evidence; ``name`` is for the message.

    Raises:
        VerdictFileError: Policy or evidence do not match their hashes, or are not what this version knows.

    """
    if problem := tampering(document):
        raise VerdictFileError(f"{name} was tampered with: {problem}")
    return recorded(document, name)


def too_large_for_others(path: Path) -> str | None:
    """Return a warning where a verdict file is larger than what ``publish`` reads of a stranger's, else None."""
    size = path.stat().st_size
    if size <= LARGEST_OF_OTHERS:
        return None
    return (
        f"{path} has {size / (1 << 20):.1f} MiB; a second workflow publishes at most {LARGEST_OF_OTHERS >> 20} MiB: "
        "publish the verdict from this job, or plan fewer runs"
    )


def recorded(document: VerdictDocument, name: str) -> Recorded:
    """Return a document with the policy and the evidence that it holds; ``name`` is for the message.

    Raises:
        VerdictFileError: They are not what this version knows.

    """
    try:
        policy, evidence = policy_from_json(document.policy), evidence_from_json(document.evidence)
    except (PolicyError, EvidenceError) as error:
        reason = shortened(str(error), _LONGEST_REASON)
        raise VerdictFileError(
            f"{name} cannot be judged: {reason}{_other_version(document.tool.version)}"
        ) from None
    return Recorded(document=document, policy=policy, evidence=evidence)


def tampering(document: VerdictDocument) -> str | None:
    """Return which part of a document does not match its hash, None where both do."""
    policy = decisive(document.policy)
    parts = (
        ("evidence", document.evidence, document.evidence_sha256),
        ("policy", policy, document.policy_sha256),
    )
    for name, value, stated in parts:
        found = _sha256(value)
        if found != stated:
            return f"the {name} does not match its hash (the file says {stated}, its {name} gives {found})"
    return None


def _content(path: Path, largest: int | None) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read() if largest is None else stream.read(largest + 1)
    except OSError as error:
        raise VerdictFileError(
            f"{path} cannot be read: {error.strerror}; expected a verdict file, smoke_verdict_….json"
        ) from None
    if largest is not None and len(content) > largest:
        raise VerdictFileError(f"{path} is larger than {largest >> 20} MiB, which is the most that is read")
    return content


def _maker(document: object) -> object:
    """Return the version of smoke-gate that a file says made it, whatever that is."""
    tool = document.get("tool") if isinstance(document, Mapping) else None
    return tool.get("version") if isinstance(tool, Mapping) else None


def _other_version(version: object) -> str:
    """Say so where another version made the file: its form may simply be newer, or older."""
    if not isinstance(version, str) or version == __version__:
        return ""
    return f" (it was made by smoke-gate {shortened(version, 40)}, this is {__version__}: use that version)"


def _sha256(value: object) -> str:
    try:
        return sha256_hex(canonical_json(value))
    except HashError:
        return "none"
