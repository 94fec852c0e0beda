"""The small languages inside the policy: references, seeds, ratios, identity templates, path patterns, thresholds.

Everything here is pure and raises :class:`ValueError` with what is allowed; source: the policy as documented in
``docs/policy.md``.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal, Self, cast
from unicodedata import normalize

from smoke_gate.policy.wildcards import wildcards_match
from smoke_gate.text import is_blank

EXPERIMENT = "experiment"
"""The place of a template that is the name of the run's experiment."""
Pick = Literal["last", "first", "min", "max"]

_REFERENCE = re.compile(r"(?:params|tags)\..+", re.DOTALL)
# Words before the first dot that promise something other than the name of a param.
_NO_PARAM = ("attribute", "attributes", "metric", "metrics", "param", "params", "parent", "tag", "tags")
_INTEGER = re.compile(r"(?P<sign>[+-]?)0*(?P<digits>[0-9]{1,300})")
_SHORTEST_HASH = 8
_MOST_SEARCHED = 500  # the search is slow, and a hostile policy may ask for it often
_MOST_KEPT = 10_000  # answers about texts: the runs of a matrix say the same again and again
_ON, _OFF = ("true", "1", "yes", "y", "on", "t"), ("false", "0", "no", "n", "off", "f")
_ABSENT = ("", "none", "null", "nan")  # as training code logs a value that it does not have
_PLACEHOLDERS = (*_ABSENT, "todo", "tbd", "n/a", "-", "--", "?", "...", "…")


def reference(text: str) -> str:
    """Return the full name of a run's fact: ``use_vq`` is ``params.use_vq``; ``params.X`` and ``tags.X`` stay."""
    if _REFERENCE.fullmatch(text):
        return text
    if not text.strip() or (text.partition(".")[0] in _NO_PARAM and "." in text):
        raise ValueError(f"{text!r} is not a reference: write params.KEY, tags.KEY, or KEY alone for a param")
    return f"params.{text}"


def fact(text: str) -> str:
    """Return the full name of a run's fact as :func:`reference` does; ``commit`` is the run's commit."""
    return text if text == "commit" else reference(text)


def short(reference: str) -> str:
    """Return how people write a reference: without ``params.``, where that is not ambiguous."""
    bare = reference.removeprefix("params.")
    return reference if "." in bare and bare.partition(".")[0] in _NO_PARAM else bare


@lru_cache(maxsize=1 << 16)  # asked several times of each run
def normal_seed(text: str) -> str:
    """Return the one spelling of a seed: decimal integers by value (``042`` is ``42``), anything else as it is."""
    integer = _INTEGER.fullmatch(text)
    if integer is None:
        return text
    negative = integer["sign"] == "-" and integer["digits"] != "0"
    return f"-{integer['digits']}" if negative else integer["digits"]


def seed_order(text: str) -> tuple[bool, int, str]:
    """Return the sort key of a seed: integers by value, then anything else by its text."""
    if _INTEGER.fullmatch(text):
        return (False, int(normal_seed(text)), text)
    return (True, 0, text)


def same_text(left: str, right: str) -> bool:
    """Return whether two recorded values are the same text, where ``True`` is ``true`` and ``False`` is ``false``."""
    return left == right or (left.lower() == right.lower() and left.lower() in ("true", "false"))


def matches(value: str | None, any_of: Iterable[str]) -> bool:
    """Return whether a recorded value is one of those expected; an absent value never is.

    Where True or False is expected, the run may log any usual spelling of a flag: ``1``, ``yes``, ``on``.
    """
    return value is not None and any(_is_meant(value, allowed) for allowed in any_of)


def _is_meant(value: str, expected: str) -> bool:
    if expected.lower() in ("true", "false"):
        return flag_of(value) is flag_of(expected)
    if expected in ("0", "1") and value.strip().lower() in ("true", "false"):
        return flag_of(value) is flag_of(expected)
    return value == expected


def is_flag(any_of: Iterable[str]) -> bool:
    """Return whether a key is compared with True or False, so that its values are those of a flag."""
    return any(expected.lower() in ("true", "false") for expected in any_of)


def flag_of(value: str) -> bool | None:
    """Return whether a text means on or off, None where it means neither; case and outer blanks do not count."""
    word = value.strip().lower()
    return True if word in _ON else False if word in _OFF else None


def stated(value: str | None) -> str | None:
    """Return a recorded value, None where it says nothing: blank, ``None``, ``null`` or ``nan``."""
    return None if value is None or value.strip().lower() in _ABSENT else value


@lru_cache(maxsize=_MOST_KEPT)
def is_placeholder(value: str) -> bool:
    """Return whether a text stands in for a value that nobody filled in.

    Placeholders are ``TODO``, ``-``, a text that does not show, and a hash of one repeated digit.
    """
    seen = "".join(character for character in value if character.isprintable() and not is_blank(character))
    word = seen.strip().lower()
    return word in _PLACEHOLDERS or (len(word) >= _SHORTEST_HASH and len(set(word)) == 1)


@dataclass(frozen=True, slots=True)
class Operand:
    """One metric of a ratio."""

    metric: str
    """The metric's name."""
    pick: Pick | None = None
    """Which value of its history; None: the one that MLflow shows, of the highest step."""


_DIVIDES = re.compile(r"\s+/\s+(?=(?:[^`]*`[^`]*`)*[^`]*$)")  # outside backquotes
_OPERAND = re.compile(
    r"(?:`(?P<quoted>[^`]+)`|(?P<bare>[^`]+?))(?:\.(?P<pick>last|first|min|max))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A metric, or one metric divided by another."""

    numerator: Operand
    denominator: Operand | None = None

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The metrics that must be there, in the order in which they are written."""
        return (self.numerator,) if self.denominator is None else (self.numerator, self.denominator)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``METRIC[.last|first|min|max] [/ METRIC[…]]``.

        `` / `` with blanks divides; backquotes hold names that contain it or end like a pick.

        Raises:
            ValueError: The text is not of that form.
        """
        parts = [_operand(part) for part in _DIVIDES.split(text.strip())]
        if len(parts) > 2:
            raise ValueError(f"{text!r} divides more than once: write METRIC or METRIC / METRIC")
        return cls(*parts)


def _operand(text: str) -> Operand:
    operand = _OPERAND.fullmatch(text)
    if operand is None or re.search(r"\s/|/\s", operand["bare"] or ""):
        raise ValueError(
            f"{text!r} is not a metric: write METRIC or METRIC / METRIC (a blank on both sides of the slash), each "
            "with .last, .first, .min or .max if wanted; put a name that contains ' / ' or one of these into backquotes"
        )
    return Operand(operand["quoted"] or operand["bare"], cast(Pick | None, operand["pick"]))


Part = Literal["cell", "seed"]
"""What a template reads."""


@dataclass(frozen=True, slots=True)
class Template:
    """Where a run says which cell, or which seed, it is."""

    text: str
    """As written in the policy."""
    references: tuple[str, ...] = ()
    """What is read, in the order of use: params.X, tags.X, parent.params.X, parent.tags.X, experiment."""
    literals: tuple[str, ...] = ("",)
    """The text before, between and after the references: one more than there are references."""
    pattern: re.Pattern[str] | None = None
    """What the whole run name must match."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``params.X``, ``parent.tags.X``, ``experiment``, ``run_name:REGEX``, ``none``, or a template of these.

        Raises:
            ValueError: The text has another form, or the regular expression is broken.
        """
        if text == "none":
            return cls(text)
        if text.startswith("run_name:"):
            return cls(text, pattern=_regex(text.removeprefix("run_name:")))
        if "{" not in text and "}" not in text:
            return cls(text, references=(_source(text),), literals=("", ""))
        # Odd pieces stand in braces, even pieces between them.
        pieces = re.split(r"\{([^{}]*)\}", text)
        if any("{" in literal or "}" in literal for literal in pieces[::2]):
            raise ValueError(f'{text!r} has a brace without its partner: write "{{params.a}}/{{params.b}}"')
        return cls(text, references=tuple(map(_source, pieces[1::2])), literals=tuple(pieces[::2]))

    @classmethod
    def naming(cls, part: Part, text: str) -> Self:
        """Read a template that says which cell, or which seed, a run is.

        Raises:
            ValueError: The text has another form, or cannot say it.
        """
        template = cls.parse(text)
        if template.is_none and part == "cell":
            raise ValueError("every run needs a cell: `none` is for `seed` only")
        if template.pattern is not None and part not in template.groups:
            raise ValueError(f"the regular expression needs a group (?P<{part}>…)")
        return template

    @property
    def is_none(self) -> bool:
        """True if nothing is read: runs have no such thing (``seed: none``)."""
        return not self.references and self.pattern is None

    @property
    def reads_parent(self) -> bool:
        """True if the run's parent is needed."""
        return any(reference.startswith("parent.") for reference in self.references)

    @property
    def groups(self) -> frozenset[str]:
        """The named groups of the run-name pattern."""
        return frozenset() if self.pattern is None else frozenset(self.pattern.groupindex)

    def read(
        self,
        params: Mapping[str, str],
        tags: Mapping[str, str],
        parent_params: Mapping[str, str],
        parent_tags: Mapping[str, str],
        run_name: str | None,
        group: Part,
        experiment: str | None = None,
    ) -> str | None:
        """Return the cell or seed that a run states, or None where a part of it is missing or empty."""
        if self.pattern is not None:
            name = self.pattern.fullmatch(run_name or "")
            return name.groupdict().get(group) or None if name else None
        places = {
            "params.": params,
            "tags.": tags,
            "parent.params.": parent_params,
            "parent.tags.": parent_tags,
        }
        text = ""
        for literal, reference in zip(self.literals[:-1], self.references, strict=True):
            place = next((place for place in places if reference.startswith(place)), None)
            value = places[place].get(reference.removeprefix(place)) if place else experiment
            if not value:
                return None
            text += literal + value
        return None if self.is_none else text + self.literals[-1]


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"the regular expression {text!r} is broken: {error}") from None


def _source(text: str) -> str:
    own = text.removeprefix("parent.")
    if text == EXPERIMENT:
        return text
    if own != text and not _REFERENCE.fullmatch(own):
        raise ValueError(f"{text!r} names nothing of the parent: write parent.params.KEY or parent.tags.KEY")
    return text if own != text else reference(text)


def path_pattern(text: str) -> str:
    """Return the one spelling of a pattern of relative paths: without ``./`` and doubled slashes.

    Raises:
        ValueError: It leads out of the folder that it is for, or can match no file.
    """
    *folders, name = text.split("/")
    if text.startswith("/") or ".." in (*folders, name):
        raise ValueError(
            f"{text!r} leads out of its folder: write a path below it, without a leading / or .."
        )
    if name in ("", ".") or "\0" in text:
        raise ValueError(f"{text!r} can match no file: end it with a file's name, `*` or `**`")
    return "/".join([*(folder for folder in folders if folder not in ("", ".")), name])


@lru_cache(maxsize=_MOST_KEPT)
def path_matches(path: str, pattern: str) -> bool:
    """Return whether a relative path matches a pattern: ``*`` stays in a path segment, ``**`` crosses.

    Case counts, hidden files match like others, braces mean themselves.
    """
    return wildcards_match(path, pattern)


def code_pattern(text: str) -> str:
    """Return the one spelling of a pattern of source files; one that begins with ``!`` leaves files out.

    Raises:
        ValueError: As :func:`path_pattern`.
    """
    bare = text.removeprefix("!")
    return text[: len(text) - len(bare)] + path_pattern(bare)


def is_code(path: str, patterns: Iterable[str]) -> bool:
    """Return whether a file is among those that patterns name, and not among those that a ``!`` leaves out."""
    every = tuple(patterns)
    return any(path_matches(path, pattern) for pattern in every if not pattern.startswith("!")) and not any(
        path_matches(path, pattern[1:]) for pattern in every if pattern.startswith("!")
    )


def nearest(name: str, known: Collection[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known name that is nearest to an unknown one; None if none is near, or if there are very many.

    Case does not count. ``cutoff`` is how alike they must be, as :mod:`difflib` measures it: 1 is equal. At the
    default, ``linear`` and ``liner`` match, ``B0`` and ``B1`` do not.
    """
    searched = known if len(known) <= _MOST_SEARCHED else ()
    by_folded = {_folded(candidate): candidate for candidate in searched}
    near = get_close_matches(_folded(name), by_folded, n=1, cutoff=cutoff)
    return by_folded[near[0]] if near else None


def _folded(name: str) -> str:
    return normalize("NFC", name).casefold()


def threshold_runs(threshold: int | str, planned: int) -> int:
    """Return the number of failing runs at which a gate fails: at least 1, never more than are planned.

    Args:
        threshold: A number of runs, or a percentage of the planned runs such as ``"10%"``, which is rounded up.
        planned: How many runs are planned.
    """
    if isinstance(threshold, str):
        # In integers: 0.07 * 100 is more than 7 in floating point.
        threshold = -(-int(threshold.removesuffix("%")) * planned // 100)
    return max(1, min(threshold, planned))


def is_sha256(text: str) -> bool:
    """Return whether the text is a sha256 as this tool writes it: 64 lower-case hex digits."""
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None


def definition_keys(params: Mapping[str, str]) -> tuple[str, ...]:
    """Return the params that hold a metric definition's hash, as their names say, in order."""
    return tuple(key for key in sorted(params) if key.endswith("_definition_hash") and is_sha256(params[key]))
