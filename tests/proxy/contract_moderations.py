"""Where a text may stand in what `/v1/moderations` is asked, for the contract matrix.

*blocked* and *redacted* say what the policy would do with it, which the answer flags; none of it ever stands in the answer.
"""

from __future__ import annotations

from typing import Any

from guardrails.types import Stage

from .contract import Api, World, passed, shown, tells, verdict

PICTURE = {"type": "image_url", "image_url": {"url": "https://x.example/p.png"}}


def saying(*parts: Any) -> dict[str, Any]:
    """Return a request of these parts."""
    return {"input": [*parts]}


ASKS: dict[str, Any] = {
    "a text": {"input": "@"},
    "one of two texts": {"input": ["x", "@"]},
    **{f"a text, {stage}": {"input": "@", "stage": stage.value} for stage in Stage},
    "part, text": saying({"type": "text", "text": "@"}),
    "part, text beside a picture": saying({"type": "text", "text": "@"}, PICTURE),
    "two parts": saying({"type": "text", "text": "@<"}, {"type": "text", "text": "@>"}),
    "two parts, a picture between": saying(
        {"type": "text", "text": "@<"}, PICTURE, {"type": "text", "text": "@>"}
    ),
    "part, unknown field": saying({"type": "text", "text": "x", "x_new": {"a": "@"}}),
    "part, name of a field": saying({"type": "text", "text": "x", "@": 1}),
    "part, name of its type": saying({"type": "@", "text": "x"}),
    "part of an unknown type": saying({"type": "x_new", "x_new": "@"}),
    "part, a bare text": saying({"type": "text", "text": "x"}, "@"),
    "picture, url": saying({"type": "image_url", "image_url": {"url": "@"}}),
    "picture, data": saying({"type": "image_url", "image_url": {"url": "data:image/png;base64,@"}}),
    "picture, detail": saying({"type": "image_url", "image_url": {**PICTURE["image_url"], "detail": "@"}}),
    "picture, unknown field": saying({**PICTURE, "text": "@"}),
    "model": {"input": "x", "model": "@"},
    "stage": {"input": "x", "stage": "@"},
    "unknown field": {"input": "x", "x_new": "@"},
    "name of a field": {"input": "x", "@": 1},
    "a structure": {"input": {"text": "@"}},
}


def moderated(world: World, api: Api, body: Any, word: str, *, default: bool = False) -> str:
    """Ask for a moderation; return what it says."""
    got = world.send(api.path, body, default=default)
    assert not tells(shown(got.raw) + str(got.headers), word), got.raw
    if got.status != 200:
        assert got.status == 400, (got.status, got.raw)
        return "refused"
    action = verdict(got)[0]
    flagged = any(result["flagged"] for result in got.json["results"])
    assert flagged == (action in ("block", "redact")), (action, got.raw)
    return {"block": "blocked", "redact": "redacted"}.get(str(action)) or passed(got)


MODERATIONS = Api("/v1/moderations", ASKS, {}, forwards=False, judge=moderated)
