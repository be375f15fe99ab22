"""What a server does about the memory that the C library keeps."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from guardrails.proxy.configuration.settings import SettingsError
from guardrails.proxy.server.processes import memory
from tests.cases import each_case


class Libc:
    """A C library that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def mallopt(self, parameter: int, value: int) -> int:
        """Note a parameter."""
        self.asked.append(("mallopt", parameter, value))
        return 1

    def malloc_trim(self, pad: int) -> int:
        """Note that memory is to be given back."""
        self.asked.append(("malloc_trim", pad))
        return 1


@pytest.fixture(autouse=True)
def _loaded_anew():
    """Have each test load the C library for itself."""
    memory._load_libc.cache_clear()
    yield
    memory._load_libc.cache_clear()


def test_glibc_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more arenas than cores, and what was freed goes back to the system."""
    libc = Libc()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: libc)
    monkeypatch.setattr(memory.os, "cpu_count", lambda: 3)
    memory.bound_arenas()
    memory.release_memory()
    assert libc.asked == [("mallopt", memory.M_ARENA_MAX, 3), ("malloc_trim", 0)]


@pytest.mark.parametrize("libc", [object(), OSError("none"), TypeError("none")])
def test_another_library_is_let_be(libc: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Musl and macOS know neither; Windows has no such library."""

    def load(name: None) -> object:
        if isinstance(libc, Exception):
            raise libc
        return libc

    monkeypatch.setattr(ctypes, "CDLL", load)
    memory.bound_arenas()
    memory.release_memory()


@each_case(
    ("limit", "expected"),
    [("5000000\n", 5_000_000), ("max\n", None), ("9" * 30, None), (None, None)],
)
def test_a_container_has_as_much_as_it_is_given(
    tmp_path: Path, limit: str | None, expected: int | None
) -> None:
    """And no more than the machine has."""
    file = tmp_path / "memory.max"
    file.unlink(missing_ok=True)
    if limit is not None:
        file.write_text(limit)
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert memory.count_memory(file) == (expected or machine)


@each_case(("workers", "there"), [(1, 1_000), (10, 400_000_000), (1_000, None)])
def test_workers_have_room(monkeypatch: pytest.MonkeyPatch, workers: int, there: int | None) -> None:
    """One is started whatever there is."""
    monkeypatch.setattr(memory, "count_memory", lambda: there)
    memory.check_memory(workers)


def test_workers_that_have_no_room_are_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what they would take, and what there is."""
    monkeypatch.setattr(memory, "count_memory", lambda: 8_000_000_000)
    with pytest.raises(
        SettingsError, match=r"1000 workers take 40,000 MB at least, and there are 8,000 MB here"
    ):
        memory.check_memory(1_000)
