"""The table of exit codes, by the image; 0 is in ``test_image`` and ``test_action``."""

import pytest

from tests.container.accidents import WATCHED, cut_off_checkpoint, overwrite_database
from tests.container.image import run


def watch(store):
    """Add a reference that no run meets: the verdict is WARNING."""
    policy = store / "smoke-gate.yml"
    policy.write_text(policy.read_text() + WATCHED)


def misspell(store):
    """Leave a policy with an unknown key."""
    policy = store / "smoke-gate.yml"
    policy.write_text(policy.read_text() + "gatse: {}\n")


@pytest.mark.parametrize(
    ("accident", "arguments", "code", "message"),
    [
        (cut_off_checkpoint, (), 1, "FAIL · G3 failed"),
        (misspell, (), 2, "gatse"),
        (overwrite_database, (), 3, "mlflow.db"),
        (watch, ("--fail-on=warning",), 4, "WARNING · "),
    ],
)
def test_exit_code(store, accident, arguments, code, message):
    """spec: exit-codes"""
    accident(store)
    options = [f"--volume={store}:/work", "--workdir=/work"]
    ended = run("check", "--tracking-uri=sqlite:///mlflow.db", *arguments, options=options)
    assert ended.code == code, ended.stdout + ended.stderr
    assert message in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
