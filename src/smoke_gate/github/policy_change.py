"""How one policy differs from another, in the words and lines that a report shows. Pure."""

from difflib import unified_diff
from io import StringIO

from smoke_gate.evidence import PolicyChange

LONGEST_CHANGE = 400  # lines of a difference that evidence keeps
LONGEST_LINE = 400
PULL_REQUEST = "this pull request"
MOST_COMPARED = 5000  # lines; what compares them takes much longer than their number says


def policy_change(
    base: str | None,
    head: str | None,
    *,
    branch: str,
    other: str = PULL_REQUEST,
    what: str = "policy",
) -> PolicyChange | None:
    """Return how another policy differs from the base branch's; None if they are the same.

    Args:
        base: the policy's text in the base branch; None: it has no such file.
        head: the other one's text.
        branch: the base branch's name.
        other: whose policy ``head`` is.
        what: the name of the texts, where they are not the policy but a part of it.

    """
    difference = _difference(base, head, branch=branch, other=other, what=what)
    if difference is None:
        return None
    if base is not None and head is not None:
        found = f"The {what} of {other} differs from that of {branch}."
    else:
        none, one = (branch, other) if base is None else (other, branch)
        found = f"There is no {what} in {none}, and there is one in {one}."
    counted = f"That of {other} counted." if head is not None else "None counted."
    return PolicyChange(found=f"{found} {counted}", difference=difference)


def policy_unknown(why: str, *, other: str = PULL_REQUEST) -> PolicyChange:
    """Return that the base branch's policy is not known, and why."""
    line = " ".join(why.split()).rstrip(".")
    found = f"{line[:1].upper()}{line[1:]}. Whether {other} has another one is not known."
    return PolicyChange(found=f"{found} That of {other} counted.")


def together(one: PolicyChange | None, other: PolicyChange | None) -> PolicyChange | None:
    """Return two changes as one."""
    if one is None or other is None:
        return one or other
    return PolicyChange(found=f"{one.found} {other.found}", difference=(*one.difference, *other.difference))


def _difference(
    base: str | None, head: str | None, *, branch: str, other: str, what: str
) -> tuple[str, ...] | None:
    old, new = _lines(base), _lines(head)
    if old == new and (base is None) == (head is None):
        return None
    if len(old) + len(new) > MOST_COMPARED:
        return (f"the {what} of {branch} and that of {other} are too long to be compared line by line",)
    lines = list(unified_diff(old, new, f"{what} of {branch}", f"{what} of {other}", lineterm=""))
    shown = [line[:LONGEST_LINE] for line in lines[:LONGEST_CHANGE]]
    if len(lines) > LONGEST_CHANGE:
        shown.append(f"… and {len(lines) - LONGEST_CHANGE} more lines")
    return tuple(shown) or (f"an empty {what} file was {'added' if base is None else 'removed'}",)


def _lines(text: str | None) -> list[str]:
    """Split text at the line ends that a checkout may change, and no others: YAML gives those a meaning."""
    return [line.removesuffix("\n") for line in StringIO(text or "", newline=None)]
