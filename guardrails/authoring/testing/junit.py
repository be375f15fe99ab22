"""Renders results of tests as JUnit's XML, as servers for continuous integration read it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import quoteattr

from guardrails.authoring.testing.suite import SuiteResult

FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML may have, escaped or not."""


def render_junit(results: Mapping[str, Sequence[SuiteResult]]) -> str:
    """Return the results, by the name of what was tested: known gaps are skipped tests."""
    every = [result for found in results.values() for result in found]
    suites = "".join(_suite(name, found) for name, found in results.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites{_counts("guardrails test", every)}>\n{suites}</testsuites>\n'


def _suite(name: str, results: Sequence[SuiteResult]) -> str:
    return f"  <testsuite{_counts(name, results)}>\n{''.join(_case(name, each) for each in results)}  </testsuite>\n"


def _counts(name: str, results: Sequence[SuiteResult]) -> str:
    return _attributes(
        name=name,
        tests=str(len(results)),
        failures=str(sum(each.failed for each in results)),
        errors="0",
        skipped=str(sum(_is_gap(each) for each in results)),
        time=f"{sum(each.ms for each in results) / 1000:.6f}",
    )


def _is_gap(result: SuiteResult) -> bool:
    return not result.passed and not result.failed


def _case(of: str, result: SuiteResult) -> str:
    file, line, _ = result.place.rsplit(":", 2)
    case = _attributes(classname=of, name=result.name, file=file, line=line, time=f"{result.ms / 1000:.6f}")
    if result.passed:
        return f"    <testcase{case}/>\n"
    told = "\n".join((*result.differences, *result.why, *([result.note] if result.note else [])))
    message = result.differences[0] if result.failed else f"known gap{result.reason and ': '}{result.reason}"
    tag = "failure" if result.failed else "skipped"
    body = f"<{tag}{_attributes(message=message)}>{_text(f'{result.place}: {told}')}</{tag}>"
    return f"    <testcase{case}>{body}</testcase>\n"


def _attributes(**values: str) -> str:
    return "".join(f" {name}={quoteattr(_clean(value))}" for name, value in values.items())


def _text(value: str) -> str:
    return _clean(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clean(value: str) -> str:
    return FORBIDDEN.sub("\ufffd", value)
