"""What answers of all APIs say of themselves besides their tokens."""

from __future__ import annotations

from guardrails.proxy.server.counting.answer_facts import AnswerFacts
from tests.cases import each_case

CHUNK = {"id": "chatcmpl-1", "model": "m-1", "choices": [{"delta": {"content": "x"}, "finish_reason": None}]}


@each_case(
    ("told", "model", "identity", "reasons"),
    [
        ([{"id": "chatcmpl-1", "model": "m-1", "choices": [{"finish_reason": "stop"}, {"finish_reason": "length"}]}],
         "m-1", "chatcmpl-1", ["stop", "length"]),
        ([CHUNK, {**CHUNK, "choices": [{"delta": {}, "finish_reason": "stop"}]}, {"choices": []}], "m-1", "chatcmpl-1", ["stop"]),
        ([{"id": "msg_1", "model": "claude", "stop_reason": "end_turn"}], "claude", "msg_1", ["end_turn"]),
        ([{"type": "message_start", "message": {"id": "msg_1", "model": "claude", "stop_reason": None}},
          {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}], "claude", "msg_1", ["end_turn"]),
        ([{"type": "response.completed", "response": {"id": "resp_1", "model": "m-1"}}], "m-1", "resp_1", []),
        ([{"responseId": "r1", "modelVersion": "gemini-3", "candidates": [{"finishReason": "STOP"}]}], "gemini-3", "r1", ["STOP"]),
        ([{"model": "llama", "done_reason": "stop"}], "llama", "", ["stop"]),
        ([{"stopReason": "end_turn"}], "", "", ["end_turn"]),
        ([{"id": 3, "model": ["m"], "choices": "x", "delta": 1, "message": []}, {"choices": [None]}], "", "", []),
    ],
)  # fmt: skip
def test_answers_say_which_model_gave_them_and_why_they_ended(told, model, identity, reasons) -> None:
    """Whole ones, and events of streams; what has another type says nothing."""
    facts = AnswerFacts()
    for each in told:
        facts.see(each)

    assert (facts.model, facts.id, facts.finish_reasons) == (model, identity, reasons)


def test_what_is_no_word_is_not_taken() -> None:
    """A model could write there what it likes."""
    facts = AnswerFacts()
    facts.see({"id": "all these words", "model": "x" * 257, "choices": [{"finish_reason": "bad\nend"}]})

    assert (facts.model, facts.id, facts.finish_reasons) == ("", "", [])


def test_reasons_are_bounded() -> None:
    """However many choices there are."""
    facts = AnswerFacts()
    facts.see({"choices": [{"finish_reason": "stop"}] * 1_000})

    assert len(facts.finish_reasons) == 128


def test_tokens_are_counted_as_ever_and_the_first_event_has_its_time() -> None:
    """A whole answer has none."""
    facts = AnswerFacts()
    facts.see({"usage": {"prompt_tokens": 3, "completion_tokens": 4}})
    assert (facts.counts, facts.first_at_ns) == ([3, 4], 0)

    events = [({"usage": {"completion_tokens": number}}, "", b"") for number in (5, 6)]
    assert [*facts.watch(events)] == events
    first = facts.first_at_ns
    assert [*facts.watch(events)] == events
    assert (facts.counts, facts.first_at_ns) == ([3, 6], first)
    assert first > 0
