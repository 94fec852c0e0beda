"""Which figures there are, what they are called, and what each says of where it is from."""

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from smoke_gate.draw.curve_figure import curve_figure
from smoke_gate.draw.facts import Row, reference_cell, rows_of, shown_metrics
from smoke_gate.draw.fonts import families
from smoke_gate.draw.metric_figure import metric_figure
from smoke_gate.draw.ratio_figure import ratio_figure
from smoke_gate.evidence import Evidence, Figure
from smoke_gate.gates.base import Case
from smoke_gate.gates.definition import DefinitionHashSettings, expected_definition, shown_definition
from smoke_gate.gates.metric_ratio import MetricRatioSettings
from smoke_gate.pictures import Curves
from smoke_gate.policy.model import Policy
from smoke_gate.provenance import embed_provenance
from smoke_gate.vocabulary import SOURCES

_LOG = logging.getLogger(__name__)

MOST_OF_A_KIND = 8
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Drawing:
    """A summary figure: its file's name, what it shows in words, its bytes, and the facts of it."""

    title: str
    png: bytes
    figure: Figure

    @property
    def name(self) -> str:
        """The file's name."""
        return self.figure.path


def _untold(_note: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class _Sketch:
    """A figure to be drawn: the kind, what it shows, of which rows, and how."""

    kind: str
    title: str
    rows: Sequence[Row]
    drawn: Callable[[Sequence[Row], Sequence[str]], bytes | None]


def draw(case: Case, curves: Curves, left_out: Callable[[str], None] = _untold) -> tuple[Drawing, ...]:
    """Draw the summary figures of the judged runs: metrics by cell, the values of G5's rules, and curves.

    The same evidence gives the same bytes on one machine.

    Args:
        case: the policy, which says what is shown, and the runs.
        curves: the histories of their metrics, as far as they were read.
        left_out: is told of each figure that could not be drawn, and why.

    Returns:
        The figures in order; none where no planned pair has a run.

    """
    policy, rows = case.policy, rows_of(case)
    if not rows:
        return ()
    text = _definition(case)
    kinds = [
        list(_metrics(policy, case.evidence, rows)),
        list(_ratios(policy, rows)),
        list(_curves(policy, rows, curves)),
    ]
    fonts = families([*(sketch.title for kind in kinds for sketch in kind), *map(_names, rows)])
    return tuple(
        _drawing(sketch, png, number, text)
        for kind in kinds
        for number, (sketch, png) in enumerate(_drawn(kind, fonts, left_out), 1)
    )


def _metrics(policy: Policy, evidence: Evidence, rows: Sequence[Row]) -> Iterator[_Sketch]:
    reference = reference_cell(policy, [row.cell for row in rows])
    for metric in shown_metrics(policy, evidence):
        drawn = partial(metric_figure, metric=metric, reference=reference)
        yield _Sketch("metric", f"{metric} by cell", rows, drawn)


def _ratios(policy: Policy, rows: Sequence[Row]) -> Iterator[_Sketch]:
    gate = policy.settings(MetricRatioSettings)
    for rule in gate.rules if gate.enabled else ():
        judged = [row for row in rows if rule.is_for(row.cell)]
        yield _Sketch("ratio", f"{rule.value} by cell", judged, partial(ratio_figure, rule=rule))


def _curves(policy: Policy, rows: Sequence[Row], curves: Curves) -> Iterator[_Sketch]:
    """Yield a sketch for each set of metrics that the rules name together."""
    gate = policy.settings(MetricRatioSettings)
    ratios = (rule.ratio for rule in (gate.rules if gate.enabled else ()))
    together = dict.fromkeys(tuple(dict.fromkeys(one.metric for one in ratio.operands)) for ratio in ratios)
    for metrics in together:
        title = f"{' and '.join(metrics)} by step"
        yield _Sketch("curve", title, rows, partial(curve_figure, metrics=metrics, curves=curves))


def _names(row: Row) -> str:
    return " ".join([row.cell, *row.runs])


def _drawn(
    sketches: Sequence[_Sketch], fonts: Sequence[str], left_out: Callable[[str], None]
) -> list[tuple[_Sketch, bytes]]:
    """Return those that have something to show; many of one kind would not be looked at."""
    found = []
    for sketch in sketches[:MOST_OF_A_KIND]:
        try:
            png = sketch.drawn(sketch.rows, fonts)
        except Exception as error:  # noqa: BLE001 - a verdict does not depend on its figures
            _LOG.info("a figure could not be drawn", exc_info=error)
            left_out(f"the figure {sketch.title!r} could not be drawn: {type(error).__name__}: {error}")
        else:
            if png is not None:
                found.append((sketch, png))
    return found


def _definition(case: Case) -> dict[str, str]:
    gate = case.policy.settings(DefinitionHashSettings)
    expected = expected_definition(case) if gate.enabled else None
    sha256 = shown_definition(expected, gate.key, (judged.run for judged in case.judged))
    return {gate.key: sha256} if sha256 else {}


def _drawing(sketch: _Sketch, png: bytes, number: int, definition: dict[str, str]) -> Drawing:
    sources = [run.run_id for row in sketch.rows for run in row.runs.values()]
    text = {SOURCES: json.dumps(sources), **definition}
    written = embed_provenance(png, text)
    name = f"{sketch.kind}_{number}_{_slug(sketch.title)}".rstrip("_") + ".png"
    return Drawing(
        sketch.title, written, Figure(path=name, sha256=hashlib.sha256(written).hexdigest(), text=text)
    )


def _slug(title: str) -> str:
    """Return the part of a file's name that says what it shows, in letters that every file system has."""
    return re.sub(r"[^A-Za-z0-9]+", "_", title)[:_LONGEST_NAME].strip("_").lower()
