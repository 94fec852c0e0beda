"""The commands and files that a page of the documentation tells a reader to write, so that tests do just that.

A fence's info string is its language and, after a blank, its file. ``console`` is typed, a ``diff`` is applied.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Fence:
    """A fence of a page: ``section`` is the text of the heading above it."""

    section: str
    language: str
    name: str
    text: str


def fences(page: Path) -> Iterator[Fence]:
    """Yield the fences of a page, in order."""
    section = ""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    for before, token in zip([None, *tokens], tokens, strict=False):
        if before is not None and before.type == "heading_open":
            section = token.content
        if token.type == "fence":
            language, _, name = token.info.strip().partition(" ")
            yield Fence(section, language, name, token.content)


def tables(page: Path) -> list[list[dict[str, str]]]:
    """Return the tables of a page: each row by the heads of its columns, as it is written."""
    found: list[list[dict[str, str]]] = []
    heads: list[str] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")] if line.startswith("|") else []
        if cells and not heads:
            heads = cells
            found.append([])
        elif cells and not line.startswith("|---"):
            found[-1].append(dict(zip(heads, cells, strict=True)))
        elif not cells:
            heads = []
    return found


@dataclass
class Reader:
    """Somebody at a shell, who does what fences say: the folder and the variables of a fence hold in the next one."""

    folder: Path
    variables: Mapping[str, str]
    state: Path = field(init=False)

    def __post_init__(self) -> None:
        self.state = self.folder.with_name(f"{self.folder.name}.state")
        self.state.write_text(f"cd '{self.folder}'\n")

    def types(self, commands: str) -> str:
        """Type commands; return what they print. Fails where one of them fails."""
        end = f'{{ export -p; printf \'cd "%s"\\n\' "$PWD"; }} > "{self.state}"'
        done = subprocess.run(
            ["bash", "-ec", f'. "{self.state}"\n{commands}\n{end}'],
            env=dict(self.variables), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def does(self, fence: Fence) -> str:
        """Do what one fence says, and return what is printed."""
        if fence.language == "console":
            return self.types(fence.text)
        if fence.language == "diff":
            self._changes(self.here / fence.name, fence.text.splitlines(keepends=True))
            return ""
        if Path(fence.name).suffix or fence.name.startswith("."):
            (self.here / fence.name).write_text(fence.text)
        return ""

    def _changes(self, file: Path, lines: Sequence[str]) -> None:
        """Change a file as a diff without line numbers says; what it says is there must be there once."""
        before = "".join(line[1:] for line in lines if line[0] != "+")
        after = "".join(line[1:] for line in lines if line[0] != "-")
        text = file.read_text()
        assert text.count(before) == 1, f"{file.name} has this {text.count(before)} times:\n{before}"
        file.write_text(text.replace(before, after))

    @property
    def here(self) -> Path:
        """The folder that the reader is in."""
        return Path(self.types("pwd").strip())


def offline(home: Path, hosts: Path) -> dict[str, str]:
    """Return variables for commands that install and clone without a network.

    ``pip`` finds the environment of the tests, and GitHub's repositories are below ``hosts``.
    """
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[url "file://{hosts}/"]\n\tinsteadOf = https://github.com/\n'
        "[user]\n\tname = Me\n\temail = me@example.org\n"
        '[safe]\n\tdirectory = *\n[protocol "file"]\n\tallow = always\n[advice]\n\tdetachedHead = false\n'
    )
    import mlflow

    packages = Path(mlflow.__file__).parents[1]
    return {
        "HOME": str(home),
        "PATH": f"{packages.parents[2] / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(packages),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_COMPILE": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads the option's own sense: no isolation
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OPENBLAS_NUM_THREADS": "1",
        "SMOKE_GATE_NO_FIGURES": "true",
    }
