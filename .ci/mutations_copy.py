"""A copy of this checkout for `mutations.py` to break, with an environment in which it is what is installed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import site
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

import mutations_probe
from mutations_probe import RESULTS, WANTED

ROOT = Path(__file__).resolve().parents[1]
FEW = 40

Results = dict[str, tuple[str, float]]
"""A test → how it went, and the seconds that it took."""


def _link(source: str, target: str) -> None:
    """Give a file a second name, or copy it where that cannot be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _leave_product_out(folder: str, names: list[str]) -> list[str]:
    """Return what of installed packages leads to the checkout that they were installed from."""
    installed = Path(folder).name == "site-packages"
    return [name for name in names if installed and (name == "guardrails" or name.startswith("_editable_"))]


class Copy:
    """A copy of this checkout in a temporary folder, with an environment in which it is what is installed."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.root, own = folder, folder / "checkout", folder / "environment"
        leave = shutil.ignore_patterns(".git", "__pycache__", ".venv", ".*_cache", "build", "dist")
        shutil.copytree(ROOT, self.root, ignore=leave, symlinks=True)
        shutil.copy(mutations_probe.__file__, self.root)
        venv.create(own, symlinks=True, with_pip=False)
        packages = next(own.glob("lib/python*/site-packages"))
        for folder_ in site.getsitepackages():
            shutil.copytree(
                folder_,
                packages,
                copy_function=_link,
                ignore=_leave_product_out,
                symlinks=True,
                dirs_exist_ok=True,
            )
        (packages / "copy.pth").write_text(f"{self.root}\n")
        self._python = str(own / "bin/python")
        for script in Path(sys.executable).parent.iterdir():
            if not (own / "bin" / script.name).exists():
                (own / "bin" / script.name).symlink_to(script)
        command = own / "bin/guardrails"
        command.unlink(missing_ok=True)
        command.write_text(f"#!{self._python}\nimport guardrails.cli, sys\nsys.exit(guardrails.cli.main())\n")
        command.chmod(0o755)
        self._environment = {**os.environ, "PATH": f"{own / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        self._environment.pop("PYTHONPATH", None)
        self._written = int(time.time())
        ask = [self._python, "-c", "import guardrails; print(guardrails.__file__)"]
        found = subprocess.run(ask, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
        if Path(found).parent != self.root / "guardrails":
            sys.exit(f"the copy's tests would import {found}")

    def write(self, file: str, text: str) -> None:
        """Write a file of the copy, at a second of its own: what was compiled of it before counts no longer."""
        self._written += 2
        (self.root / file).write_text(text)
        os.utime(self.root / file, (self._written, self._written))

    def run(self, *arguments: str, seconds: float | None = None, told: Mapping[str, Path] = {}) -> Results:
        """Run pytest; return how each test went, nothing where it took too long. `told` goes into the environment."""
        results = self._folder / "results.json"
        results.unlink(missing_ok=True)
        environment = self._environment | {k: str(v) for k, v in {**told, RESULTS: results}.items()}
        command = [self._python, "-m", "pytest", "-q", "-p", mutations_probe.__name__, *arguments]
        with (self._folder / "output.txt").open("w") as out:
            started = subprocess.Popen(
                command, cwd=self.root, env=environment, stdout=out, stderr=out, start_new_session=True
            )
            try:
                started.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()
        return json.loads(results.read_text()) if results.exists() else {}

    def said(self) -> str:
        """Return the last of what pytest said."""
        return (self._folder / "output.txt").read_text(errors="replace")[-2_000:]

    def run_tests(self, tests: Sequence[str], *arguments: str, seconds: float | None = None) -> Results:
        """Run some tests; few in one process, as two would import it all twice."""
        wanted = self._folder / "wanted.json"
        wanted.write_text(json.dumps(tests))
        files = sorted({test.partition("::")[0] for test in tests})
        processes = ["-n2"] if len(tests) > FEW else []
        return (
            self.run(*files, *processes, *arguments, seconds=seconds, told={WANTED: wanted}) if files else {}
        )
