"""Looks for known vulnerabilities in what deploy/requirements.lock pins.

    python .ci/audit.py [LOCK]

exits 1 where there is one with a fix. `pip-audit` asks PyPI's database of advisories. Where that cannot be reached nothing is
known, which is said and no failure. A vulnerability without a fixed release is printed alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parents[1] / "deploy/requirements.lock"
SECONDS = 300.0


def ask(lock: Path) -> tuple[Any, str]:
    """Return what pip-audit reports of a lock file, None where it could not, and what it said of that."""
    options = ["--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None, f"no answer within {SECONDS:g} s"
    try:
        return json.loads(done.stdout), ""
    except ValueError:
        return None, (done.stderr.strip().splitlines() or ["no report"])[-1]


def judge(report: Any, said: str) -> tuple[int, list[str]]:
    """Return the exit status for a report, and the lines to print."""
    rows = [] if report is None else report["dependencies"]
    asked = [row for row in rows if "skip_reason" not in row]
    if not asked:
        why = said or next((row["skip_reason"] for row in rows), "the lock file pins nothing")
        return 0, [f"skipped: known vulnerabilities; the database cannot be reached ({why})"]
    lines: list[str] = []
    status = 0
    for row in asked:
        for found in row["vulns"]:
            fixes = ", ".join(found["fix_versions"])
            status = 1 if fixes else status
            cure = (
                f"fixed in {fixes}: write the lock anew with .ci/lock"
                if fixes
                else "not fixed in any release yet"
            )
            lines.append(f"{row['name']} {row['version']}: {found['id']}; {cure}")
    if left := len(rows) - len(asked):
        lines.append(f"skipped: {left} of {len(rows)} packages, which the database does not know")
    return status, [*lines, f"audit: {len(asked)} packages looked up"]


def main(arguments: list[str]) -> int:
    """Print what is known; return the exit status."""
    status, lines = judge(*ask(Path(arguments[0]) if arguments else LOCK))
    print(*lines, sep="\n", file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
