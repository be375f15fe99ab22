"""Messages that wait for one who reads them at his own pace."""

from __future__ import annotations

import asyncio

import pytest

from guardrails.mcp.transport import mailbox
from guardrails.mcp.transport.mailbox import MOST_WAITING, Mailbox


async def settle() -> None:
    """Let all others go on as far as they can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_sends_more_than_is_read_waits() -> None:
    """Nothing is lost, and all comes in order; a reader waits for what is not there."""

    async def work() -> tuple[int, list[int]]:
        box, sent = Mailbox(), 0

        async def send() -> None:
            nonlocal sent
            for number in range(20):
                await box.put({"number": number})
                sent += 1
            box.close()

        sending = asyncio.ensure_future(send())
        await settle()
        waiting, got = sent, list[int]()
        while (body := await box.get()) is not None:
            got.append(body["number"])
        await sending
        return waiting, got

    assert asyncio.run(work()) == (MOST_WAITING, [*range(20)])


def test_one_that_is_closed_lets_senders_go() -> None:
    """What was there can be read, what comes is dropped."""

    async def work() -> list[object]:
        box = Mailbox()
        sending = [asyncio.ensure_future(box.put({"number": number})) for number in range(MOST_WAITING + 3)]
        await settle()
        box.close()
        await asyncio.gather(*sending)
        return [await box.get() for _ in range(MOST_WAITING + 1)]

    assert asyncio.run(work()) == [*({"number": number} for number in range(MOST_WAITING)), None]


def test_who_reads_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is closed after a time, and holds nobody up from then on."""
    monkeypatch.setattr(mailbox, "TAKE_S", 0.01)

    async def work() -> list[object]:
        box = Mailbox()
        for number in range(100):
            await box.put({"number": number})
        return [await box.get() for _ in range(MOST_WAITING + 1)]

    assert asyncio.run(work())[-1] is None
