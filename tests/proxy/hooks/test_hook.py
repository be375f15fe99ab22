"""The one path of all hooks: what is the same whatever the protocol."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.proxy.hooks.hook import (
    HookResponse,
    JudgedPiece,
    Piece,
    block_changes,
    keep_all_turns,
    read_field,
    read_strings,
    read_unknown_fields,
    text_piece,
)
from guardrails.types import Action, Coverage, FiredRule, Place, Stage
from tests.cases import each_case

TEXT = "zqxbomb"
SENT: dict[str, tuple[str, Any]] = {
    "litellm": ("/beta/litellm_basic_guardrail_api", {"input_type": "request", "texts": [TEXT]}),
    "agentgateway": ("/request", {"body": {"messages": [{"role": "user", "content": TEXT}]}}),
    "fms": ("/api/v1/text/contents", {"contents": [TEXT]}),
    "bedrock": ("/guardrail/g/version/1/apply", {"source": "INPUT", "content": [{"text": {"text": TEXT}}]}),
    "azure": ("/contentsafety/text:analyze", {"text": TEXT}),
    "shield": ("/contentsafety/text:shieldPrompt", {"userPrompt": TEXT}),
    "perspective": ("/v1alpha1/comments:analyze", {"comment": {"text": TEXT}, "requestedAttributes": {"TOXICITY": {}}}),
}  # fmt: skip
PORTKEY = (
    "/hooks/portkey",
    {
        "eventType": "beforeRequestHook",
        "requestType": "complete",
        "request": {"json": {"prompt": TEXT}},
    },
)
EVERY = {**SENT, "portkey": PORTKEY}


@each_case(("path", "body"), EVERY.values(), ids=EVERY)
def test_an_answer_tells_what_was_done(hooked, kit, path, body) -> None:
    """In the headers of every answer of this server, and in its counters, under the route's own name."""
    answer = kit.send(hooked, path, body)

    assert (answer.status, answer.action) == (200, ("block", "bomb"))
    assert answer.headers["x-guardrails-verdict-id"].startswith("vd_")
    assert answer.headers["x-request-id"].startswith("req_")
    route = path.replace("/g/", "/{identifier}/").replace("/1/", "/{version}/")
    counted = [
        line for line in kit.send(hooked, "/metrics").raw.decode().splitlines() if f'"{route}"' in line
    ]
    assert any('action="block"' in line and 'status="200"' in line for line in counted)


@each_case(("path", "body"), SENT.values(), ids=SENT)
@each_case(("limit", "raw"), [(16, None), (1 << 20, b'{"a": 1, "A": 2}'), (1 << 20, b"\xff")])
def test_a_body_that_is_no_good_is_a_4xx(serve, kit, path, body, limit, raw) -> None:
    """One over the limit, one that two parsers could read in two ways, one that is no text; of Portkey see its own tests."""
    answer = kit.send(serve(max_body_bytes=limit), path, body if raw is None else raw)

    assert answer.status in ((413,) if raw is None else (400, 422))
    assert TEXT not in answer.raw.decode()


@each_case(("path", "body"), EVERY.values(), ids=EVERY)
def test_an_unforeseen_failure_lets_nothing_pass(serve, kit, monkeypatch, path, body) -> None:
    """500 (of Portkey a verdict), and nothing of the text."""
    from guardrails.engine.core.pipeline import Pipeline

    async def broken(self, tree, request, make, **more):
        raise ZeroDivisionError(TEXT)

    url = serve()
    monkeypatch.setattr(Pipeline, "acheck", broken)

    answer = kit.send(url, path, body)

    assert answer.status == 500 or answer.json["verdict"] is False
    assert TEXT not in answer.raw.decode()


@each_case("name", [name for name in SENT if name != "agentgateway"])
def test_unknown_fields_are_refused_where_the_server_says_so(serve, kit, name) -> None:
    """A harmless one too."""
    path, body = SENT[name]

    answer = kit.send(serve(unknown_fields="refuse"), path, {**body, "x_new": "hello"})

    assert answer.status in (400, 422)
    assert "fields that it does not know" in answer.raw.decode()


def test_several_pieces_are_on_record(hooked, kit) -> None:
    """The strictest action, and every verdict."""
    answer = kit.send(hooked, "/api/v1/text/contents", {"contents": ["a", TEXT, "b"]})

    assert answer.action == ("block", "bomb")
    assert len(answer.headers["x-guardrails-verdict-id"].split(",")) == 3


def test_stopped_blocks_what_would_have_changed() -> None:
    """The rules say that the edit would not have been safe."""
    rules = (FiredRule("a", Action.REDACT), FiredRule("b", Action.FLAG))
    outcome = Outcome(Action.REDACT, rules, (), (), Coverage(), (), True, {0: "x"}, removed=(1,))

    made = block_changes(outcome)

    assert (made.action, made.edits, made.removed) == (Action.BLOCK, {}, ())
    assert [(rule.action, rule.reason) for rule in made.rules] == [
        (Action.BLOCK, "unsafe_edit"),
        (Action.FLAG, "matched"),
    ]


def test_a_judged_piece_says_what_it_says(hook_guard) -> None:
    """Whether it may be used, as it is or as something else, why not, and how long it is."""
    clean, changed, blocked = (
        JudgedPiece(Piece(text, ContentTree(), Stage.INPUT), hook_guard.check(text))
        for text in ("hello", "Write to ann@example.org", "zqxbomb")
    )

    assert [(each.blocked, each.touched, each.changed) for each in (clean, changed, blocked)] == [
        (False, False, False),
        (False, True, True),
        (True, True, False),
    ]
    assert (blocked.reason, blocked.message) == ("bomb", "Not that.")
    assert changed.score(["pii"]) == 1.0
    assert clean.score(["pii", "toxic"]) == 0.0


def test_a_bare_text_is_a_piece() -> None:
    """At its stages, with its place in the body."""
    piece = text_piece("x", ("texts", 0), Stage.INPUT, Stage.OUTPUT)

    place = piece.tree.leaves[0].content.place
    assert (place.path, place.stage, place.also) == ("/texts/0", Stage.INPUT, (Stage.OUTPUT,))


@each_case("value", [1, "x", ["x", None], {"a": "b"}])
def test_a_field_of_another_type_is_refused(value) -> None:
    """With its place, and without its value."""
    with pytest.raises(RequestError, match="must be") as caught:
        read_strings({"a": value}, "a", path=("top",))

    assert caught.value.path.startswith("/top/a")


def test_a_field_may_be_missing() -> None:
    """Where it may."""
    assert read_strings({}, "a", needed=False) == []
    assert read_field({"a": True}, "a", bool) is True


def test_unknown_fields_are_judged_and_named() -> None:
    """Those that are known are left to who knows them."""
    tree = ContentTree()

    read_unknown_fields(tree, {"a": "x", "b": "y"}, ("a",), Place())

    assert tree.unknown == ["/b"]
    assert [leaf.content.text for leaf in tree.leaves] == ["b", "y"]


def test_no_turn_of_a_standing_conversation_is_history() -> None:
    """So that none is left out."""
    tree = ContentTree(current_from=4)

    assert keep_all_turns(tree).current_from == 0


def test_an_answer_is_json_with_headers() -> None:
    """Its own, and those of the server."""
    response = HookResponse({"a": 1}, 503, {"retry-after": "1"}).response({"x-b": "c"})

    assert (response.status_code, response.body) == (503, b'{"a":1}')
    assert (response.headers["retry-after"], response.headers["x-b"]) == ("1", "c")
