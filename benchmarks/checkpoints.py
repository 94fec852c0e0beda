"""How well G3's probe tells honest files from hostile ones, beside other scanners, and how fast it is.

Honest files are made by the real libraries in an environment of their own (`benchmarks/honest_files.py`), hostile ones
by the tests' corpus. Each honest file is also cut off at five places, which must be noticed. `make bench-checkpoints`
does all of it and writes the table into docs/checkpoints.md.
Usage: python -m benchmarks.checkpoints --honest FOLDER [--scanners PYTHON]… [--write]
"""

import argparse
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from smoke_gate.hashing import file_sha256
from smoke_gate.probes.checkpoint import probe_checkpoint
from tests.corpus import CORPUS
from tests.corpus.writer import Entry

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "checkpoints.md"
MARKERS = ("<!-- measured: begin -->\n", "<!-- measured: end -->\n")
LARGE_BYTES = 200 << 20
REPEATS = 5
CUTS = (0.1, 0.5, 0.9)  # of a file's bytes; and these many bytes before its end
ENDS = (8, 1)
SPACE = b" \t\r\n"

VERDICTS = ("clean", "WARNING", "FAIL")


@dataclass(frozen=True, slots=True)
class Honest:
    """An honest file, whose library wrote it."""

    library: str
    path: Path
    file: str


@dataclass(slots=True)
class Scores:
    """The verdicts of a scanner on the honest and on the hostile files, and the files that it is wrong about."""

    honest: Counter[str] = field(default_factory=Counter)
    hostile: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def main() -> None:
    """Measure, print, and write the page if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--honest", type=Path, required=True, help="the folder that honest_files.py wrote")
    parser.add_argument("--scanners", action="append", default=[], help="a Python that has other scanners")
    parser.add_argument("--write", action="store_true", help="write the table into docs/checkpoints.md")
    arguments = parser.parse_args()
    manifest = json.loads((arguments.honest / "manifest.json").read_text())
    honest = [
        Honest(one["library"], arguments.honest / one["file"], one["file"]) for one in manifest["files"]
    ]
    with tempfile.TemporaryDirectory() as scratch:
        hostile = written(CORPUS, Path(scratch, "hostile"))
        ours = own_scores(honest, hostile)
        scores = {f"smoke-gate {version('smoke-gate')}": ours}
        for python in arguments.scanners:
            scores |= other_scores(python, honest, hostile)
        parts = [
            scores_table(scores, len(honest), len(hostile)),
            libraries_table(honest, manifest["versions"]),
            cuts_table(cut_files(honest)),
            speed_table(Path(scratch), arguments.honest),
        ]
    page = "\n\n".join(parts)
    print(page)
    print("\n".join(["", "where smoke-gate does not say what it should:", *ours.wrong]), file=sys.stderr)
    if arguments.write:
        text = PAGE.read_text(encoding="utf-8")
        before, rest = text.split(MARKERS[0])
        _, after = rest.split(MARKERS[1])
        PAGE.write_text(f"{before}{MARKERS[0]}\n{page}\n\n{MARKERS[1]}{after}", encoding="utf-8")


# --- the files --------------------------------------------------------------------------------------------------------


def written(corpus: Sequence[Entry], folder: Path) -> dict[Path, Entry]:
    """Write hostile files, each into a folder of its own."""
    found = {}
    for number, one in enumerate(corpus):
        path = folder / str(number) / Path(one.file).name
        path.parent.mkdir(parents=True)
        path.write_bytes(one.data)
        found[path] = one
    return found


def verdict(path: Path, name: str) -> str:
    """Return what G3 makes of a file."""
    artifact = probe_checkpoint(path, name, lambda beside: (path.parent / beside).exists())
    if (
        artifact.problem
        or artifact.unread
        or artifact.globals.dangerous
        or artifact.size == 0
        or artifact.absent
    ):
        return "FAIL"
    return "WARNING" if artifact.globals.unknown or artifact.format is None else "clean"


def own_scores(honest: Sequence[Honest], hostile: Mapping[Path, Entry]) -> Scores:
    """Judge all files by G3's probe."""
    scores = Scores()
    for one in honest:
        said = verdict(one.path, one.file)
        scores.honest[said] += 1
        if said != "clean":
            scores.wrong.append(f"honest, {said}: {one.file}")
    for path, evil in hostile.items():
        said = verdict(path, evil.file)
        scores.hostile[said] += 1
        if said != "FAIL":
            scores.wrong.append(f"hostile, {said}: {evil.trick}")
    return scores


def other_scores(python: str, honest: Sequence[Honest], hostile: Mapping[Path, Entry]) -> dict[str, Scores]:
    """Judge all files by the scanners that another Python has."""
    paths = [str(one.path) for one in honest] + list(map(str, hostile))
    script = str(ROOT / "benchmarks" / "other_scanners.py")
    answer = subprocess.run(
        [python, script], input=json.dumps(paths), capture_output=True, text=True, check=True
    )
    found: dict[str, Scores] = {}
    for scanner, said in json.loads(answer.stdout).items():
        scores = found[scanner] = Scores()
        every = -(-len(paths) // len(said))  # of the files, it may judge every second or third only
        for place, verdict_there in zip(range(0, len(paths), every), said, strict=True):
            (scores.honest if place < len(honest) else scores.hostile)[verdict_there] += 1
    return found


# --- files that are cut off -------------------------------------------------------------------------------------------


def cut_files(honest: Sequence[Honest]) -> dict[str, Counter[bool]]:
    """Return, by the suffix of the honest files, how many that were cut off are noticed and how many are not."""
    found: dict[str, Counter[bool]] = defaultdict(Counter)
    with ProcessPoolExecutor() as pool:
        for one, noticed in zip(honest, pool.map(noticed_cuts, honest), strict=True):
            found[one.path.suffix or one.path.name].update(noticed)
    return found


def noticed_cuts(one: Honest) -> list[bool]:
    """Cut a file at five places, and return for each whether it is noticed."""
    data = one.path.read_bytes()
    before = verdict(one.path, one.file)
    places = [int(len(data) * part) for part in CUTS] + [len(data) - count for count in ENDS]
    noticed = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, one.path.name)
        for place in places:
            if place > 0 and data[place:].strip(SPACE):  # blanks at the end of a text say nothing
                path.write_bytes(data[:place])
                after = verdict_among(path, one)
                noticed.append(after == "FAIL" or VERDICTS.index(after) > VERDICTS.index(before))
    return noticed


def verdict_among(path: Path, one: Honest) -> str:
    """Judge a file in the place of an honest one, among that one's neighbours."""
    artifact = probe_checkpoint(path, one.file, lambda beside: (one.path.parent / beside).exists())
    broken = artifact.problem or artifact.unread or artifact.globals.dangerous or artifact.size == 0
    return "FAIL" if broken else "WARNING" if artifact.globals.unknown or artifact.format is None else "clean"


# --- speed ------------------------------------------------------------------------------------------------------------


def speeds(scratch: Path, honest: Path) -> dict[str, float]:
    """Return, by format, how much longer the probe of a large file takes than its SHA-256."""
    array = np.random.default_rng(0).normal(size=LARGE_BYTES // 8)
    makers: dict[str, Callable[[Path], object]] = {
        "large.safetensors": lambda path: save_file({"weight": array}, path),
        "large.npz": lambda path: np.savez(path, weight=array),
        "large.npy": lambda path: np.save(path, array),
        "large.pkl": lambda path: path.write_bytes(pickle.dumps({"weight": array}, protocol=5)),
    }
    ratios = {}
    for name, make in makers.items():
        path = scratch / name
        make(path)
        ratios[path.suffix] = ratio(path)
        path.unlink()
    for path in sorted((honest / "large").glob("*")):
        ratios[path.suffix] = ratio(path)
    return ratios


def ratio(path: Path) -> float:
    """Time the probe and the hash of a file in turn, and return the median of the ratios."""
    pairs = []
    for _ in range(REPEATS):
        probe = seconds(lambda: probe_checkpoint(path, path.name, lambda _: True))
        pairs.append(probe / seconds(lambda: file_sha256(path)))
    return statistics.median(pairs)


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of a call."""
    start = time.process_time()
    work()
    return time.process_time() - start


# --- the page ---------------------------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def scores_table(scores: Mapping[str, Scores], honest: int, hostile: int) -> str:
    """Return what each scanner says, as a table."""
    head = [
        "scanner", f"honest ({honest}): clean", "WARNING", "FAIL",
        f"hostile ({hostile}): FAIL", "only WARNING", "missed",
    ]  # fmt: skip
    rows = (
        [name, *(one.honest[said] for said in VERDICTS), *(one.hostile[said] for said in reversed(VERDICTS))]
        for name, one in scores.items()
    )
    return table(head, rows)


def libraries_table(honest: Sequence[Honest], versions: Mapping[str, str]) -> str:
    """Return how many files each library wrote, as a table."""
    count = Counter(one.library for one in honest)
    return table(
        ["library", "version", "files"], ([name, versions.get(name, ""), count[name]] for name in count)
    )


def cuts_table(cuts: Mapping[str, Counter[bool]]) -> str:
    """Return how many files that were cut off are noticed, as a table."""
    rows = ([f"`{name}`", said.total(), said[True]] for name, said in sorted(cuts.items()))
    return table(["honest files, cut off", "cuts", "noticed"], rows)


def speed_table(scratch: Path, honest: Path) -> str:
    """Return the speed, as a table."""
    rows = ([f"`{name}`", f"{times:.2f} ×"] for name, times in speeds(scratch, honest).items())
    return table([f"a file of {LARGE_BYTES >> 20} MB", "CPU time, against its SHA-256 alone"], rows)


if __name__ == "__main__":
    main()
