"""Runs the rows of a made-up API through the contract matrix, at the proxy and in a wrapped client; prints how many there were.

In a process of its own, since the routes of the proxy and the calls of clients are made when their modules are imported.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import guardrails.protocols
from guardrails.protocols import registry

guardrails.protocols.__path__.append(str(Path(__file__).parent))
registry.FOLDERS = (*registry.FOLDERS, "translations")  # type: ignore[misc] # the one line that a new API takes

from tests.proxy.conftest import Answer, Fake  # noqa: E402
from tests.proxy.contract import Api, allowed, rows_of, world  # noqa: E402
from tests.wrapping.contract import wrapped_world  # noqa: E402

ASKED: dict[str, Any] = {"model": "m", "to": "de", "text": "Hello."}
ANSWERED: dict[str, Any] = {"id": "t1", "translation": "Hallo."}


def ending(answer: Answer) -> str:
    """Tell how an answer ended: as a refusal, or a stream as an error."""
    streamed = answer.headers["content-type"].startswith("text/event-stream")
    last = answer.frames[-1] if streamed else answer.json
    return "error" if "error" in last else "stop" if last["id"] == "refused" else ""


def frames(answer: dict[str, Any], size: int) -> list[bytes]:
    """Return an answer as the frames of a stream, its text cut into pieces of a size."""
    text = answer["translation"]
    beside = {name: value for name, value in answer.items() if name != "translation"}
    told = [{"piece": text[at : at + size]} for at in range(0, len(text), size)]
    return [
        b"data: " + json.dumps(each).encode() + b"\n\n"
        for each in (*told, {"piece": "", "last": True, **beside})
    ]


API = Api(
    "/v1/translations",
    {
        "text": {**ASKED, "text": "@"},
        "language": {**ASKED, "to": "@"},
        "unknown field": {**ASKED, "x_new": {"a": ["@"]}},
        "name of a field": {**ASKED, "@": 1},
    },
    ANSWERED,
    {
        "translation": {**ANSWERED, "translation": "@"},
        "unknown field": {**ANSWERED, "x_new": "@"},
        "name of a field": {**ANSWERED, "@": 1},
    },
    ASKED,
    frames=frames,
    ending=ending,
)


def main() -> None:
    """Assert that each cell of each row is what may become of a text."""
    count = 0
    fake = Fake()
    for made in (world(fake), wrapped_world(fake)):
        with made as served:
            for title, place, find in rows_of(API):
                for column, cell in find(served).items():
                    assert allowed(place, column, cell), (title, place, column, cell)
                    count += 1
    fake.close()
    sys.stdout.write(f"{count}\n")


if __name__ == "__main__":
    main()
