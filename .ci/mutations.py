"""Breaks forty lines of the product, each in another module (`mutations.yaml`), and counts which breaks the tests notice.

    python .ci/mutations.py --reach FILE [--measure] [--table ROWS.yaml] [--most TESTS]

FILE, outside the repository, says which tests get to each line, and how long each test took. Where it is not there, or with
`--measure`, one run of the suite writes it: in a copy of this checkout in which each of these lines notes the test that it is
reached from; processes that a test starts do so too. Then one line after another is broken in the copy, for the tests that get
there: at most forty, half of them the nearest, the others of many files; it ends after five failures. What failed is run again
with nothing broken: a test that fails then too has noticed nothing. Where many more tests get there, one that was not among these
may notice: `--most 1000` goes on with so many, for rows that the first forty do not notice. With a FILE of an older checkout,
tests that are gone are left out and new ones are not looked for: the count is the least that there is.

What a fixture of a module or session does is noted of the test that came first; what is kept from one test for the next, of that
one alone. The copy gets an environment over the one that runs this: `import guardrails` and the command are the copy's in every
process. Exits 0 whatever the count is.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutations_probe
import yaml
from mutations_copy import ROOT, Copy, Results
from mutations_probe import REACHED

TABLE = Path(__file__).with_suffix(".yaml")
FIRST, MOST_FAILURES, ROW_S = 40, 5, 1200.0

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


def measure(copy: Copy, mutations: Sequence[Mutation], folder: Path) -> dict[str, Any]:
    """Run the whole suite once; return which tests get to each line, and those that passed with how long they took."""
    for each in mutations:
        copy.write(each.file, each.probed((ROOT / each.file).read_text()))
    reached = folder / "reached.txt"
    results = copy.run("-n", "auto", told={REACHED: reached})
    if not results:
        sys.exit("the run of the suite ended without results; what it said last:\n" + copy.said())
    for each in mutations:
        copy.write(each.file, (ROOT / each.file).read_text())
    pairs = sorted({tuple(line.split("\t")) for line in reached.read_text(errors="replace").splitlines()})
    rows = {each.file: [test for file, test in pairs if file == each.file] for each in mutations}
    return {"rows": rows, "passed": {test: took for test, (how, took) in results.items() if how == "passed"}}


def choose(mutation: Mutation, tests: Iterable[str], took: Took, most: int) -> list[str]:
    """Return at most so many tests: half of them those nearest to the module, and of others the quickest of each file, then the
    second of each, and so on.
    """
    inside = Path("tests", *Path(mutation.file).parts[1:])
    twin = inside.with_name(f"test_{inside.parent.name if inside.stem == '__init__' else inside.stem}.py")

    def distance(test: str) -> int:
        return -len(Path(os.path.commonpath([test.partition("::")[0], twin])).parts)

    quick = sorted(tests, key=lambda each: (took[each], each))
    near = sorted(quick, key=distance)[: most // 2]
    nth: Counter[str] = Counter()
    ranked = []
    for place, test in enumerate(test for test in quick if test not in near):
        file = test.partition("::")[0]
        ranked.append((nth[file], place, test))
        nth[file] += 1
    return [*near, *(test for _, _, test in sorted(ranked)[: most - len(near)])]


def try_rows(
    copy: Copy, mutations: Sequence[Mutation], reach: Mapping[str, Any], took: Took, most: int
) -> None:
    """Break one line after another, and print the table of what noticed it."""
    tried: list[tuple[Mutation, int, int, list[str]]] = []
    for each in mutations:
        there = [test for test in reach["rows"][each.file] if test in took]
        text = (ROOT / each.file).read_text()
        copy.write(each.file, each.broken(text))
        results: Results = {}
        for number in sorted({FIRST, max(FIRST, most)}):
            chosen = [test for test in choose(each, there, took, number) if test not in results]
            if not any(how == "failed" for how, _ in results.values()):
                results |= copy.run_tests(chosen, f"--maxfail={MOST_FAILURES}", seconds=ROW_S)
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
    parser.add_argument(
        "--most", type=int, default=FIRST, help="tests of a row that the first 40 do not notice"
    )
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
        took = {test: took for test, took in reach["passed"].items() if test in there}
        try_rows(copy, table, reach, took, given.most)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
