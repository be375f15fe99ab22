"""What a policy numbers and puts back meets the floor: no value stands in a reply that the floor would not let stand there."""

from __future__ import annotations

from guardrails import Detection
from tests.cases import each_case

TENANT = """
detectors:
  words: {use: terms, terms: [zqxbomb, zqxmask], category: custom.word}
  mail: {use: pii, entities: [email]}
rules:
  - {id: words, severity: critical, on: [input, output], when: custom.word > 0, then: redact, with: vault}
  - {id: mail, severity: critical, on: [input, output], when: pii.email > 0, then: redact, with: vault}
"""
WORD = "detectors: {other: {use: terms, terms: [zqxmask], category: custom.other}}\n"
MAIL = "detectors: {mail: {use: pii, entities: [email]}}\n"


def redacting(when: str, **more: str) -> str:
    """Return a floor's rule."""
    given = {"on": "output", "then": "redact", **more}
    return f"rules: [{{id: floor, when: {when}, {', '.join(f'{name}: {value}' for name, value in given.items())}}}]\n"


@each_case(
    ("floor", "value", "comes_back"),
    [
        ("rules: []", "jo@example.com", True),
        (MAIL + redacting("pii.email > 0"), "jo@example.com", False),
        (MAIL + redacting("pii.email > 0", then="block"), "jo@example.com", False),
        (MAIL + redacting("pii.email > 0", stream="annotate"), "jo@example.com", False),
        (MAIL + redacting("pii.email > 0", then="flag"), "jo@example.com", True),
        (MAIL + redacting("pii.email > 0", mode="shadow"), "jo@example.com", True),
        (MAIL + redacting("pii.email > 0", **{"with": "vault"}), "jo@example.com", True),
        (MAIL + redacting("pii.email > 0", on="tool_call"), "jo@example.com", True),
        (
            MAIL
            + redacting("pii.email > 0")
            + "exceptions: [{id: e, matches: [jo@example.com], reason: ours}]\n",
            "jo@example.com",
            True,
        ),
        (MAIL + redacting("pii.email > 0"), "zqxmask", True),
        (WORD + redacting("custom.other > 0"), "zqxmask", False),
        (WORD + redacting("custom.other > 0"), "zqxbomb", True),
        ("detectors: {words: {use: terms, terms: [zqxelse], category: custom.word}}\n" + redacting("custom.word > 0"), "zqxmask", False),
    ],
)  # fmt: skip
def test_a_value_comes_back_only_where_the_floor_lets_it_stand(guard_of, floor, value, comes_back) -> None:
    """By the floor's own detectors, whatever the policy calls what it numbers, and by what it is known as; whole and streamed."""
    guard = guard_of(TENANT, floor=floor)

    prompt = guard.check(f"I am {value}.")
    assert value not in prompt.content
    number = prompt.content.removeprefix("I am ").removesuffix(".")
    reply = guard.check(f"You: {number}.", stage="output", after=prompt)
    stream = guard.stream(after=prompt)
    shown = "".join([*map(stream.feed, f"You: {number}."), stream.flush()])

    assert reply.restorer.restore(reply.content) == shown
    assert shown == f"You: {value if comes_back else number}."


def test_a_value_that_is_said_again_stays_kept_back(guard_of) -> None:
    """Every check of a conversation asks the floor about what is new in it."""
    guard = guard_of(TENANT, floor=MAIL + redacting("pii.email > 0"))

    first = guard.check("I am jo@example.com.")
    second = guard.check("Again: jo@example.com, zqxmask", after=first)

    assert second.restorer.values == {"[WORD_1]": "zqxmask"}
    assert second.restorer.restore("[EMAIL_1] [WORD_1]") == "[EMAIL_1] zqxmask"


class Down:
    """A detector for texts that grow, which fails on the words of this test alone."""

    def stream(self, context):
        """It begins no text."""

    def detect(self, batch):
        """Fail where an address stands alone."""
        if any(content.text == "jo@example.com" for content in batch):
            raise ValueError("down")
        return [Detection() for _ in batch]


def test_what_the_floor_cannot_judge_does_not_come_back(guard_of, kind_of) -> None:
    """Its rule says what then: by default it blocks."""
    floor = "detectors: {own: {use: own}}\n" + redacting("custom.own > 0.5", then="block")
    guard = guard_of(TENANT, floor=floor, detectors={"own": kind_of(Down())})

    verdict = guard.check("I am jo@example.com, zqxmask.")

    assert verdict.restorer.values == {"[WORD_1]": "zqxmask"}
