"""Replies against what was retrieved for them: sentence by sentence, by a model of inference or a server, with its faults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard, PolicyErrors
from guardrails.detectors.semantic.grounded import STRETCH, split_claims, split_sources
from tests.cases import each_case

RULE = "rules: [{id: unfounded, on: output, when: custom.ungrounded >= 0.5, then: redact}]"


@each_case(
    ("text", "found"),
    [
        (
            "The shop opens at nine. It has a garden.",
            ["The shop opens at nine.", "It has a garden."],
        ),
        ("Hello! Does the shop open at nine?", []),
        (
            "Yes.\n\n- The shop opens at nine\n- It has a garden",
            ["- The shop opens at nine", "- It has a garden"],
        ),
        ("", []),
    ],
)
def test_claims_are_sentences_that_say_something(text: str, found: list[str]) -> None:
    """Questions and a few words claim nothing; spans are those of the sentences without white space."""
    assert [each.text for each in split_claims(text)] == found
    assert [text[slice(*each.span)] for each in split_claims(text)] == found


@given(
    st.lists(st.sampled_from(["A short one. ", "x" * 500 + ". ", "Some words of a sentence. "]), max_size=60)
)
def test_stretches_hold_every_sentence_of_the_sources(parts: list[str]) -> None:
    """Nothing that was retrieved is left out, and no stretch is much longer than what a model reads."""
    sources = "".join(parts)
    found = split_sources(sources)
    assert all(any(part.strip()[:300] in each for each in found) for part in parts)
    assert all(len(each) <= 2 * STRETCH for each in found)


@pytest.fixture
def guard(sequence_folder: Callable[..., Path], tmp_path: Path) -> Guard:
    """A guard whose model of inference takes a text for true where the word `nine` stands on both sides."""
    words = {"nine": {"entailment": 3.0}, "ten": {"contradiction": 9.0}}
    sequence_folder(words, ("contradiction", "neutral", "entailment"), name="nli", bias={"neutral": 3.5})
    (tmp_path / "p.yaml").write_text(
        f"format: 1\nname: t\ndetectors:\n  facts: {{use: grounded, model: nli}}\n{RULE}\n"
    )
    return Guard.load(tmp_path / "p.yaml")


SOURCE = "the shop opens at nine"


@pytest.mark.parametrize(
    ("reply", "content"),
    [
        ("It opens at nine today.", "It opens at nine today."),
        ("It opens at ten today.", "[UNGROUNDED]"),
        ("It opens at nine today. It closes at ten today.", "It opens at nine today. [UNGROUNDED]"),
        ("Hello! What else?", "Hello! What else?"),
    ],
)
def test_what_does_not_follow_is_found(guard: Guard, reply: str, content: str) -> None:
    """Each sentence by itself, so that it alone can be taken out."""
    assert guard.check(reply, "output", sources=SOURCE).content == content


def test_sources_come_from_the_conversation_too(guard: Guard) -> None:
    """Results of tools that came before the reply are what it must rest on."""
    asked = [
        {"role": "user", "content": "when?"},
        {
            "role": "assistant",
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "1", "content": SOURCE},
    ]
    verdict = guard.check(asked)
    assert guard.check("It opens at ten today.", "output", after=verdict).content == "[UNGROUNDED]"
    assert guard.check("It opens at ten today.", "output").content == "It opens at ten today."


def test_a_reply_may_have_to_rest_on_something(tmp_path: Path, sequence_folder: Callable[..., Path]) -> None:
    """Where every reply needs sources, one without any is unfounded."""
    sequence_folder({"nine": {}}, ("neutral", "entailment"), name="nli")
    (tmp_path / "p.yaml").write_text(
        f"format: 1\nname: t\ndetectors:\n  facts: {{use: grounded, model: nli, needs_sources: true}}\n{RULE}\n"
    )
    assert (
        Guard.load(tmp_path / "p.yaml").check("It opens at nine today.", "output").content == "[UNGROUNDED]"
    )


def test_what_was_not_held_against_anything_is_named(
    tmp_path: Path, sequence_folder: Callable[..., Path]
) -> None:
    """Sentences past the limit, and replies with more sources than are read."""
    sequence_folder({"nine": {"entailment": 9.0}}, ("neutral", "entailment"), name="nli")
    (tmp_path / "p.yaml").write_text(
        "format: 1\nname: t\nunchecked: {limit: flag}\n"
        f"detectors:\n  facts: {{use: grounded, model: nli, claims: 1, windows: 2}}\n{RULE}\n"
    )
    guard = Guard.load(tmp_path / "p.yaml")
    two = guard.check("It opens at nine today. It closes at nine today.", "output", sources=SOURCE)
    many = guard.check("It opens at nine today.", "output", sources=[SOURCE + ". " + "word " * 200] * 4)
    assert [(each.kind, each.span) for each in two.coverage.unchecked] == [("limit", (24, 48))]
    assert [(each.kind, each.span) for each in many.coverage.unchecked] == [("limit", (0, 23))]


def said(content: Any) -> Any:
    """Return an answer of a model behind a server, as a function of the request."""
    message = {"role": "assistant", "content": content}
    return lambda _: {"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}


@pytest.fixture
def remote(json_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guard:
    """A guard that asks that server."""
    (tmp_path / "endpoints.yaml").write_text(
        f"endpoints: {{judge: {{url: '{json_server.url}', retries: 0}}}}\n"
    )
    monkeypatch.setenv("GUARDRAILS_ENDPOINTS", str(tmp_path / "endpoints.yaml"))
    (tmp_path / "p.yaml").write_text(
        f"format: 1\nname: t\ndetectors:\n  facts: {{use: grounded, model: m, endpoint: judge}}\n{RULE}\n"
    )
    return Guard.load(tmp_path / "p.yaml")


@pytest.mark.parametrize(
    ("answer", "content"),
    [('{"answer": "yes"}', "It opens at nine today."), ('{"answer": "no"}', "[UNGROUNDED]")],
)
def test_a_server_is_asked_for_each_claim(json_server: Any, remote: Guard, answer: str, content: str) -> None:
    """The claim and the sources go out as data, the answer decides."""
    json_server.answer = said(answer)
    assert remote.check("It opens at nine today.", "output", sources=SOURCE).content == content
    (body,) = json_server.asked
    assert SOURCE in body["messages"][-1]["content"]


@pytest.mark.parametrize(
    "answer", ["Not supported.", "yes", '{"answer": "maybe"}', "", None, '{"answer": "yes"} {']
)
def test_an_answer_that_cannot_be_read_is_a_failure(json_server: Any, remote: Guard, answer: Any) -> None:
    """The reply is blocked, as its rule has it for failures."""
    json_server.answer = said(answer)
    verdict = remote.check("It opens at nine today.", "output", sources=SOURCE)
    assert verdict.blocked
    assert "endpoint 'judge'" in verdict.errors[0].error


def test_fields_of_a_model_here_are_none_of_a_server(json_server: Any, remote: Guard, tmp_path: Path) -> None:
    """They would do nothing."""
    policy = tmp_path / "p.yaml"
    policy.write_text(policy.read_text().replace("endpoint: judge", "endpoint: judge, download: true"))
    with pytest.raises(PolicyErrors, match=r"unused_field: .*'download'"):
        Guard.load(policy)
