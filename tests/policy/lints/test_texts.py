"""What rules say: codes of languages, tags of standards, and what is said to nobody."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.policy.lints import texts
from guardrails.policy.lints.scene.scene import LintContext
from tests.cases import each_case

RULE = "rules:\n  - {{id: a, on: input, when: custom.w > 0, then: block, {}}}\n"


@each_case(
    ("language", "cure"),
    [
        ("german", "write 'de'"),
        ("en_US", "write 'en'"),
        ("EN", "write 'en'"),
        ("xx", "write an ISO 639-1 code, such as 'en'"),
        ("pt_BR", "write 'pt'"),
    ],
)
def test_a_language_has_its_code(scene_of: Callable[..., LintContext], language: str, cure: str) -> None:
    """The cure is the code that is meant, if one can tell."""
    (found,) = texts.message_language(scene_of(RULE.format(f"message: {{{language}: 'No.'}}")))
    assert found.cure == cure


@each_case("language", ["en", "de", "mi", "zu", "zh", "yue", "en-US", "zh-Hant", "zh-Hant-TW"])
def test_codes_are_fine(scene_of: Callable[..., LintContext], language: str) -> None:
    """Also of languages that no detector knows, and with a script or a country behind them."""
    assert [*texts.message_language(scene_of(RULE.format(f"message: {{{language}: 'No.'}}")))] == []


@each_case(
    ("tag", "unknown"),
    [
        ("owasp.llm01", False), ("owasp.llm10", False), ("owasp.llm11", True), ("owasp.llm1", True), ("mlcommons.sxc_prn", False),
        ("mlcommons.xyz", True), ("nist.x", False), ("owasp", False),
    ],
)  # fmt: skip
def test_tags_of_standards_exist(scene_of: Callable[..., LintContext], tag: str, unknown: bool) -> None:
    """Only of the standards that are known here."""
    assert bool([*texts.unknown_tag(scene_of(RULE.format(f"tags: [{tag}]")))]) is unknown


def test_a_message_that_is_read_after_a_failure_is_of_use(scene_of: Callable[..., LintContext]) -> None:
    """A redact rule whose failure blocks tells the person why, and a flag rule has a notice; one that lets pass tells nobody."""
    rules = (
        "rules:\n  - {id: a, on: input, when: custom.w > 0, then: redact, message: x}\n"
        "  - {id: b, on: input, when: custom.w > 0, then: redact, on_error: allow, message: x}\n"
        "  - {id: c, on: input, when: custom.w > 0, then: flag, message: x}\n"
    )
    assert [each.subject for each in texts.unused_message(scene_of(rules))] == ["b"]


def test_an_entry_that_is_there_twice_can_be_taken_out(scene_of: Callable[..., LintContext]) -> None:
    """The later ones go."""
    found = [*texts.duplicate_entry(scene_of(RULE.format("tags: [t.a, t.b, t.a, t.a]")))]
    assert [each.fix.key for each in found if each.fix is not None] == [2, 3]


MODEL = "detectors:\n  safety: {{use: classifier}}\nrules:\n  - {{id: a, on: input, when: hate >= 0.9, then: block, message: {}}}\n"


@each_case(
    ("message", "lacks"),
    [
        ("{de: Nein., fr: Non.}", True),
        ("{en-GB: No., de: Nein.}", False),
        ("{de: Nein.}", False),
        ("No.", False),
    ],
)
def test_a_message_has_the_languages_that_its_model_reads(
    scene_of: Callable[..., LintContext], message: str, lacks: bool
) -> None:
    """If it has several at all."""
    found = [
        each for each in texts.missing_language(scene_of(MODEL.format(message))) if " en" in each.message
    ]
    assert bool(found) is lacks
