"""All figures on speed, memory and load in one run: what README and docs/pages/figures.md say of them comes from here.

    python benchmarks/load.py                      # about an hour, 20 minutes of it a soak
    python benchmarks/load.py --rivals             # and LiteLLM and Portkey, which pip and npm fetch
    python benchmarks/load.py --only start flood   # some of them

Runs one benchmark after the other, each as a process of its own that prints its table and its aims, and ends with 1 where one of
them missed an aim.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

SCRIPTS = {
    "start": ["start.py", "--install"],
    "lexical": ["lexical.py"],
    "checks": ["checks.py"],
    "inference": ["inference.py"],
    "proxy": ["proxy.py"],
    "streaming": ["streaming.py"],
    "flood": ["flood.py"],
    "soak": ["soak.py", "--seconds", "1200"],
}
"""Name → the script and its arguments."""

WITH_RIVALS = frozenset({"proxy"})
"""What measures released rivals as well, if asked to."""


def main() -> int:
    """Run what was asked for; return 1 where something of it missed an aim."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rivals", action="store_true", help="measure released rivals in the same run")
    parser.add_argument("--only", nargs="+", choices=SCRIPTS, default=list(SCRIPTS), help="run only these")
    given = parser.parse_args()
    missed = []
    for name in given.only:
        script, *arguments = SCRIPTS[name]
        if given.rivals and name in WITH_RIVALS:
            arguments.append("--rivals")
        print(f"\n## {name}: {' '.join([script, *arguments])}\n", flush=True)
        if subprocess.run([sys.executable, str(Path(__file__).with_name(script)), *arguments]).returncode:
            missed.append(name)
    print(f"\naims missed in: {', '.join(missed)}" if missed else "\nall aims met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
