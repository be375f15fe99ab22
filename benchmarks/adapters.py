"""What adapters cost beside the bare call of the same model or service, and how many calls at a time they keep going.

    python benchmarks/adapters.py [--texts 120] [--rounds 3]

The bare call is what one would write by hand: tokens and one run of ONNX Runtime, or of torch; `generate` of transformers; one
`post` of an aiohttp session that is kept. Ours is the whole `guard.check` of a policy with that one detector. Texts are new to
every cache; both sides are asked in turn, text by text, and medians are shown. Services are a server in another process that
answers at once in the service's own form. Models have random weights or those of the shipped encoder: what they say is not
looked at. Rows on torch need torch and transformers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from pydoc_data.topics import topics
from time import perf_counter
from typing import Any

import aiohttp
import numpy as np
from aiohttp import web
from tokenizers import Tokenizer

from guardrails import Guard
from guardrails.detectors.classifier.shipped_classifier import SHIPPED
from guardrails.inference.safety.session import OnnxSession
from measure import machine, table

SHIPPED_FOLDER = SHIPPED["text-safety"]
PROSE = " ".join(" ".join(topics.values()).split())
NUMBERS = count()
CALLERS = 64
OPENAI = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent"),
    *("self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors"),
    *("violence", "violence/graphic"),
)
Call = Callable[[str], Any]


def text(characters: int) -> str:
    """Return prose that no cache has seen."""
    number = next(NUMBERS)
    at = number * 977 % (len(PROSE) - characters)
    return f"{number} {PROSE[at : at + characters]}"


def compared(bare: Call, ours: Call, characters: int, texts: int, rounds: int) -> tuple[float, float]:
    """Return milliseconds of each: asked in turn, the best median of the rounds."""
    best = [float("inf")] * 2
    for _ in range(rounds + 1):
        times: list[list[float]] = [[], []]
        for _ in range(texts):
            for side, call in enumerate((bare, ours)):
                given = text(characters)
                began = perf_counter()
                call(given)
                times[side].append(perf_counter() - began)
        medians = [1_000 * statistics.median(each) for each in times]
        best = [min(*pair) for pair in zip(best, medians, strict=True)]
    return best[0], best[1]


def guard(folder: Path, detector: str) -> Guard:
    """Return a guard with one detector, whose rule never fires."""
    path = folder / f"{next(NUMBERS)}.yaml"
    path.write_text(
        f"format: 1\nname: benchmark\ndetectors:\n  one: {{{detector}}}\n"
        "limits: {encoding_depth: 0}\nrules: [{id: r, on: input, when: unsafe > 1.0, then: flag}]\n"
    )
    return Guard.load(path)


def asked(made: Guard) -> Call:
    """Return the whole check of a text; a failure would be no measurement."""

    def call(given: str) -> None:
        verdict = made.check(given)
        if verdict.errors:
            raise SystemExit(f"{verdict.errors}")

    return call


def onnx(folder: Path) -> tuple[Call, Call]:
    """The shipped encoder as anybody's ONNX classifier."""
    home = folder / "onnx"
    home.mkdir()
    shutil.copy(SHIPPED_FOLDER / "encoder.onnx", home / "model.onnx")
    shutil.copy(SHIPPED_FOLDER / "tokenizer.json", home)
    labels = {str(at): f"l{at}" for at in range(12)}
    settings = {"id2label": labels, "problem_type": "multi_label_classification", "pad_token_id": 0}
    (home / "config.json").write_text(json.dumps({**settings, "max_position_embeddings": 512}))
    session = OnnxSession((home / "model.onnx").read_bytes())
    tokenizer = Tokenizer.from_file(str(home / "tokenizer.json"))
    tokenizer.no_padding()

    def bare(given: str) -> Any:
        encoding = tokenizer.encode(given)
        columns = (encoding.ids, encoding.attention_mask, encoding.type_ids)
        ids, mask, types = (np.array([column], dtype=np.int64) for column in columns)
        return 1 / (1 + np.exp(-session.run((ids, mask, types))))

    return bare, asked(guard(folder, "use: classifier, model: onnx, labels: {l0: unsafe}"))


def torch_classifier(folder: Path) -> tuple[Call, Call]:
    """A BERT of the shipped encoder's shape, random weights, on torch."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    home = folder / "torch"
    config = BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
    config.id2label, config.label2id = {0: "good", 1: "bad"}, {"good": 0, "bad": 1}
    model = BertForSequenceClassification(config).eval()
    model.save_pretrained(home)
    shutil.copy(SHIPPED_FOLDER / "tokenizer.json", home)
    tokenizer = Tokenizer.from_file(str(home / "tokenizer.json"))
    tokenizer.no_padding()

    def bare(given: str) -> Any:
        encoding = tokenizer.encode(given)
        with torch.inference_mode():
            columns = (encoding.ids, encoding.attention_mask, encoding.type_ids)
            ids, mask, types = (torch.tensor([column]) for column in columns)
            return model(ids, attention_mask=mask, token_type_ids=types).logits.softmax(-1).numpy()

    return bare, asked(guard(folder, "use: classifier, model: torch, labels: {bad: unsafe}"))


def served(app: web.Application, port: Any) -> None:
    """Serve in this process, and say where."""

    async def run() -> None:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


def serve(port: Any) -> None:
    """Answer as OpenAI's moderation and as a server of chat models do."""

    async def moderation(request: web.Request) -> web.Response:
        given = (await request.json())["input"]
        one = {
            "flagged": False,
            "categories": dict.fromkeys(OPENAI, False),
            "category_scores": dict.fromkeys(OPENAI, 0.01),
            "category_applied_input_types": {name: ["text"] for name in OPENAI},
        }
        count_ = len(given) if isinstance(given, list) else 1
        return web.json_response({"id": "m", "model": "omni", "results": [one] * count_})

    async def chat(request: web.Request) -> web.Response:
        body = await request.json()
        said = "safe" if "guard" in body["model"] else '{"answer": "no"}'
        top = [{"token": "safe", "logprob": -0.01}, {"token": "unsafe", "logprob": -4.6}]
        choice: dict[str, Any] = {
            "index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}
        }  # fmt: skip
        if body.get("logprobs"):
            choice["logprobs"] = {"content": [{"token": "safe", "logprob": -0.01, "top_logprobs": top}]}
        return web.json_response({"id": "c", "object": "chat.completion", "choices": [choice]})

    app = web.Application()
    app.add_routes([web.post("/v1/moderations", moderation), web.post("/v1/chat/completions", chat)])
    served(app, port)


@contextmanager
def server() -> Iterator[str]:
    """Run the server in another process; yields its base URL."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{ours.recv()}/v1"
    process.kill()
    process.join()


REMOTE: dict[str, tuple[str, Callable[[str], tuple[str, dict[str, Any]]]]] = {
    "OpenAI moderation": (
        "use: remote, service: openai, endpoint: e",
        lambda given: ("/moderations", {"model": "omni-moderation-latest", "input": [given]}),
    ),
    "Llama Guard 3": (
        "use: guard_model, endpoint: e, model: llama-guard-3-8b",
        lambda given: (
            "/chat/completions",
            {
                "model": "llama-guard-3-8b",
                "messages": [{"role": "user", "content": given}],
                "max_tokens": 32,
                "logprobs": True,
                "top_logprobs": 20,
            },
        ),
    ),
    "judge": (
        "use: judge, endpoint: e, model: m, category: custom.x, question: Is this about hats?",
        lambda given: (
            "/chat/completions",
            {"model": "m", "messages": [{"role": "user", "content": f"hats? {given}"}], "max_tokens": 64},
        ),
    ),
}


def remote(url: str, folder: Path, texts: int, rounds: int) -> Iterator[dict[str, object]]:
    """Yield one row a service: one call at a time, and many."""
    loop = asyncio.new_event_loop()

    async def opened() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    session = loop.run_until_complete(opened())

    async def post(made: tuple[str, dict[str, Any]]) -> Any:
        async with session.post(url + made[0], json=made[1]) as response:
            return json.loads(await response.read())

    for name, (detector, body) in REMOTE.items():
        made = guard(folder, detector.replace("custom.x", "illicit"))

        def bare(given: str, body: Any = body) -> Any:
            return loop.run_until_complete(post(body(given)))

        one = compared(bare, asked(made), 600, texts, rounds)
        many = [
            throughput(call, loop, rounds)
            for call in (
                lambda given, body=body: post(body(given)),
                lambda given, made=made: made.acheck(given),
            )
        ]
        yield row(name, "600 characters", one) | {
            "calls/s bare": many[0],
            "ours": many[1],
            "share": many[1] / many[0],
        }
    loop.run_until_complete(session.close())


def throughput(call: Callable[[str], Awaitable[Any]], loop: asyncio.AbstractEventLoop, rounds: int) -> float:
    """Return calls a second with `CALLERS` at a time, the best of the rounds."""

    async def all_of_them() -> float:
        began = perf_counter()
        await asyncio.gather(*(call(text(600)) for _ in range(CALLERS)))
        return CALLERS / (perf_counter() - began)

    return max(loop.run_until_complete(all_of_them()) for _ in range(3 * rounds))


def row(name: str, what: str, pair: tuple[float, float]) -> dict[str, object]:
    bare, ours = pair
    return {
        "adapter": name,
        "text": what,
        "bare ms": f"{bare:.3f}",
        "ours ms": f"{ours:.3f}",
        "more ms": f"{ours - bare:.3f}",
        "more %": f"{100 * (ours / bare - 1):.1f}",
    }


def local(folder: Path, texts: int, rounds: int) -> Iterator[dict[str, object]]:
    """Yield one row a model in this process and size of text."""
    makers: Sequence[tuple[str, Callable[[Path], tuple[Call, Call]]]] = [("classifier, ONNX", onnx)]
    if find_spec("torch") and find_spec("transformers"):
        makers = [*makers, ("classifier, torch", torch_classifier)]
    for name, make in makers:
        bare, ours = make(folder)
        for characters in (120, 500):
            yield row(name, f"{characters} characters", compared(bare, ours, characters, texts, rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        print(table([*local(folder, args.texts, args.rounds)]), end="\n\n")
        with server() as url:
            (folder / "endpoints.yaml").write_text(
                f"endpoints: {{e: {{url: '{url}', connections: {CALLERS}}}}}\n"
            )
            os.environ["GUARDRAILS_ENDPOINTS"] = str(folder / "endpoints.yaml")
            print(table([*remote(url, folder, args.texts, args.rounds)]))


if __name__ == "__main__":
    main()
