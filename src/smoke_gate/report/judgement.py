"""The judgement that a report is made of."""

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from smoke_gate.baseline import Against
from smoke_gate.bite import Bite
from smoke_gate.evidence import Attempt, Evidence
from smoke_gate.policy.model import Policy
from smoke_gate.report.escape import web_address
from smoke_gate.report.reproduction import Reproduction
from smoke_gate.report.statistics import MetricStatistics, metric_statistics
from smoke_gate.verdict import Verdict
from smoke_gate.verdict_file.document import VerdictDocument


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A verdict with what led to it, the document that records it, and how to repeat it.

    ``baseline`` is the comparison with an earlier verdict; None where none was asked for.
    ``bite`` says what the policy would have caught; None where it was not asked for, or not tried.
    ``links``: readers may be sent to the store's pages, so its address is one that somebody here vouches for.
    """

    verdict: Verdict
    policy: Policy
    evidence: Evidence
    document: VerdictDocument
    reproduction: Reproduction
    baseline: Against | None = None
    links: bool = True
    bite: Bite | None = None

    @cached_property
    def metrics(self) -> tuple[MetricStatistics, ...]:
        """The cell summary, metric by metric."""
        return metric_statistics(self.verdict, self.policy, self.evidence)

    def url(self, attempt: Attempt) -> str | None:
        """Return the address of a run's page in MLflow, None where there is none."""
        if not self.links:
            return None
        source = self.document.source
        return run_url(source.tracking_uri, attempt, source.workspace)

    def urls(self) -> dict[str, str]:
        """Return the addresses of all runs that have one, by run id."""
        found = ((attempt.run_id, self.url(attempt)) for attempt in self.evidence.attempts)
        return {run_id: url for run_id, url in found if url}


def run_url(tracking_uri: str, attempt: Attempt, workspace: str | None = None) -> str | None:
    """Return the address of a run's page; None where the store is not a server or the run's experiment is not known.

    Without a ``workspace``, the page is in the one that the reader chose last.
    """
    server = web_address(tracking_uri)
    if server is None or not attempt.experiment_id:
        return None
    page = f"{server}/#/experiments/{quote(attempt.experiment_id, safe='')}/runs/{quote(attempt.run_id, safe='')}"
    return page if workspace is None else f"{page}?workspace={quote(workspace, safe='')}"


def same_server(one: str, other: str) -> bool:
    """Return whether two tracking URIs are of one web server; credentials do not count."""
    address = web_address(one)
    return address is not None and address == web_address(other)
