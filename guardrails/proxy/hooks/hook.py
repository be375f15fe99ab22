"""The one path of all hooks: reads what a gateway asks about, judges each piece, and writes what became of them.

A hook is a row: where it is served, how a body is read into pieces, and how what became of them, or a failure, is written.
What an outcome changes and the protocol cannot bring back is blocked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import ApplyEdits, Payload
from guardrails.engine.core.pipeline import today
from guardrails.engine.model import Outcome, Request
from guardrails.errors import GuardUnavailable, RequestError
from guardrails.guard import Guard
from guardrails.protocols.errors import UNAVAILABLE, Problem
from guardrails.proxy.access.client import read_claims, run_while_connected
from guardrails.proxy.exchange.answer import record_verdict
from guardrails.proxy.exchange.report_headers import Report
from guardrails.proxy.server.errors import explain
from guardrails.proxy.server.request_context import client_of, state_of
from guardrails.proxy.server.state import State
from guardrails.taxonomy import with_ancestors
from guardrails.types import (
    Action,
    Finding,
    FiredRule,
    Mode,
    Place,
    Returned,
    Severity,
    Stage,
    Text,
    Verdict,
)
from guardrails.wire import strict_json
from guardrails.wire.pointers import Path, pointer

KINDS: Mapping[type, str] = {str: "a string", list: "an array", dict: "an object", bool: "true or false"}


def make_undecided(verdict: Verdict) -> FiredRule:
    """Return what stands among the rules that stop a piece for a check that could not be done: a gateway knows but passing and
    blocking.
    """
    said = verdict.refusal
    return FiredRule(UNAVAILABLE, Action.BLOCK, said, Severity.HIGH, (), Mode.ENFORCE, "unavailable")


def carries_everything(tree: ContentTree, outcome: Outcome) -> bool:
    """Tell that a protocol brings back whatever changes."""
    return True


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing to judge: a value of a body, with its leaves."""

    given: Any
    tree: ContentTree
    stage: Stage
    changed: ApplyEdits = payload.apply_edits
    carries: Callable[[ContentTree, Outcome], bool] = carries_everything
    """Whether the protocol can bring back what an outcome changes."""
    heard: tuple[Returned, ...] = ()
    """What tools returned in the request that it answers."""


@dataclass(frozen=True, slots=True)
class JudgedPiece:
    """A piece with what the policy says of it; `grounds` are the findings of each rule that stops or changes it."""

    piece: Piece
    verdict: Verdict
    grounds: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)

    @property
    def blocked(self) -> bool:
        """Whether it must not be used."""
        return self.verdict.blocked

    @property
    def touched(self) -> bool:
        """Whether it must not be used as it is."""
        return self.verdict.action >= Action.REDACT

    @property
    def changed(self) -> bool:
        """Whether there is something else to use in its place."""
        return not self.blocked and self.verdict.content is not self.piece.given

    @property
    def rules(self) -> tuple[FiredRule, ...]:
        """The rules that stop or change it; of one that could not be judged also what stands for that."""
        rules = tuple(rule for rule in self.verdict.rules if rule.action >= Action.REDACT)
        return rules if self.verdict.unavailable is None else (make_undecided(self.verdict), *rules)

    @property
    def reason(self) -> str:
        """The names of these rules."""
        if self.verdict.unavailable is not None:
            return UNAVAILABLE
        return ", ".join(rule.id for rule in self.rules)

    @property
    def message(self) -> str:
        """What a person is told where it is blocked."""
        return self.verdict.refusal

    @property
    def length(self) -> int:
        """The characters of its texts."""
        texts = (leaf.content for leaf in self.piece.tree.leaves if not leaf.again)
        return sum(len(each.text) for each in texts if isinstance(each, Text))

    def score(self, categories: Sequence[str]) -> float:
        """Return the highest score of categories, their children included; 1.0 for those of a rule that stops it."""
        wanted = set(categories)
        found = [
            1.0 if self._stops(finding) else finding.score
            for finding in self.verdict.findings
            if wanted.intersection(with_ancestors(finding.category))
        ]
        return max(found, default=0.0)

    def _stops(self, finding: Finding) -> bool:
        return any(finding in some for some in self.grounds.values())


@dataclass(frozen=True, slots=True)
class HookResponse:
    """An answer: a JSON value with a status."""

    value: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, headers: Mapping[str, str]) -> Response:
        """Return it as it is sent."""
        return Response(
            strict_json.dump(self.value), self.status, {**self.headers, **headers}, "application/json"
        )


@dataclass(frozen=True, slots=True)
class HookRequest:
    """What a gateway asked, and what became of it."""

    body: dict[str, Any]
    given: Mapping[str, str]
    """What stands in the path."""
    judged: Sequence[JudgedPiece]


def read_no_identity(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Tell nothing of who asks."""
    return {}


@dataclass(frozen=True, slots=True)
class Hook:
    """One route of a protocol that other gateways speak."""

    name: str
    path: str
    read: Callable[[dict[str, Any]], Sequence[Piece]]
    """A body's pieces; raises `RequestError` for what is malformed."""
    write: Callable[[HookRequest], HookResponse]
    write_failure: Callable[[Problem], HookResponse]
    """A failure, as the protocol has it."""
    write_unavailable: Callable[[Problem], HookResponse] | None = field(default=None, kw_only=True)
    """That the guard refused before it read the body, as a block. None: the protocol has no block that is none of a content's."""
    read_identity: Callable[[Mapping[str, Any]], Mapping[str, Any]] = read_no_identity
    """What a body says of who asks: fields of `Request`."""
    complete: bool = False
    """Whether every detector is asked, though nothing stricter can happen: where scores are the answer."""
    method: str = "POST"
    takes_key_in_query: bool = False
    """Whether its clients may send their key in the query."""
    summary: str = field(kw_only=True)
    """One line on what it is."""

    def respond(self, error: Exception, headers: Mapping[str, str] | None, path: str) -> Response:
        """Answer an exception, as the protocol has it: many gateways let pass what is answered with an error, so that a block is
        written where there is one.
        """
        write = self.write_failure
        if isinstance(error, GuardUnavailable) and self.write_unavailable is not None:
            write = self.write_unavailable
        return write(explain(error)).response(headers or {})


async def serve_hook(request: HttpRequest, hook: Hook) -> Response:
    """Serve one request: read it, judge its pieces, write what became of them."""
    state = state_of(request)
    raw = await request.body()
    body, pieces = await state.run_by_size(strict_json.weigh(raw), lambda: _read(hook, raw))
    unknown = next((name for piece in pieces for name in piece.tree.unknown), None)
    if unknown is not None and state.settings.unknown_fields == "refuse":
        raise RequestError("unknown_field", "this server refuses fields that it does not know", unknown)
    told = client_of(request.scope).resolve_identity(hook.read_identity(body))
    client = {**read_claims(request, {}), **told.pop("client", {})}
    state = state.select(
        client_of(request.scope), request.scope["path"], told.get("model"), told.get("tenant")
    )
    guard = state.guard
    report = Report(guard.policy.ref)
    judged = []
    guard.pipeline.admit(*(piece.tree for piece in pieces))
    for piece in pieces:
        await asyncio.sleep(0)  # others have their turn
        who = Request(
            client=client,
            today=today(),
            turns=piece.tree.turns,
            heard=piece.heard,
            trust_system=client_of(request.scope).trust_system,
            **told,
        )
        judging = judge_piece(state, guard, piece, who, complete=hook.complete)
        judged.append(await run_while_connected(request.receive, judging))
        record_verdict(request, report, judged[-1].verdict)
    said = hook.write(HookRequest(body, request.path_params, judged))
    return said.response(report.headers())


def _read(hook: Hook, raw: bytes) -> tuple[dict[str, Any], Sequence[Piece]]:
    body = strict_json.parse_request(raw)
    return body, hook.read(body)


async def judge_piece(
    state: State, guard: Guard, piece: Piece, who: Request, *, complete: bool = False
) -> JudgedPiece:
    """Return what the policy says of a piece."""
    started, taken = perf_counter(), state.sample_for_shadow(piece.tree, who)
    asked = Payload(piece.tree, lambda outcome: piece.changed(piece.given, piece.tree, outcome), piece.given)

    def make(outcome: Outcome) -> tuple[Verdict, Outcome]:
        if outcome.action is Action.REDACT and not piece.carries(piece.tree, outcome):
            outcome = block_changes(outcome)
        return guard.verdict(asked, outcome, piece.stage, who.vault, who=who), outcome

    try:
        verdict, outcome = await guard.pipeline.acheck(piece.tree, who, make, complete=complete)
    except GuardUnavailable as error:
        return JudgedPiece(piece, guard.refuse(error, piece.stage, who).verdict)
    state.record_verdict(verdict, perf_counter() - started, taken, outcome)
    return JudgedPiece(piece, verdict, findings_by_rule(guard, verdict))


def block_changes(outcome: Outcome) -> Outcome:
    """Return an outcome that blocks what it would change."""
    rules = tuple(
        replace(rule, action=Action.BLOCK, reason="unsafe_edit") if rule.action is Action.REDACT else rule
        for rule in outcome.rules
    )
    return replace(outcome, action=Action.BLOCK, rules=rules, edits={}, removed=())


def findings_by_rule(guard: Guard, verdict: Verdict) -> dict[str, tuple[Finding, ...]]:
    """Return the findings in the categories of each rule that stops or changes something, none for one that other things
    make fire.
    """
    if verdict.action < Action.REDACT:
        return {}
    named: dict[str, frozenset[str]] = {}
    for policy in guard.pipeline.policies:
        for each in policy.rules:
            named[each.id] = named.get(each.id, frozenset()) | each.condition.categories
    return {
        rule.id: tuple(
            finding
            for finding in verdict.findings
            if named.get(rule.id, frozenset()).intersection(with_ancestors(finding.category))
        )
        for rule in verdict.rules
        if rule.action >= Action.REDACT
    }


def text_piece(text: str, path: Path, stage: Stage, *also: Stage) -> Piece:
    """Return one text of a body as a piece; `also` are further stages whose rules it meets."""
    tree = ContentTree()
    tree.text(text, path, Place(stage, also))
    return Piece(text, tree, stage, lambda given, _, outcome: outcome.edits.get(0, given))


def read_field(body: Mapping[str, Any], name: str, *kinds: type, path: Path = ()) -> Any:
    """Return a field of a body; None where it is missing and `type(None)` is among its kinds.

    Raises:
        RequestError: it is of another type.
    """
    value = body.get(name)
    if not isinstance(value, kinds):
        known = " or ".join(KINDS[kind] for kind in kinds if kind in KINDS)
        raise RequestError("invalid_type", f"must be {known}", pointer((*path, name)))
    return value


def read_strings(body: Mapping[str, Any], name: str, *, needed: bool = True, path: Path = ()) -> list[str]:
    """Return a field that is an array of strings.

    Raises:
        RequestError: it is something else.
    """
    value = read_field(body, name, *((list,) if needed else (list, type(None))), path=path) or []
    for index, each in enumerate(value):
        if not isinstance(each, str):
            raise RequestError("invalid_type", "must be a string", pointer((*path, name, index)))
    return list(value)


def keep_all_turns(tree: ContentTree) -> ContentTree:
    """Let no turn of a conversation be left out, which a protocol cannot tell."""
    tree.current_from = 0
    return tree


def read_unknown_fields(
    tree: ContentTree, body: Mapping[str, Any], known: Sequence[str], place: Place
) -> None:
    """Read the fields of a body that nobody knows: judged, and named."""
    for name, value in body.items():
        if name not in known:
            tree.unknown_field(value, (name,), place)
