"""Harness of the hooks of other gateways: what they ask is refused or judged, and the answer quotes nothing that is stopped."""

from __future__ import annotations

import re
import zlib
from functools import cache
from typing import Any

from guardrails import Action, Guard
from guardrails.engine.content.payload import Payload
from guardrails.engine.model import Request
from guardrails.errors import RequestError
from guardrails.proxy.hooks import HOOKS, fms
from guardrails.proxy.hooks.hook import (
    Hook,
    HookRequest,
    JudgedPiece,
    Piece,
    block_changes,
    findings_by_rule,
)
from guardrails.wire import strict_json
from tests.thorough.fuzz.harness import Harness, split_head
from tests.thorough.fuzz.leaks import POLICY, holds_word
from tests.thorough.fuzz.protocol_harnesses import BODY_TOKENS

QUOTING = frozenset(hook.name for hook in fms.HOOKS)
"""Hooks whose protocol tells what was found."""


@cache
def guard() -> Guard:
    """Return the guard."""
    return Guard.load(POLICY)


def _judge_piece(piece: Piece) -> JudgedPiece:
    outcome = guard().pipeline.check(piece.tree, Request(heard=piece.heard))
    if outcome.action is Action.REDACT and not piece.carries(piece.tree, outcome):
        outcome = block_changes(outcome)
    given = Payload(piece.tree, lambda outcome: piece.changed(piece.given, piece.tree, outcome))
    verdict = guard().verdict(given, outcome, piece.stage, None)
    return JudgedPiece(piece, verdict, findings_by_rule(guard(), verdict))


def _choose(name: bytes) -> Hook:
    known = [*HOOKS.values()]
    return HOOKS.get(name.decode("latin-1")) or known[zlib.crc32(name) % len(known)]


def judge_hooks(data: bytes) -> None:
    """A gateway's body is refused or judged; the answer is valid JSON, and of what was changed or stopped it holds nothing."""
    name, raw = split_head(data)
    hook = _choose(name)
    try:
        body = strict_json.parse_request(raw)
        pieces = hook.read(body)
        hook.read_identity(body)
    except RequestError:
        return
    before = strict_json.dump(body)
    judged = [_judge_piece(piece) for piece in pieces]
    given = dict.fromkeys(re.findall(r"{(\w+)", hook.path), "x")
    said: Any = hook.write(HookRequest(body, given, judged))
    assert strict_json.dump(body) == before, "the body was changed in its place"
    assert said.status in (200, 400, 403)
    assert strict_json.parse_text(strict_json.dump(said.value).decode()) is not None
    assert hook.name in QUOTING or not holds_word(said.value), said.value


HARNESSES = (Harness("hooks", judge_hooks, BODY_TOKENS, json=True, cost=5),)
