"""The workflow that runs the gate on every pull request."""

from pathlib import Path

WORKFLOW = Path(".github/workflows/smoke-gate.yml")
_DEFAULT_POLICY = "smoke-gate.yml"

_TEXT = """\
# Judges the smoke matrix on every pull request. Written by `smoke-gate init`.
name: smoke-gate

on:
  pull_request:
  workflow_dispatch:

permissions: {}

jobs:
  smoke-gate:
    runs-on: ubuntu-latest
    timeout-minutes: 45
    permissions:
      contents: read
      pull-requests: write # the comment with the report
    steps:
      - uses: actions/checkout@v7
        with:
          persist-credentials: false
          # fetch-depth: 0 # needed where the policy says `runs.commit: head` or `code`
      - uses: org/smoke-gate@v1
        with:
          # Set the variable MLFLOW_TRACKING_URI in the repository's settings to a server that GitHub can reach.
          # A store that is committed (sqlite:///mlflow.db, ./mlruns) is found without it.
          tracking_uri: ${{ vars.MLFLOW_TRACKING_URI }}
POLICY        # env: # where the server asks for them
        #   MLFLOW_TRACKING_USERNAME: ${{ secrets.MLFLOW_TRACKING_USERNAME }}
        #   MLFLOW_TRACKING_PASSWORD: ${{ secrets.MLFLOW_TRACKING_PASSWORD }}
      - uses: actions/upload-artifact@v7
        if: ${{ !cancelled() }}
        with:
          name: smoke-gate
          path: outputs/
"""


def workflow_text(policy_file: str) -> str:
    """Return the workflow; ``policy_file`` is the policy's path from the root of the repository."""
    named = "" if policy_file == _DEFAULT_POLICY else f"          policy: {_quoted(policy_file)}\n"
    return _TEXT.replace("POLICY", named)


def _quoted(path: str) -> str:
    """Return a path as a single-quoted YAML text without an expression of GitHub's in it."""
    return "'" + path.replace("'", "''").replace("${{", "$ {{") + "'"
