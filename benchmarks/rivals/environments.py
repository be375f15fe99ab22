"""One virtual environment per rival: takes a rival's name, gives back the path of that environment's Python.

Two of the rivals install a top-level package called `guardrails`, as we do, so nothing here is ever shared.
The environments live in the folder named by `GUARDRAILS_BENCH_CACHE` (default `~/.cache/guardrails-bench`),
never in the repository. Delete a folder there to have it made again; a changed requirement remakes it by
itself.

    python benchmarks/rivals/environments.py                  # all of them
    python benchmarks/rivals/environments.py nemoguardrails   # one
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# The newest releases of 2026-11 that install on Python 3.11.
REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "llm-guard": ("llm-guard==0.3.16",),
    "openai-guardrails": ("openai-guardrails==0.3.6",),
    "nemoguardrails": ("nemoguardrails==0.24.1",),
    "guardrails-ai": (
        "guardrails-ai==0.11.0",
        "guardrails-ai-ban-list==0.1.0",
        "guardrails-ai-regex-match==0.1.0",
    ),
    "litellm": ("litellm[proxy]==1.108.7",),
}

# No rival may call home or look for models while it is measured.
QUIET: dict[str, str] = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "NEMO_GUARDRAILS_NO_USAGE_STATS": "1",
    "OTEL_SDK_DISABLED": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_API_KEY": "not-a-key",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR")


def cache() -> Path:
    """The folder that holds the environments."""
    named = os.environ.get("GUARDRAILS_BENCH_CACHE")
    return Path(named).expanduser().absolute() if named else Path.home() / ".cache" / "guardrails-bench"


def quiet_environment(rival: str) -> dict[str, str]:
    """The variables a rival's process gets: no hubs, no telemetry, a home folder of its own, one thread."""
    home = cache() / "homes" / rival
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | QUIET | {"HOME": str(home)}


def python_of(rival: str) -> Path:
    """The Python of a rival's environment; it is made where it is missing or holds other releases."""
    return environment(rival, REQUIREMENTS[rival])


def environment(name: str, requirements: Sequence[str]) -> Path:
    """The Python of an environment of that name with those requirements, made where it is missing or holds others."""
    folder = cache() / name
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp = folder / "requirements.txt"
    wanted = "\n".join(requirements) + "\n"
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
    subprocess.run(pip, check=True)
    stamp.write_text(wanted)  # last: a broken install is made again
    return python


def main(names: list[str]) -> int:
    """Make the named environments, all where none is named; prints each Python's path."""
    for rival in names or list(REQUIREMENTS):
        if rival not in REQUIREMENTS:
            print(f"unknown rival {rival!r}: one of {', '.join(REQUIREMENTS)}", file=sys.stderr)
            return 2
        print(f"{rival}: {python_of(rival)}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
