"""Hostile texts: whatever runs are called and log, it stands as text in every file, and changes no verdict."""

import contextlib
import json
import random
import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tests.support.recorded import Recipe, changed, record
from tests.support.stores import sqlite_store
from tests.torture.server_faults import NAMES, POLICY, RANKS, check, matrices
from tests.torture.tally import Tally

PIECES = (
    "\x00", "\x07", "\x08", "\x1b[2J", "\x1b]0;title\x07", "\r", "\n", "\t", "\x7f", "\x85", "\x9b31m",
    "\u200b", "\u200e", "\u200f", "\u061c", "\u202a", "\u202e", "\u2066", "\u2069", "\u2028", "\u2029", "\ufeff",
    "\u00ad", "\U000e0041", "\ufffe", "é", "한국", "🧪", "e\u0301\u0301\u0301",
    "\n::error::x", "\n::add-mask::a", "<script>alert(1)</script>", "</script>", "</style>", "<!--", "-->", "]]>",
    "&amp;", "|", "`", "```", "**b**", "[x](http://evil.example)", "![x](http://evil.example/x.png)", "@octocat", "#1",
    "<details>", "javascript:alert(1)", "{{ 7*7 }}", "{% raw %}", "${{ secrets.TOKEN }}", "%s", "{0}", "'", '"', "\\",
    "../../etc/passwd", "=cmd|' /C calc'!A0", "http://me:password@evil.example/?token=x", "NaN", "-", "x" * 120,
)  # fmt: skip
NEVER_RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
_NO_FILE_NAME = re.compile(r"[/\x00]|^\.+$")


def texts(seed: int, count: int, folder: Path) -> Tally:
    """Judge so many matrices whose texts are drawn, and look at all that is written and printed."""
    tally = Tally("hostile texts")
    (folder / "smoke-gate.yml").write_text(POLICY)
    recipes = {name: matrices()[name] for name in ("good", "again", "missing", "ratio")}
    with contextlib.chdir(folder):
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        client = sqlite_store(folder / "mlflow.db")
        codes = {}
        for name, runs in recipes.items():
            with contextlib.redirect_stdout(None):
                record(client, runs, name)
            codes[name] = check(uri, name, folder / "true")[0]
        for number in range(count):
            chance = random.Random(f"{seed} {number}")
            name = list(recipes)[number % len(recipes)]
            experiment = f"{number} {_text(chance)}"[:240]
            with contextlib.redirect_stdout(None):
                record(client, [_hostile(run, chance) for run in recipes[name]], experiment)
            code, printed = check(uri, experiment, folder / "case")
            tally.faults += 1
            tally.end("the true verdict" if code == codes[name] else "a worse verdict")
            case = f"case {number}, {name}"
            if RANKS[code] < RANKS[codes[name]] or RANKS[code] == RANKS[3]:
                tally.wrong.append(
                    f"{case}: {NAMES.get(code, code)} instead of {NAMES[codes[name]]}: {printed}"
                )
            tally.look_for_a_crash(case, printed)
            _look(tally, case, printed, folder / "case")
            shutil.rmtree(folder / "case", ignore_errors=True)
    return tally


def _text(chance: random.Random) -> str:
    return "".join(chance.choices(PIECES, k=chance.randint(1, 6)))


def _hostile(run: Recipe, chance: random.Random) -> Recipe:
    """Return a run with hostile texts in all that a run may log and that no gate judges."""
    file = _NO_FILE_NAME.sub("_", _text(chance))[:60]
    return changed(
        run,
        name=f"{run.name} {_text(chance)}",
        params={"note": _text(chance), "optimizer": _text(chance)},
        tags={"note": _text(chance), "mlflow.note.content": _text(chance)},
        artifacts={f"logs/{file}.txt": _text(chance).encode()},
    )


def _look(tally: Tally, case: str, printed: str, folder: Path) -> None:
    """Note characters that must not stand raw, and files that are not whole any more."""
    for place, text in (
        ("the terminal", printed),
        *((path.name, path.read_bytes().decode()) for path in sorted(folder.glob("smoke_*"))),
    ):
        if found := NEVER_RAW.search(text):
            around = text[max(0, found.start() - 40) : found.end() + 40]
            tally.wrong.append(f"{case}: {found[0]!a} stands raw in {place}: {around!a}")
        if place.endswith(".json"):
            json.loads(text)
        if place.endswith(".xml"):
            ElementTree.fromstring(text)
        if place.endswith(".html") and "<script>alert" in text:
            tally.wrong.append(f"{case}: a script of a run's stands in {place}")
