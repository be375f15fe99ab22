"""The runner of tests that stand beside rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from guardrails import Guard
from guardrails.authoring.testing import suite
from guardrails.authoring.testing.coverage import SuiteCoverage
from guardrails.authoring.testing.suite import SuiteDemands
from guardrails.policy.testing.test_fields import DISGUISES, TestDoc
from tests.cases import each_case

POLICY = """
format: 1
name: small
detectors:
  words: {use: terms, terms: [forbidden], category: custom.word}
  ids: {use: patterns, patterns: ['ID-\\d+'], category: custom.id}
rules:
  - {id: word.block, on: [input, tool_call], when: custom.word > 0, then: block}
  - {id: id.redact, on: input, when: custom.id > 0, then: redact}
  - {id: id.shadow, on: input, when: custom.id > 0, then: block, mode: shadow}
  - {id: guest.block, on: input, when: 'custom.id > 0 && request.user.tier == "guest"', then: block}
tests:
  - TEST
"""


def results(folder: Path, test: str) -> list[suite.SuiteResult]:
    """Run one test of the small policy."""
    path = folder / "small.yaml"
    path.write_text(POLICY.replace("TEST", test))
    return suite.run_suite(Guard.load(path))


@each_case(
    "test",
    [
        '{input: "fine", expect: {action: allow, rules: [], shadow: [], content: fine}}',
        '{tool_call: "forbidden", expect: {action: block, content: null}}',
        '{input: "ID-1", user: {tier: staff}, expect: {action: redact, rules: [id.redact], shadow: [id.shadow], content: "[ID]"}}',
        '{input: "ID-1", user: {tier: guest}, expect: {action: block}}',
        "{messages: [{role: user, content: forbidden}, {role: user, content: fine}], expect: {action: redact, content: [{role: user, content: fine}]}}",
    ],
)
def test_passes_where_the_verdict_is_as_expected(test: str, tmp_path: Path) -> None:
    """Action, exact rules, shadow rules, content and the asker are compared."""
    assert [result.differences for result in results(tmp_path, test)] == [()]


@each_case(
    ("test", "difference"),
    [
        ('{input: "fine", expect: {action: block}}', "action is allow, not block (no rule fired)"),
        ('{input: "forbidden", expect: {rules: []}}', "rules are ['word.block'], not []"),
        ('{input: "ID-1", user: {tier: a}, expect: {shadow: []}}', "shadow are ['id.shadow'], not []"),
        ('{input: "ID-1", user: {tier: a}, expect: {content: "ID-1"}}', "content is '[ID]', not 'ID-1'"),
    ],
)
def test_says_what_differs(test: str, difference: str, tmp_path: Path) -> None:
    """A difference names what is, and what was expected."""
    [result] = results(tmp_path, test)

    assert result.differences == (difference,)
    assert result.failed
    assert result.to_dict()["passed"] is False


def test_absent_context_equals_no_value(tmp_path: Path) -> None:
    """A test without a user shows what a stranger means: no tier, so that of no rule."""
    [result] = results(tmp_path, '{input: "ID-1", expect: {action: block}}')

    assert result.differences == ("action is redact, not block (by id.redact)",)


ALLOWED = {"action": "allow"}


def test_each_entry_of_a_table_is_a_test_of_its_own(tested: Callable[..., Guard]) -> None:
    """A text stands for `{each}`, a mapping for its keys, in every field; other braces stay as they are."""
    guard = tested(
        '{name: greeting, input: "{each} {x}", each: [hello, forbidden], expect: {action: allow, content: "{each} {x}"}}',
        '{input: "{a}-{b}", each: [{a: ID, b: "1"}, {a: fine, b: thing}], expect: {content: "[ID]"}}',
        '{messages: [{role: user, content: "a {each}"}], each: [b], expect: {content: [{role: user, content: a b}]}}',
        '{tool_call: {name: sh, arguments: {a: ["{each}"]}}, each: [blorp], expect: {action: block}}',
    )
    found = [(result.name, result.passed) for result in suite.run_suite(guard)]
    assert found == [
        ("greeting [hello]", True),
        ("greeting [forbidden]", False),
        ("input: ID-1", True),
        ("input: fine-thing", False),
        ("input: a conversation", True),
        ("tool_call: sh", True),
    ]


def test_one_text_may_not_bring_in_another() -> None:
    """What a table puts in is taken as it is, also where it looks like a placeholder."""
    data = {"output": "{a}{b} {c}", "each": [{"a": "{b}", "b": "x"}], "expect": {"action": "allow"}}
    assert [case.test.output for case in suite.list_cases(TestDoc.model_validate(data))] == ["{b}x {c}"]


def test_a_disguise_needs_the_action_and_the_rules_at_least(tested: Callable[..., Guard]) -> None:
    """Each disguise is a test of its own; content and findings are those of the plain text alone."""
    guard = tested(
        "{name: word, input: forbidden, obfuscate: [spaced, zero_width], expect: {action: flag, rules: [word.block]}}",
        "{name: chat, messages: [{role: user, content: a}, {role: user, content: forbidden}], obfuscate: [full_width], expect: {action: block}}",
        '{name: id, input: "ID-1", obfuscate: [rot13], expect: {action: redact, content: "[ID]"}}',
    )
    found = {result.name: result.differences for result in suite.run_suite(guard)}
    assert found.pop("word") == ("action is block, not flag (by word.block)",)
    assert found.pop("id (rot13)") == ("action is allow, not redact or stricter (no rule fired)",)
    assert found == {
        "word (spaced)": (),
        "word (zero_width)": (),
        "chat": (),
        "chat (full_width)": (),
        "id": (),
    }


def test_disguises_on_demand_are_put_on_what_must_be_found(tested: Callable[..., Guard]) -> None:
    """Not on what is allowed, or is no text; a test that names its own keeps them."""
    guard = tested(
        "{name: a, input: forbidden, expect: {action: block}}",
        "{name: b, input: fine, expect: {action: allow}}",
        "{name: c, input: forbidden, expect: {rules: [word.block]}}",
        "{name: d, input: forbidden, expect: {message: 'No.'}}",
        "{name: e, input: forbidden, obfuscate: [hex], expect: {action: block}}",
        "{name: f, tool_call: {name: blorp}, expect: {action: block}}",
    )
    names = [
        case.name
        for _, test in guard.policy.tests
        for case in suite.list_cases(test, SuiteDemands(obfuscate=("dotted",)))
    ]
    assert names == ["a", "a (dotted)", "b", "c", "c (dotted)", "d", "e", "e (hex)", "f"]


def test_true_stands_for_every_disguise() -> None:
    """In the order of the table."""
    test = TestDoc.model_validate({"input": "a", "obfuscate": True, "expect": {"action": "block"}})
    assert [case.disguise for case in suite.list_cases(test)] == [None, *DISGUISES]


def test_texts_are_cut_where_that_is_wanted(tested: Callable[..., Guard]) -> None:
    """By the test, or on demand; what is no text is not."""
    guard = tested(
        '{input: "ID-1", every_cut: true, expect: {action: redact}}',
        '{input: "ID-1", expect: {action: redact}}',
        "{tool_call: {name: a}, expect: {action: allow}}",
    )
    for demands, cut in (
        (SuiteDemands(), [True, False, False]),
        (SuiteDemands(every_cut=True), [True, True, False]),
    ):
        assert [case.cut for _, test in guard.policy.tests for case in suite.list_cases(test, demands)] == cut
        assert all(result.passed for result in suite.run_tests(guard, demands=demands))


def test_a_sample_of_cuts_is_told(tested: Callable[..., Guard]) -> None:
    """Nobody takes it for all of them."""
    [result] = suite.run_suite(
        tested(f'{{output: "{"fine " * 60}", every_cut: true, expect: {{action: allow}}}}')
    )
    assert result.passed
    assert result.note == "cut at 200 of 299 places (seed 0)"


def test_known_gaps(tested: Callable[..., Guard]) -> None:
    """They do not fail, with a reason or without; what could not be run is no gap."""
    guard = tested(
        "{name: a, input: fine, todo: a reason, expect: {action: block}}",
        "{name: b, input: fine, todo: true, expect: {action: block}}",
        "{name: c, input: fine, todo: true, expect: {action: allow}}",
        "{name: d, image: none.png, todo: true, expect: {action: allow}}",
    )
    found = [(each.passed, each.failed, each.todo, each.reason) for each in suite.run_suite(guard)]
    assert found == [
        (False, False, True, "a reason"),
        (False, False, True, ""),
        (True, False, True, ""),
        (False, True, True, ""),
    ]


@each_case(
    ("pattern", "names"),
    [
        ("WORD", ["a word", "another word"]),
        ("A*TH?R *", ["another word"]),
        ("small.test.yaml:3", ["another word"]),
        ("[", []),
        ("", ["a word", "another word", "else"]),
        ("nothing", []),
    ],
)
def test_only_what_a_pattern_fits(pattern: str, names: list[str], tested: Callable[..., Guard]) -> None:
    """In the name or the place, as a part or as a pattern for names of files, without case."""
    guard = tested(
        *(
            f"{{name: {name}, input: a, expect: {{action: allow}}}}"
            for name in ("a word", "another word", "else")
        )
    )
    assert [result.name for result in suite.run_tests(guard, pattern=pattern)] == names


def test_tests_from_elsewhere(tested: Callable[..., Guard]) -> None:
    """Whoever has a test and where it is written can have it run by a guard."""
    guard = tested(
        "{name: a, input: forbidden, expect: {action: block}}", "{name: b, input: a, expect: {action: block}}"
    )
    item, test = guard.policy.tests[0]
    assert [result.passed for result in suite.run_test(guard, item, test)] == [True]
    assert [result.name for result in suite.run_tests(guard, [(item, test)])] == ["a"]


def test_pictures_and_films_are_judged(tmp_path: Path) -> None:
    """A file beside the test, at the stage that it says; broken ones are `unchecked`."""
    from PIL import Image

    Image.new("RGB", (64, 64), "lime").save(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n")
    (tmp_path / "p.yaml").write_text(
        "format: 1\nname: p\ndetectors:\n  green: {use: green_square}\n"
        "rules:\n  - {id: green.block, on: output, when: custom.green_square > 0, then: block}\n"
        "tests:\n"
        "  - {image: a.png, stage: output, expect: {action: block, rules: [green.block], content: null}}\n"
        "  - {image: a.png, expect: {action: block, unchecked: [part]}}\n"
        "  - {image: broken.png, stage: output, expect: {action: block, rules: [unchecked.image]}}\n"
        "  - {video: broken.png, stage: output, expect: {action: block, rules: [unchecked.video]}}\n"
    )
    assert [result.differences for result in suite.run_suite(suite.load_guard(tmp_path / "p.yaml"))] == [
        ()
    ] * 4


FLOOR = """
format: 1
name: org
version: "2"
detectors:
  words: {use: terms, terms: [forbidden, ID-7], category: custom.word}
  mail: {use: pii, entities: [email]}
rules:
  - {id: org.block, on: input, when: custom.word > 0, then: block}
  - {id: org.mail, on: input, when: pii.email > 0, then: redact}
tests:
  - {input: fine, expect: {action: block}}
"""


@each_case(
    ("test", "differences"),
    [
        ("{input: fine, expect: {action: allow, rules: [], content: fine}}", ()),
        # Rules of the floor fire beside those that a test expects, and nothing else than expected comes of it.
        ("{input: forbidden, expect: {action: block, rules: [word.block]}}", ()),
        ("{input: forbidden, expect: {action: block, rules: [word.block, org.block]}}", ()),
        (
            '{input: "ID-7", user: {tier: a}, expect: {action: redact, rules: [id.redact]}}',
            ("action is block, not redact (by org.block, id.redact)", "decides"),
        ),
        (
            '{input: "jo@acme.example", expect: {content: "jo@acme.example"}}',
            ("content is '[EMAIL]', not 'jo@acme.example'", "decides"),
        ),
        ("{input: fine, expect: {action: block}}", ("action is allow, not block (no rule fired)",)),
        (
            '{input: "ID-7", user: {tier: a}, expect: {action: allow}}',
            ("action is block, not allow (by org.block, id.redact)",),
        ),
        ("{input: fine, expect: {rules: [org.block]}}", ("rules are [], not ['org.block']",)),
        (
            '{input: "ID-7", user: {tier: a}, expect: {action: redact}, todo: the floor}',
            ("action is block", "decides"),
        ),
    ],
)
def test_tests_run_under_the_floor(test: str, differences: tuple[str, ...], tmp_path: Path) -> None:
    """What passes only without it fails, and the floor is named; the floor's own tests are not run."""
    path, floor = tmp_path / "small.yaml", tmp_path / "org.yaml"
    path.write_text(POLICY.replace("TEST", test))
    floor.write_text(FLOOR)

    [result] = suite.run_suite(suite.load_guard(path, floor=floor))

    told = "the floor org 2 decides: without it the test passes"
    assert len(result.differences) == len(differences)
    for said, expected in zip(result.differences, differences, strict=True):
        assert said == told if expected == "decides" else said.startswith(expected)


def test_coverage_is_that_of_the_policys_own_rules(tmp_path: Path) -> None:
    """A rule that fires in the floor alone is not shown at work by it."""
    path, floor = tmp_path / "small.yaml", tmp_path / "org.yaml"
    path.write_text(POLICY.replace("TEST", "{input: fine, expect: {action: block}}"))
    floor.write_text(POLICY.split("tests:")[0].replace("terms: [forbidden]", "terms: [fine]"))
    guard = suite.load_guard(path, floor=floor)
    coverage = SuiteCoverage(guard.policy)

    [result] = suite.run_tests(guard, coverage=coverage)

    assert result.passed
    assert "rule word.block never fires: its condition is never true" in map(str, coverage.missing)
