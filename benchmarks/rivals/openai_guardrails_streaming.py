"""openai-guardrails: `GuardrailsAsyncOpenAI` streaming from a scripted upstream on this machine that speaks the chat API.

Output guardrails: Keyword Filter with the terms, Contains PII (block, encoded data too), Secret Keys. It has none for a user's
own expressions over a text, so the patterns are left out. Its PII check wants a spaCy model that no registry has; it gets an
empty English pipeline, so names are not found, and what recognizers of patterns find is.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import tempfile
import warnings
from collections.abc import AsyncIterator
from typing import Any

import spacy
from openai import AsyncOpenAI

from guardrails import GuardrailsAsyncOpenAI, GuardrailTripwireTriggered
from rivals.stream_job import read_job, report
from rivals.stream_play import Show, Source, Stopped, Way

ENTITIES = ["EMAIL_ADDRESS", "CREDIT_CARD", "US_SSN", "IBAN_CODE"]
HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


class Upstream:
    """A server whose `model` names the source to stream."""

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}
        self.numbers = itertools.count()
        self.url = ""

    async def start(self) -> None:
        """Listen, once."""
        if not self.url:
            server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"

    def add(self, source: Source) -> str:
        """Return the name under which a source streams."""
        name = f"source-{next(self.numbers)}"
        self.sources[name] = source
        return name

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request with a stream of events."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            source = self.sources.pop(json.loads(await reader.readexactly(length))["model"])
            writer.write(HEAD.encode())
            async for chunk in source:
                writer.write(event({"content": chunk}, None))
                await writer.drain()
            writer.write(event({}, "stop") + b"data: [DONE]\n\n")
            await writer.drain()
        except ConnectionError:
            pass  # the client has stopped
        finally:
            writer.close()


def event(delta: dict[str, str], reason: str | None) -> bytes:
    """Return one event of the chat API."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(body)}\n\n".encode()


def configuration(job: dict[str, Any]) -> dict[str, Any]:
    """Return the pipeline."""
    guardrails = [
        {"name": "Keyword Filter", "config": {"keywords": job["terms"]}},
        {"name": "Contains PII", "config": {"entities": ENTITIES, "block": True, "detect_encoded_pii": True}},
        {"name": "Secret Keys", "config": {"threshold": "balanced"}},
    ]
    return {"version": 1, "output": {"version": 1, "guardrails": guardrails}}


def shows(job: dict[str, Any], upstream: Upstream, guarded: bool) -> Show:
    """Return the client, with its guardrails or without; it is made at the first stream, when the server has its address."""
    made: list[Any] = []

    async def show(source: Source) -> AsyncIterator[str]:
        await upstream.start()
        if not made:
            where = {"base_url": upstream.url, "api_key": "not-a-key", "max_retries": 0}
            client = GuardrailsAsyncOpenAI(config=configuration(job), raise_guardrail_errors=True, **where)
            made.append(client if guarded else AsyncOpenAI(**where))  # type: ignore[arg-type]
        messages = [{"role": "user", "content": "hello"}]
        stream = made[0].chat.completions.create(messages=messages, model=upstream.add(source), stream=True)
        if asyncio.iscoroutine(stream):
            stream = await stream
        try:
            async for item in stream:
                yield item.choices[0].delta.content or ""
        except GuardrailTripwireTriggered:
            raise Stopped from None

    return show


def main() -> None:
    """Measure the client as shipped: it judges after every 100 chunks and at the end."""
    job = read_job()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # where it looks for the pipeline by name
        spacy.blank("en").to_disk("en_core_web_sm")
        upstream = Upstream()
        guarded, bare = shows(job, upstream, True), shows(job, upstream, False)
        way = Way(
            "GuardrailsAsyncOpenAI, chat stream (judges every 100 chunks)",
            lambda: guarded,
            [
                "the patterns are left out: it takes none over a whole text",
                "an empty spaCy pipeline: no names",
            ],
            lambda: bare,
            0.002,
        )
        report("openai-guardrails", job, [way])


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    main()
