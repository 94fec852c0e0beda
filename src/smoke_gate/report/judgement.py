"""What a report is made of."""

from dataclasses import dataclass

from smoke_gate.compare import Comparison
from smoke_gate.evidence import Attempt, Evidence
from smoke_gate.policy.model import Policy
from smoke_gate.report.document import VerdictDocument
from smoke_gate.report.links import run_url
from smoke_gate.report.reproduction import Reproduction
from smoke_gate.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with what led to it, the document that records it, and how to repeat it.

    ``baseline`` is the comparison with an earlier verdict, and that verdict's headline; None where none was asked for.
    ``links``: readers may be sent to the store's pages, so its address is one that somebody here vouches for.
    """

    verdict: Verdict
    policy: Policy
    evidence: Evidence
    document: VerdictDocument
    reproduction: Reproduction
    baseline: tuple[Comparison, str] | None = None
    links: bool = True

    def url(self, attempt: Attempt) -> str | None:
        """Return the address of a run's page in MLflow, None where there is none."""
        if not self.links:
            return None
        return run_url(self.document["source"]["tracking_uri"], attempt)

    def urls(self) -> dict[str, str]:
        """Return the addresses of all runs that have one, by run id."""
        found = ((attempt.run_id, self.url(attempt)) for attempt in self.evidence.attempts)
        return {run_id: url for run_id, url in found if url}
