"""Finds the policies that come with the package, and the starters: policies to be copied and changed (`guardrails new`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def shipped_folder() -> Path:
    """Return the folder of the shipped policies: inside the package, or at the top of a source checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "policies"
    return inside if inside.is_dir() else package.parent / "policies"


@cache
def shipped_names() -> tuple[str, ...]:
    """Return the names of the shipped policies, sorted."""
    return tuple(
        sorted(path.stem for path in shipped_folder().glob("*.yaml") if not path.stem.endswith(".test"))
    )


@cache
def starter_names() -> tuple[str, ...]:
    """Return the names of the starters, sorted. They are no shipped policies: nothing builds on them by name."""
    return tuple(sorted(path.stem for path in _starter_folder().glob("*.yaml")))


def read_starter(name: str) -> str:
    """Return the text of a starter, by its name."""
    return (_starter_folder() / f"{name}.yaml").read_text(encoding="utf-8")


def _starter_folder() -> Path:
    return shipped_folder() / "starters"
