"""Runs a recipe in the environment of its framework, against a scripted model, then calls what it defines (`environments.py`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import runpy
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any

from guardrails import Guard
from guardrails.testing import Reply, ScriptedUpstream
from guardrails.types import ToolCall


def reply_of(given: Any) -> Any:
    """Return a reply of the script."""
    if isinstance(given, str):
        return given
    if "tool" in given:
        return Reply(given.get("text", ""), [ToolCall(given["tool"], json.dumps(given["arguments"]))])
    return Reply(given["text"], cut=given.get("cut", 0))


def causes_of(error: BaseException) -> Iterator[str]:
    """Yield the types of an exception, of those above it, and of the exceptions behind it."""
    seen: list[BaseException] = [error]
    for each in seen:
        yield from (kind.__name__ for kind in type(each).__mro__[:-2])
        inner = [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
        seen += [one for one in inner if one is not None and one not in seen]


def finished(value: Any, loop: asyncio.Runner) -> Any:
    """Return what a call gives in the end, also where it is asynchronous."""

    async def collected() -> list[Any]:
        return [each async for each in value]

    if isinstance(value, AsyncIterator):
        return loop.run(collected())
    return loop.run(value) if isinstance(value, Coroutine) else value


def plain(value: Any) -> Any:
    """Return a value as JSON; an iterator's as a list."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list | tuple | Iterator):
        return [plain(each) for each in value]
    return repr(value)


def run(spec: Any, upstream: ScriptedUpstream) -> list[dict[str, Any]]:
    """Run the recipe and the steps; return what became of them."""
    upstream.reply_with(*map(reply_of, spec["setup"] or ["Paris is the capital of France."]))
    namespace = runpy.run_path(spec["recipe"])
    results, loop = list[dict[str, Any]](), asyncio.Runner()  # one, as clients keep connections of theirs
    for step in spec["steps"]:
        upstream.reset()
        upstream.reply_with(*map(reply_of, step["replies"]))
        value, error, causes = None, "", list[str]()
        try:
            value = plain(finished(namespace[step["call"]](step["given"]), loop))
        except Exception as raised:
            error, causes = f"{type(raised).__name__}: {raised}", [*causes_of(raised)]
        results.append(
            {
                "value": value,
                "error": error,
                "causes": causes,
                "asked": [each.texts for each in upstream.requests],
            }
        )
    return results


def main() -> None:
    """Read the specification, and write the outcome."""
    spec = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(ScriptedUpstream())
        address = upstream.origin
        if spec["proxy"]:
            from guardrails.proxy.configuration.settings import Settings
            from guardrails.proxy.server.serve import running

            address = stack.enter_context(running(Settings(upstream=upstream.origin, port=0)))
            Guard.wrap = lambda self, wrapped, **_: wrapped  # type: ignore[method-assign,assignment]
        os.environ |= {
            "OPENAI_BASE_URL": f"{address}/v1",
            "OPENAI_API_BASE": f"{address}/v1",
            "OPENAI_API_KEY": "none",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "CREWAI_DISABLE_TELEMETRY": "true",
            "CREWAI_TRACING_ENABLED": "false",
            "OTEL_SDK_DISABLED": "true",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "HAYSTACK_TELEMETRY_ENABLED": "False",
            "DSPY_CACHEDIR": str(Path(sys.argv[1]).parent / "cache"),
        }
        Path(spec["out"]).write_text(json.dumps(run(spec, upstream)), "utf-8")
    os._exit(0)  # whatever threads a framework left


if __name__ == "__main__":
    main()
