"""How the tool says that it could not do its job, and what the process then says to its caller."""

import errno
import traceback
from enum import IntEnum

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The numbers of errors that say that a file may not grow."""


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


class ContractError(SmokeGateError, ValueError):
    """The base of what ``smoke_gate.contract`` raises: something cannot be logged, hashed or read as it is.

    The text says what was found and what to give instead.
    """


class NoVerdictError(SmokeGateError):
    """No verdict can be reached: something that must be read could not be."""

    exit_code = ExitCode.NO_VERDICT


class UnexpectedError(NoVerdictError):
    """An error that nobody expected. Its place is told, for a bug report; values are not, for they may be secret."""

    def __init__(self, raised: BaseException) -> None:
        frame = traceback.extract_tb(raised.__traceback__)[-1]
        place = f"{frame.filename.rpartition('smoke_gate/')[2]}:{frame.lineno}"
        super().__init__(
            f"unexpected {type(raised).__name__} at {place}: no verdict. This is a bug; please report it."
        )
