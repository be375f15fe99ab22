"""The check before a change goes in: parts that a change touches, and tests that fail once."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.cases import each_case

ROOT = Path(__file__).parents[1]


def script(name: str) -> ModuleType:
    """Return a script of `.ci`."""
    spec = importlib.util.spec_from_file_location(f"ci_{name}", ROOT / f".ci/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


PARTS = script("parts")


def test_each_system_test_is_in_a_part() -> None:
    """None is forgotten: a file that no part names would never run."""
    commands = " ".join(command for part in PARTS.PARTS for command in part.commands).split()
    files = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests/system").rglob("test_*.py"))
    assert files
    assert [
        file for file in files if not any(file == each or file.startswith(f"{each}/") for each in commands)
    ] == []
    assert [each for each in commands if each.startswith("tests/") and not (ROOT / each).exists()] == []


def test_each_part_is_about_something_that_exists() -> None:
    """A pattern that no file of the checkout has would keep a part from ever being chosen."""
    for part in PARTS.PARTS:
        for pattern in part.paths:
            assert any(ROOT.glob(pattern.removesuffix("*") + "*" * pattern.endswith("*"))), (
                part.name,
                pattern,
            )


@each_case(
    ("changed", "seconds", "taken", "left"),
    [
        ([], 600, [], []),
        (["README.md"], 600, [], []),
        (["guardrails/mcp/link.py"], 600, ["mcp"], []),
        (["guardrails/wrapping/sdk/client.py"], 600, ["clients", "frameworks"], []),
        (["guardrails/wrapping/sdk/client.py"], 130, ["clients"], ["frameworks"]),
        (
            ["guardrails/mcp/link.py", "guardrails/wrapping/functions.py"],
            350,
            ["clients", "mcp"],
            ["frameworks"],
        ),
        (["guardrails/mcp/link.py"], 10, [], ["mcp"]),
    ],
)
def test_a_change_gets_the_parts_that_it_touches(
    changed: list[str], seconds: int, taken: list[str], left: list[str]
) -> None:
    """In their order, as far as the budget goes; what it leaves is told."""
    chosen = PARTS.choose_parts(changed, seconds)
    assert tuple([part.name for part in parts] for parts in chosen) == (taken, left)


def test_a_change_begins_at_the_merge_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the branch on the server; on that branch itself a day of commits counts, or what the environment names."""

    def git(*arguments: str, day: int = 1) -> str:
        who = {
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@b",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@b",
        }
        when = {f"GIT_{name}_DATE": f"2026-01-{day:02}T12:00:00Z" for name in ("AUTHOR", "COMMITTER")}
        command = ["git", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | who | when, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(name: str, day: int) -> str:
        (tmp_path / name).write_text(name)
        git("add", name)
        git("commit", "-qm", name, day=day)
        return git("rev-parse", "HEAD")

    monkeypatch.delenv("GUARDRAILS_CI_BASE", raising=False)
    git("init", "-q", "-b", "main")
    first = commit("one", 1)
    second = commit("two", 9)
    commit("three", 9)
    assert PARTS.list_changed(tmp_path) == ["three", "two"]
    git("update-ref", "refs/remotes/origin/main", second)
    assert PARTS.list_changed(tmp_path) == ["three"]
    monkeypatch.setenv("GUARDRAILS_CI_BASE", first)
    assert PARTS.list_changed(tmp_path) == ["three", "two"]


TESTS = """
import pathlib

import pytest


def once(name):
    path = pathlib.Path(__file__).with_name(name)
    if not path.exists():
        path.write_text("")
        raise RuntimeError("a busy machine")


@pytest.fixture
def slow():
    once("fixture")


def test_passes():
    pass


def test_fails_once():
    once("test")


def test_whose_fixture_fails_once(slow):
    pass


def test_fails():
    assert pathlib.Path(__file__).with_name("mended").exists(), "broken"
"""


def test_unstable_is_not_broken(tmp_path: Path) -> None:
    """What passes alone is listed, with why it failed; what fails twice fails the run, with both results."""
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "kept").write_text("test_of_an_earlier_run\n")
    given = os.environ | {
        "PYTHONPATH": str(ROOT / ".ci"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # those of this environment take a second to load, seven times
        "GUARDRAILS_UNSTABLE": str(tmp_path / "kept"),
    }
    command = [sys.executable, "-m", "pytest", "-p", "once_more", "-p", "no:cacheprovider", "test_some.py"]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, check=False)

    failed = run()
    assert failed.returncode == 1
    assert "1 failed, 1 passed, 2 unstable in" in failed.stdout.splitlines()[-1]
    assert "once more, alone" in failed.stdout
    assert "test_of_an_earlier_run\n" in failed.stdout
    listed = (tmp_path / "kept").read_text()
    assert (
        "test_some.py::test_fails_once\n    first: RuntimeError: a busy machine\n    alone: passed in"
        in listed
    )
    assert "test_some.py::test_whose_fixture_fails_once\n" in listed
    assert "test_some.py::test_fails\n" not in listed

    (tmp_path / "test").unlink()
    (tmp_path / "mended").write_text("")
    passed = run()
    assert passed.returncode == 0
    assert "3 passed, 1 unstable in" in passed.stdout.splitlines()[-1]
