"""Where a run is shown: MLflow's own pages, where the store has any."""

from urllib.parse import quote

from smoke_gate.evidence import Attempt
from smoke_gate.report.escape import web_address


def run_url(tracking_uri: str, attempt: Attempt) -> str | None:
    """Return the address of a run's page; None where the store is no server or the run's experiment is not known."""
    server = web_address(tracking_uri)
    if server is None or not attempt.experiment_id:
        return None
    return f"{server}/#/experiments/{quote(attempt.experiment_id, safe='')}/runs/{quote(attempt.run_id, safe='')}"


def same_server(one: str, other: str) -> bool:
    """Return whether two tracking URIs are of one web server; credentials do not count."""
    address = web_address(one)
    return address is not None and address == web_address(other)
