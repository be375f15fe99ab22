"""How long the tools of a policy's editor take: each command as a user starts it, on inputs of stated sizes.

    python benchmarks/workshop.py              # all of them
    python benchmarks/workshop.py lint         # those whose name has this in it

Each row of `CASES` is a command line and a function that makes its input in a folder. Shown are the seconds of the whole process,
start included, and the processor's; each the best of the runs, beside the start of a Python that imports nothing.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from measure import machine, table

RUNS = 3


@dataclass(frozen=True, slots=True)
class Case:
    """A command, what it works on in words, and what makes that in a folder."""

    name: str
    size: str
    argv: tuple[str, ...]
    make: Callable[[Path], None] = lambda folder: None


def rules(number: int, conditions: Sequence[str]) -> str:
    """The rules of a policy over ten lists of terms, with a test for every other."""
    lists = [
        f"  d{at}: {{use: terms, terms: [zq{at}x, zq{at}y], category: custom.t{at}}}" for at in range(10)
    ]
    written = [
        f"  - {{id: r{at}.rule, on: [input, output], when: '{conditions[at % len(conditions)].format(at % 10, 100 + at)}', "
        f"then: {('flag', 'redact', 'block')[at % 3]}, message: 'No.', tags: [team.t{at}]}}"
        for at in range(number)
    ]
    tests = [f"  - {{input: zq{at}x, expect: {{action: block}}}}" for at in range(0, 10, 2)]
    head = 'format: 1\nname: large\nversion: "1"\n'
    return "\n".join((f"{head}detectors:", *lists, "rules:", *written, "tests:", *tests, ""))


def large(number: int) -> Callable[[Path], None]:
    conditions = (
        "custom.t{0} > 0 && content.length < {1}",
        "custom.t{0} >= 0.5 || detector.d{0}.custom.t{0} > 0.{1}",
        'custom.t{0} > 0 && request.user.tier != "t{1}"',
        'custom.t{0} > 0 && message.role in ["user", "tool"] && conversation.turns > {1}',
    )
    return lambda folder: (folder / "large.yaml").write_text(rules(number, conditions)) and None


def alike(folder: Path) -> None:
    """500 rules on one category, each of which may shadow each."""
    lines = [
        f"  - {{id: r{at}, on: input, when: pii.email >= 0.{1000 - at:04}, then: flag}}" for at in range(500)
    ]
    head = 'format: 1\nname: alike\nversion: "1"\ndetectors:\n  d: {use: pii, entities: [email]}\nrules:\n'
    (folder / "alike.yaml").write_text(head + "\n".join(lines) + "\n")


def lexical(folder: Path) -> None:
    """A policy of words and personal data, and 1,000 tests beside it, of four kinds."""
    head = "format: 1\nname: lexical\ndetectors:\n  words: {use: terms, terms: [zqa, zqb, zqc], category: custom.word}\n"
    (folder / "lexical.yaml").write_text(
        f"{head}  pii: {{use: pii}}\nrules:\n"
        "  - {id: word.block, on: [input, output], when: custom.word > 0, then: block}\n"
        "  - {id: pii.redact, on: [input, output], when: pii > 0, then: redact}\n"
    )
    kinds = (
        'input: "this zqa thing number {0} is said", expect: {{action: block, rules: [word.block]}}',
        'output: "mail jo{0}@example.com", expect: {{action: redact, rules: [pii.redact], content: "mail [EMAIL]"}}',
        'input: "what is the capital of country {0}?", expect: {{action: allow}}',
        'output: "The capital is place {0}, as you can read in any book.", expect: {{action: allow, rules: []}}',
    )
    lines = [f"  - {{name: test {at}, {kinds[at % len(kinds)].format(at)}}}" for at in range(1_000)]
    (folder / "lexical.test.yaml").write_text("\n".join(("tests:", *lines, "")))


CASES: list[Case] = [
    Case("start", "--version", ("--version",)),
    Case("start", "schema", ("schema",)),
    Case("start", "test --help", ("test", "--help")),
    Case("test", "1,000 lexical tests, words and pii", ("test", "lexical.yaml"), lexical),
    Case("test", "1,000 lexical tests with coverage", ("test", "lexical.yaml", "--coverage"), lexical),
    Case("test", "the shipped pii-only, 8 tests", ("test", "pii-only")),
    Case("test", "the shipped default, 36 tests", ("test", "default")),
    Case("start", "lint --help", ("lint", "--help")),
    *(
        Case("start", f"{name} --help", (name, "--help"))
        for name in ("fmt", "explain", "diff", "tune", "eval")
    ),
    Case("start", "fmt --check, 5 rules", ("fmt", "--check", "large.yaml"), large(5)),
    Case("lint", "500 rules, 10 lists, 5 tests", ("lint", "large.yaml"), large(500)),
    Case("lint", "500 rules, no tests run", ("lint", "--no-tests", "large.yaml"), large(500)),
    Case("lint", "500 rules on one score", ("lint", "--no-tests", "alike.yaml"), alike),
    Case("lint", "50 rules", ("lint", "large.yaml"), large(50)),
    Case("lint", "the shipped default", ("lint", "default")),
]


def timed(argv: Sequence[str], folder: Path) -> tuple[float, float]:
    """Seconds, and seconds of processor, that a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = perf_counter()
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    took = perf_counter() - start
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(case: Case) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        case.make(folder)
        runs = [timed((sys.executable, "-m", "guardrails", *case.argv), folder) for _ in range(RUNS)]
    wall, cpu = (min(each) for each in zip(*runs, strict=True))
    return {"command": case.name, "size": case.size, "s": f"{wall:.2f}", "processor s": f"{cpu:.2f}"}


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    rows = [measured(case) for case in CASES if wanted in case.name]
    bare = [timed((sys.executable, "-c", ""), Path()) for _ in range(RUNS)]
    rows.append(
        {
            "command": "python",
            "size": "nothing",
            "s": f"{min(w for w, _ in bare):.2f}",
            "processor s": f"{min(c for _, c in bare):.2f}",
        }
    )
    print(machine())
    print(table(rows))


if __name__ == "__main__":
    main()
