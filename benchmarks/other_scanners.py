"""The verdicts of other scanners of checkpoints. It runs in the environment that has them, for ``checkpoints.py``.

Reads a JSON list of paths from the standard input, and writes the verdicts of each scanner that is installed: `clean`,
`WARNING` (the scanner is not sure, or could not read the file) or `FAIL`.
"""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def main() -> None:
    """Judge each file by each scanner."""
    paths = json.load(sys.stdin)
    logging.disable(logging.CRITICAL)
    os.environ["PROMPTFOO_DISABLE_TELEMETRY"] = "1"  # modelaudit's, which waits for a host
    found: dict[str, list[str]] = {}
    for name, scan in SCANNERS.items():
        try:
            title = f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
        with Path(os.devnull).open("w") as silence, contextlib.redirect_stdout(silence):
            every = EVERY.get(name, 1)
            found[title if every == 1 else f"{title}, every {every}th file"] = [
                attempt(scan, path) for path in paths[::every]
            ]
    json.dump(found, sys.stdout)


def attempt(scan: Callable[[str], str], path: str) -> str:
    """Return a scanner's verdict; where it raises, it is not sure."""
    try:
        return scan(path)
    except ModuleNotFoundError:
        raise  # the environment lacks a part of the scanner
    except Exception:  # noqa: BLE001 - whatever it is, the scanner did not judge the file
        return "WARNING"


def picklescan(path: str) -> str:
    """Judge by picklescan: `suspicious` is what it does not know."""
    from picklescan.scanner import SafetyLevel, scan_file_path

    result = scan_file_path(path)
    if result.issues_count:
        return "FAIL"
    unsure = result.scan_err or any(one.safety is not SafetyLevel.Innocuous for one in result.globals)
    return "WARNING" if unsure else "clean"


def fickling(path: str) -> str:
    """Judge by fickling, which reads pickles only."""
    from fickling.analysis import Severity, check_safety
    from fickling.fickle import Pickled

    with Path(path).open("rb") as stream:
        severity = check_safety(Pickled.load(stream)).severity
    if severity >= Severity.LIKELY_UNSAFE:
        return "FAIL"
    return "clean" if severity == Severity.LIKELY_SAFE else "WARNING"


def modelscan(path: str) -> str:
    """Judge by modelscan: what it skips or fails to read, it is not sure of."""
    from modelscan.modelscan import ModelScan

    scanner = ModelScan()
    result = scanner.scan(path)
    if result["summary"]["total_issues"]:
        return "FAIL"
    unsure = result["errors"] or not result["summary"]["scanned"]["total_scanned"]
    return "WARNING" if unsure else "clean"


def modelaudit(path: str) -> str:
    """Judge by modelaudit: critical is FAIL."""
    from modelaudit.core import scan_model_directory_or_file

    result = scan_model_directory_or_file(path)
    severities = {str(getattr(issue.severity, "value", issue.severity)) for issue in result.issues}
    if "critical" in severities:
        return "FAIL"
    return "WARNING" if "warning" in severities or not result.success else "clean"


SCANNERS = {"picklescan": picklescan, "fickling": fickling, "modelscan": modelscan, "modelaudit": modelaudit}
EVERY = {"modelaudit": 25}  # it takes up to twenty seconds a file

if __name__ == "__main__":
    main()
