"""The lines of a streamed answer of Ollama's API: read for a relay, put together, and written where one is cut short."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import BackendError, Guard
from guardrails.engine.model import Request
from guardrails.engine.redaction.vault import Vault
from guardrails.protocols.ollama import ollama_fields
from guardrails.protocols.ollama.ollama_stream import (
    CHAT,
    GENERATE,
    NO_TIME,
    OllamaCodec,
    build_line,
    build_refusal,
)
from guardrails.protocols.ollama.protocol import withhold
from guardrails.protocols.streaming.relay import Relay
from guardrails.types import Place, Stage
from tests.cases import each_case
from tests.protocols.conftest import AnswerReader, Said, ended

HEAD = {"model": "m", "created_at": "2026-01-02T03:04:05.6Z"}
END = {"done": True, "done_reason": "stop", "eval_count": 3}
POLICY = """
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
  pii: {use: pii, entities: [email]}
rules:
  - {id: bomb, on: [output, tool_call], when: custom.bomb > 0, then: block, message: Not that.}
  - {id: mask, on: [output, tool_call], when: custom.mask > 0, then: redact}
  - {id: keep, on: [input, output], when: pii > 0, then: redact, with: vault}
unchecked: {part: flag}
"""
CALL = {"function": {"name": "f", "arguments": {"city": "Rome"}}}


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks zqxbomb, redacts zqxmask, and numbers addresses."""
    return guard_of(POLICY)


def piece(
    text: str = "", *, done: bool = False, fields: dict[str, Any] | None = None, **message: Any
) -> dict[str, Any]:
    """Return a line of a chat."""
    end = END if done else {"done": False}
    return {**HEAD, "message": {"role": "assistant", "content": text, **message}, **end, **(fields or {})}


def bit(text: str = "", *, done: bool = False, **fields: Any) -> dict[str, Any]:
    """Return a line of a completion."""
    return {**HEAD, "response": text, **(END if done else {"done": False}), **fields}


class Lines:
    """One streamed answer on its way, driven as the proxy does it. `told` is what the client gets."""

    def __init__(self, guard: Guard, chat: bool = True, vault: Vault | None = None) -> None:
        self.guard, self.who = guard, Request(vault=vault)
        self.text = CHAT if chat else GENERATE
        self.tree = ollama_fields.read_response if chat else ollama_fields.read_generated
        self.relay = Relay(guard.pipeline, self.who, OllamaCodec(self.text), self.tree)
        self.told: list[Any] = []
        self.raw = 0

    def takes(self, *lines: dict[str, Any]) -> list[Any]:
        """Take lines; return those that go on by then."""
        before = len(self.told)
        for each in lines:
            if self.relay.stop is None:
                self.guard.pipeline.drive(self.relay.take([(each, "", b"raw")], None))
                assert self.relay.error is None
                self._add(self.relay.ready())
        return self.told[before:]

    def _add(self, events: list[Any]) -> None:
        self.raw += sum(bool(event.raw) for event in events)
        self.told += [event.data for event in events]

    def ends(self) -> list[Any]:
        """Take the end; return all that was told."""
        said = Said(self.tree, partial(withhold, text=self.text))
        self._add(ended(self.guard, self.who, self.relay, said))
        return self.told


def through(guard: Guard, *lines: dict[str, Any], chat: bool = True) -> list[Any]:
    """Return what is told of lines."""
    made = Lines(guard, chat)
    made.takes(*lines)
    return made.ends()


def read(told: list[Any], *path: str) -> str:
    """Return what a client makes of a text in lines."""
    found = ""
    for each in told:
        value = each
        for name in path:
            value = value.get(name) or {}
        found += value or ""
    return found


def test_what_is_settled_goes_on_as_it_came(guard: Guard) -> None:
    """Line for line and byte for byte, before the answer has ended."""
    made = Lines(guard)
    lines = [piece("Hello. "), piece("You "), piece("there. "), piece(done=True)]
    assert made.takes(*lines)[:2] == lines[:2]
    assert (made.ends(), made.raw) == (lines, 4)


@pytest.mark.parametrize("chat", [True, False])
@given(data=st.data())
def test_however_a_text_is_cut_the_same_goes_on(guard: Guard, chat: bool, data: st.DataObject) -> None:
    """Redacted as a whole text would be; a block is a prefix of it and our words."""
    say = piece if chat else bit
    path = CHAT if chat else GENERATE
    text, shown = data.draw(
        st.sampled_from(
            [
                ("see zqxmask there. ok", "see [MASK] there. ok"),
                ("see zqxbomb there", None),
                ("fine, all of it", "fine, all of it"),
            ]
        )
    )
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=5)) | {0, len(text)})
    lines = [say(text[start:end]) for start, end in itertools.pairwise(cuts)]

    told = through(guard, *lines, say(done=True), chat=chat)

    got = read(told, *map(str, path))
    if shown is None:
        assert got in {"see Not that.", "Not that."}
        assert told[-1]["done_reason"] == "content_filter"
    else:
        assert (got, told[-1]["done_reason"]) == (shown, "stop")
    assert [each["done"] for each in told] == [False] * (len(told) - 1) + [True]


def test_thinking_is_a_text_of_its_own(guard: Guard) -> None:
    """Redacted and blocked like what people read."""
    told = through(
        guard, piece(thinking="a zqx"), piece(thinking="mask b. "), piece("Hello."), piece(done=True)
    )
    assert (read(told, "message", "thinking"), read(told, *map(str, CHAT))) == ("a [MASK] b. ", "Hello.")
    told = through(guard, piece(thinking="so zqxbomb. "), piece("Hello."), piece(done=True))
    assert read(told, "message", "thinking") in ("", "so ")
    assert read(told, *map(str, CHAT)) == "Not that."


WAITING: list[dict[str, Any]] = [
    piece(tool_calls=[CALL]),
    piece(images=["aGk="]),
    piece(fields={"x_new": "a"}),
    piece(**{"x new": ""}),
    piece(role="some one"),
    piece(fields={"model": "some model"}),
    piece(fields={"logprobs": [{"token": "other", "logprob": -1.0}]}),
    piece(fields={"done_reason": "stop"}),
]


@each_case("odd", WAITING)
def test_what_is_no_text_waits_for_the_end(guard: Guard, odd: dict[str, Any]) -> None:
    """And what comes behind it; then it goes on as it came."""
    made = Lines(guard)
    assert made.takes(odd, piece("Hello. You. ")) == []
    made.takes(piece(done=True))
    assert read(made.ends(), *map(str, CHAT)).endswith("Hello. You. ")
    assert {name for each in made.told for name in each} >= odd.keys()


@each_case(
    "plain",
    [
        bit("", completed=3, total=9),
        bit("", thinking="", tool_calls=None, logprobs=[], context=None, done_reason=""),
        bit("", remote_model="m:cloud", remote_host="https://x.example:443"),
    ],
)
def test_what_says_nothing_goes_on_at_once(guard: Guard, plain: dict[str, Any]) -> None:
    """How far a picture is, fields that are empty, and words that every line has."""
    assert Lines(guard, chat=False).takes(plain) == [plain]


def test_a_changed_text_loses_what_spells_it(guard: Guard) -> None:
    """In its own line, and in the last one, with the token ids; the others keep theirs."""

    def spelled(*tokens: str) -> list[dict[str, Any]]:
        return [{"token": token, "logprob": -1.0} for token in tokens]

    lines = [bit("fine. ", logprobs=spelled("fine", ". ")), bit("a zqx", logprobs=spelled("a zqx"))]
    lines += [bit("mask.", logprobs=spelled("mask."))]
    told = through(guard, *lines, bit(done=True, context=[1, 2]), chat=False)

    assert read(told, "response") == "fine. a [MASK]."
    assert [each.get("logprobs") for each in told if each.get("logprobs")] == [spelled("fine", ". ")]
    assert not told[-1].get("context")
    kept = through(guard, bit("fine."), bit(done=True, context=[1, 2]), chat=False)
    assert kept[-1]["context"] == [1, 2]


def test_log_probabilities_of_another_line_go_on_with_the_answer(guard: Guard) -> None:
    """What was told of them is not told again; of a changed answer none are."""

    def spelled(token: str) -> dict[str, Any]:
        return {"logprobs": [{"token": token, "logprob": -1.0}]}

    lines = [
        piece("Yes. ", fields=spelled("Yes. ")),
        piece("", fields=spelled("No")),
        piece("No.", fields=spelled(".")),
    ]
    told = through(guard, *lines, piece(done=True))
    assert read(told, *map(str, CHAT)) == "Yes. No."
    assert [entry["token"] for each in told for entry in each.get("logprobs") or ()] == ["Yes. ", "No", "."]
    lines[2] = piece("zqxmask", fields=spelled("."))
    told = through(guard, *lines, piece(done=True))
    assert [entry["token"] for each in told for entry in each.get("logprobs") or ()] == ["Yes. "]


def test_an_alternative_that_may_not_be_said_stops_the_answer(guard: Guard) -> None:
    """Nothing of its line goes on."""
    likely = [{"token": "Hi", "logprob": -1.0, "top_logprobs": [{"token": "zqxbomb", "logprob": -2.0}]}]
    made = Lines(guard)
    assert made.takes(piece("Hi", fields={"logprobs": likely}), piece(" there. You. ")) == []
    made.takes(piece(done=True))
    assert made.ends()[-1]["done_reason"] == "content_filter"
    assert "zqx" not in str(made.told)


@each_case(("city", "shown"), [("zqxmask", "[MASK]"), ("Rome", "Rome"), ("zqxbomb", None)])
def test_calls_are_judged_one_by_one(guard: Guard, city: str, shown: str | None) -> None:
    """They come in lines of their own; an argument is redacted, or all is stopped."""
    other = {"function": {"name": "f", "arguments": {"city": city}}}
    told = through(
        guard, piece("I look. "), piece(tool_calls=[CALL]), piece(tool_calls=[other]), piece(done=True)
    )

    calls = [call for each in told for call in each["message"].get("tool_calls") or ()]
    if shown is None:
        assert calls == []
        assert told[-1]["done_reason"] == "content_filter"
    else:
        assert [call["function"]["arguments"]["city"] for call in calls] == ["Rome", shown]
    assert "zqx" not in str(told)


def test_a_users_own_values_come_back(guard: Guard) -> None:
    """Also where a placeholder is cut; not in thoughts."""
    vault = Vault()
    vault.number_for("pii.email", "jo@x.org", Place(Stage.INPUT))
    made = Lines(guard, vault=vault)
    made.takes(piece(thinking="[EMAIL_1]. "), piece("to [EMA"), piece("IL_1] now. "), piece(done=True))
    made.ends()
    assert read(made.told, *map(str, CHAT)) == "to jo@x.org now. "
    assert read(made.told, "message", "thinking") == "[EMAIL_1]. "


@each_case("told", [{"message": "zqxbomb"}, {"message": ["a"]}, piece(["a"]), piece(thinking={"a": "b"})])
def test_a_line_of_no_form_is_refused(guard: Guard, told: dict[str, Any]) -> None:
    """What grows is a text, and what holds it an object."""
    with pytest.raises(BackendError):
        OllamaCodec(CHAT).read(told, "", Lines(guard).relay.begin)


def test_what_was_told_otherwise_is_no_rest(guard: Guard) -> None:
    """The whole answer does not begin with it."""
    made = Lines(guard)
    codec = OllamaCodec(CHAT)
    ((grown, _),) = codec.read(piece("Hello "), "", made.relay.begin).grows
    made.takes(piece("Hello "))
    assert codec.write_rest(piece("Hello ", done=True)) is not None
    grown.part.pieces.append("Bye ")
    assert codec.write_rest(piece("Hello ", done=True)) is None


def test_lines_are_put_together() -> None:
    """Texts are joined, calls and log-probabilities follow one another, and of words that all have the last counts."""
    joined = AnswerReader(OllamaCodec(CHAT))
    entry = {"token": "a", "logprob": -1.0}
    lines = [
        piece("a", thinking="x", fields={"logprobs": [entry]}),
        piece("b", tool_calls=[CALL]),
        {**piece("", tool_calls=[CALL], fields={"logprobs": [entry]}), "created_at": "2026-01-02T03:04:06Z"},
    ]
    assert not any(map(joined.take, lines))
    assert not joined.is_finished
    with pytest.raises(BackendError):
        joined.answer()
    assert joined.take({**piece("c", done=True), "created_at": "2026-01-02T03:04:07Z"})
    assert joined.is_finished
    assert joined.answer() == {
        "model": "m",
        "created_at": "2026-01-02T03:04:07Z",
        "message": {"role": "assistant", "content": "abc", "thinking": "x", "tool_calls": [CALL, CALL]},
        **END,
        "logprobs": [entry, entry],
    }


def test_what_one_line_calls_otherwise_is_not_lost() -> None:
    """A role or a model that is no word is judged, though another line says a word."""
    joined = AnswerReader(OllamaCodec(CHAT))
    for each in (piece(role="say it"), {**piece(), "model": "say that"}, piece(done=True)):
        joined.take(each)
    answer = joined.answer()
    assert (answer["message"]["role"], answer["model"]) == ("say it", "say that")
    assert {"say it", "say that"} <= {
        getattr(leaf.content, "text", "") for leaf in ollama_fields.read_response(answer).leaves
    }


@each_case("odd", [piece(role="\ud83d"), piece("\ud83d"), piece(tool_calls=["\ud83d"])])
def test_half_a_character_is_the_upstreams_fault(odd: dict[str, Any]) -> None:
    """Wherever it stands."""
    joined = AnswerReader(OllamaCodec(CHAT))
    for each in (odd, piece(done=True)):
        joined.take(each)
    with pytest.raises(BackendError, match="half a surrogate pair"):
        joined.answer()


@each_case(
    ("path", "said"),
    [(CHAT, {"message": {"role": "assistant", "content": "No."}}), (GENERATE, {"response": "No."})],
)
def test_a_refusal_is_a_whole_answer(path: Any, said: dict[str, Any]) -> None:
    """With what is kept of the one in whose place it stands."""
    assert build_line(path, "No.") == {"model": "", "created_at": NO_TIME, **said, "done": False}
    assert build_refusal(path, "No.", {"model": "m"}) == {
        "model": "m", "created_at": NO_TIME, **said, "done": True, "done_reason": "content_filter",
    }  # fmt: skip
