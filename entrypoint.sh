#!/bin/sh
# Without arguments the container is the GitHub Action; with arguments it is the command line.
set -eu
if [ "$#" -eq 0 ]; then
  set -- action
fi
# One variable is enough for a private CA: requests and boto3 look at the first, Python's own TLS at the second.
if [ -z "${REQUESTS_CA_BUNDLE:-}" ] && [ -n "${SSL_CERT_FILE:-}" ]; then
  export REQUESTS_CA_BUNDLE="$SSL_CERT_FILE"
fi
# `exec`: signals reach Python, and the exit code is Python's. `-I`: a workflow's PYTHONPATH is for its own steps, and
# nothing is imported from the working directory, which is somebody else's checkout. `-B`: the byte code is there.
exec /opt/smoke-gate/bin/python -IBu -m smoke_gate "$@"
