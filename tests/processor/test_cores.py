"""How many cores there are: what the scheduler gives, and no more than a container's quota."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from guardrails.processor.cores import count_cores, measure_cores
from tests.cases import each_case

ALL = float(len(os.sched_getaffinity(0)))


@each_case(
    ("files", "group", "cores"),
    [
        ({}, "/", ALL),
        ({"cpu.max": "max 100000\n"}, "/", ALL),
        ({"cpu.max": "50000 100000\n"}, "/", 0.5),
        ({"cpu.max": "99900000 100000\n"}, "/", ALL),
        ({"a/cpu.max": "max 100000", "a/b/cpu.max": "25000 100000"}, "/a/b", 0.25),
        ({"a/cpu.max": "10000 100000", "a/b/cpu.max": "25000 100000"}, "/a/b", 0.1),
        ({"cpu/cpu.cfs_quota_us": "75000", "cpu/cpu.cfs_period_us": "100000"}, "/", 0.75),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "/", ALL),
        ({"cpu.max": "nonsense"}, "/", ALL),
        ({"cpu.max": "1 0"}, "/", ALL),
    ],
)
def test_a_quota_bounds_the_cores(tmp_path: Path, files: Mapping[str, str], group: str, cores: float) -> None:
    """That of the process's own control group, and those above it, in both versions of control groups."""
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    own = tmp_path / "own"
    own.write_text(f"4:memory:/elsewhere\n0::{group}\n", encoding="ascii")

    assert measure_cores(tmp_path / "groups", own) == pytest.approx(cores)


def test_where_nothing_is_known_all_cores_count(tmp_path: Path) -> None:
    """No file says anything, as outside of Linux."""
    assert measure_cores(tmp_path / "none", tmp_path / "nor") == ALL


def test_there_is_one_core_at_least() -> None:
    """Whole cores are those begun."""
    assert 1 <= count_cores() <= ALL
