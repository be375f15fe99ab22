"""`guardrails test`: runs the tests of policies, files of tests or folders; exit status 1 if one fails, or if there are none, or
if they show too little of a policy.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from guardrails.authoring.terminal import Style
from guardrails.cli import add_floor, add_plugins
from guardrails.cli.progress import Progress
from guardrails.errors import GuardrailsError, PolicyError, PolicyErrors

if TYPE_CHECKING:
    from guardrails.authoring.testing.coverage import SuiteCoverage
    from guardrails.authoring.testing.suite import SuiteDemands, SuiteResult
    from guardrails.authoring.testing.test_selection import SuiteTarget
    from guardrails.guard import Guard

LOOK_S: Final = 0.3
"""Seconds between two looks at the files that are watched."""

ALL: Final = "all"


@dataclass(slots=True)
class SuiteOutcome:
    """One run over everything: results and coverage by what was tested, how long it took, what has no tests at all, and what is
    wrong with policies and files of tests that cannot be read.
    """

    results: dict[str, list[SuiteResult]] = field(default_factory=dict)
    coverage: dict[str, SuiteCoverage] = field(default_factory=dict)
    seconds: float = 0.0
    empty: list[str] = field(default_factory=list)
    errors: list[PolicyError] = field(default_factory=list)

    @property
    def every(self) -> list[SuiteResult]:
        """All results."""
        return [result for found in self.results.values() for result in found]

    @property
    def failed(self) -> int:
        """How many tests failed."""
        return sum(result.failed for result in self.every)


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_plugins(to)
    to.add_argument(
        "policies",
        nargs="*",
        metavar="POLICY",
        help="shipped policies by name, YAML files of policies or of tests (X.test.yaml), or folders with such files",
    )
    to.add_argument("--policy", "-p", action="append", default=[], metavar="P", help="the same, by option")
    add_floor(to)
    to.add_argument(
        "--filter",
        "-k",
        metavar="PATTERN",
        help="only tests whose name or place has this in it (* and ? as in files)",
    )
    to.add_argument("--fail-fast", "-x", action="store_true", help="stop at the first test that fails")
    to.add_argument("--every-cut", action="store_true", help="stream every text too, cut at every place")
    to.add_argument(
        "--obfuscate",
        metavar="NAMES",
        help="disguise every text that must be found: names with commas, such as leetspeak,base64, or all",
    )
    to.add_argument(
        "--coverage",
        action="store_true",
        help="show the rules whose condition is never true or never false, and more",
    )
    to.add_argument(
        "--threshold",
        type=float,
        metavar="PERCENT",
        help="fail where the coverage of a policy is less; implies --coverage",
    )
    to.add_argument("--durations", type=int, default=0, metavar="N", help="show the N slowest tests")
    to.add_argument("--junit", metavar="FILE", help="write the results as JUnit's XML")
    to.add_argument(
        "--watch", "-w", action="store_true", help="run again whenever a file changes that was read"
    )
    to.add_argument("--json", action="store_true", help="print the results as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run the tests of each policy; return 1 if one fails."""
    if args.threshold is not None and not 0 <= args.threshold <= 100:
        raise GuardrailsError(f"--threshold {args.threshold:g}: must be a percentage, 0 to 100")
    demands = _demands(args)
    given = [*args.policies, *args.policy] or ["default"]
    if not (args.policies or args.policy):
        from guardrails.authoring.testing.test_selection import describe_default

        print(describe_default("test"), file=sys.stderr)
    return _run_repeatedly(args, given, demands) if args.watch else _run_once(args, given, demands)


def _demands(args: argparse.Namespace) -> SuiteDemands:
    from guardrails.authoring.testing.suite import SuiteDemands
    from guardrails.policy.testing.test_fields import DISGUISES
    from guardrails.spelling import suggest_name

    wanted = [name.strip() for name in (args.obfuscate or "").split(",") if name.strip()]
    for name in wanted:
        if name not in (*DISGUISES, ALL):
            raise GuardrailsError(
                f"--obfuscate {name}: no such disguise - {suggest_name(name, [*DISGUISES, ALL])}"
            )
    chosen = DISGUISES if ALL in wanted else tuple(name for name in DISGUISES if name in wanted)
    return SuiteDemands(every_cut=args.every_cut, obfuscate=chosen)


def _run_repeatedly(args: argparse.Namespace, given: list[str], demands: SuiteDemands) -> int:
    """Run again and again, until the person has seen enough."""
    from guardrails.authoring.testing.test_selection import expand_paths
    from guardrails.authoring.watch import watch_rounds

    def work() -> int:
        try:
            return _run_once(args, given, demands)
        except GuardrailsError as error:
            print(error, file=sys.stderr)
            return 2

    status = 0
    for status in watch_rounds(work, lambda: expand_paths(given), _looks()):
        sys.stdout.flush()
        print(
            Style(sys.stderr).dim(f"{time.strftime('%H:%M:%S')} status {status}; watching for changes"),
            file=sys.stderr,
        )
    return status


def _looks() -> Iterator[None]:
    while True:
        time.sleep(LOOK_S)
        yield None


def _run_once(args: argparse.Namespace, given: list[str], demands: SuiteDemands) -> int:
    from guardrails.authoring.testing.test_selection import find_targets

    found = find_targets(given)
    for name in found.left_out:
        print(
            f"{name}: left out: no policy (it has no 'format:'), and no file of tests (*.test.yaml)",
            file=sys.stderr,
        )
    style = Style(sys.stdout)
    done = SuiteOutcome(errors=found.errors)
    _run(args, found.targets, demands, done)
    if done.errors and not done.results:
        raise PolicyErrors(done.errors)
    if args.junit is not None:
        _save(args.junit, done)
    _print(args, done, style)
    return _status(args, given, done)


def _run(
    args: argparse.Namespace, found: Iterable[SuiteTarget], demands: SuiteDemands, done: SuiteOutcome
) -> None:
    """Run the tests, up to the first that fails where that is wanted, and write down in `done` what comes of it."""
    from guardrails.authoring.testing import suite
    from guardrails.authoring.testing.coverage import SuiteCoverage

    began = time.perf_counter()
    for target in found:
        try:
            guard = suite.load_guard(target.policy, target.tests, args.floor)
        except PolicyErrors as error:  # the others are tested all the same
            done.errors += error.errors
            continue
        tests = _chosen(guard, target)
        coverage = SuiteCoverage(guard.policy) if args.coverage or args.threshold is not None else None
        results = done.results[target.name] = []
        if coverage is not None:
            done.coverage[target.name] = coverage
        if not tests:
            done.empty.append(target.name)
        with Progress(sys.stderr) as progress:
            for result in suite.run_tests(
                guard, tests, demands=demands, pattern=args.filter, coverage=coverage
            ):
                results.append(result)
                progress.draw(len(results), max(len(tests), len(results)), target.name)
                if args.fail_fast and result.failed:
                    done.seconds = time.perf_counter() - began
                    return
    done.seconds = time.perf_counter() - began


def _chosen(guard: Guard, target: SuiteTarget) -> Sequence[Any]:
    """Return the tests to run: all, or those of the files alone."""
    files = {each.source.file for each in target.tests}
    return [pair for pair in guard.policy.tests if not target.only or pair[0].source.file in files]


def _status(args: argparse.Namespace, given: list[str], done: SuiteOutcome) -> int:
    """Return the exit status; say on standard error why nothing was tested, or too little."""
    short = {
        name: each.percent
        for name, each in done.coverage.items()
        if args.threshold is not None and each.percent < args.threshold
    }
    if not done.results:
        print(f"{', '.join(given)}: no policies and no files of tests (*.test.yaml)", file=sys.stderr)
    for name in done.empty:
        print(f"{name}: has no tests; add some under 'tests:', or in a file X.test.yaml", file=sys.stderr)
    none = args.filter is not None and not done.every and not done.empty
    if none:
        print(f"no test has {args.filter!r} in its name or place", file=sys.stderr)
    for name, percent in short.items():
        print(f"{name}: coverage is {percent:.1f} %, less than {args.threshold:g} %", file=sys.stderr)
    if done.errors:
        broken = PolicyErrors(done.errors)
        print(f"{broken}\nwhat is wrong here was not tested; the rest was", file=sys.stderr)
        return 2
    return 1 if done.failed or done.empty or none or short or not done.results else 0


def _save(path: str, done: SuiteOutcome) -> None:
    from guardrails.authoring.testing.junit import render_junit

    try:
        Path(path).write_text(render_junit(done.results), encoding="utf-8")
    except OSError as error:
        raise GuardrailsError(f"{path}: {error.strerror}") from error


def _print(args: argparse.Namespace, done: SuiteOutcome, style: Style) -> None:
    if args.json:
        rows = {name: [result.to_dict() for result in found] for name, found in done.results.items()}
        told: dict[str, object] = {"failed": done.failed, "seconds": round(done.seconds, 3), "policies": rows}
        if done.errors:
            told["errors"] = [error.to_dict() for error in PolicyErrors(done.errors).errors]
        if done.coverage:
            told["coverage"] = {name: each.to_dict() for name, each in done.coverage.items()}
        print(json.dumps(told, ensure_ascii=False))
        return
    for name, found in done.results.items():
        for line in _lines(name, found, style):
            print(line)
        if name in done.coverage:
            for line in _render_coverage(name, done.coverage[name], style):
                print(line)
    slowest = sorted(done.every, key=lambda result: -result.ms)[: max(0, args.durations)]
    for result in slowest:
        print(style.dim(f"{result.ms:10.2f} ms  {result.place}: {_readable(result.name)}"))


def _lines(name: str, results: Sequence[SuiteResult], style: Style) -> Iterator[str]:
    """Yield what people read of the tests of one policy."""
    marks: Mapping[bool, str] = {True: style.bad("FAIL"), False: style.dim("todo")}
    for result in results:
        called = f"{result.place}: {_readable(result.name)}"
        if result.passed and result.todo:
            yield f"{style.good('todo')} {called}: now passes; remove 'todo'"
        elif not result.passed:
            reason = f" ({_readable(result.reason)})" if result.reason else ""
            yield f"{marks[result.failed]} {called}{reason}"
            yield from (f"     {line}" for line in result.differences)
            yield from (style.dim(f"     {line}") for line in result.why)
        if result.note:
            yield style.dim(f"note {called}: {result.note}")
    failed = sum(result.failed for result in results)
    passed = sum(result.passed for result in results)
    todo = len(results) - failed - passed
    gaps = f", {todo} known gaps" if todo else ""
    seconds = sum(result.ms for result in results) / 1000
    summary = f"{name}: {passed} passed, {failed} failed{gaps}"
    yield f"{style.bad(summary) if failed else style.good(summary)} in {seconds:.2f} s"


def _readable(text: str) -> str:
    """Return a text in one line, without what would act on a terminal or cannot be seen."""
    return "".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split()))


def _render_coverage(name: str, coverage: SuiteCoverage, style: Style) -> Iterator[str]:
    shown = len(coverage.parts) - len(coverage.missing)
    yield f"{name}: coverage {coverage.percent:.1f} %, {shown} of {len(coverage.parts)}"
    yield from (f"     {style.dim(str(part))}" for part in coverage.missing)
