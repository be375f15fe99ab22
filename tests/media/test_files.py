"""Files are left where they were."""

from __future__ import annotations

import io
import os

import pytest

from guardrails.media.files import Closable, rewind_file


def test_a_file_is_left_where_it_stood() -> None:
    """Also where reading it fails."""
    file = io.BytesIO(b"0123")
    file.seek(1)
    with rewind_file(file) as read:
        assert read.read() == b"123"
    assert file.read(1) == b"1"
    with pytest.raises(ZeroDivisionError), rewind_file(file):
        file.read(1 // 0)
    assert file.tell() == 2


def test_a_pipe_is_read_as_it_is() -> None:
    """It cannot go back."""
    out, into = os.pipe()
    os.write(into, b"ab")
    os.close(into)
    with os.fdopen(out, "rb") as file, rewind_file(file) as read:
        assert read.read() == b"ab"
        assert file.read() == b""


def test_what_is_held_is_closed_at_the_end() -> None:
    """Also where the work with it fails."""
    closed = []

    class Held(Closable):
        def close(self) -> None:
            closed.append(self)

    with Held() as first:
        assert closed == []
    second = Held()
    with pytest.raises(ZeroDivisionError), second:
        raise ZeroDivisionError
    assert closed == [first, second]
