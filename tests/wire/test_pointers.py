"""Paths as JSON Pointers."""

from __future__ import annotations

import pytest

from guardrails.wire.pointers import pointer


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ((), ""),
        (("messages", 0, "content"), "/messages/0/content"),
        (("a/b", "c~d", ""), "/a~1b/c~0d/"),
    ],
)
def test_a_path_is_written_as_a_json_pointer(path: tuple[str | int, ...], written: str) -> None:
    """Slashes and tildes in names are escaped as RFC 6901 says."""
    assert pointer(path) == written
