"""The workflow that runs the gate on every pull request."""

from pathlib import Path

from smoke_gate.policy_file.names import POLICY_NAMES

WORKFLOW = Path(".github/workflows/smoke-gate.yml")

_TEXT = """\
# Judges the smoke matrix on every pull request. Written by `smoke-gate init`.
name: smoke-gate

on:
  pull_request:
  workflow_dispatch:

permissions: {}

# Of two pushes only the newer one is judged to the end.
concurrency:
  group: smoke-gate-${{ github.event.pull_request.number || github.ref }}
  cancel-in-progress: true

jobs:
  smoke-gate:
    runs-on: ubuntu-latest
    timeout-minutes: 45
    permissions:
      contents: read # the checkout, and the policy of the base branch
      pull-requests: write # the comment with the report
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
          # fetch-depth: 0 # only for `definition_hash.require_ancestor: true`
      # Instead of org, write who owns your copy of smoke-gate. Before its first release there is no v1: write main,
      # which builds the image in each job, for minutes. docs/own-copy.md of the copy says how to make the release.
      - uses: org/smoke-gate@v1
        with:
          # Set the variable MLFLOW_TRACKING_URI in the repository's settings to a server that GitHub can reach.
          # A store that is committed (sqlite:///mlflow.db, ./mlruns) is found without it.
          tracking_uri: ${{ vars.MLFLOW_TRACKING_URI }}
POLICY        # env: # where the server asks for them
        #   MLFLOW_TRACKING_USERNAME: ${{ secrets.MLFLOW_TRACKING_USERNAME }}
        #   MLFLOW_TRACKING_PASSWORD: ${{ secrets.MLFLOW_TRACKING_PASSWORD }}
      - uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0
        if: ${{ !cancelled() }}
        with:
          name: smoke-gate
          path: outputs/
"""


def workflow_text(policy_file: str) -> str:
    """Return the workflow; ``policy_file`` is the policy's path from the root of the repository."""
    named = "" if Path(policy_file) in POLICY_NAMES else f"          policy: {_quoted(policy_file)}\n"
    return _TEXT.replace("POLICY", named)


def _quoted(path: str) -> str:
    """Return a path as a single-quoted YAML text without an expression of GitHub's in it."""
    return "'" + path.replace("'", "''").replace("${{", "$ {{") + "'"
