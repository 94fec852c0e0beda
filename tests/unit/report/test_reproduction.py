import shlex

from smoke_gate.report.reproduction import Reproduction

REPLAY = 'docker run --rm --network none --read-only --tmpfs /tmp -v "$PWD:/work:ro" -w /work'
CHECK = 'docker run --rm -v "$PWD:/work" -w /work'


def test_the_commands_are_exact():
    reproduction = Reproduction(
        image="smoke-gate@sha256:ab", verdict_file="outputs/v.json", options=("--cells", "B0")
    )
    assert reproduction.replay == f"{REPLAY} smoke-gate@sha256:ab reproduce outputs/v.json"
    assert reproduction.check == f"{CHECK} smoke-gate@sha256:ab check --cells B0"


def test_a_shell_reads_them_as_they_are_meant():
    options = ("--cells", "a b,$(rm -rf /)", "--policy", "it's.yml")
    reproduction = Reproduction(image="smoke-gate", verdict_file="my outputs/v.json", options=options)
    assert reproduction.check is not None
    assert shlex.split(reproduction.check)[-5:] == ["check", *options]
    assert shlex.split(reproduction.replay)[-2:] == ["reproduce", "my outputs/v.json"]


def test_without_its_options_there_is_no_command_that_reads_the_store_again():
    assert Reproduction(image="smoke-gate", verdict_file="v.json").check is None
