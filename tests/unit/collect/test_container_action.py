import pytest

from smoke_gate.collect import container_action
from smoke_gate.collect.container_action import from_here, loopback_advice, runner_path_map

RUNNER = {
    "RUNNER_WORKSPACE": "/home/runner/work/repo",
    "GITHUB_REPOSITORY": "org/repo",
    "GITHUB_WORKSPACE": "/github/workspace",
}
WORKSPACE = ("/home/runner/work/repo/repo", "/github/workspace")
TEMP = ("/home/runner/work/_temp", "/github/runner_temp")


def test_the_runners_folders():
    assert runner_path_map(RUNNER) == (WORKSPACE,)
    assert runner_path_map({**RUNNER, "RUNNER_TEMP": "/github/runner_temp"}) == (WORKSPACE, TEMP)
    assert runner_path_map({}) == ()
    assert runner_path_map({**RUNNER, "GITHUB_WORKSPACE": WORKSPACE[0]}) == ()


@pytest.mark.parametrize(
    ("named", "here"),
    [
        ("sqlite:////home/runner/work/repo/repo/a/mlflow.db", "sqlite:////github/workspace/a/mlflow.db"),
        ("sqlite+pysqlite:////home/runner/work/repo/repo/m.db", "sqlite+pysqlite:////github/workspace/m.db"),
        ("file:///home/runner/work/repo/repo/mlruns", "file:///github/workspace/mlruns"),
        ("file:/home/runner/work/repo/repo/mlruns", "file:/github/workspace/mlruns"),
        ("/home/runner/work/repo/repo", "/github/workspace"),
        ("sqlite:////home/runner/work/_temp/mlflow.db", "sqlite:////github/runner_temp/mlflow.db"),
    ],
)
def test_a_store_on_the_runner_is_found_in_the_container(named, here):
    assert from_here(named, (WORKSPACE, TEMP)) == here


@pytest.mark.parametrize(
    "named",
    [
        "sqlite:///mlflow.db",
        "mlruns",
        "/home/runner/work/repo/repository",
        "sqlite:////home/runner/work/other/mlflow.db",
        "http://host/home/runner/work/repo/repo",
        "postgresql://u@host/home/runner/work/repo/repo",
        "databricks",
        "",
    ],
)
def test_everything_else_stays_as_it_is(named):
    assert from_here(named, (WORKSPACE, TEMP)) == named


def test_a_name_with_signs_is_found_as_written_and_as_an_address_has_it():
    folders = (("/runner one/repo", "/github/workspace"),)
    for named in ("sqlite:////runner one/repo/m.db", "sqlite:////runner%20one/repo/m.db"):
        assert from_here(named, folders) == "sqlite:////github/workspace/m.db"


ROUTES = """Iface\tDestination\tGateway\tFlags
eth0\t000012AC\t00000000\t0001
eth0\t00000000\t010012AC\t0003
"""


@pytest.mark.parametrize(
    ("routes", "bridge"), [(ROUTES, "172.18.0.1"), ("Iface\n", "172.17.0.1"), (None, "172.17.0.1")]
)
def test_inside_an_action_services_and_the_bridge_are_named(tmp_path, monkeypatch, routes, bridge):
    monkeypatch.setattr(container_action, "_ROUTES", tmp_path / "route")
    if routes is not None:
        (tmp_path / "route").write_text(routes)
    for host in ("localhost", "127.0.0.1", "[::1]"):
        said = loopback_advice(f"http://{host}:5000", RUNNER)
        assert "`services:`" in said
        assert "http://mlflow:5000" in said
        assert f"http://{bridge}:5000" in said


def test_outside_of_an_action_the_hosts_network_is_named_and_other_hosts_are_not_spoken_of():
    assert "--network host" in loopback_advice("http://localhost:5000", {})
    assert loopback_advice("http://mlflow.example.org", RUNNER) == ""
