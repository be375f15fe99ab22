"""A plugin of pytest that runs a failed test once more, alone, and tells an unstable test from a broken one.

    PYTHONPATH=.ci python -m pytest -n auto -p once_more

A test that passes the second time is counted as `unstable`: the run goes on to success, and its summary ends with a list of such
tests, with both results and the load of the machine. One that fails twice fails the run, as does a run in which more than `MOST`
tests fail, which is no accident. The list is also appended to the file that `GUARDRAILS_UNSTABLE` names, where later runs of the
same check show it again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

MOST = 10
"""Failed tests that are run again; of more none is."""

PATIENCE_S = 300.0
"""How long a test may take alone."""

FAILURES = ("failed", "error")
"""Categories of pytest's summary that make a run fail."""


def run_alone(test: str, root: Path, options: Sequence[str]) -> tuple[bool, str]:
    """Run one test by its node id in a process of its own; return whether it passed, and the end of what pytest printed."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:xdist", *options, test]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTEST_") or name == "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
    }
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"no end within {PATIENCE_S:g} s"
    return done.returncode == 0, done.stdout[-6000:]


def describe_first(reports: Sequence[pytest.TestReport]) -> str:
    """Return the last line of why a test failed."""
    text = str(reports[0].longrepr).strip().splitlines() or ["no reason"]
    crash = getattr(getattr(reports[0].longrepr, "reprcrash", None), "message", "")
    return (crash.splitlines() or text[-1:])[0][:160]


class OnceMore:
    """Runs what failed again when the session ends, and counts what then passes as unstable."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        profile = config.getoption("hypothesis_profile", None)
        self._options = [f"--hypothesis-profile={profile}"] if profile else []
        self._lines: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Run what failed again before the summary is written."""
        terminal = session.config.pluginmanager.getplugin("terminalreporter")
        failed: dict[str, list[pytest.TestReport]] = {}
        for category in FAILURES:
            for report in terminal.stats.get(category, []):
                failed.setdefault(getattr(report, "nodeid", ""), []).append(report)
        # What has no test's name, as a file that cannot be imported, or a worker that died, is not a matter of chance.
        if failed and len(failed) <= MOST and all("::" in test for test in failed):
            self._try_again(session, terminal, failed)
        return (yield)

    def _try_again(
        self, session: pytest.Session, terminal: object, failed: dict[str, list[pytest.TestReport]]
    ) -> None:
        stats = terminal.stats  # type: ignore[attr-defined]
        broken = False
        for test, reports in failed.items():
            load = os.getloadavg()[0]
            started = time.perf_counter()
            passed, said = run_alone(test, session.config.rootpath, self._options)
            took = time.perf_counter() - started
            if not passed:
                broken = True
                reports[0].sections.append(("once more, alone", said))
                continue
            for category in FAILURES:
                stats[category] = [each for each in stats.get(category, []) if each.nodeid != test]
                if not stats[category]:
                    stats.pop(category)
            stats.setdefault("unstable", []).append(reports[0])
            self._lines.append(
                f"{test}\n    first: {describe_first(reports)}\n"
                f"    alone: passed in {took:.1f} s; load {load:.1f} on {os.cpu_count()} cores"
            )
        if not broken and session.exitstatus == pytest.ExitCode.TESTS_FAILED:
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the list of unstable tests, those of earlier runs of the same check before."""
        kept = os.environ.get("GUARDRAILS_UNSTABLE")
        path = Path(kept) if kept else None
        before = path.read_text("utf-8").splitlines() if path and path.is_file() else []
        if path and self._lines:
            with path.open("a", encoding="utf-8") as file:
                file.write("\n".join(self._lines) + "\n")
        if before or self._lines:
            terminalreporter.section("unstable: failed once, passed alone")
            terminalreporter.write("\n".join([*before, *self._lines]) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    """Take part where results come together: in the one process, or in that which starts pytest-xdist's workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(OnceMore(config), "once-more")
