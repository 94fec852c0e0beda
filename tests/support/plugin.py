"""A package that brings a gate, as an installer leaves it in a folder."""

import importlib
from pathlib import Path

GATE = '''\
"""L1: predictions are fast enough."""

from dataclasses import replace

from smoke_gate.gates.base import Case, Explanation, Gate, LogMore, Mutation, Outcome, Status, Unbroken
from smoke_gate.gates.needs import Needs
from smoke_gate.gates.proposal import Proposal
from smoke_gate.message import say
from smoke_gate.policy.fields import Names, Number, Text
from smoke_gate.policy.settings import ThresholdSettings


class LatencySettings(ThresholdSettings):
    """L1: predictions are fast enough."""

    device: Text = "cpu"
    """The device on which the times count, as the param `device` names it."""
    most: Number = 1.0
    """The longest time of a prediction that is good, in seconds."""
    cells: Names = ()
    """The cells that must be fast; left out, all."""


def needs(policy):
    return Needs(params=frozenset({"device"}))


def cells(settings):
    yield ("cells",), settings.cells


def propose(seen):
    found = seen.how_many_log(lambda run: "latency" in run.metrics, "latency")
    return Proposal(found=found, settings={"most": "2"}, to_log=('mlflow.log_metric("latency", seconds)',))


def slower(case):
    for judged in case.judged:
        if judged.run.metrics.get("latency"):
            run = replace(judged.run, metrics={**judged.run.metrics, "latency": "60.0"})
            runs = tuple(run if one is judged.run else one for one in case.evidence.runs)
            return replace(case.evidence, runs=runs)
    return Unbroken(say("No run logs its latency."), LogMore('mlflow.log_metric("latency", seconds)'))


def mutations():
    return (Mutation(name="slower", title="predictions take a minute", change=slower),)


def judge(case: Case) -> Outcome:
    settings = case.settings(LatencySettings)
    checks = []
    for judged in case.judged:
        found = judged.run.metrics.get("latency", "missing")
        good = judged.run.params.get("device") == settings.device and float(found) <= settings.most
        message = say(
            "latency of {pair} is {found}, expected at most {most}. Make the model smaller.",
            pair=judged.pair.subject,
            found=found,
            most=settings.most,
        )
        status = Status.PASS if good else Status.FAIL
        checks.append(judged.check("L1", "latency", status, "latency", message, observed=found))
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


GATE = Gate(
    id="L1",
    section="latency",
    title="Predictions are fast enough",
    settings=LatencySettings,
    judge=judge,
    needs=needs,
    cells=cells,
    propose=propose,
    mutations=mutations,
    read_from="the run's metrics: {}",
    explanation=Explanation(
        question="Does a prediction take at most as long as it may?",
        checks=("The metric `latency` is at most `most`.",),
        example="latency of A/2 is 3.0, expected at most 1. Make the model smaller.",
        fix="Make the model smaller.",
    ),
)
'''


def install(
    folder: Path, source: str = GATE, *, section: str = "latency", module: str = "latency_gate"
) -> None:
    """Put a package into a folder: its module and its metadata, with the entry point of the gate."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    name = module.replace("_", "-")
    metadata = folder / f"{module}-1.2.3.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\n")
    (metadata / "entry_points.txt").write_text(f"[smoke_gate.gates]\n{section} = {module}:GATE\n")
    importlib.invalidate_caches()
