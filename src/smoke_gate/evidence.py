"""The frozen facts that the gates judge: all that they ever see.

Evidence is read once, by ``collect``, and never changes. It holds only what the policy's gates need, no tracking or
artifact URI and no path of a machine, and it has one canonical form, so that a verdict can be replayed from it.

Metric values are text: the shortest representation of the double, ``NaN``, ``Infinity`` or ``-Infinity``. JSON has no
other way to say the last three, and a replay must not depend on how a reader rounds. Times are UTC milliseconds; one
that canonical JSON cannot say exactly, of a clock in nanoseconds, is None, as one that was not recorded.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

LARGEST_INTEGER = 2**53 - 1  # beyond it canonical JSON, which knows doubles only, has no integers
SQL_STORE_INFINITY = 1.797e308  # what MLflow's SQL stores keep in place of an infinity, up to rounding
_NO_NUMBERS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class Answer(StrEnum):
    """The answer to a question that git answers."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


DAMAGED = "DAMAGED"
"""The status of a run whose ``meta.yaml`` in a file store is damaged: when it ran and how it ended is not known."""


class HeadFrom(StrEnum):
    """Where the commit that counts as head is known from."""

    PULL_REQUEST = "pull_request"
    OPTION = "option"
    JOB = "job"
    CHECKOUT = "checkout"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The commit that the runs are compared with; ``commit`` is None where it is not known.

    A checkout whose files have changes that no commit holds is not known by a commit.
    """

    commit: str | None = None
    origin: HeadFrom = HeadFrom.NONE


NO_HEAD = Head()


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The answer to whether a commit has head's code, in the files that the policy names, and who gave it.

    ``by`` is ``equal`` where the commit is head, ``clone`` for the checkout's repository, ``api`` for the host of the
    repository, ``none`` where nobody knows.
    """

    same_code: Answer = Answer.UNKNOWN
    by: Literal["equal", "clone", "api", "none"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run of the experiments, whatever became of it.

    ``status`` is MLflow's, or ``DAMAGED``.
    ``cell`` and ``seed`` are the text as recorded, None where the run has none; ``in_scope`` says whether
    ``runs.where`` selects it; ``commit`` is the recorded one and ``dirty`` whether its working tree had changes (None:
    not recorded).
    ``experiment_id`` is where MLflow's pages show it, ``parent`` the id of the run that it is a child of, as the trials
    of a sweep are. ``other_commit`` is another commit that a second tag names, where one repository knows both.
    ``registered`` says that it is tagged as a preregistration, although it states a planned pair.
    ``metrics`` are the values at the highest step, read only of an attempt at a planned pair that finished and does
    not count. ``weights`` are the hashes of its weights, by path, read only of the newest attempts at a pair beside the
    run that counts, and only if its weights have the names and sizes of that run's. Files of one path, of two models of
    one name, have their hashes in one text.
    """

    run_id: str
    run_name: str
    cell: str | None
    seed: str | None
    status: str
    lifecycle_stage: str
    start_time: int | None
    end_time: int | None
    commit: str | None = None
    dirty: bool | None = None
    in_scope: bool = True
    experiment_id: str = ""
    parent: str | None = None
    other_commit: str | None = None
    registered: bool = False
    metrics: Mapping[str, str] | None = None
    weights: Mapping[str, str] = field(default_factory=dict)


Lack = Literal["cell", "seed", "cell and seed"]
"""What a run does not say of the planned pair that it is at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """The active runs outside the plan, counted: an experiment may hold very many of them.

    ``statuses`` counts all of them by status. The newest ones are among the attempts. ``unexpected`` counts the rest of
    those that finished with a cell and a seed, ``unidentified`` the rest of those without, by what they lack.
    ``looked_for`` is False where the policy ignores such runs and the store was asked for the planned cells only.
    """

    statuses: Mapping[str, int] = field(default_factory=dict)
    unexpected: int = 0
    unidentified: Mapping[Lack, int] = field(default_factory=dict)
    looked_for: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The logged text of a definition, known by its hashes.

    ``canonical_sha256`` is the hash of its RFC 8785 form, None where the text is not JSON. ``length`` is in characters.
    If the text could not be read, ``text_sha256`` is empty and ``length`` is the size in bytes (0: not known).
    """

    source: Literal["param", "artifact"]
    length: int
    text_sha256: str
    canonical_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A preregistration run: the definition's hash as it was written down before the matrix.

    Until ``end_time`` the run may still be changed. If the policy's key holds no hash, ``other_keys`` are the params
    that hold one.
    """

    run_id: str
    run_name: str
    status: str
    lifecycle_stage: str
    start_time: int | None
    sha256: str | None
    prior_sha256: str | None = None
    reason: str | None = None
    commit: str | None = None
    policy_sha256: str | None = None
    payload: Payload | None = None
    other_keys: tuple[str, ...] = ()
    end_time: int | None = None

    @property
    def counts(self) -> bool:
        """True if it may be in force: it finished, and is not deleted."""
        return self.state == "FINISHED"

    @property
    def state(self) -> str:
        """Its status; if it is not active any more, its lifecycle stage."""
        return self.status if self.lifecycle_stage == "active" else self.lifecycle_stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Globals:
    """The names that a pickle would import, as ``module.name``, by the opcode scan: ``dangerous`` and ``unknown``."""

    dangerous: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class Holds(StrEnum):
    """The kinds of content of a checkpoint. The later ones tell more of a model than the earlier ones."""

    NOTHING = "nothing"
    """Empty arrays, empty containers, empty files."""
    DATA = "data"
    """Something else, such as None, one number or a text."""
    NUMBERS = "numbers"
    """A container with at least two numbers."""
    OBJECT = "object"
    """An object of a class, such as an estimator."""
    TENSORS = "tensors"
    """An array or a tensor with elements, or a file in a format that only models have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file among the checkpoints of a run, as listed and as probed.

    ``format`` is what its bytes are, one of ``probes.formats`` (``joblib`` is a compressed pickle; None: no known
    format), ``problem`` why it is not intact (None: intact), ``unread`` why only a part of it was read; that part is
    intact. ``sha256`` None means that not all bytes were read: the file is larger than the bound. Then
    ``structure_only`` says whether its structure and every part that can carry code were read. ``holds`` is None
    where the content is not parsed. ``all_nan`` says that it holds floating-point numbers, and each is NaN.
    ``content`` is the SHA-256 of what training changes in an archive: the names, sizes and checksums of its members
    of tensors and weights; None for other formats, whose ``sha256`` says it. ``absent`` are the files beside it that
    it names, such as its shards, and that the run does not have.
    """

    path: str
    size: int | None
    sha256: str | None = None
    format: str | None = None
    problem: str | None = None
    unread: str | None = None
    globals: Globals = Globals()
    holds: Holds | None = None
    all_nan: bool = False
    content: str | None = None
    structure_only: bool = False
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """The entry of ``checkpoints/MANIFEST.json`` for one artifact."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """``checkpoints/MANIFEST.json``: path from the artifact root to entry; ``problem``: why it cannot be read."""

    entries: Mapping[str, ManifestEntry] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedModel:
    """An MLflow model of a run; ``artifacts`` are its files, paths below the model.

    It is a LoggedModel among the run's outputs, or a folder of the run's artifacts in which an ``MLmodel`` lies, as
    MLflow 2 logs models: then ``model_id`` is empty, and ``name`` is the folder (``.``: the root).
    ``data`` are the files and folders that its ``MLmodel`` names as the model itself, ``absent`` those that it names
    for loading and that are not there. ``versions`` are those of the libraries and of Python that made it,
    ``requirements`` those that its ``requirements.txt`` asks for. ``problem`` says why its ``MLmodel`` does not
    describe it (None: it does, or MLflow never wrote one).
    """

    model_id: str
    name: str
    status: str
    artifacts: tuple[Artifact, ...] = ()
    data: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    requirements: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A PNG and its text chunks. ``pixels`` is the SHA-256 of its size and decoded pixels, None where it is very large.

    ``unread`` are the keywords whose text cannot be told, and why; they are not in ``text``. ``problem`` says why it is
    not a whole, readable PNG; then both are empty.
    """

    path: str
    sha256: str | None = None
    pixels: str | None = None
    text: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The values that a metric had, at least one, by step and time: as much of them as the gates ask for.

    ``length`` says how many there are. ``smallest`` and ``largest`` are NaN where any of them is. ``two_trainings``
    says that many steps have more than one value. ``sha256`` is over all of them: the steps as decimal text with commas
    between them, a line feed, the values as little-endian doubles.
    """

    length: int
    first: str
    last: str
    smallest: str
    largest: str
    two_trainings: bool
    sha256: str

    @property
    def has_nan(self) -> bool:
        """Whether a NaN is among the values."""
        return self.smallest == "NaN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A param or a tag of the selected runs.

    ``values`` are the distinct texts, each once; a long one stands as its hash. ``of_runs`` has the place of each run's
    value among them, in the order of ``Ledger.runs``; None: the run does not have the key.
    """

    values: tuple[str, ...]
    of_runs: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All params and tags of the selected runs, by key; ``runs`` are the ids of these runs."""

    runs: tuple[str, ...] = ()
    params: Mapping[str, Column] = field(default_factory=dict)
    tags: Mapping[str, Column] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The facts of a run that stands for a planned pair.

    ``params`` and ``tags`` hold only the keys that the policy names, and where a definition's hash is under another key
    than the policy's, that one; ``metrics`` the value at the highest step of every metric; ``histories`` only those of
    metrics that the policy asks for.
    ``instead`` has, for a param that a gate needs and this run lacks, the one of this run that may be meant.
    ``late`` are the metrics whose value was written more than a minute after the run's end, ``damaged`` names
    what a file store cannot give, since its file is damaged: each metric, and the params and tags that a gate asks for.
    ``unmatched`` are files under ``checkpoints/``, at most five, where no artifact is what the policy means by one.
    ``artifacts_problem`` says why the artifacts could not be read (a dead path); then checkpoints and figures are
    empty.
    ``after_registration`` answers ``require_ancestor``.
    ``rows`` are the sizes of the data sets that MLflow recorded, by ``CONTEXT NAME``. ``last_step`` is the highest step
    of any metric.
    """

    run_id: str
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    histories: Mapping[str, History] = field(default_factory=dict)
    payload: Payload | None = None
    checkpoints: tuple[Artifact, ...] = ()
    unmatched: tuple[str, ...] = ()
    manifest: Manifest | None = None
    models: tuple[LoggedModel, ...] = ()
    figures: tuple[Figure, ...] = ()
    instead: Mapping[str, str] = field(default_factory=dict)
    late: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    last_step: int | None = None
    artifacts_problem: str | None = None
    after_registration: Answer = Answer.UNKNOWN

    def value(self, reference: str) -> str | None:
        """Return the text behind ``params.KEY`` or ``tags.KEY``, None where the run has none."""
        kind, _, key = reference.partition(".")
        return (self.params if kind == "params" else self.tags).get(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """The difference of this pull request's policy from the base branch's; or that the base branch's is not known.

    ``found`` says so in words, and which policy counted; ``difference`` are the lines of a unified one, none where the
    base branch's is not known.
    """

    found: str
    difference: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything the gates may know.

    ``as_of`` is the UTC date of reading (``YYYY-MM-DD``). ``attempts`` holds every attempt at a planned pair and the
    newest other active runs of the experiments, ``others`` counts the rest. ``runs`` has the facts of the selected
    ones. ``registrations`` are the preregistration runs; ``definition_sha256`` is the hash of the file that
    ``expected: {file: …}`` names. ``files`` are the figures of the checkout, by path from its root. ``head``
    is the commit that ``runs.commit`` compares with, and ``codes`` says of the attempts'
    commits whether they have its code.
    ``policy_change`` is None where the base branch has the same policy.
    ``ledger`` has all params and tags of the selected runs, where a gate compares them.
    ``nearest`` has, for a param or tag that the policy names and no run has, that of the runs which may be meant.
    """

    as_of: str
    attempts: tuple[Attempt, ...] = ()
    others: Others = Others()
    runs: tuple[Run, ...] = ()
    registrations: tuple[Registration, ...] = ()
    definition_sha256: str | None = None
    files: tuple[Figure, ...] = ()
    head: Head = Head()
    codes: Mapping[str, Code] = field(default_factory=dict)
    policy_change: PolicyChange | None = None
    ledger: Ledger = Ledger()
    nearest: Mapping[str, str] = field(default_factory=dict)


def is_exact(integer: int) -> bool:
    """Return whether canonical JSON can say an integer."""
    return abs(integer) <= LARGEST_INTEGER


def sayable(text: str) -> str:
    """Return a text as evidence holds it: what UTF-8 cannot say, such as a byte of a file's name, is escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def metric_value(value: float) -> float:
    """Return a metric's value as it was logged: SQL stores say ±1.797e308 for ±infinity. There is one zero and one NaN.

    Args:
        value: a double as MLflow returned it.

    """
    if math.isnan(value):
        return math.nan
    if -SQL_STORE_INFINITY < value < SQL_STORE_INFINITY:
        return value + 0.0
    return math.copysign(math.inf, value)


def metric_text(value: float) -> str:
    """Return a metric's value as evidence holds it.

    Args:
        value: a double as MLflow returned it.

    Returns:
        The shortest text that reads back as the same double; ``NaN``, ``Infinity``, ``-Infinity``; ``0.0`` for -0.

    """
    text = repr(metric_value(float(value)))
    return _NO_NUMBERS.get(text, text)


def metric_number(text: str) -> float:
    """Return the double that ``metric_text`` wrote."""
    return float(text)
