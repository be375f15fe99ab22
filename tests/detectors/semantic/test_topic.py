"""Topics by examples, in a policy: what is denied, what is off topic, competitors, and what is wrong in the YAML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard, PolicyErrors
from tests.cases import each_case

DENY = """
detectors:
  talk:
    use: topic
    deny:
      investing:
        definition: What to buy, sell or hold, and forecasts of prices.
        examples: [Which fund should I buy?, Is gold a safe investment?, Sell my bonds now or later?,
          Should I put my savings into crypto?, Will this stock go up?]
    competitors: [Globex, {name: Orange, about: [Orange is the cheaper phone company., Is a contract with Orange better?]}]
rules:
  - {id: investing, on: [input, output], when: custom.topic.investing >= 0.5, then: block}
  - {id: brands, on: [input, output], when: custom.competitor >= 0.5, then: redact}
"""

ALLOW = """
detectors:
  talk:
    use: topic
    allow:
      cooking:
        definition: Recipes, ingredients and how to cook them.
        examples: [How do I make tomato sauce?, Can I freeze risotto?, What can replace eggs in a cake?,
          How long must a chicken roast?, My soup is too salty.]
rules:
  - {id: off, on: input, when: custom.off_topic >= 0.5, then: block}
"""


@pytest.fixture(scope="module")
def denying(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that keeps away from a topic and from brands."""
    return guard_of(DENY)


@pytest.fixture(scope="module")
def keeping(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that keeps to a topic."""
    return guard_of(ALLOW)


@each_case(
    ("text", "rules"),
    [
        ("Should I buy shares of a solar company now?", ["investing"]),
        ("Is it smart to hold bitcoin until retirement?", ["investing"]),
        ("What is the capital of France?", []),
        ("My dog is afraid of thunder.", []),
        ("Globex is nicer than you.", ["brands"]),
        ("I ate an orange with breakfast.", []),
        ("Is a mobile contract with Orange cheaper?", ["brands"]),
    ],
)
def test_a_denied_topic_and_brands_are_found(denying: Guard, text: str, rules: list[str]) -> None:
    """By meaning, and by name where the name means the brand."""
    verdict = denying.check(text)
    assert [rule.id for rule in verdict.rules] == rules
    assert not verdict.errors


def test_a_brand_is_redacted_alone(denying: Guard) -> None:
    """Its finding is the name and no more."""
    assert denying.check("Globex is nicer than you.").content == "[COMPETITOR] is nicer than you."


def test_the_finding_of_a_topic_is_its_piece(denying: Guard) -> None:
    """In a long text the piece that is about it is named, not the whole."""
    other = "The walk along the river took two hours, and the dog slept in the shade afterwards. " * 12
    text = other + "Should I buy shares of a solar company now, or is gold the safer investment? " + other
    found = [each for each in denying.check(text).findings if each.score >= 0.5]
    assert found
    for each in found:
        start, end = each.span or (0, 0)
        assert start <= text.index("Should I buy") + 77
        assert end - start <= 140
        assert end >= text.index("Should I buy")


@each_case(
    ("text", "blocked"),
    [
        ("How do I keep the rice from sticking to the pan?", False),
        ("Give me a recipe with lentils and spinach.", False),
        ("Thanks, bye!", False),
        ("Who should win the election?", True),
        ("Write a function that sorts a list.", True),
    ],
)
def test_what_is_off_topic_is_found(keeping: Guard, text: str, blocked: bool) -> None:
    """What is about none of the allowed topics; small talk belongs to any conversation."""
    assert keeping.check(text).blocked is blocked


def test_no_finding_carries_an_inner_name(denying: Guard) -> None:
    """That a text is about a brand is no finding of its own."""
    verdict = denying.check("Is a mobile contract with Orange cheaper?", complete=True)
    assert {each.category for each in verdict.findings} <= {"custom.competitor", "custom.topic.investing"}


@each_case(
    ("fields", "code", "said"),
    [
        ("{use: topic}", "nothing_to_find", "nothing to look for"),
        ("{use: topic, deny: {a: {}}}", "invalid_value", "needs a definition or examples"),
        ("{use: topic, deny: {Bad Name: {definition: x}}}", "unknown_category", "is not a category"),
        ("{use: topic, deny: {a: {definition: x, category: hats}}}", "unknown_category", "'hats'"),
        ("{use: topic, allow: {a: {definition: x, category: hate}}}", "unused_field", "custom.off_topic"),
        ("{use: topic, deny: {a: {definition: x}}, method: nli}", "missing_field", "needs a model"),
        ("{use: topic, deny: {a: {definition: x}}, endpoint: e}", "missing_field", "by its name"),
        ("{use: topic, deny: {a: {definition: x}}, model: none}", "unreadable_model", "'none'"),
    ],
)
def test_what_is_wrong_is_named(guard_of: Callable[..., Guard], fields: str, code: str, said: str) -> None:
    """Each mistake with its place, its cause and its cure."""
    rule = "rules: [{id: r, on: input, when: unsafe > 0.0, then: block}]"
    with pytest.raises(PolicyErrors) as raised:
        guard_of(f"detectors:\n  talk: {fields}\n{rule}\n")
    (error,) = [each for each in raised.value if each.code == code]
    assert said in str(error)
    assert error.line > 0


@pytest.fixture
def nli(sequence_folder: Callable[..., Path], tmp_path: Path) -> Path:
    """A policy with a model for natural language inference in its folder, which `shares` entails and `cats` denies."""
    words = {"shares": {"entailment": 6.0}, "cats": {"contradiction": 6.0}, "more": {}}
    sequence_folder(words, ("contradiction", "neutral", "entailment"), name="nli")
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "format: 1\nname: t\ndetectors:\n  talk: {use: topic, method: nli, model: nli, deny: {money: {definition: more}}}\n"
        "rules: [{id: money, on: input, when: custom.topic.money >= 0.5, then: block}]\n"
    )
    return policy


@pytest.mark.parametrize(("text", "blocked"), [("shares", True), ("cats", False)])
def test_a_model_of_inference_is_asked_for_the_definition(nli: Path, text: str, blocked: bool) -> None:
    """Entailment against contradiction is the score."""
    assert Guard.load(nli).check(text).blocked is blocked


def test_a_classifier_of_something_else_is_no_model_of_inference(
    nli: Path, sequence_folder: Callable[..., Path]
) -> None:
    """Its labels are named."""
    sequence_folder({"bad": {"bad": 1.0}}, ("good", "bad"), name="nli")
    with pytest.raises(PolicyErrors, match="its labels are good, bad"):
        Guard.load(nli)


def embedded(change: Any = lambda rows: rows) -> Any:
    """Return what a server of embeddings answers: texts about money point one way, all others another, or as a test wants."""

    def answer(body: Any) -> Any:
        rows = [
            {"index": at, "embedding": [1.0, 0.1 * (at % 3)] if "money" in text else [0.1 * (at % 3), 1.0]}
            for at, text in enumerate(body["input"])
        ]
        return {"data": change(rows[::-1])}

    return answer


@pytest.fixture
def remote(json_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guard:
    """A guard whose topics are told by a server."""
    json_server.answer = embedded()
    (tmp_path / "endpoints.yaml").write_text(
        f"endpoints: {{vectors: {{url: '{json_server.url}', retries: 0}}}}\n"
    )
    monkeypatch.setenv("GUARDRAILS_ENDPOINTS", str(tmp_path / "endpoints.yaml"))
    (tmp_path / "policy.yaml").write_text(
        "format: 1\nname: t\ndetectors:\n"
        "  talk: {use: topic, endpoint: vectors, model: m, deny: {cash: {definition: money, examples: [my money]}}}\n"
        "rules: [{id: cash, on: input, when: custom.topic.cash >= 0.5, then: block}]\n"
    )
    return Guard.load(tmp_path / "policy.yaml")


def test_a_server_of_embeddings_tells_topics(json_server: Any, remote: Guard) -> None:
    """Examples are sent once, in requests of bounded size; then each text alone."""
    assert remote.check("where is my money").rules[0].id == "cash"
    learning = len(json_server.asked)
    assert not remote.check("where is my cat").blocked
    assert len(json_server.asked) == learning + 1
    assert max(len(body["input"]) for body in json_server.asked) <= 64


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[:-1],
        lambda rows: [{**row, "index": 0} for row in rows],
        lambda rows: [{**row, "embedding": [0.0, 0.0]} for row in rows],
        lambda rows: [{**row, "embedding": ["a", "b"]} for row in rows],
        lambda rows: [{**row, "embedding": []} for row in rows],
        lambda rows: "vectors",
    ],
    ids=["too few", "one index", "length 0", "no numbers", "no width", "no list"],
)
def test_a_server_that_gives_no_vectors_has_failed(json_server: Any, remote: Guard, change: Any) -> None:
    """Whatever it says, the text is blocked, as its rule has it."""
    json_server.answer = embedded(change)
    verdict = remote.check("where is my cat")
    assert verdict.blocked
    assert [each.detector for each in verdict.errors] == ["talk"]
    assert "endpoint 'vectors'" in verdict.errors[0].error
