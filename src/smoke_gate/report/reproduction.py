"""How anybody can repeat a verdict: the exact commands."""

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What the commands need.

    ``image`` is named by its digest where that is known; ``verdict_file`` is the path from the working directory;
    ``options`` are the effective options of ``check``, one argument each.
    """

    image: str
    verdict_file: str
    options: tuple[str, ...] = ()

    @property
    def replay(self) -> str:
        """The command that evaluates the recorded evidence again."""
        return self._docker("reproduce", self.verdict_file)

    @property
    def check(self) -> str:
        """The command that reads the store again."""
        return self._docker("check", *self.options)

    def _docker(self, *arguments: str) -> str:
        # $PWD is for the reader's shell, so it is the one part that is not quoted.
        return f'docker run --rm -v "$PWD:/work" -w /work {shlex.join([self.image, *arguments])}'
