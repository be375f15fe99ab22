"""What applications need to test themselves with a guard, and no model: a scripted upstream, a fake guard, assertions, fixtures.

* `ScriptedUpstream` is a real server on this machine that speaks the APIs of models, and answers what a script says.
* `FakeGuard` is a real guard whose verdicts a table of words, or a function, decides.
* `assert_blocked` and `assert_allowed` say what was decided where it is not what was expected.
* `guardrails_upstream` and `fake_guard` are fixtures that pytest finds by itself (`fixtures.py`).

Anybody's tests may import this; nothing else of the package does. It brings no model and no server along until it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardrails.testing.assertions import assert_allowed as assert_allowed
    from guardrails.testing.assertions import assert_blocked as assert_blocked
    from guardrails.testing.fake_guard import FakeGuard as FakeGuard
    from guardrails.testing.replies import ErrorReply as ErrorReply
    from guardrails.testing.replies import RawReply as RawReply
    from guardrails.testing.replies import Reply as Reply
    from guardrails.testing.scripted_upstream import ReceivedRequest as ReceivedRequest
    from guardrails.testing.scripted_upstream import ScriptedUpstream as ScriptedUpstream

_PUBLIC = {
    "ErrorReply": "replies",
    "FakeGuard": "fake_guard",
    "RawReply": "replies",
    "ReceivedRequest": "scripted_upstream",
    "Reply": "replies",
    "ScriptedUpstream": "scripted_upstream",
    "assert_allowed": "assertions",
    "assert_blocked": "assertions",
}
"""Public name → the module here that has it, imported at first use."""

__all__ = [
    "ErrorReply",
    "FakeGuard",
    "RawReply",
    "ReceivedRequest",
    "Reply",
    "ScriptedUpstream",
    "assert_allowed",
    "assert_blocked",
]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
