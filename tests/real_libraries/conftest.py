"""The tests beside this file are those of `make test-integrations` alone."""

from tests.support.frameworks import REAL

collect_ignore_glob = [] if REAL else ["test_*.py"]
