"""The filter ``runs.where``: MLflow's language, as far as it asks only who a run is.

Source: ``mlflow.utils.search_utils.SearchUtils`` of MLflow 3.17. Its parser is not asked: a policy is read without
MLflow, and the filter is read again by whatever server holds the runs. So what is not understood here is refused.
"""

import re

_ENTITIES = (
    "param", "params", "parameter", "parameters", "tag", "tags", "attr", "attribute", "attributes", "run",
)  # fmt: skip
_OUTCOMES = (
    "status",
    "run_id",
    "end_time",
    "artifact_uri",
)  # known when a run has ended, or chosen one by one
# No quote inside, and no backslash before the closing one: readers differ on where such a text ends.
_TEXT = r"""(?:"[^"]*(?<!\\)"|'[^']*(?<!\\)')"""
_COMPARISON = re.compile(
    rf"""\s*
    (?:(?P<entity>`\w+`|\w+)\s*\.\s*)?
    (?P<key>{_TEXT}|`[^`]*(?<!\\)`|[\w.]+)\s*
    (?:IS\s+(?:NOT\s+)?NULL\b
      |(?:[=<>!]=?|<>|\b(?:(?:NOT\s+)?IN|I?LIKE)\b)\s*
       (?:{_TEXT}|\(\s*{_TEXT}(?:\s*,\s*{_TEXT})*\s*(?:,\s*)?\)|[+-]?[0-9]+(?:\.[0-9]*)?))
    \s*(?:AND\b|$)""",
    re.IGNORECASE | re.VERBOSE,
)


def identity_filter(text: str) -> str:
    """Return an MLflow filter as it is, if it asks only who a run is.

    Raises:
        ValueError: It asks for a metric, a dataset or the status (a filter must not pick winners), or it is not
            understood.
    """
    position, end = 0, len(text.rstrip())
    while position < end:
        comparison = _COMPARISON.match(text, position)
        if comparison is None:
            raise ValueError(
                f"{text[position:].strip()!r} is not understood: write comparisons of params.KEY, tags.KEY or an "
                "attribute with texts in quotes (without quotes inside) or numbers, joined by AND"
            )
        other = _other_than_identity(comparison["entity"], comparison["key"])
        if other:
            raise ValueError(f"may not filter on {other}: a filter must not pick winners")
        position = comparison.end()
    return text


def _other_than_identity(entity: str | None, key: str) -> str | None:
    """Return what a comparison's left side asks for that is not an identity, None where it is one.

    MLflow splits it at its first dot and takes quotes off both halves; without a dot it is an attribute.
    """
    if entity is None:
        entity, key = ("attribute", key) if "." not in key else (key, "")
    entity, key = (part.strip("`'\"").casefold() for part in (entity, key))
    if entity not in _ENTITIES:
        return entity
    return key if key in _OUTCOMES and not entity.startswith(("param", "tag")) else None
