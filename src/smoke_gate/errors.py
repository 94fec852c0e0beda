"""How the tool says that it could not do its job, and what the process then says to its caller."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command; they depend on nothing but this table."""

    OK = 0
    """ALL PASS or WARNING."""
    FAIL = 1
    """The verdict is FAIL."""
    USAGE = 2
    """The command line, the policy or the experiment is wrong."""
    NO_VERDICT = 3
    """The tracking store or the artifacts could not be read."""
    WARNING = 4
    """The verdict is WARNING, under ``--fail-on warning``."""


class SmokeGateError(Exception):
    """An error that its reader can mend: its text says what was found, what was expected and how to fix it.

    Subclasses set ``exit_code``.
    """

    exit_code = ExitCode.USAGE


class UsageError(SmokeGateError):
    """The command line, or something that it names, is wrong."""


class NoVerdictError(SmokeGateError):
    """No verdict can be reached: something that must be read could not be."""

    exit_code = ExitCode.NO_VERDICT
