"""Streamed texts: whatever way they are cut, what is shown is what the check of the whole leaves, and no part of what it stops."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Content, Detection, Guard, Overloaded, Stage
from guardrails.detectors.kinds import Kind
from guardrails.engine.core import task_runner
from guardrails.engine.core.worker_pool import Workers
from tests.cases import each_case, scale

DETECTORS = """
detectors:
  words: {use: terms, terms: [zqxbomb, "zq x", qq], category: custom.bad}
  stops: {use: terms, terms: [kkstop, "very kkbad"], category: custom.stop}
  orders: {use: patterns, patterns: ['ORD-\\d{4,6}', '(?i)\\bsecret\\s+key\\b', '"[^"]*?x"'], category: custom.order}
  pii: {use: pii, entities: [email, phone, credit_card, us_ssn]}
"""
REDACT = "{id: r%d, on: [input, output], when: %s, then: redact, with: %s}"
BLOCK = "{id: b%d, on: [input, output], when: %s, then: block}"

RULES: dict[str, list[str]] = {
    "redact": [REDACT % (1, "custom.bad > 0", "placeholder"), REDACT % (2, "pii > 0 || custom.order > 0", "mask")],
    "vault": [REDACT % (1, "custom.bad > 0 || pii > 0", "vault")],
    "block": [BLOCK % (1, "custom.stop > 0"), REDACT % (2, "custom.bad > 0 || pii.email >= 0.5", "placeholder")],
    "length": [
        BLOCK % (1, "custom.stop > 0 && content.length <= 30"),
        REDACT % (2, "custom.bad > 0 && content.length > 20", "placeholder"),
    ],
    "whole": [
        BLOCK % (1, "custom.stop > 0 && pii.email > 0"),
        REDACT % (2, "custom.bad > 0", "placeholder"),
    ],
    "count": [BLOCK % (1, "'count(\"custom.bad\") >= 2'"), REDACT % (2, "pii > 0", "placeholder")],
    "role": [BLOCK % (1, '\'custom.stop > 0 && message.role == "assistant"\''), REDACT % (2, "custom.order > 0", "hash")],
}  # fmt: skip
PIECES = [
    "zqxbomb ", "zqx", "bomb", "z q x b o m b ", "zq x", " qq ", "qq", "kkstop", "very kkbad. ", "kk", "st0p ", "ORD-1234", "ORD-", "56", "secret ", "key ",
    '"a x" ', '"', "jo@example.com", "jo@", "example", ".com ", "4111 1111 1111 1111 ", "4111-", "219-45-6789 ", "+49 30 901820 ", "Hello you. ", "and so on ", " ",
    "\n", ".", "é", "\u200b", "[EMAIL_1]", "[BAD_1] ", "emtxYm9tYiBra3N0b3AgenF4Ym9tYg== ", "6b 6b 73 74 6f 70 20 6b 6b ", "%6bkstop ", "&#107;kstop ",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
SHIPPED = ("pii-only", "default", "strict", "agents")


def cuts(text: str, places: Sequence[int]) -> Iterator[str]:
    """Yield the parts of a text cut at places."""
    bounds = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    for start, end in itertools.pairwise(bounds):
        yield text[start:end]


def streamed(guard: Guard, parts: Sequence[str], stage: str = "output") -> tuple[str, Any]:
    """Return what a stream shows of a text in parts, and the stream."""
    stream = guard.stream(stage)
    shown = [stream.feed(part) for part in parts]
    return "".join([*shown, stream.flush()]), stream


@pytest.fixture(scope="module")
def guards(guard_of: Callable[..., Guard]) -> dict[str, tuple[Guard, Guard]]:
    """Return a guard for each set of rules, and its twin in which what blocks a finding redacts it as `[STOP]`."""
    found = {}
    for name, rules in RULES.items():
        twin = [
            rule.replace("then: block", "then: redact, redact: [custom.stop, custom.bad]") for rule in rules
        ]
        made = [DETECTORS + "rules:\n" + "".join(f"  - {rule}\n" for rule in some) for some in (rules, twin)]
        found[name] = (guard_of(made[0]), guard_of(made[1]))
    return found


def disagreement(guard: Guard, twin: Guard | None, text: str, parts: Sequence[str]) -> str:
    """Return what is wrong with the stream of a text, nothing if all is right."""
    expected = guard.check(text, "output")
    shown, stream = streamed(guard, parts)
    verdict = stream.verdict
    if verdict.action != expected.action:
        return f"{verdict.action} {[rule.id for rule in verdict.rules]} for {expected.action}"
    if not expected.blocked:
        same = shown == expected.content and verdict.content == expected.content
        return "" if same else f"{shown!r} for {expected.content!r}"
    if twin is not None:
        allowed = twin.check(text, "output").content
        assert isinstance(allowed, str)
        begins = allowed.startswith(shown) and "[STOP]" not in shown
        return "" if begins else f"{shown!r} of {allowed!r}"
    return ""


@pytest.mark.parametrize("name", RULES)
@given(text=texts, places=st.lists(st.integers(0, 400), max_size=12))
@settings(max_examples=scale(120))
def test_a_stream_shows_what_the_check_of_the_whole_leaves(
    guards: dict[str, tuple[Guard, Guard]], name: str, text: str, places: list[int]
) -> None:
    """Redactions are the same; of what is stopped no part of the finding that stops it was shown; nothing stays behind."""
    guard, twin = guards[name]
    assert not disagreement(guard, twin if name == "block" else None, text, [*cuts(text, places)])
    assert not disagreement(guard, twin if name == "block" else None, text, [*text])


def test_what_is_settled_is_shown_at_once(guards: dict[str, tuple[Guard, Guard]]) -> None:
    """Prose passes but for the word that is begun; a value that is cut anywhere is replaced; the verdict comes at the end."""
    guard, _ = guards["redact"]
    stream = guard.stream(stage="output")
    shown = [stream.feed(delta) for delta in ("Dear Ann, mail jo@ex", "ample", ".com", " now and ", "then")]
    assert shown == ["Dear Ann, mail ", "", "", "************** now ", "and "]
    assert stream.verdict is None
    assert stream.flush() == "then"
    verdict: Any = stream.verdict
    assert [rule.id for rule in verdict.rules] == ["r2"]
    assert stream.flush() == ""
    with pytest.raises(ValueError, match="ended"):
        stream.feed("more")


def test_a_stopped_text_shows_nothing_more_and_says_why(guards: dict[str, tuple[Guard, Guard]]) -> None:
    """`blocked` is true and the verdict there as soon as it is certain; what comes then is not looked at."""
    stream = guards["block"][0].stream()
    assert "".join(stream.feed(delta) for delta in ("Hello there, kks", "to", "p", " it")) == "Hello there, "
    verdict: Any = stream.verdict
    assert stream.blocked
    assert ([rule.id for rule in verdict.rules], verdict.content) == (["b1"], None)
    assert (stream.feed("more"), stream.flush()) == ("", "")


def test_the_twins_on_an_event_loop_show_the_same(guards: dict[str, tuple[Guard, Guard]]) -> None:
    """`afeed` and `aflush`, several streams at a time."""

    async def shown(guard: Guard, text: str) -> str:
        stream = guard.stream()
        parts = [await stream.afeed(character) for character in text]
        return "".join([*parts, await stream.aflush()])

    async def several() -> list[str]:
        return await asyncio.gather(*(shown(guard, text) for guard, _ in guards.values()))

    text = "Mail jo@example.com about ORD-1234, zqxbomb and so on."
    assert asyncio.run(several()) == [streamed(guard, [text])[0] for guard, _ in guards.values()]


def test_a_stage_at_which_a_placeholder_could_be_named_is_not_streamed(
    guard_of: Callable[..., Guard],
) -> None:
    """Beside a vault a text of anyone but the model is checked as a whole."""
    guard = guard_of(DETECTORS + "rules:\n  - " + REDACT % (1, "pii > 0", "vault"))
    with pytest.raises(ValueError, match="check\\(\\) the whole text"):
        guard.stream(Stage.RETRIEVAL, after=guard.check("I am jo@example.com"))


@pytest.mark.parametrize("name", SHIPPED)
@given(text=texts, places=st.lists(st.integers(0, 400), max_size=6))
@settings(max_examples=scale(15))
def test_shipped_policies_stream_as_they_check(
    shipped: dict[str, Guard], name: str, text: str, places: list[int]
) -> None:
    """Every shipped policy: the same action, the same text."""
    assert not disagreement(shipped[name], None, text, [*cuts(text, places)])


@pytest.fixture(scope="module")
def shipped() -> dict[str, Guard]:
    """Return the shipped policies, loaded."""
    return {name: Guard.load(name) for name in SHIPPED}


def test_the_shipped_policies_hold_no_reply_to_its_end(shipped: dict[str, Guard]) -> None:
    """Each of their rules can be decided as a reply grows."""
    assert not any(guard.held("output") for guard in shipped.values())


def test_a_rule_that_holds_texts_says_why(guards: dict[str, tuple[Guard, Guard]]) -> None:
    """By its id, for who wonders why nothing comes."""
    assert guards["whole"][0].held() == {"b1": "its condition joins several findings with &&"}
    assert guards["count"][0].held() == {"b1": "its condition counts findings"}


def test_streams_on_one_guard_do_not_mix(guards: dict[str, tuple[Guard, Guard]]) -> None:
    """Many at a time, fed in turns, by threads and on one event loop: each shows what it would alone."""
    guard, _ = guards["vault"]
    given = [
        f"I am {name}, mail {name}@example.com or zqxbomb, {name} " * 3 for name in ("jo", "an", "bo", "cy")
    ] * 4
    expected = [str(guard.check(text, "output").content) for text in given]
    running = [guard.stream() for _ in given]
    shown = [""] * len(given)
    for at in range(0, max(map(len, given)), 3):
        for index, stream in enumerate(running):
            shown[index] += stream.feed(given[index][at : at + 3])
    assert [text + stream.flush() for text, stream in zip(shown, running, strict=True)] == expected

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(lambda text: streamed(guard, [*text])[0], given)] == expected

    async def on_a_loop(text: str) -> str:
        stream = guard.stream()
        parts = [await stream.afeed(text[at : at + 5]) for at in range(0, len(text), 5)]
        return "".join([*parts, await stream.aflush()])

    async def several() -> list[str]:
        return await asyncio.gather(*map(on_a_loop, given))

    assert asyncio.run(several()) == expected


def test_a_stream_that_is_over_takes_nothing(guards: dict[str, tuple[Guard, Guard]]) -> None:
    """Also where nothing came, or nothing but empty parts; a second `flush` shows nothing."""
    guard, _ = guards["redact"]
    for parts in ([], [""], ["", "a", ""]):
        shown, stream = streamed(guard, parts)
        assert shown == "".join(parts)
        assert stream.verdict.content == shown
        assert stream.flush() == ""
        with pytest.raises(ValueError, match="flush"):
            stream.feed("")


@each_case("way", ["feed", "afeed"])
def test_workers_that_are_full_are_said_so(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """`Overloaded` is raised; the stream shows nothing more, whoever goes on with it."""
    slow = kind_of(Passages(), spans=False, tier=1)
    rules = (
        "detectors: {own: {use: own}}\nrules: [{id: own, on: output, when: custom.own > 0, then: block}]\n"
    )
    stream = guard_of(rules, detectors={"own": slow}).stream()
    assert stream.feed("One. Two") == "One. "
    full = Workers(1, queue=0, spare=0)
    with monkeypatch.context() as patched:
        patched.setattr(task_runner, "workers", lambda: full)
        with pytest.raises(Overloaded):
            stream.feed(". Three") if way == "feed" else asyncio.run(stream.afeed(". Three"))
    for go_on in (lambda: stream.feed(". Four. "), stream.flush):
        with pytest.raises(ValueError, match="failed"):
            go_on()
    assert stream.verdict is None
    assert stream.flush() == ""


class Passages:
    """A detector that judges passage by passage, and finds nothing."""

    passages = True

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge texts."""
        return [Detection() for _ in batch]


def test_whoever_is_told_of_a_verdict_is_on_the_thread_that_asked() -> None:
    """Also where a worker made it, as of a text that the shipped classifier reads."""
    told: list[int] = []
    guard = Guard.load(on_verdict=lambda verdict: told.append(threading.get_ident()))

    async def read() -> None:
        stream = guard.stream()
        await stream.afeed("Pour the mixture slowly, and do not tell anybody where it was bought.")
        await stream.aflush()

    asyncio.run(read())
    assert told == [threading.get_ident()]
