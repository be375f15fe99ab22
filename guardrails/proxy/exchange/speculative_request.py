"""A request that is judged while it is under way: in, the same; out, whether it may be, and the answer asked for early.

Nothing of that answer is read before the verdict is there: what arrives until then waits in the connection's buffer, which
is bounded, and a failure waits in its task. Whoever does not read it closes it, and the upstream sees that at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guardrails.engine.content.content_tree import ContentTree
from guardrails.proxy.access.client import cancel_and_wait
from guardrails.proxy.upstreams.http_client import UpstreamResponse

BESIDE, HOSTED, KEPT, UNSEEN = "beside", "after_hosted", "after_kept", "after_unseen"
"""When a request is sent: beside its check, or after it because the provider runs tools for it, because the provider keeps
it, or because something in it is not known, or can be judged by nobody here, and so may be either.
"""

CLIENTS = (None, "function", "custom")
"""Types of tools that the client runs, once it has the answer. Of any other type the provider may be the one."""

DECLARED = frozenset({"functionDeclarations", "function_declarations"})
"""Fields of a tool without a type or a name that declare functions of the client's."""

ACTING = ("web_search_options", "mcp_servers", "container")
"""Fields that have the provider run something."""

SEARCHING = ("search", "compound", "sonar", ":online")
"""Parts of the names of models that look things up without being given a tool."""

KEEPING = ("/responses", "/videos")
"""How paths begin at which a provider keeps what does not say `store: false`: answers, and jobs."""


def decide_order(path: str, body: Mapping[str, Any], tree: ContentTree, models: Iterable[str] = ()) -> str:
    """Return when a request to a path may be sent, as it was read and before it was judged; `models` are the names under which
    upstreams may get its model.
    """
    if _is_hosted(body, models):
        return HOSTED
    kept = body.get("store")
    if kept is not False and (kept is not None or path.startswith(KEEPING)):
        return KEPT
    # What is sealed was written by the provider, and does nothing.
    if tree.unknown or any(entry.kind != "sealed" for entry, _ in tree.unchecked):
        return UNSEEN
    return BESIDE


def _is_hosted(body: Mapping[str, Any], models: Iterable[str]) -> bool:
    """Tell whether the provider may run something for a request."""
    items = body.get("input")
    holders = (
        [body, *(each for each in items if isinstance(each, Mapping))] if isinstance(items, list) else [body]
    )
    given = [holder["tools"] for holder in holders if holder.get("tools")]
    model = " ".join((str(body.get("model")), *models)).lower()
    return (
        any(body.get(name) is not None for name in ACTING)
        or any(part in model for part in SEARCHING)
        or not all(isinstance(tools, list) and all(map(_is_run_by_client, tools)) for tools in given)
    )


def _is_run_by_client(tool: object) -> bool:
    if not isinstance(tool, Mapping):
        return False
    if "type" in tool or "name" in tool:
        return tool.get("type") in CLIENTS
    return tool.keys() <= DECLARED  # Gemini's API: each other field is a tool of the provider's


class SpeculativeRequest:
    """An answer of the upstream that is asked for at once, and read through `answer` or given up by `close`."""

    def __init__(self, answer: AbstractAsyncContextManager[UpstreamResponse]) -> None:
        self._open = AsyncExitStack()
        self._opening = asyncio.ensure_future(self._open.enter_async_context(answer))

    @asynccontextmanager
    async def answer(self) -> AsyncIterator[UpstreamResponse]:
        """Yield the answer, as `Upstreams.answer` does, or raise what it raised. Read it inside, and only read it."""
        async with self._open:
            yield await self._opening

    async def close(self) -> None:
        """Break the request off; nothing where its answer was read."""
        await cancel_and_wait(self._opening)
        await self._open.aclose()

    async def around(self, serving: Coroutine[Any, Any, Response]) -> Response:
        """Return what serves the client, after which, or without which, the answer is closed."""
        try:
            return _ClosingResponse(await serving, self)
        except BaseException:
            await self.close()
            raise


class _ClosingResponse(Response):
    """An answer to the client after which the upstream's is closed, also where it breaks off."""

    def __init__(self, response: Response, early: SpeculativeRequest) -> None:
        super().__init__()
        self._response = response
        self._early = early

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        try:
            await self._response(scope, receive, send)
        finally:
            await self._early.close()
