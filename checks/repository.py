"""Checks that no other tool makes: of locks, documents, the specification, messages, names and the package.

Prints a line for each finding and exits with 1 if there is any.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from checks.fences import fence_findings
from checks.messages import message_findings
from checks.plain_english import plain_english_findings
from checks.reference import reference_findings
from checks.specification import specification_findings

ROOT = Path(__file__).resolve().parent.parent
LOCK_LINE = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|#.*"
)


def main() -> int:
    """Run every check and say what was found."""
    findings = [
        *lock_findings(), *document_findings(), *fence_findings(ROOT, documents()), *specification_findings(ROOT),
        *message_findings(ROOT), *reference_findings(ROOT), *plain_english_findings(ROOT), *version_findings(),
        *name_findings(), *package_findings(),
    ]  # fmt: skip
    for finding in findings:
        print(finding, file=sys.stderr)
    checked = (
        "locks, documents, fences, specification, messages, reference, plain English, version, names, package"
    )
    print(f"{checked}: {len(findings) or 'no'} findings")
    return 1 if findings else 0


def lock_findings() -> Iterator[str]:
    """Locks name packages and hashes only, cover pyproject.toml, and agree on every version."""
    for path in sorted((ROOT / "requirements").iterdir()):
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if not LOCK_LINE.fullmatch(line):
                yield f"requirements/{path.name}:{number}: not a package with its hashes: {line!r}"

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime, development = pins("runtime"), pins("dev")
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *extras["check"], *extras["s3"], *extras["dask"]]
    yield from unpinned("runtime", wanted, runtime)
    yield from unpinned("dev", project["dependency-groups"]["dev"], development)
    yield from unpinned("docs", project["dependency-groups"]["docs"], pins("docs"))
    for name, version in runtime.items():
        if development.get(name) != version:
            yield f"requirements/dev.txt: {name} is not {version} as in runtime.txt: run `make lock`"
    if development.get("mlflow") != runtime.get("mlflow-skinny"):
        yield "requirements/dev.txt: mlflow must have the version of mlflow-skinny, whose files it shares"


def pins(lock: str) -> dict[str, str]:
    """Package name → version of one lock."""
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text().splitlines()
    matches = filter(None, map(LOCK_LINE.fullmatch, lines))
    return {match["name"]: match["version"] for match in matches if match["name"]}


def unpinned(lock: str, wanted: list[str], pinned: dict[str, str]) -> Iterator[str]:
    """The requirements of pyproject.toml that a lock does not have."""
    for requirement in wanted:
        name = re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()
        if name not in pinned:
            yield f"requirements/{lock}.txt: {name} of pyproject.toml is missing: run `make lock`"


def document_findings() -> Iterator[str]:
    """Links that lead to no file or heading, `make` commands that are not targets, and pages that the site lacks."""
    menu = set(re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), flags=re.MULTILINE))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    yield from (f"mkdocs.yml: docs/{page} is not in `nav`" for page in sorted(pages - menu))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for path in documents():
        name = path.relative_to(ROOT)
        for line, link in links(path):
            file, _, anchor = unquote(link).partition("#")
            target = path.parent / file if file else path
            if not target.exists():
                yield f"{name}:{line}: {link} does not exist"
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                yield f"{name}:{line}: {link}: no such heading"
        for target_name in re.findall(r"(?:`|^\$? ?)make ([a-z-]+)", path.read_text(), flags=re.MULTILINE):
            if target_name not in targets:
                yield f"{name}: `make {target_name}` is not a target of the Makefile"


def documents() -> list[Path]:
    """The Markdown files that git would commit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in sorted(listed.splitlines()) if (path := ROOT / name).exists()]


def links(path: Path) -> Iterator[tuple[int, str]]:
    """Line and address of every relative link and picture."""
    for block in MarkdownIt("commonmark").enable("table").parse(path.read_text()):
        line = block.map[0] + 1 if block.map else 0
        for token in block.children or []:
            address = str(token.attrs.get("href") or token.attrs.get("src") or "")
            if address and not re.match(r"[a-z]+:", address):
                yield line, address


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a document, and those that it gives itself."""
    text = path.read_text()
    tokens = MarkdownIt("commonmark").parse(text)
    headings = [text for tag, text in pairwise(tokens) if tag.type == "heading_open"]
    names = {re.sub(r"[^\w\- ]", "", plain(heading).lower()).replace(" ", "-") for heading in headings}
    return names | set(re.findall(r'<a id="([^"]+)">', text))


def plain(heading: Token) -> str:
    """The text of a heading without its marks."""
    return "".join(token.content for token in heading.children or [])


def version_findings() -> Iterator[str]:
    """The version that the package names has a section in the changelog."""
    source = (ROOT / "src/smoke_gate/__init__.py").read_text()
    version = source.partition('__version__ = "')[2].partition('"')[0]
    if not re.search(rf"^## .*{re.escape(version)}", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE):
        yield f"CHANGELOG.md: no section for {version}, the version of smoke_gate.__version__"


def name_findings() -> Iterator[str]:
    """The name of a class has one meaning in the package; names that begin with ``_`` stay in their module."""
    places: dict[str, list[str]] = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for name in re.findall(r"^class ([A-Za-z]\w*)", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            places.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    for name, files in places.items():
        if len(files) > 1:
            yield f"{', '.join(files)}: each has a class {name}; give one of them another name"


def package_findings() -> Iterator[str]:
    """The wheel carries every file of the source folder: code, data, templates and schemas."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, str(ROOT)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        packed = set(zipfile.ZipFile(next(Path(folder).glob("*.whl"))).namelist())
    source = ROOT / "src"
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if path.is_file() and "__pycache__" not in path.parts and name not in packed:
            yield f"src/{name}: not in the wheel"


if __name__ == "__main__":
    sys.exit(main())
