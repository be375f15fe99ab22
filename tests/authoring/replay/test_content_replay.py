"""Kept contents under another policy: judged anew, unless they would not be judged as they were."""

from __future__ import annotations

from typing import Any

from guardrails import Guard
from guardrails.authoring.replay.content_replay import ContentReplay
from guardrails.authoring.replay.record_replay import REASONS
from tests.authoring.replay.replay_kit import DETECTORS, check_recorded, load_guard, make_policy
from tests.cases import each_case

RULE = {"id": "mixed", "on": ["input", "output"], "when": "custom.mixed > 0", "then": "block"}
OF_USER = {**RULE, "when": 'custom.mixed > 0 && request.user.tier == "free"'}
OF_TENANT = {**RULE, "when": 'custom.mixed > 0 && request.tenant == "acme"'}
LEAK = {"id": "leak", "on": "output", "when": "prompt_leak > 0.5", "then": "block"}
LEAKS = {"leaks": {"use": "prompt_leak"}}
MESSAGES = [
    {"role": "user", "content": "plain"},
    {"role": "assistant", "content": "a"},
    {"role": "user", "content": "lowly"},
]
EARLIER = make_policy([{**RULE, "id": "earlier", "when": "custom.code > 0"}])


@each_case(
    ("content", "action"),
    [("lowly", "block"), ("plain", "allow"), (MESSAGES, "block"), ({"a": ["plain", "lowly"]}, "block")],
)
def test_a_content_is_judged_anew(content: object, action: str) -> None:
    """As the policy judges it that is tried, whatever another one looked for."""
    record = check_recorded(load_guard(EARLIER), content)[1]
    decided = ContentReplay(Guard.load(make_policy([RULE]))).replay(content, record)
    assert not isinstance(decided, str)
    assert str(decided.action) == action


@each_case(
    ("rules", "stage", "more", "why"),
    [
        ([OF_USER], "input", {}, "context"),
        (
            [RULE],
            "input",
            {
                "exceptions": [
                    {"id": "paid", "rules": ["mixed"], "reason": "r", "when": 'request.user.tier == "paid"'}
                ]
            },
            "context",
        ),
        ([LEAK], "output", {"detectors": LEAKS}, "beside"),
        ([OF_TENANT], "input", {}, None),
        ([LEAK, RULE], "input", {"detectors": LEAKS}, None),
    ],
)
def test_what_a_record_has_not_is_a_reason(
    rules: list[dict[str, Any]], stage: str, more: dict[str, Any], why: str | None
) -> None:
    """Who asked, and what a reply answers to."""
    record = check_recorded(load_guard(EARLIER), "lowly", stage)[1]
    more = {**more, "detectors": {**DETECTORS, **more.get("detectors", {})}}
    decided = ContentReplay(Guard.load(make_policy(rules, **more))).replay("lowly", record)
    assert (decided if isinstance(decided, str) else None) == why
    assert why is None or why in REASONS


@each_case(
    ("kept", "change", "why"),
    [
        (
            {"messages": ["lowly"]},
            {"coverage": {"text": {"parts": 2, "checked": 2, "characters": 5}}},
            "content",
        ),
        (
            "[image sha256:00]",
            {"coverage": {"image": {"parts": 1, "checked": 1, "frames": 1, "pixels": 4}}},
            "media",
        ),
        ("lowly", {"stage": "output", "model": "m" * 512}, None),
        ("lowly and longer", {}, "content"),
    ],
)
def test_what_reads_otherwise_is_a_reason(kept: object, change: dict[str, Any], why: str | None) -> None:
    """A body that is read without its route, pictures that are digests now, and what has other characters."""
    record = check_recorded(load_guard(EARLIER), "lowly")[1] | change
    decided = ContentReplay(Guard.load(make_policy([RULE]))).replay(kept, record)
    assert (decided if isinstance(decided, str) else None) == why
