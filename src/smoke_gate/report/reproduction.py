"""How anybody can repeat a verdict: the exact commands."""

import shlex
from dataclasses import dataclass

WORKING_DIRECTORY = "/work"
"""Where the reader's folder is in the container."""
# $PWD is for the reader's shell, so it is the one part that is not quoted. `reproduce --docker` does the same.
_REPLAY = f'--network none --read-only --tmpfs /tmp -v "$PWD:{WORKING_DIRECTORY}:ro" -w {WORKING_DIRECTORY}'
_CHECK = f'-v "$PWD:{WORKING_DIRECTORY}" -w {WORKING_DIRECTORY}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What the commands need.

    ``image`` is named by its digest where that is known; ``verdict_file`` is the path from the working directory;
    ``options`` are the effective options of ``check``, one argument each; none where they are not known.
    """

    image: str
    verdict_file: str
    options: tuple[str, ...] = ()

    @property
    def replay(self) -> str:
        """The command that evaluates the recorded evidence again: without a network, and it can write nothing."""
        return self._docker(_REPLAY, "reproduce", self.verdict_file)

    @property
    def check(self) -> str | None:
        """The command that reads the store again, None where its options are not known."""
        return self._docker(_CHECK, "check", *self.options) if self.options else None

    def _docker(self, options: str, *arguments: str) -> str:
        return f"docker run --rm {options} {shlex.join([self.image, *arguments])}"
