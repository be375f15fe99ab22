"""What tests of stores share: databases of SQLite that are not there yet, and a port at which nobody answers."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from guardrails.stores.database import sqlite_url


@pytest.fixture
def make_url(tmp_path: Path) -> Callable[[], str]:
    """Return a function that returns the URL of a new, empty database each time."""
    numbers = count()
    return lambda: sqlite_url(tmp_path / f"store {next(numbers)}.sqlite")


@pytest.fixture
def url(make_url: Callable[[], str]) -> str:
    """Return the URL of an empty database."""
    return make_url()


@pytest.fixture
def unused_port() -> Iterator[int]:
    """Return a port of this machine at which nobody answers: it is taken, and not listened at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
