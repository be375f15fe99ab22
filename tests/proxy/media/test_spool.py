"""Spools: what comes lies in a file until it is sent, which is gone afterwards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from guardrails.errors import BackendError, Overloaded
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.media.spool import PIECE, Spool, SpoolResponse, fill_spool
from guardrails.proxy.server.state import State
from tests.cases import each_case


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    """Yield bytes."""
    for each in given:
        yield each


def state() -> State:
    """Return the state of a server."""
    return State(Settings("http://127.0.0.1:1/v1"))


@each_case("given", [[], [b"a", b"bc"], [bytes(PIECE), b"x", bytes(PIECE)]])
def test_all_that_comes_lies_in_a_file(given: list[bytes]) -> None:
    """In order, and it is gone once it is closed."""

    async def run() -> None:
        spool = await fill_spool(state(), pieces(*given), 3 * PIECE)
        assert spool.path.read_bytes() == b"".join(given)
        assert spool.size == len(b"".join(given))
        assert spool.head() == b"".join(given)[:4096]
        assert spool.read_range(1, 3) == b"".join(given)[1:3]
        spool.close()
        assert not spool.path.exists()

    asyncio.run(run())


@each_case("data", [b"", b"abc", bytes(PIECE) + b"x"])
def test_a_header_stands_before_what_came(data: bytes) -> None:
    """In another file; the one that came is as it was."""
    spool = Spool()
    spool.add(data)
    whole = spool.with_header(b"head")
    assert (whole.path.read_bytes(), whole.size) == (b"head" + data, len(data) + 4)
    whole.close()
    assert not whole.path.exists()
    assert spool.path.read_bytes() == data
    spool.close()


def test_a_disk_without_room_is_no_violation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who asks is told to come back, and the operator what is full; nothing is left of the file."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(Overloaded, match="no room on the disk"):
        Spool()
    assert "No such file or directory" in caplog.text
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spool = Spool()
    with open("/dev/full", "wb") as full:
        os.dup2(full.fileno(), spool._file.fileno())
    with pytest.raises(Overloaded, match="no room on the disk"):
        spool.add(b"abc")
    assert "No space left on device" in caplog.text
    spool.close()
    assert [*tmp_path.iterdir()] == []


def test_what_is_too_large_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor what breaks off."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(2 * PIECE)
        raise OSError

    async def run() -> None:
        with pytest.raises(BackendError, match="larger"):
            await fill_spool(state(), pieces(bytes(PIECE), bytes(PIECE)), PIECE + 1)
        with pytest.raises(OSError):
            await fill_spool(state(), breaking(), 9 * PIECE)

    asyncio.run(run())
    assert [*tmp_path.iterdir()] == []


def test_all_files_together_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who needs more is told to come back, and leaves no file; one alone is bounded by what it may have itself."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    served = State(Settings("http://127.0.0.1:1/v1", max_files_bytes=10))

    async def run() -> None:
        first = await fill_spool(served, pieces(bytes(12)), PIECE)
        with pytest.raises(Overloaded, match="no room"):
            await fill_spool(served, pieces(b"a"), PIECE)
        assert len(os.listdir(tmp_path)) == 1
        first.close()
        first.close()
        assert served.disk_budget.held == 0
        two = [await fill_spool(served, pieces(bytes(4)), PIECE) for _ in range(2)]
        with pytest.raises(Overloaded):
            two[0].with_header(b"x")
        assert (served.disk_budget.held, len(os.listdir(tmp_path))) == (8, 2)
        for each in two:
            each.close()
        assert served.disk_budget.held == 0

    asyncio.run(run())


@each_case(
    ("asked", "status", "sent"),
    [
        (None, 200, b"0123456789"),
        ("bytes=2-4", 206, b"234"),
        ("bytes=-3", 206, b"789"),
        ("bytes=20-", 416, None),
    ],
)
def test_a_range_of_it_may_be_asked_for(asked: str | None, status: int, sent: bytes | None) -> None:
    """And however it ends, the file is gone."""

    async def run() -> None:
        spool = Spool()
        spool.add(b"0123456789")
        told: list[Any] = []

        async def send(message: Any) -> None:
            told.append(message)

        async def receive() -> Any:
            await asyncio.Event().wait()  # a client that stays

        headers = [] if asked is None else [(b"range", asked.encode())]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
        await SpoolResponse(spool, "video/mp4", {"x-a": "b"})(scope, receive, send)
        assert told[0]["status"] == status
        if sent is not None:
            assert b"".join(each.get("body", b"") for each in told[1:]) == sent
            assert dict(told[0]["headers"])[b"x-a"] == b"b"
        assert not spool.path.exists()

    asyncio.run(run())


def test_who_takes_nothing_is_let_go() -> None:
    """And the file is gone."""

    async def run() -> None:
        spool = Spool()
        spool.add(b"0123456789")

        async def wait(*_: Any) -> Any:
            await asyncio.Event().wait()

        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        with pytest.raises(ClientDisconnect):
            await SpoolResponse(spool, "video/mp4", {}, 0.01)(scope, wait, wait)
        assert not spool.path.exists()

    asyncio.run(run())
