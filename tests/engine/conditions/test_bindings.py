"""Values of the names of a condition."""

from __future__ import annotations

from collections.abc import Callable

from guardrails import Guard, Stage, Text
from guardrails.engine.conditions.bindings import context_value
from guardrails.engine.model import Request
from guardrails.types import Place
from tests.cases import each_case

ENGLISH = "Can you tell me when the branch in the city centre opens today?"
GERMAN = "Kannst du mir sagen, wann die Filiale in der Innenstadt heute öffnet?"
SAME = 'prompt.language != "und" && content.language != "und" && content.language != prompt.language'
POLICY = f"rules: [{{id: r, on: output, when: '{SAME}', then: block}}]\ntests:\n"


@each_case(
    ("beside", "asked", "language"),
    [(ENGLISH, "", "en"), ("", GERMAN, "de"), (GERMAN, ENGLISH, "de"), ("", "", "und"), ("42", "", "und")],
)
def test_the_language_of_a_prompt(beside: str, asked: str, language: str) -> None:
    """That of the prompt that a text stands beside, else of the one that is asked for; `und` where there is none."""
    content = Text("reply", Place(Stage.OUTPUT), {"prompt": beside})
    assert context_value("prompt.language", content, Request(prompt=asked)) == language


@each_case(("question", "passes"), [(GERMAN, True), (ENGLISH, False), ("42", True)])
def test_a_reply_in_the_language_of_the_user(
    question: str, passes: bool, guard_of: Callable[..., Guard]
) -> None:
    """A rule may ask for it, of calls and in streams."""
    reply = "Die Filiale in der Innenstadt ist heute leider bis zum Abend geschlossen."
    guard = guard_of(
        POLICY
        + f'  - {{output: "{reply}", prompt: "{question}", expect: {{action: {"allow" if passes else "block"}}}}}\n'
    )
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]
    assert guard.check(messages).blocked is not passes


def test_what_a_prompt_asks_for() -> None:
    """As its place says."""
    content = Text("a house", Place(asks_for="picture"))
    assert context_value("content.asks_for", content, Request()) == "picture"
    assert context_value("content.asks_for", Text("a house"), Request()) == ""
