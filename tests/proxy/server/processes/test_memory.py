"""What a server does about the memory that the C library keeps."""

from __future__ import annotations

import ctypes

import pytest

from guardrails.proxy.server.processes import memory


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
