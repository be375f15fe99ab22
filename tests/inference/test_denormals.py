"""Numbers next to zero: zero inside, on one thread, and what they were behind it."""

from __future__ import annotations

import platform
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from guardrails.inference import denormals
from guardrails.inference.denormals import LIBC, flush_denormals
from tests.cases import each_case

SMALL = np.full(64, 1e-30, dtype=np.float32)


def product() -> float:
    """Return what 1e-30 times 1e-10 is on this thread."""
    return float((SMALL * np.float32(1e-10)).max())


def test_it_is_at_work_where_it_is_known() -> None:
    """On Linux and x86-64, which most servers are."""
    known = (platform.system(), platform.machine(), sys.maxsize > 2**32) == ("Linux", "x86_64", True)
    assert (LIBC is not None) is known


def test_numbers_next_to_zero_are_zero_inside() -> None:
    """And as before behind it, also where one stretch stands in another."""
    assert product() > 0
    with flush_denormals():
        inside = product()
        with flush_denormals():
            assert product() == inside
        assert product() == inside
    assert inside == 0 or LIBC is None
    assert product() > 0


def test_other_threads_see_nothing_of_it() -> None:
    """Also one that is begun inside."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(product).result()
        with flush_denormals():
            assert pool.submit(product).result() > 0


def test_an_error_ends_it() -> None:
    """The thread goes on as it was."""
    with pytest.raises(KeyError), flush_denormals():
        raise KeyError("x")
    assert product() > 0


def test_where_it_is_not_known_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands inside runs all the same."""
    monkeypatch.setattr(denormals, "LIBC", None)
    with flush_denormals():
        assert product() > 0


@each_case("system", [("Windows", "AMD64"), ("Darwin", "x86_64"), ("Linux", "aarch64")])
def test_systems_whose_form_is_not_known(monkeypatch: pytest.MonkeyPatch, system: tuple[str, str]) -> None:
    """They are left alone."""
    monkeypatch.setattr(platform, "system", lambda: system[0])
    monkeypatch.setattr(platform, "machine", lambda: system[1])
    assert denormals._libc() is None
