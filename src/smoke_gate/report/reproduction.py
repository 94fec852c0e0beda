"""How anybody can repeat a verdict: the exact commands."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from smoke_gate.text import visible

WORKING_DIRECTORY = "/work"
"""Where the reader's folder is in the container."""
_HERE = "$PWD"  # for the reader's shell, so it is the one part that is not quoted
_SEALED = "--network none --read-only --tmpfs /tmp"  # `reproduce --docker` does the same
_MAP = "--artifact-path-map"
_PLACES = ("--tracking-uri", "--policy", "--definition", "--baseline", _MAP)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")  # in a container that is another machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """The facts that the commands need.

    ``image`` is named by its digest where that is known; ``verdict_file`` is the path from the working directory, or
    an absolute one, which a reader may not have: a container has its own; ``options`` are the effective options of
    ``check``, one argument each; none where they are not known.
    """

    image: str
    verdict_file: str
    options: tuple[str, ...] = ()

    @property
    def place(self) -> str | None:
        """Where the commands of a replay are meant to be run, None where that is the working directory."""
        return "in the folder that holds the verdict file" if _leads_out(self.verdict_file) else None

    @property
    def replay(self) -> str:
        """The command that evaluates the recorded evidence again, where smoke-gate is installed."""
        return _joined(["smoke-gate", "reproduce", self._from_here])

    @property
    def sealed_replay(self) -> str:
        """The same in the image that made the verdict: without a network, and it can write nothing."""
        return self._docker(f"{_SEALED} {_mounted(':ro')}", "reproduce", self._from_here)

    @property
    def check(self) -> str | None:
        """The command that reads the store again, None where its options are not known.

        It is one of the image where all that the options name is in the working directory or on the network.
        """
        if not self.options:
            return None
        if any(map(_is_elsewhere, _places(self.options))):
            return _joined(["smoke-gate", "check", *self.options])
        return self._docker(_mounted(), "check", *self.options)

    @property
    def _from_here(self) -> str:
        return PurePosixPath(self.verdict_file).name if self.place else self.verdict_file

    def _docker(self, options: str, *arguments: str) -> str:
        return f"docker run --rm {options} {_joined([self.image, *arguments])}"


def _joined(arguments: Sequence[str]) -> str:
    """Return a line for the shell, in which no character moves others or shows as nothing."""
    return " ".join(map(_quoted, arguments))


def _quoted(argument: str) -> str:
    if visible(argument) == argument:
        return shlex.quote(argument)
    return f"$'{''.join(map(_in_quotes, argument))}'"


def _in_quotes(character: str) -> str:
    r"""Return a character as the shell reads it within ``$'…'``."""
    if character in "\\'":
        return f"\\{character}"
    if visible(character) == character:
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode())


def _mounted(mode: str = "") -> str:
    return f'-v "{_HERE}:{WORKING_DIRECTORY}{mode}" -w {WORKING_DIRECTORY}'


def _places(options: Sequence[str]) -> list[str]:
    """Return the paths and addresses among the options: of a map the new ones, where the artifacts are now."""
    named = [(name, value) for name, value in pairwise(options) if name in _PLACES]
    return [value.partition("=")[2] if name == _MAP else value for name, value in named]


def _is_elsewhere(place: str) -> bool:
    """Return whether a path or address means something else in a container that sees the working directory alone."""
    try:
        parts = urlsplit(place)
        if parts.netloc:
            return parts.hostname in _LOOPBACK
    except ValueError:
        return True
    return _leads_out(parts.path.removeprefix("/") if parts.scheme.startswith("sqlite") else parts.path)


def _leads_out(path: str) -> bool:
    return path.startswith("/") or ".." in PurePosixPath(path).parts
