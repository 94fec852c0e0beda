"""The runner as it is: its user deletes everything; its paths and its localhost are not the container's."""

import os

import pytest

from tests.container.conftest import HEAD
from tests.container.image import IMAGE, docker
from tests.container.runner import RUNNER_USER
from tests.github.runner import pull_request

STORE = "sqlite:///mlflow.db"
USER = RUNNER_USER if os.geteuid() == 0 else os.geteuid()


def deleted_by_the_runner(folder) -> str:
    """Delete everything in a folder as the runner's user does before a checkout; return what went wrong."""
    mount = f"--volume={folder}:/folder"
    client = ["run", "--rm", "--network=none", f"--user={USER}:{USER}", mount, "--entrypoint=find", IMAGE]
    return docker(*client, "/folder", "-mindepth", "1", "-delete").stderr


def test_the_runners_user_deletes_what_the_action_wrote(runner):
    for folder in ("outputs", "reports/of/this/gate", str(runner.root / "temp/reports")):
        step = runner.run(*pull_request(7, HEAD), tracking_uri=STORE, output_dir=folder)
        assert step.code == 0, step.log
    assert (runner.workspace / "reports/of/this/gate").is_dir()
    assert list((runner.root / "temp/reports").glob("figures_*/*.png"))
    assert list((runner.root / "temp/_github_home").rglob("*")) == []
    for folder in (runner.workspace, runner.root / "temp/reports"):
        assert deleted_by_the_runner(folder) == ""
        assert list(folder.iterdir()) == []


def test_a_link_out_of_the_workspace_changes_no_owner(runner):
    elsewhere = runner.root / "temp/elsewhere"
    elsewhere.mkdir(parents=True)
    (elsewhere / "secret").write_text("somebody's")
    before = {path: path.stat().st_uid for path in (elsewhere, elsewhere / "secret")}
    (runner.workspace / "outputs").symlink_to("/github/runner_temp/elsewhere")
    step = runner.run(*pull_request(7, HEAD), tracking_uri=STORE)
    assert step.code == 0, step.log
    assert list(elsewhere.glob("smoke_verdict_*.json"))
    assert {path: path.stat().st_uid for path in before} == before


@pytest.mark.parametrize("scheme", ["sqlite:///", "sqlite+pysqlite:///"])
def test_a_store_that_is_named_by_the_runners_path_is_found(runner, scheme):
    step = runner.run(*pull_request(7, HEAD), tracking_uri=f"{scheme}{runner.workspace}/mlflow.db")
    assert (step.code, step.outputs["verdict"]) == (0, "ALL PASS"), step.log


def test_localhost_is_explained(runner):
    step = runner.run(*pull_request(7, HEAD), tracking_uri="http://localhost:9")
    assert (step.code, step.outputs["verdict"]) == (3, "ERROR")
    assert "inside an action, that address is the action's own container" in step.log
    assert "`services:`" in step.log
