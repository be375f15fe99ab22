"""Breaks forty lines of the product, each in another module (`mutations.yaml`), and counts which breaks the tests notice.

    python .ci/mutations.py --reach FILE [--measure] [--table ROWS.yaml]

FILE, outside the repository, says which tests get to each line, and how long each test took. Where it is not there, or with
`--measure`, one run of the suite writes it: in a copy of this checkout in which each of these lines notes the test that it is
reached from; processes that a test starts do so too. Then one line after another is broken in the copy, for the tests that get
there: at most forty, of different files before several of one, quick ones first; it ends after five failures. What failed is
run again with nothing broken: a test that fails then too has noticed nothing. With a FILE of an older checkout, tests that are
gone are left out and new ones are not looked for: the count is the least that there is.

What a fixture of a module or session does is noted of the test that came first; what is kept from one test for the next, of that
one alone. The copy gets an environment over the one that runs this: `import guardrails` and the command are the copy's in every
process. Exits 0 whatever the count is.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutations_probe
import yaml
from mutations_probe import REACHED, RESULTS, WANTED

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_suffix(".yaml")
MOST_TESTS, MOST_FAILURES, ROW_S = 40, 5, 300.0

Results = dict[str, tuple[str, float]]
"""A test → how it went, and the seconds that it took."""
Took = Mapping[str, float]
"""A test that passes with nothing broken → the seconds."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A row of the table."""

    file: str
    before: str
    after: str
    notice: str
    probe: str = ""

    def find(self, text: str, line: str) -> int:
        """Return which line of the file this is; exits where it is there not once."""
        found = [at for at, each in enumerate(text.splitlines()) if each.strip() == line]
        if len(found) != 1:
            sys.exit(f"{self.file}: the row's line stands there {len(found)} times, not once: {line}")
        return found[0]

    def broken(self, text: str) -> str:
        """Return the file with its line broken."""
        lines = text.splitlines(keepends=True)
        at = self.find(text, self.before)
        lines[at] = lines[at].replace(self.before, self.after)
        return self._sound("".join(lines))

    def probed(self, text: str) -> str:
        """Return the file with a call before the statement in which the line stands."""
        lines = text.splitlines(keepends=True)
        number = self.find(text, self.probe or self.before) + 1
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
        at = max(node.lineno for node in nodes if node.lineno <= number <= (node.end_lineno or 0)) - 1
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        lines.insert(at, f"{indent}__import__({mutations_probe.__name__!r}).reach({self.file!r})\n")
        return self._sound("".join(lines))

    def _sound(self, text: str) -> str:
        try:
            ast.parse(text)
        except SyntaxError as error:
            sys.exit(f"{self.file}: the row makes no Python; has an `elif` no `probe`? {error}")
        return text


class Copy:
    """A copy of this checkout in a temporary folder, with an environment in which it is what is installed."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.root, own = folder, folder / "checkout", folder / "environment"
        leave = shutil.ignore_patterns(".git", "__pycache__", ".venv", ".*_cache", "build", "dist")
        shutil.copytree(ROOT, self.root, ignore=leave, symlinks=True)
        shutil.copy(mutations_probe.__file__, self.root)
        venv.create(own, symlinks=True, with_pip=False)
        packages = next(own.glob("lib/python*/site-packages"))
        # The `.pth` files in there are not read, so that of an editable installation neither.
        (packages / "copy.pth").write_text("\n".join([str(self.root), *site.getsitepackages()]) + "\n")
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

    def run_tests(self, tests: Sequence[str], *arguments: str, seconds: float | None = None) -> Results:
        """Run some tests, in two processes."""
        wanted = self._folder / "wanted.json"
        wanted.write_text(json.dumps(tests))
        files = sorted({test.partition("::")[0] for test in tests})
        return self.run(*files, "-n2", *arguments, seconds=seconds, told={WANTED: wanted}) if files else {}


def measure(copy: Copy, mutations: Sequence[Mutation], folder: Path) -> dict[str, Any]:
    """Run the whole suite once; return which tests get to each line, and those that passed with how long they took."""
    for each in mutations:
        copy.write(each.file, each.probed((ROOT / each.file).read_text()))
    reached = folder / "reached.txt"
    results = copy.run("-n", "auto", told={REACHED: reached})
    for each in mutations:
        copy.write(each.file, (ROOT / each.file).read_text())
    pairs = sorted({tuple(line.split("\t")) for line in reached.read_text(errors="replace").splitlines()})
    rows = {each.file: [test for file, test in pairs if file == each.file] for each in mutations}
    return {"rows": rows, "passed": {test: took for test, (how, took) in results.items() if how == "passed"}}


def choose(tests: Iterable[str], took: Took) -> list[str]:
    """Return at most forty tests: the quickest of each file, then the second of each, and so on; quick ones first."""
    nth: Counter[str] = Counter()
    ranked = []
    for test in sorted(tests, key=lambda each: (took[each], each)):
        file = test.partition("::")[0]
        ranked.append((nth[file], took[test], test))
        nth[file] += 1
    return [test for _, _, test in sorted(ranked)[:MOST_TESTS]]


def try_rows(
    copy: Copy, mutations: Sequence[Mutation], rows: Mapping[str, Sequence[str]], took: Took
) -> None:
    """Break one line after another, and print the table of what noticed it."""
    tried: list[tuple[Mutation, int, int, list[str]]] = []
    for each in mutations:
        there = [test for test in rows[each.file] if test in took]
        text = (ROOT / each.file).read_text()
        copy.write(each.file, each.broken(text))
        results = copy.run_tests(choose(there, took), f"--maxfail={MOST_FAILURES}", seconds=ROW_S)
        copy.write(each.file, text)
        failed = sorted(test for test, (how, _) in results.items() if how == "failed")
        tried.append((each, len(there), len(results), failed))
        print(f"... {each.file}: {len(failed)} of {len(results)} failed", file=sys.stderr, flush=True)
    again = copy.run_tests(sorted({test for *_, failed in tried for test in failed}))
    print("row  reach  run  noticed  module, and the first tests that noticed")
    count = 0
    for number, (each, there_are, ran, failed) in enumerate(tried, 1):
        names = [test for test in failed if again.get(test, ("",))[0] == "passed"]
        count += bool(names)
        print(f"{number:3}  {there_are:5}  {ran:3}  {'yes' if names else 'NO':7}  {each.file}")
        for test in names[:3] or [f"what no test says: {each.notice}"]:
            print(f"{'':24}{test}")
    print(f"{count} of {len(tried)} noticed")


def main(arguments: Sequence[str]) -> int:
    """Measure what is not known yet, and try each row."""
    parser = argparse.ArgumentParser(description="count which of forty broken lines the tests notice")
    parser.add_argument("--reach", type=Path, required=True, help="which tests get to each line")
    parser.add_argument("--measure", action="store_true", help="measure that anew")
    parser.add_argument("--table", type=Path, default=TABLE, help="another table of lines")
    given = parser.parse_args(arguments)
    table = [Mutation(**row) for row in yaml.safe_load(given.table.read_text())]
    for each in table:
        text = (ROOT / each.file).read_text()
        each.broken(text)
        each.probed(text)
    with tempfile.TemporaryDirectory(prefix="guardrails-mutations-", ignore_cleanup_errors=True) as name:
        copy = Copy(Path(name))
        if given.measure or not given.reach.exists():
            given.reach.write_text(json.dumps(measure(copy, table, Path(name)), indent=1))
        reach = json.loads(given.reach.read_text())
        there = copy.run("--collect-only")
        try_rows(copy, table, reach["rows"], {k: took for k, took in reach["passed"].items() if k in there})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
