"""How many processor cores this process may use."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
"""Where Linux shows the limits of control groups, by which containers are bounded."""

OWN_CGROUP: Final = Path("/proc/self/cgroup")


def measure_cores(root: Path = CGROUPS, own: Path = OWN_CGROUP) -> float:
    """Return the cores that this process may use, which a container's quota makes a fraction.

    Args:
        root: where the limits of control groups stand: `cpu.max` of version 2, `cpu/cpu.cfs_quota_us` of version 1.
        own: the file that names the control group of this process.
    """
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    quota = _read_quota(root, _own_group(own))
    return cores if quota is None else min(cores, quota)


def count_cores() -> int:
    """Return the whole cores that this process may use, those begun included."""
    return max(1, ceil(measure_cores()))


def _read_quota(root: Path, group: str) -> float | None:
    """Return the processor seconds a second that a control group may use; None where there is no limit, or none is known."""
    own = root / group.strip("/")
    above = [own, *own.parents[: len(own.relative_to(root).parts)]]
    quotas = [_divide(_read(each / "cpu.max")) for each in above]
    quotas.append(_divide([*_read(root / "cpu/cpu.cfs_quota_us"), *_read(root / "cpu/cpu.cfs_period_us")]))
    return min((each for each in quotas if each is not None and each > 0), default=None)


def _read(path: Path) -> list[str]:
    """Return the words of a file; none where it cannot be read."""
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []


def _divide(words: list[str]) -> float | None:
    """Return a quota by its period; None where there is none (`max`)."""
    try:
        quota, period = map(float, words)
        return quota / period
    except (ValueError, ZeroDivisionError):
        return None


def _own_group(path: Path) -> str:
    """Return the control group of this process, as `/proc/self/cgroup` shows it (`0::/path`)."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return "/"
    return next((line.removeprefix("0::") for line in lines if line.startswith("0::/")), "/")
