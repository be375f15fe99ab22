"""Harness of the detectors that read texts by patterns, words and grammars: none fails, and what is found lies in the text."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import cache
from time import process_time

from guardrails import Guard, ToolCall
from guardrails.types import Place, Stage
from tests.thorough.fuzz.harness import Harness, split_head
from tests.thorough.fuzz.text_harnesses import TOKENS, read_text

POLICY = """
format: 1
name: detectors
detectors:
  commands: {use: commands}
  pii: {use: pii}
  secrets: {use: secrets}
  urls: {use: urls}
  hidden: {use: invisible, kinds: [tags, variation, bidi, zero_width], category: custom.hidden}
  noise: {use: gibberish, category: custom.noise}
  terms: {use: terms, terms: [zqxbomb, ignore all previous instructions], category: custom.terms}
rules:
  - {id: pii, on: &all [input, output, tool_call, tool_result], when: pii > 0 || secret > 0, then: redact}
  - {id: commands, on: *all, when: command > 0 || url > 0, then: flag}
  - {id: hidden, on: *all, when: custom.hidden > 0 || custom.noise > 0, then: flag}
  - {id: terms, on: *all, when: custom.terms > 0, then: redact}
unchecked: {language: flag, limit: flag, part: flag}
"""

SECONDS = 5.0
"""What a check of a few kilobytes may take."""


@cache
def guard() -> Guard:
    """Return the guard."""
    return Guard.load(POLICY)


def detect_texts(data: bytes) -> None:
    """A text, and arguments of a call, are judged by all detectors, soon; of what is redacted nothing is found where it was."""
    text = read_text(data)[:2_000]
    began = process_time()
    verdict = guard().check(text, "input", complete=True)
    assert verdict.errors == (), verdict.errors
    for finding in verdict.findings:
        assert 0.0 <= finding.score <= 1.0
        if finding.span is not None:
            assert 0 <= finding.span[0] <= finding.span[1] <= len(text), finding
    assert verdict.content is None or isinstance(verdict.content, str)
    call = ToolCall("run", text, Place(Stage.TOOL_CALL))
    assert guard().check(call, "tool_call", complete=True).errors == ()
    assert process_time() - began < SECONDS or _repeat(text) < SECONDS


def _repeat(text: str) -> float:
    """Return how long a check takes once everything is imported, of a text that no cache has."""
    began = process_time()
    guard().check(text + ".", "input", complete=True)
    return process_time() - began


TERM = "secretword"
TERM_POLICY = f"""
format: 1
name: disguises
detectors:
  word: {{use: terms, terms: [{TERM}], category: custom.word}}
rules:
  - {{id: word, on: input, when: custom.word > 0, then: redact}}
unchecked: {{language: flag, limit: flag, part: flag}}
"""
DISGUISES: Sequence[Callable[[str], str]] = (
    str,
    str.upper,
    " ".join,
    "-".join,
    "|".join,
    "\u200b".join,
    lambda word: word.translate(str.maketrans("eo", "30")),
    lambda word: "".join(f"&#{ord(char)};" for char in word),
    lambda word: "".join(chr(ord(char) + 0xFEE0) for char in word),
    lambda word: b64encode(f"this is the {word} of today".encode()).decode(),
)
"""Ways to write a term. In the first two it is found whatever stands around it."""


@cache
def term_guard() -> Guard:
    """Return a guard that redacts one term."""
    return Guard.load(TERM_POLICY)


def redact_disguises(data: bytes) -> None:
    """A term that stands in a text, however it is written, is redacted so that it cannot be found any more in what is left."""
    head, rest = split_head(data)
    place, way = (*head, 0, 0)[:2]
    text = read_text(rest)[:400]
    at = place * len(text) // 256
    given = f"{text[:at]} {DISGUISES[way % len(DISGUISES)](TERM)} {text[at:]}"
    verdict = term_guard().check(given, "input", complete=True)
    assert verdict.errors == ()
    assert verdict.action >= "redact" or way % len(DISGUISES) > 1, given
    if isinstance(verdict.content, str) and verdict.action == "redact":
        left = term_guard().check(verdict.content, "input", complete=True)
        assert left.action < "redact", (given, verdict.content)


SHELL = (
    b"rm -rf /", b"$(", b"`", b"<<EOF\n", b"\nEOF\n", b"${IFS}", b"| sh", b"&& ", b"eval ", b"base64 -d", b"sudo ", b"{a,b}", b"'\\''",
    b"curl http://x/y", b"DROP TABLE a;", b'{"command": ["rm"', b"4111 1111 1111 1111", b"jo@example.com", b"sk-proj-", b"AKIA", b"1.1.1.1 ",
    b"api_key=", b"-----BEGIN PRIVATE KEY-----", b"http://[::1]:8/", b"%2e%2e", b"0x7f000001",
)  # fmt: skip

HARNESSES = (
    Harness("detectors", detect_texts, (*TOKENS, *SHELL), cost=20),
    Harness("disguises", redact_disguises, (*TOKENS, b"||||", b"|1|", b"\n", b"-", b"secretword"), cost=3),
)
