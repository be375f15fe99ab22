"""Judges the messages between one agent and one server. Requests are matched with their answers here.

What is blocked is answered to whoever asked; what nobody asked for goes nowhere. Failure is never a pass: what cannot be judged
is an error to the one who waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import credential, identifier, keep
from guardrails.errors import GuardrailsError, GuardUnavailable, RequestError
from guardrails.guard import Guard
from guardrails.mcp.listing import ListingFilter
from guardrails.mcp.protocol import rpc
from guardrails.mcp.protocol.methods import (
    CLIENT,
    ERROR,
    NOTE,
    NOTES,
    SAID,
    SERVER,
    TALK,
    UNKNOWN_CLIENT,
    UNKNOWN_SERVER,
    McpMethod,
    MethodSide,
)
from guardrails.mcp.protocol.rpc import Body, Id, RpcMessage
from guardrails.mcp.protocol.verdicts import (
    REFUSAL,
    REMOVED,
    add_notes,
    render_block,
    render_refusal,
    summarize_verdict,
)
from guardrails.mcp.session import AgentSession
from guardrails.mcp.tools import ServerTools
from guardrails.proxy.access.forwarded_headers import is_plain_header
from guardrails.types import Action, Place, Use, Verdict
from guardrails.wire import strict_json
from guardrails.wire.pointers import Path

LOG = logging.getLogger("guardrails.mcp")

MOST_ASKED = 1_000
"""Requests of either side that wait for an answer, and tasks that are remembered."""

MOST_LEFT = 100
"""Requests that an agent has gone from, to whose answers it may come back."""

KNOWN = frozenset({"", *CLIENT, *SERVER, *NOTES})
"""Names of methods that a table has; answers have none."""

PAGES = 100
"""Pages of a list of tools that the guard reads for itself."""

Ask = Callable[[Body], Awaitable[RpcMessage]]
"""A request of the guard's own in, its answer out; raises `BackendError` where there is none."""


def read_tokens(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Read ids of sessions and events, names of programs, and challenges, each by its name."""
    for name, said in value.items():
        credential(tree, said, (*path, name), place)


@dataclass(frozen=True, slots=True)
class LinkResult:
    """What becomes of a message: what goes on to the other side, and what goes back to the sender; None is nothing."""

    forwarded: Body | None = None
    returned: Body | None = None


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request that waits for its answer; `tool` is what it uses."""

    method: McpMethod
    name: str
    tool: str
    modern: bool


@dataclass(frozen=True, slots=True)
class MessageJudge:
    """What judges the messages of one agent and one server."""

    guard: Guard
    server: str
    session: AgentSession

    async def __call__(
        self,
        side: MethodSide,
        value: Any,
        use: Use,
        *,
        heard: bool = False,
        call: str | None = None,
        size: int = 0,
        message: RpcMessage | None = None,
    ) -> Verdict:
        """Judge one side of an exchange, of so many bytes; `call` is the text of the arguments where it is a call, `message` what
        it stands in, where that has an id or a name of its own.

        Raises:
            GuardUnavailable: it could not be checked.
        """
        tree = ContentTree()
        place = replace(side.place, tool=use.tools[0][0], use=use)

        def read() -> None:
            if call is not None:
                tree.call(use.tools[0][0], call, (), place)
            if message is not None:
                keep(tree, message.id, ("id",), place)
                if message.method not in KNOWN:
                    identifier(tree, message.method, ("method",), place)
            side.read(tree, value, (), place)

        await rpc.run_by_size(size, read)
        before = self.session.heard
        given = payload.body(value, tree)
        who = self.session.who
        verdict = await self.guard.acheck(
            given, place.stage, user=who.user, tenant=who.tenant, client=who.client, heard=before
        )
        if heard and not verdict.blocked:
            self.session.remember(verdict.heard[len(before) :])
        if verdict.blocked:
            by = "by " + ",".join(rule.id for rule in verdict.rules)
            why = by if verdict.unavailable is None else f"as unavailable, {verdict.unavailable.reason}"
            LOG.warning("server %s: %s %s %s (%s)", self.server, place.stage, verdict.action, why, verdict.id)
        if verdict.unavailable is not None:
            raise GuardUnavailable(verdict)
        return verdict

    def use(self, tool: str, *, arguments: str | None = None, changed: bool = False) -> Use:
        """Return a use of one of the server's tools."""
        return Use(((tool, self.server),), arguments, changed)


class McpLink:
    """The conversation."""

    def __init__(self, judge: MessageJudge, tools: ServerTools, *, unknown: str = "judge") -> None:
        self._judge, self._tools, self._unknown = judge, tools, unknown
        self._listing = ListingFilter(judge, tools)
        self._asked: dict[Id, PendingRequest] = {}
        self._asked_back: dict[Id, PendingRequest] = {}
        self._left: deque[tuple[Id, PendingRequest]] = deque()
        self._judging: set[tuple[bool, Id]] = set()
        self._tasks: dict[str, str] = {}

    @property
    def waiting(self) -> tuple[Id, ...]:
        """The ids of the agent's requests that wait for an answer."""
        return tuple(self._asked)

    def give_up(self, id_: Id, problem: Exception) -> Body | None:
        """Answer a request of the agent's with what went wrong; None if it does not wait any more."""
        return None if self._asked.pop(id_, None) is None else rpc.make_failure(id_, problem)

    def leave(self, id_: Id) -> None:
        """Take note that the agent has gone from a request of its own, and may come back for the answer; only the last
        `MOST_LEFT` such requests are waited for.
        """
        if (asked := self._asked.get(id_)) is not None:
            self._left.append((id_, asked))
        if len(self._left) > MOST_LEFT:
            oldest, asked = self._left.popleft()
            if self._asked.get(oldest) is asked:
                del self._asked[oldest]

    async def admits(self, tokens: Mapping[str, str], place: Place) -> bool:
        """Tell whether tokens that stand beside messages, such as those in headers, may go on; `place` says whose they are.

        Raises:
            GuardUnavailable: that could not be decided.
        """
        if all(map(is_plain_header, tokens.values())):
            return True
        return not (await self._judge(MethodSide(read_tokens, place), tokens, self._judge.use(""))).blocked

    async def from_agent(self, message: RpcMessage, ask: Ask) -> LinkResult:
        """Judge what the agent sends; `ask` sends requests of the guard's own."""
        try:
            if message.answers:
                return await self._answer_to_server(message)
            if message.kind == "notification":
                return await self._note(message, TALK)
            return await self._request(message, ask)
        except Exception as error:
            return self._report_failure(message, error)

    async def from_server(self, message: RpcMessage) -> LinkResult:
        """Judge what the server sends."""
        try:
            if message.answers:
                return await self._answer_to_agent(message)
            if message.kind == "notification":
                return await self._note(message, SAID)
            return await self._request_of_server(message)
        except Exception as error:
            return self._report_failure(message, error)

    def _report_failure(self, message: RpcMessage, error: Exception) -> LinkResult:
        """Say what could not be judged to the one who waits: the sender of a request, the receiver of an answer."""
        if not isinstance(error, GuardrailsError):
            LOG.error(
                "server %s: judging a %s failed: %s", self._judge.server, message.kind, type(error).__name__
            )
        failure = rpc.make_failure(message.id, error)
        if message.answers:
            return LinkResult(forwarded=failure)
        return LinkResult(returned=failure) if message.kind == "request" else LinkResult()

    def _find_method(
        self, message: RpcMessage, table: Mapping[str, McpMethod], unknown: McpMethod
    ) -> McpMethod | None:
        """Return the method of a request, None for one that is refused."""
        method = table.get(message.method)
        return unknown if method is None and self._unknown == "judge" else method

    @contextmanager
    def _reserve_id(self, id_: Id, asked: Mapping[Id, PendingRequest], *, back: bool) -> Iterator[None]:
        """Let nobody else ask with an id while a request with it is judged; raises `RequestError` where somebody does."""
        mark = (back, id_)
        if id_ in asked or mark in self._judging:
            raise RequestError("invalid_message", "a request of this id waits for its answer already", "/id")
        if len(asked) >= MOST_ASKED:
            raise GuardUnavailable(f"{MOST_ASKED} requests wait for an answer already")
        self._judging.add(mark)
        try:
            yield
        finally:
            self._judging.discard(mark)

    async def _request(self, message: RpcMessage, ask: Ask) -> LinkResult:
        assert message.id is not None
        with self._reserve_id(message.id, self._asked, back=False):
            method = self._find_method(message, CLIENT, UNKNOWN_CLIENT)
            if method is None:
                return LinkResult(returned=_unknown_method(message.id))
            asked = PendingRequest(method, message.method, self._used_tool(message), _is_modern(message))
            if message.method == "tools/call":
                why = await self._refusal(asked.tool, message, ask)
                if why:
                    LOG.warning("server %s: a call was refused: %s", self._judge.server, why)
                    return LinkResult(returned=render_refusal(message.id, why, modern=asked.modern))
            changed = message.method == "tools/call" and await asyncio.to_thread(
                self._tools.has_changed, asked.tool
            )
            call = _arguments(message) if method.call else None
            use = self._judge.use(asked.tool, arguments=call, changed=changed)
            verdict = await self._judge(
                method.request,
                message.body.get("params"),
                use,
                call=call,
                size=message.size,
                message=message,
            )
            if verdict.blocked:
                return LinkResult(
                    returned=render_block(message.id, verdict, tool=method.tool, modern=asked.modern)
                )
            self._asked[message.id] = asked
            return LinkResult(forwarded=_with(message, "params", verdict))

    async def _request_of_server(self, message: RpcMessage) -> LinkResult:
        assert message.id is not None
        with self._reserve_id(message.id, self._asked_back, back=True):
            method = self._find_method(message, SERVER, UNKNOWN_SERVER)
            if method is None:
                return LinkResult(returned=_unknown_method(message.id))
            use = self._judge.use(message.method)
            verdict = await self._judge(
                method.request, message.body.get("params"), use, heard=method.remembered, message=message
            )
            if verdict.blocked:
                return LinkResult(returned=rpc.make_error(message.id, rpc.BLOCKED, REFUSAL))
            self._asked_back[message.id] = PendingRequest(
                method, message.method, message.method, modern=False
            )
            return LinkResult(forwarded=_with(message, "params", verdict))

    async def _answer_to_server(self, message: RpcMessage) -> LinkResult:
        asked = None if message.id is None else self._asked_back.pop(message.id, None)
        if asked is None:
            LOG.warning("server %s: an answer that it did not ask for was dropped", self._judge.server)
            problem = RequestError("unasked", "no request of the server's waits for this answer", "/id")
            return LinkResult(returned=rpc.make_failure(None, problem))
        part = message.kind
        side = asked.method.result if part == "result" else MethodSide(ERROR, TALK)
        verdict = await self._judge(side, message.body[part], self._judge.use(asked.tool))
        if verdict.blocked:
            return LinkResult(forwarded=rpc.make_error(message.id, rpc.BLOCKED, REFUSAL))
        return LinkResult(forwarded=_with(message, part, verdict))

    async def _answer_to_agent(self, message: RpcMessage) -> LinkResult:
        asked = None if message.id is None else self._asked.pop(message.id, None)
        if asked is None or message.id is None:
            LOG.warning("server %s: an answer that nobody asked for was dropped", self._judge.server)
            return LinkResult()
        use = self._judge.use(asked.tool)
        if message.kind == "error":
            verdict = await self._judge(MethodSide(ERROR, SAID), message.body["error"], use)
            on = rpc.make_error(message.id, rpc.BLOCKED, REFUSAL, summarize_verdict(verdict))
            return LinkResult(forwarded=on if verdict.blocked else _with(message, "error", verdict))
        value = message.body["result"]
        parts, removed = await self._listing.filter(asked.method, asked.name, value)
        rest = {name: inner for name, inner in value.items() if name not in parts}
        verdict = await self._judge(
            asked.method.result, rest, use, heard=asked.method.remembered, size=message.size
        )
        if verdict.blocked:
            return LinkResult(
                forwarded=render_block(
                    message.id, verdict, tool=asked.method.tool, modern=asked.modern, result=True
                )
            )
        self._remember_task(value, asked.tool)
        assert isinstance(verdict.content, Mapping)
        kept = {name: inner for name, inner in parts.items() if inner is not None}
        made: Body = {**value, **verdict.content, **kept}
        made = {name: inner for name, inner in made.items() if name not in parts or name in kept}
        notes = summarize_verdict(verdict) if verdict.action > Action.ALLOW else {}
        if removed:
            LOG.warning("server %s: left out of %s: %d entries", self._judge.server, asked.name, len(removed))
            notes[REMOVED] = removed
        return LinkResult(forwarded=rpc.make_result(message.id, add_notes(made, notes)))

    async def _note(self, message: RpcMessage, place: Any) -> LinkResult:
        known = message.method in NOTES
        if message.method in CLIENT or message.method in SERVER:
            # Some servers do what a notification asks for as well, and no rule about calls would have seen it.
            LOG.warning("server %s: a request without an id was dropped", self._judge.server)
            return LinkResult()
        if not known and self._unknown == "refuse":
            LOG.warning("server %s: an unknown notification was dropped", self._judge.server)
            return LinkResult()
        if message.method == "notifications/cancelled" and place is TALK:
            cancelled = message.params.get("requestId")
            self._asked.pop(cancelled, None) if isinstance(cancelled, str) or type(cancelled) is int else None
        if message.method == "notifications/tools/list_changed" and place is SAID:
            self._tools.forget()
        side = MethodSide(NOTE if known else UNKNOWN_SERVER.request.read, place)
        use = self._judge.use(message.method)
        verdict = await self._judge(side, message.body.get("params"), use, message=message)
        return LinkResult() if verdict.blocked else LinkResult(forwarded=_with(message, "params", verdict))

    def _used_tool(self, message: RpcMessage) -> str:
        """Return the tool that a request uses: for what is no call of one, the method."""
        if message.method == "tools/call":
            name = message.params.get("name")
            if not isinstance(name, str):
                raise RequestError("invalid_message", "a call needs the name of a tool", "/params/name")
            return name
        if message.method.startswith("tasks/"):
            return self._tasks.get(str(message.params.get("taskId")), message.method)
        return message.method

    def _remember_task(self, value: Mapping[str, Any], tool: str) -> None:
        task = value.get("task", value)
        given = task.get("taskId") if isinstance(task, Mapping) else None
        if isinstance(given, str):
            self._tasks[given] = tool
            if len(self._tasks) > MOST_ASKED:
                del self._tasks[next(iter(self._tasks))]

    async def _refusal(self, tool: str, message: RpcMessage, ask: Ask) -> str:
        """Return why a tool must not be called, "" where it may; what was not listed yet is listed first."""
        if not self._tools.record_listing(tool):
            await self._list(message, ask)
        return await asyncio.to_thread(self._tools.refusal, tool)

    async def _list(self, message: RpcMessage, ask: Ask) -> None:
        """Ask the server for its tools, as an agent that has listed them before another guard, or long ago, does not."""
        meta = message.params.get("_meta")
        given: Body = {"_meta": _envelope(meta)} if isinstance(meta, Mapping) and _is_modern(message) else {}
        method = CLIENT["tools/list"]
        for _ in range(PAGES):
            asked = rpc.make_request("guardrails-" + os.urandom(12).hex(), "tools/list", given)
            answer = await ask(asked)
            value = answer.body.get("result")
            if not isinstance(value, Mapping):
                return
            await self._listing.filter(method, "tools/list", value)
            cursor = value.get("nextCursor")
            if not isinstance(cursor, str) or cursor == given.get("cursor"):
                return
            given = {**given, "cursor": cursor}


VERSION = "io.modelcontextprotocol/protocolVersion"
ENVELOPE = (VERSION, "io.modelcontextprotocol/clientCapabilities", "io.modelcontextprotocol/clientInfo")


def _envelope(meta: Mapping[str, Any]) -> Body:
    """Return what every request of the newest revision says of its client."""
    return {name: meta[name] for name in ENVELOPE if name in meta}


def _is_modern(message: RpcMessage) -> bool:
    """Whether a request is one of a revision without handshake, whose results say that they are complete."""
    meta = message.params.get("_meta")
    return isinstance(meta, Mapping) and VERSION in meta


def _arguments(message: RpcMessage) -> str:
    """Return the arguments of a call as a text."""
    if message.method == "tools/call":
        given = message.params.get("arguments")
    else:
        given = {name: value for name, value in message.params.items() if name != "_meta"}
    return strict_json.dump({} if given is None else given).decode()


def _with(message: RpcMessage, part: str, verdict: Verdict) -> Body:
    """Return a message with one of its parts as the policy leaves it."""
    return (
        message.body if verdict.content is message.body.get(part) else {**message.body, part: verdict.content}
    )


def _unknown_method(id_: Id) -> Body:
    return rpc.make_error(
        id_, rpc.METHOD_NOT_FOUND, "this guard does not pass methods on that it does not know"
    )
