"""From what fired to what a verdict says: actions, history, coverage, order of rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Detection, Finding, Guard, Image, Unchecked, Verdict
from guardrails.detectors.kinds import Kind
from guardrails.types import CLEAN, Unavailable
from tests.cases import each_case

HISTORY = """
detectors:
  bad: {use: terms, terms: [badword], category: custom.bad}
  mail: {use: pii, entities: [email]}
rules:
  - {id: bad, on: [input, output, tool_call, tool_result], when: custom.bad > 0, then: block}
  - {id: mail, on: [input, output, tool_call, tool_result], when: pii.email > 0, then: redact}
"""


def says(role: str, content: Any = "fine", **more: Any) -> dict[str, Any]:
    """Return a message."""
    return {"role": role, "content": content, **more}


def calls(identifier: str, arguments: str = "{}") -> dict[str, Any]:
    """Return an assistant's message with one call."""
    function = {"name": "f", "arguments": arguments}
    return says("assistant", None, tool_calls=[{"id": identifier, "type": "function", "function": function}])


CHAT = [
    says("system"),
    says("user"),
    calls("one"),
    says("tool", tool_call_id="one"),
    says("assistant"),
    says("user"),
    says("assistant"),
    says("user"),
]


@pytest.fixture(scope="module")
def history(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks `badword` and redacts addresses, and leaves blocked turns out."""
    return guard_of(HISTORY)


@each_case(
    ("at", "kept"),
    [
        (1, [0, 5, 6, 7]),  # the user's turn goes with all that answers it
        (2, [0, 1, 5, 6, 7]),  # a call goes with its result and with the answer built on it
        (3, [0, 1, 5, 6, 7]),
        (4, [0, 1, 5, 6, 7]),
        (5, [0, 1, 2, 3, 4, 7]),
        (6, [0, 1, 2, 3, 4, 5, 7]),
    ],
)
def test_a_blocked_old_turn_is_left_out(history: Guard, at: int, kept: list[int]) -> None:
    """One bad turn does not poison the chat: its exchange goes, calls and results stay in pairs, the action
    says so.
    """
    chat = [dict(message) for message in CHAT]
    chat[at] = calls("one", '{"a": "badword"}') if at == 2 else {**chat[at], "content": "a badword"}
    verdict = history.check(chat)
    assert str(verdict.action) == "redact"
    assert verdict.content == [chat[index] for index in kept]
    assert verdict.removed == tuple(f"/{index}" for index in range(8) if index not in kept)
    assert [(rule.id, str(rule.action)) for rule in verdict.rules] == [("bad", "redact")]


@each_case("at", [0, 7])
def test_what_must_stay_blocks_the_whole(history: Guard, at: int) -> None:
    """The system's text and the current turn are not left out."""
    chat = [dict(message) for message in CHAT]
    chat[at] = {**chat[at], "content": "a badword"}
    verdict = history.check(chat)
    assert verdict.blocked
    assert verdict.content is None
    assert verdict.removed == ()


def test_a_tool_result_of_the_current_turn_blocks(history: Guard) -> None:
    """What came back after the last user message is not history."""
    assert history.check([says("user"), calls("c"), says("tool", "a badword", tool_call_id="c")]).blocked


def test_history_block_blocks_for_an_old_turn(guard_of: Callable[..., Guard]) -> None:
    """The choice stands in the policy, and the floor's counts as well."""
    chat = [says("user", "a badword"), says("assistant"), says("user")]
    assert guard_of(HISTORY + "history: block\n").check(chat).blocked
    assert guard_of(HISTORY, floor=HISTORY + "history: block\n").check(chat).blocked
    assert not guard_of(HISTORY, floor=HISTORY).check(chat).blocked


def test_an_old_turn_that_cannot_be_redacted_is_left_out(history: Guard) -> None:
    """A name cannot be edited, so the turn goes; edits in what stays are made, in what goes they are not
    needed.
    """
    chat = [says("user", name="jo@example.com"), says("assistant"), says("user", "I am jo@example.com")]
    verdict = history.check(chat)
    assert verdict.content == [says("user", "I am [EMAIL]")]
    assert verdict.removed == ("/0", "/1")


def test_paths_of_removed_turns_lead_into_the_body(history: Guard) -> None:
    """In a request the messages stand below `/messages`, and the rest of the request stays."""
    body = {"model": "m", "messages": [says("user", "a badword"), says("assistant"), says("user")]}
    verdict = history.check(body)
    assert verdict.removed == ("/messages/0", "/messages/1")
    assert verdict.content == {"model": "m", "messages": [says("user")]}


CONVERSATION = """
detectors:
  words: {use: terms, terms: [forbidden], category: custom.word}
rules:
  - {id: whole, on: input, when: custom.word > 0, then: block, scope: conversation}
"""


@each_case(
    ("turns", "removed"),
    [
        (["a forbidden b", "fine"], ("/0", "/1")),
        (["for", "bidden, yes", "fine"], ("/0", "/1", "/2", "/3")),
        (["for", "bidden"], None),
        (["fine", "a forbidden b"], None),
        (["fine", "well"], ()),
    ],
)
def test_a_conversation_rule_blames_the_turns_that_it_fires_for(
    guard_of: Callable[..., Guard], turns: list[str], removed: tuple[str, ...] | None
) -> None:
    """A rule over the whole conversation leaves out what is history, and blocks what the current turn has
    part in.
    """
    chat = [message for turn in turns for message in (says("user", turn), says("assistant"))][:-1]
    verdict = guard_of(CONVERSATION).check(chat)
    assert verdict.blocked is (removed is None)
    assert verdict.removed == (removed or ())


Noted = Callable[[str], Verdict]


@pytest.fixture(scope="module")
def noted(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]) -> Callable[..., Guard]:
    """Return a function: the `unchecked:` table in, a guard out whose detector leaves out what the text
    names.
    """

    def judge(content: Any) -> Detection:
        return Detection(unchecked=(Unchecked(content.text, "not read"),)) if content.text != "all" else CLEAN

    def make(table: str = "", floor: str | None = None) -> Guard:
        rules = "rules:\n  - {id: r, on: [input, output], when: custom.own > 0, then: flag}\n"
        policy = f"detectors:\n  d: {{use: own}}\n{rules}"
        stricter = None if floor is None else policy.replace("id: r,", "id: floor,") + floor
        return guard_of(policy + table, floor=stricter, detectors={"own": kind_of(judge)})

    return make


@each_case(
    ("kind", "table", "action"),
    [
        ("language", "", "flag"),
        ("limit", "", "block"),
        ("part", "", "block"),
        ("audio", "", "flag"),
        ("language", "unchecked: {language: block}", "block"),
        ("limit", "unchecked: {limit: allow}", "allow"),
        ("never heard of", "unchecked: {limit: allow, part: allow, language: allow}", "block"),
    ],
)
def test_what_was_not_judged_has_consequences(
    noted: Callable[..., Guard], kind: str, table: str, action: str
) -> None:
    """Each kind has its action, a kind that the table does not have blocks, and the coverage names it in any
    case.
    """
    verdict = noted(table).check(kind)
    assert str(verdict.action) == action
    assert [entry.kind for entry in verdict.coverage.unchecked] == [kind]
    expected = [] if action == "allow" else [(f"unchecked.{kind}", "unchecked")]
    assert [(rule.id, rule.reason) for rule in verdict.rules] == expected
    assert verdict.coverage.kinds["text"].checked == 0


@each_case(
    ("kind", "table", "floor", "action"),
    [
        ("part", "unchecked: {part: allow}", "unchecked: {part: block}", "block"),
        ("part", "unchecked: {part: block}", "unchecked: {part: allow}", "block"),
        ("part", "unchecked: {part: allow}", "", "block"),
        ("language", "unchecked: {language: allow}", "unchecked: {language: flag}", "flag"),
        ("language", "unchecked: {language: allow}", "unchecked: {language: allow}", "allow"),
    ],
)
def test_of_policy_and_floor_the_stricter_says_what_unchecked_content_meets(
    noted: Callable[..., Guard], kind: str, table: str, floor: str, action: str
) -> None:
    """What the operator's floor stops passes under no policy, and a floor that is milder loosens none."""
    verdict = noted(table, floor).check(kind)
    assert str(verdict.action) == action
    assert [entry.kind for entry in verdict.coverage.unchecked] == [kind]


def test_an_unread_part_of_an_old_turn_is_left_out(noted: Callable[..., Guard]) -> None:
    """A picture that nobody reads is not forwarded, and does not block the chat for ever."""
    picture = says("user", [{"type": "image_url", "image_url": {"url": "all"}}])
    verdict = noted("unchecked: {language: allow}").check(
        [picture, says("assistant", "all"), says("user", "all")]
    )
    assert verdict.content == [says("user", "all")]
    assert noted().check([says("user", "all"), picture]).blocked


def test_a_picture_alone_is_blocked_unless_the_policy_says_otherwise(noted: Callable[..., Guard]) -> None:
    """Nothing reads it, and the table decides."""
    assert noted().check(Image(b"x")).blocked
    assert str(noted("unchecked: {part: flag}").check(Image(b"x")).action) == "flag"


def test_text_past_the_limit_is_blocked_or_passes_as_the_policy_says(guard_of: Callable[..., Guard]) -> None:
    """`limits.characters` bounds what is judged; where the rest may pass, what was judged is still acted on."""
    text = "jo@example.com and so on"
    assert guard_of(HISTORY + "limits: {characters: 14}").check(text).blocked
    verdict = guard_of(HISTORY + "limits: {characters: 14}\nunchecked: {limit: flag}").check(text)
    assert verdict.content == "[EMAIL] and so on"
    assert [entry.span for entry in verdict.coverage.unchecked] == [(14, 24)]
    assert str(guard_of(HISTORY + "limits: {characters: 24}").check("x" * 24).action) == "allow"


RULES = """
detectors:
  d: {use: own}
rules:
  - {id: flag.high, on: input, when: hate > 0, then: flag, severity: high, message: one}
  - {id: block.low, on: input, when: hate > 0.5, then: block, severity: low, tags: [t]}
  - {id: redact.first, on: input, when: hate > 0.2, then: redact}
  - {id: redact.grave, on: input, when: hate > 0.2, then: redact, severity: critical, message: two}
  - {id: shadow.block, on: input, when: hate > 0.1, then: block, mode: shadow}
"""


@pytest.fixture(scope="module")
def scored(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]) -> Guard:
    """A guard that takes the text for the score of `hate`."""

    def judge(content: Any) -> Detection:
        return Detection((Finding("hate", float(content.text), "d", (0, len(content.text))),))

    return guard_of(RULES, detectors={"own": kind_of(judge, "hate")})


@each_case(
    ("score", "action", "rules", "shadow"),
    [
        ("0.0", "allow", [], []),
        ("0.05", "flag", ["flag.high"], []),
        ("0.15", "flag", ["flag.high"], ["shadow.block"]),
        ("0.3", "redact", ["redact.grave", "redact.first", "flag.high"], ["shadow.block"]),
        ("0.6", "block", ["block.low", "redact.grave", "redact.first", "flag.high"], ["shadow.block"]),
    ],
)
def test_the_strictest_action_wins_and_the_most_severe_rule_is_first(
    scored: Guard, score: str, action: str, rules: list[str], shadow: list[str]
) -> None:
    """In order: allow, flag, redact, block; within an action severity, then the file; shadow rules are recorded
    alone.
    """
    verdict = scored.check(score)
    assert str(verdict.action) == action
    assert [rule.id for rule in verdict.rules] == rules
    assert [rule.id for rule in verdict.shadow] == shadow
    assert verdict.content == {"block": None, "redact": "[HATE]"}.get(action, score)


def test_the_message_is_that_of_the_most_severe_rule_that_has_one(scored: Guard) -> None:
    """A rule without a message does not silence the next."""
    assert scored.check("0.05").message == "one"
    assert scored.check("0.6").message == "two"
    assert scored.check("0.0").message is None


FLOORED = """
detectors:
  d: {use: terms, terms: [secretword], category: custom.word}
rules:
  - {id: RULE, on: input, when: custom.word > 0, then: ACTION}
"""


def floored(name: str, action: str, more: str = "") -> str:
    """Return a policy with one rule."""
    return FLOORED.replace("RULE", name).replace("ACTION", action) + more


EXEMPT = "exceptions:\n  - {id: e, categories: [custom.word], reason: known}\n"


@each_case(
    ("policy", "floor", "action", "rules"),
    [
        (floored("r", "flag"), floored("f", "block"), "block", ["f", "r"]),
        (floored("r", "block"), floored("f", "flag"), "block", ["r", "f"]),
        (floored("r", "redact"), floored("f", "redact"), "redact", ["f", "r"]),
        (floored("same", "flag"), floored("same", "block"), "block", ["same"]),
        (floored("r", "block", EXEMPT), floored("f", "block"), "block", ["f"]),
        (floored("r", "block", EXEMPT), floored("f", "flag"), "flag", ["f"]),
        (floored("r", "flag"), floored("f", "block", EXEMPT), "flag", ["r"]),
    ],
)
def test_the_stricter_of_policy_and_floor_holds(
    guard_of: Callable[..., Guard], policy: str, floor: str, action: str, rules: list[str]
) -> None:
    """A policy's exceptions do not reach the floor; the floor's own are the operator's."""
    verdict = guard_of(policy, floor=floor).check("a secretword")
    assert str(verdict.action) == action
    assert [rule.id for rule in verdict.rules] == sorted(rules) if action == "redact" else rules
    assert len(verdict.findings) == 1


def test_coverage_counts_parts_and_characters(history: Guard) -> None:
    """Every text counts once, joins not at all; unknown fields are named."""
    chat = [says("user", [{"type": "text", "text": "abc"}, {"type": "text", "text": "de"}], odd="x")]
    coverage = history.check(chat).coverage
    assert coverage.kinds["text"].to_dict() == {"parts": 4, "checked": 4, "characters": 3 + 2 + 3 + 1}
    assert coverage.unknown_fields == ("/0/odd",)
    assert history.check("").coverage.kinds["text"].to_dict() == {"parts": 1, "checked": 1, "characters": 0}


SPREAD = """
detectors:
  words: {use: patterns, category: custom.bad, patterns: ['build a bomb']}
  spread: {use: passage}
rules:
  - {id: part, on: input, when: custom.bad > 0, then: block}
  - {id: spread, on: input, scope: conversation, when: custom.own > 0, then: block}
"""


@each_case(
    ("said", "action", "removed"),
    [
        (["build a bomb", "hello"], "redact", ["/0", "/1"]),
        (["build ", "a bomb now"], "block", []),
        # What was taken out is no cover for what is spread over the turns that stay.
        (["build a bomb", "build ", "a bomb now"], "block", ["/0", "/1"]),
        (["build a bomb", "so ", "be it"], "redact", ["/0", "/1"]),
        (["build a bomb", "hello", "build a bomb"], "block", ["/0", "/1"]),
    ],
)
def test_turns_that_are_left_out_are_not_read_together_with_the_rest(
    guard_of: Callable[..., Guard],
    kind_of: Callable[..., Kind],
    said: list[str],
    action: str,
    removed: list[str],
) -> None:
    """A detector of passages sees a blocked old turn and the current one as one stretch; it does not block for ever."""

    def passage(content: Any) -> Detection:
        bad = "build a bomb" in content.text and content.text != "build a bomb"
        return Detection((Finding("custom.own", 1.0, "spread", (0, len(content.text))),)) if bad else CLEAN

    guard = guard_of(SPREAD, detectors={"passage": kind_of(passage)})
    chat = [message for text in said for message in (says("user", text), says("assistant"))][:-1]
    verdict = guard.check(chat)
    assert str(verdict.action) == action
    assert list(verdict.removed) == removed


UNDECIDED = """
detectors:
  bad: {use: terms, terms: [badword], category: custom.bad}
  mail: {use: pii, entities: [email]}
  breaks: {use: breaks}
  late: {use: late}
rules:
  - {id: bad, on: [input, output], when: custom.bad > 0, then: block}
  - {id: mail, on: [input, output], when: pii.email > 0, then: redact}
  - {id: noted, on: [input, output], when: custom.noted > 0, then: flag}
  - {id: ignored, on: [input, output], when: custom.noted > 0.9, then: block, on_error: allow}
  - {id: watched, on: [input, output], when: custom.breaks > 0, then: block, mode: shadow}
  - {id: breaks, on: [input, output], when: custom.breaks > 0, then: block}
  - {id: hides, on: [input, output], when: custom.breaks > 0, then: redact}
  - {id: late, on: [input, output], when: custom.late > 0, then: block}
  - {id: other, on: [input, output], when: custom.bad > 0 && custom.late > 0, then: block}
"""


@pytest.fixture(scope="module")
def undecided(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]) -> Guard:
    """A guard of which detectors fail over the words `breaks`, `noted` and `late`."""

    def breaks(content: Any) -> Detection:
        if "breaks" in content.text:
            raise ValueError(content.text)
        return Detection(error="noted", reason="crash") if "noted" in content.text else CLEAN

    def late(content: Any) -> Detection:
        return Detection(error="was late", reason="timeout") if "late" in content.text else CLEAN

    kinds = {"breaks": kind_of(breaks, "custom.breaks", "custom.noted"), "late": kind_of(late, "custom.late")}
    return guard_of(UNDECIDED, detectors=kinds)


@each_case(
    ("text", "unavailable", "fired", "shadow"),
    [
        ("it is late", Unavailable("timeout", ("late",)), [], []),
        ("it breaks", Unavailable("crash", ("breaks", "hides")), ["noted"], []),
        ("it breaks late", Unavailable("crash", ("breaks", "hides", "late")), ["noted"], []),
        ("jo@example.com is late", Unavailable("timeout", ("late",)), ["mail"], []),
        ("a badword is late", None, ["bad"], []),
        ("fine", None, [], []),
    ],
)
def test_a_rule_that_cannot_be_decided_stops_the_content_and_has_not_fired(
    undecided: Guard, text: str, unavailable: Unavailable | None, fired: list[str], shadow: list[str]
) -> None:
    """The verdict says which, and why; what is certain is said besides, and a certain block is a block like any other."""
    verdict = undecided.check(text)
    assert verdict.unavailable == unavailable
    assert ([rule.id for rule in verdict.rules], [rule.id for rule in verdict.shadow]) == (fired, shadow)
    assert verdict.blocked is (text != "fine")
    assert verdict.content == (None if verdict.blocked else text)


def test_on_error_of_a_rule_may_only_note_or_allow_what_cannot_be_decided(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """Then the check is available."""
    rules = "\n".join(
        f"  - {{id: {name}, on: input, when: custom.own > 0, then: block, on_error: {name}}}"
        for name in ("flag", "allow")
    )
    kinds = {"own": kind_of(lambda content: Detection(error="failed"), "custom.own")}
    verdict = guard_of(f"detectors:\n  own: {{use: own}}\nrules:\n{rules}", detectors=kinds).check("text")
    assert (verdict.unavailable, [(rule.id, rule.reason) for rule in verdict.rules]) == (
        None,
        [("flag", "error")],
    )


def test_an_old_turn_that_cannot_be_decided_is_not_left_out(undecided: Guard) -> None:
    """It may be harmless: the check is unavailable. What is left out anyway need not be decided."""
    chat = [says("user", "it is late"), says("assistant"), says("user")]
    verdict = undecided.check(chat)
    assert (verdict.unavailable, verdict.removed) == (Unavailable("timeout", ("late",)), ())
    chat[0] = says("user", "a badword is late")
    verdict = undecided.check(chat)
    assert (str(verdict.action), verdict.unavailable) == ("redact", None)
    assert verdict.content == [says("user")]


def test_a_floor_that_cannot_be_decided_makes_the_check_unavailable(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """Its rules are named as those of the policy above it."""
    kinds = {"own": kind_of(lambda content: Detection(error="failed", reason="service"), "custom.own")}
    rule = "on: input, when: custom.own > 0, then: block"
    guard = guard_of(
        f"detectors:\n  own: {{use: own}}\nrules:\n  - {{id: above, {rule}, on_error: allow}}",
        floor=f"detectors:\n  own: {{use: own}}\nrules:\n  - {{id: floor, {rule}}}",
        detectors=kinds,
    )
    assert guard.check("text").unavailable == Unavailable("service", ("floor",))
