"""The client's side: its language, its body, its presence."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect

from guardrails.proxy.client import language, while_connected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("de", "de"),
        ("de-CH, en;q=0.9", "de"),
        ("en;q=0.5, fr;q=0.8", "fr"),
        (" PT-br ", "pt"),
        ("*", None),
        ("", None),
        ("de;q=0", None),
        ("de;q=x, en;q=0.1", "en"),
        ("zqxlonglonglong, en;q=0.1", "en"),
        ("d\u00e9, es;q=0.1", "es"),
    ],
)
def test_the_language_is_the_one_preferred(header: str, expected: str | None) -> None:
    """The primary tag of the highest weight; nonsense counts for nothing."""
    assert language(header) == expected


async def _never() -> dict[str, str]:
    await asyncio.Event().wait()
    return {}


def test_work_ends_with_its_result_or_its_error() -> None:
    """A client that stays gets what the work gives, an exception as it is."""

    async def work(value):
        if isinstance(value, Exception):
            raise value
        return value

    assert asyncio.run(while_connected(_never, work(7))) == 7
    with pytest.raises(KeyError):
        asyncio.run(while_connected(_never, work(KeyError("x"))))


def test_work_for_nobody_is_cancelled() -> None:
    """The work sees the cancellation and has ended when the caller goes on."""
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    messages = [{"type": "http.request"}, {"type": "http.disconnect"}]

    async def receive():
        await asyncio.sleep(0)
        return messages.pop(0)

    with pytest.raises(ClientDisconnect):
        asyncio.run(while_connected(receive, work()))
    assert ended == [True]
