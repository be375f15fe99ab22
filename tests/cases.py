"""How many cases a test runs: a table of quick ones in one test, fewer ones in the short run, all of them in `tests/thorough`."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import settings

REASON_LINES = 6
"""Lines of a failed case's reason that are shown; the first failed case is shown with its whole traceback."""

Ids = Sequence[str] | Callable[[Any], object] | None


class CasesFailed(AssertionError):
    """Some cases of a table failed; `failures` are their names and errors."""

    def __init__(self, failures: Sequence[tuple[str, BaseException]]) -> None:
        super().__init__(describe(failures))
        self.failures = failures


def check_each(cases: Iterable[tuple[str, Any]], check: Callable[[Any], None]) -> None:
    """Run a check over every case (its name, and what the check takes), also after one that failed.

    Raises:
        CasesFailed: if any case failed; names each with its reason, and is raised from the first one's error.
        ValueError: if there are no cases, which would pass for ever.
    """
    failures: list[tuple[str, BaseException]] = []
    empty = True
    for label, case in cases:
        empty = False
        try:
            check(case)
        except CasesFailed as inner:  # of a table that is crossed with this one
            failures += [(f"{label}-{name}", error) for name, error in inner.failures]
        except (Exception, pytest.fail.Exception) as error:
            failures.append((label, error))
    if failures:
        raise CasesFailed(failures) from failures[0][1]
    if empty:
        raise ValueError("a test of no cases shows nothing: give at least one")


def each_case(
    names: str | Sequence[str], cases: Iterable[Any], *, ids: Ids = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that makes one test, by `check_each`, of a test function and a table of cases.

    Takes what `pytest.mark.parametrize` takes. A case costs its own time alone, where a test of pytest's costs some
    milliseconds more: in the collection of each worker, and in what it reports.

    Fixtures are made once for all cases, and those that it knows are as new for each (`afresh`): a test that needs another
    one afresh for each case stays with `parametrize`.
    """
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else [*names]
    alone = isinstance(names, str) and len(wanted) == 1
    rows = [(case,) if alone else tuple(case) for case in cases]
    labels = list(label_rows(rows, ids))

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(test)

        @functools.wraps(test)
        def run_all(*own: Any, **fixtures: Any) -> None:
            def run(case: tuple[int, tuple[Any, ...]]) -> None:
                number, row = case
                with afresh(fixtures, number) as given:
                    test(*own, **given, **dict(zip(wanted, row, strict=True)))

            check_each(zip(labels, enumerate(rows), strict=True), run)

        kept = [each for name, each in signature.parameters.items() if name not in wanted]
        run_all.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        return run_all

    return decorate


@contextmanager
def afresh(fixtures: Mapping[str, Any], number: int) -> Iterator[Mapping[str, Any]]:
    """Yield the fixtures of a test as the case of this number may have them: as if no other one had had them.

    `tmp_path` is a folder of its own, what `monkeypatch` changes is undone behind it, what was printed and logged before is
    gone, and each fixture that has a `reset` was told to.
    """
    given = dict(fixtures)
    with ExitStack() as stack:
        for name, fixture in fixtures.items():
            if name == "tmp_path":
                given[name] = fixture / f"case{number}"
                given[name].mkdir()
            elif isinstance(fixture, pytest.MonkeyPatch):
                given[name] = stack.enter_context(fixture.context())
            elif isinstance(fixture, pytest.CaptureFixture):
                fixture.readouterr()
            elif isinstance(fixture, pytest.LogCaptureFixture):
                fixture.clear()
            elif callable(reset := getattr(fixture, "reset", None)):
                reset()
        yield given


def label_rows(rows: Sequence[tuple[Any, ...]], ids: Ids) -> Iterator[str]:
    """Yield the name of each row: as `ids` says, or its values as they are written in Python."""
    if ids is None or callable(ids):
        for row in rows:
            yield "-".join(str(ids(value)) if ids else repr(value) for value in row)[:200]
    else:
        assert len(ids) == len(rows), f"{len(ids)} ids for {len(rows)} cases"
        yield from ids


def describe(failures: Sequence[tuple[str, BaseException]]) -> str:
    """Return the message of a test of which cases failed: each one's name, the line it failed at, and the reason."""
    lines = [f"{len(failures)} of the cases failed"]
    for label, error in failures:
        at = traceback.extract_tb(error.__traceback__)[-1]
        reason = str(error).splitlines()[:REASON_LINES]
        lines.append(f"[{label}] {at.filename}:{at.lineno}: {type(error).__name__}")
        lines += [f"    {each}" for each in reason]
    return "\n".join(lines)


def scale(examples: int) -> int:
    """Return how many examples a property gets that needs other than 100 at length: as many more or fewer in the short run."""
    return max(1, examples * settings.default.max_examples // 100)


def widen(
    test: Callable[..., None], names: str | Sequence[str], cases: Iterable[Any], *, ids: Ids = None
) -> Callable[..., None]:
    """Return a test of the short run over another table: its columns `names` have all of these cases.

    For `tests/thorough`, which has no copies of tests. Columns that the test is also parametrized by stay as they are, and
    so do its fixtures, which the file has to import where they are not a conftest's.
    """
    wanted = names if isinstance(names, str) else tuple(names)
    marks = getattr(test, "pytestmark", [])
    others = [mark for mark in marks if mark.name != "parametrize" or mark.args[0] != wanted]
    assert len(others) == len(marks) - 1, f"{test.__name__} is not parametrized by {wanted}"

    @functools.wraps(test)
    def again(*own: Any, **given: Any) -> None:
        test(*own, **given)

    again.pytestmark = others  # type: ignore[attr-defined]
    return pytest.mark.parametrize(wanted, cases, ids=ids)(again)
