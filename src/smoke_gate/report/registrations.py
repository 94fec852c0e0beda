"""The chain of preregistrations, for the terminal."""

from collections.abc import Collection, Iterator, Sequence

from smoke_gate.evidence import Registration
from smoke_gate.text import log_line, shortened
from smoke_gate.times import iso


def chain_text(
    registrations: Sequence[Registration], in_force: Registration | None, golden: Collection[str], *, key: str
) -> str:
    """Return the lines that show what was registered, what replaced it and why, and what counts.

    Args:
        registrations: the preregistration runs, oldest first.
        in_force: the one that counts, None where it is not exactly one.
        golden: the ids of the runs that hold a golden tensor.
        key: the param that holds the hash of the definition that is meant.

    """
    lines = [f"{len(registrations)} registered"]
    for one in registrations:
        lines += _registration(one, key, counts=one == in_force, golden=one.run_id in golden)
    if registrations and in_force is None:
        lines.append(f"none is in force: {_why_none(registrations, key)} (`smoke-gate explain G1`)")
    return "".join(f"{log_line(line)}\n" for line in lines)


def _why_none(registrations: Sequence[Registration], key: str) -> str:
    if not any(one.sha256 for one in registrations):
        return f"none has {key}, say with --key which one is meant"
    return "they are not a single chain, or the policy names another"


def _registration(one: Registration, key: str, *, counts: bool, golden: bool) -> Iterator[str]:
    other = f", but {' and '.join(one.other_keys)}" if one.other_keys else ""
    yield f"{one.sha256 or f'no {key}{other}'}{' (in force)' if counts else ''}"
    yield f"  run {one.run_id}, {one.state}, {iso(one.start_time) or 'at an unknown time'}"
    yield f"  commit {one.commit or 'unknown'}"
    yield f"  definition: {_definition(one)}"
    yield f"  policy {one.policy_sha256 or 'not recorded'}, golden tensor: {'yes' if golden else 'none'}"
    if one.prior_sha256 is not None:
        yield f"  replaces {one.prior_sha256}: {shortened(one.reason or 'no reason given', 400)}"


def _definition(one: Registration) -> str:
    if one.payload is None:
        return "its text is not recorded"
    agrees = one.sha256 in (one.payload.text_sha256, one.payload.canonical_sha256)
    return "its text gives the hash" if agrees else "its text does not give the hash"
