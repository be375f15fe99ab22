"""An agent before a server that is a process."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from guardrails.errors import RequestError
from guardrails.mcp.conversation import MOST_BYTES, MOST_JUDGED, LocalConversation, WorkOrder, is_exclusive
from guardrails.mcp.guards import McpGuard
from guardrails.mcp.protocol import rpc
from guardrails.mcp.session import AgentSession
from guardrails.mcp.settings import load_settings
from guardrails.mcp.transport.process import ServerProcess


async def talk(
    policy: Path, script: Any, request_s: float = 60.0
) -> tuple[LocalConversation, ServerProcess, asyncio.Queue[rpc.Body]]:
    """Begin a conversation with the scripted server; returns it, the server, and what the agent hears."""
    heard: asyncio.Queue[rpc.Body] = asyncio.Queue()
    settings = load_settings(None, {"servers": {"s": {"command": script.command}}, "policy": str(policy)})
    process = await ServerProcess.start(script.command, 1 << 20, request_s)
    return (
        LocalConversation(process, McpGuard(settings).link("s", AgentSession()), heard.put, request_s),
        process,
        heard,
    )


def ask(id_: rpc.Id, method: str = "ping", **params: Any) -> rpc.RpcMessage:
    """Return a request."""
    return rpc.classify_message(rpc.make_request(id_, method, params))


def test_what_is_asked_after_the_server_ended_is_answered(policy: Path, script: Any) -> None:
    """Nobody waits for one who is gone."""

    async def work() -> list[rpc.Body]:
        conversation, process, heard = await talk(policy, script)
        running = asyncio.ensure_future(conversation.run())
        await process.close()
        await running
        await conversation.receive(ask(1))
        await conversation.receive(RequestError("batch", "no batches"))
        return [heard.get_nowait() for _ in range(2)]

    ended, refused = asyncio.run(work())
    assert (ended["id"], ended["error"]["data"]["code"]) == (1, "server_ended")
    assert (refused["id"], refused["error"]["code"]) == (None, -32600)


def test_the_guards_own_question_has_an_end(policy: Path, script: Any) -> None:
    """A server that does not list its tools in time, or ends meanwhile: an error to who calls one."""
    script.tell(tools__list={"$silent": True})

    async def late() -> rpc.Body:
        conversation, process, heard = await talk(policy, script, 0.2)
        running = asyncio.ensure_future(conversation.run())
        await conversation.receive(ask(1, "tools/call", name="echo"))
        await process.close()
        await running
        return await heard.get()

    assert asyncio.run(late())["error"]["data"]["code"] == "server_timeout"
    script.tell(tools__list={"$exit": 1})

    async def ended() -> rpc.Body:
        conversation, process, heard = await talk(policy, script)
        running = asyncio.ensure_future(conversation.run())
        await conversation.receive(ask(1, "tools/call", name="echo"))
        await running
        await process.close()
        return await heard.get()

    assert asyncio.run(ended())["error"]["data"]["code"] == "server_ended"


def test_what_is_called_off_has_no_answer(policy: Path, script: Any) -> None:
    """The server is told once; what was answered is not called off any more."""
    script.tell(ping={"$silent": True})

    async def work() -> int:
        conversation, process, heard = await talk(policy, script)
        running = asyncio.ensure_future(conversation.run())
        await conversation.receive(ask(1))
        await conversation.call_off(1)
        await conversation.call_off(1)
        await process.close()
        await running
        return heard.qsize()

    assert asyncio.run(work()) == 0
    assert [each["method"] for each in script.heard] == ["ping", "notifications/cancelled"]


def test_a_stream_of_changes_may_be_silent(policy: Path, script: Any) -> None:
    """Its answer comes when it ends: no time is kept."""
    script.tell(subscriptions__listen={"$silent": True}, ping={"$silent": True})

    async def work() -> list[rpc.Body]:
        conversation, process, heard = await talk(policy, script, 0.1)
        running = asyncio.ensure_future(conversation.run())
        await conversation.receive(ask(1, "subscriptions/listen"))
        await conversation.receive(ask(2))
        late = await heard.get()
        await process.close()
        await running
        return [late, await heard.get()]

    late, ended = asyncio.run(work())
    assert (late["id"], late["error"]["code"]) == (2, 504)
    assert (ended["id"], ended["error"]["code"]) == (1, 502)


DEAF = "import sys, time\nsys.stdin.buffer.raw.read(1)\ntime.sleep(600)"
"""A server that reads no more."""


def test_a_server_that_takes_nothing_keeps_nobody_waiting(
    policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each who asks is told after the time for an answer, however much waits before him; what is called off waits for nothing."""
    monkeypatch.setattr("guardrails.mcp.transport.process.STOP_S", 0.3)

    async def work() -> list[rpc.Body]:
        command = [sys.executable, "-c", DEAF]
        settings = load_settings(None, {"servers": {"s": {"command": command}}, "policy": str(policy)})
        heard: asyncio.Queue[rpc.Body] = asyncio.Queue()
        process = await ServerProcess.start(command, 1 << 20, 0.5)
        link = McpGuard(settings).link("s", AgentSession())
        conversation = LocalConversation(process, link, heard.put, 0.5)
        running = asyncio.ensure_future(conversation.run())
        asked = [
            asyncio.ensure_future(conversation.receive(ask(number, text="x" * 100_000)))
            for number in range(6)
        ]
        answers = [await heard.get() for _ in asked]
        await asyncio.gather(*asked)
        for number in range(6):
            await conversation.call_off(number)
        await process.close()
        await running
        return answers

    answers = asyncio.run(work())
    assert sorted(answer["id"] for answer in answers) == [*range(6)]
    assert {answer["error"]["data"]["code"] for answer in answers} == {"server_timeout"}


def test_messages_are_judged_beside_each_other() -> None:
    """A request does not wait for another's detectors; a notification waits for what came before, and the rest for it."""

    async def work() -> list[str]:
        order, done, first = WorkOrder(), list[str](), asyncio.Event()

        async def one(
            name: str, waits: asyncio.Event | None = None, sets: asyncio.Event | None = None
        ) -> None:
            if waits is not None:
                await waits.wait()
            done.append(name)
            if sets is not None:
                sets.set()

        await order.submit(one("slow", waits=first), 1, alone=False)
        await order.submit(one("quick", sets=first), 1, alone=False)
        await order.submit(one("note"), 1, alone=True)
        await order.submit(one("after"), 1, alone=False)
        await order.done()
        return done

    assert asyncio.run(work()) == ["quick", "slow", "note", "after"]


def test_what_cannot_be_passed_on_is_logged_without_its_text(caplog: Any) -> None:
    """The others go on; only so many are judged at a time."""

    async def work() -> int:
        order, count = WorkOrder(), 0

        async def fails() -> None:
            nonlocal count
            count += 1
            raise ValueError("zqxbomb")

        for _ in range(MOST_JUDGED * 2):
            await order.submit(fails(), 1, alone=False)
        await order.done()
        return count

    assert asyncio.run(work()) == MOST_JUDGED * 2
    assert "ValueError" in caplog.text
    assert "zqxbomb" not in caplog.text


def test_large_messages_are_judged_few_at_a_time() -> None:
    """What they weigh together is bounded; one alone may weigh what it will."""

    async def work() -> int:
        order, most, now, goes = WorkOrder(), 0, 0, asyncio.Event()

        async def one() -> None:
            nonlocal most, now
            now += 1
            most = max(most, now)
            await goes.wait()
            now -= 1

        async def submit() -> None:
            for _ in range(9):
                await order.submit(one(), MOST_BYTES // 2, alone=False)

        submitting = asyncio.ensure_future(submit())
        for _ in range(20):
            await asyncio.sleep(0)
        goes.set()
        await submitting
        await order.done()
        return most

    assert asyncio.run(work()) == 3


def test_notifications_and_what_cannot_be_read_stand_alone() -> None:
    """Requests and answers do not."""
    said: list[rpc.RpcMessage | RequestError] = [
        rpc.classify_message(rpc.make_notification("notifications/initialized", {})),
        RequestError("batch", "no"),
        ask(1),
        rpc.classify_message(rpc.make_result(1, {})),
    ]
    assert [is_exclusive(each) for each in said] == [True, True, False, False]
