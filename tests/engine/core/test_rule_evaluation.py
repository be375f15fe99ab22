"""Rules and findings in, what fires out: the whole order of things but redaction's edits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Action, Detection, Finding, Guard, Stage, Text
from guardrails.detectors.kinds import Kind
from guardrails.engine.conditions.bindings import bind_names, context_value
from guardrails.engine.core import rule_evaluation
from guardrails.engine.core.rule_evaluation import Evaluation
from guardrails.engine.model import JudgedContent, Request
from guardrails.engine.tools import tool_calls
from guardrails.types import Place
from tests.cases import each_case

CATEGORIES = ("hate", "hate.threatening", "toxic", "pii.email", "custom.x")
Run = Callable[..., set[tuple[str, str, str]]]
TODAY, HERE = Request(today="2026-06-15"), Place(Stage.INPUT)


@pytest.fixture(scope="module")
def compiled(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]) -> Callable[..., Guard]:
    """Return a function: rules in, a guard with two detectors out, `one` and `two`, that give the same
    categories.
    """
    kinds = {"own": kind_of(lambda content: Detection(), *CATEGORIES)}

    def make(rules: str, more: str = "") -> Guard:
        return guard_of(
            f"detectors:\n  one: {{use: own}}\n  two: {{use: own}}\nrules:\n{rules}\n{more}", detectors=kinds
        )

    return make


@pytest.fixture(scope="module")
def run(compiled: Callable[..., Guard]) -> Run:
    """Return a function: a rule's fields, findings and failed detectors in, what fires out."""

    def evaluate(
        rule: str,
        *scores: tuple[str, float] | Finding,
        failed: str = "",
        more: str = "",
        request: Request = TODAY,
        text: str = "some text",
        place: Place = HERE,
    ) -> set[tuple[str, str, str]]:
        policy = compiled(f"  - {{id: r, on: input, {rule}}}", more).policy
        findings = tuple(
            each if isinstance(each, Finding) else Finding(each[0], each[1], "one", (index, 4))
            for index, each in enumerate(scores)
        )
        item = JudgedContent(
            Text(text, place), policy.plan((Stage.INPUT,)), findings, frozenset(failed.split())
        )
        return {
            (each.rule.id, str(each.action), each.reason)
            for each in Evaluation(policy, [item], request).run()
        }

    return evaluate


BLOCKED = {("r", "block", "matched")}
ERROR = {("r", "block", "error")}
NOTHING: set[tuple[str, str, str]] = set()


@each_case(
    ("rule", "scores", "expected"),
    [
        ("when: hate >= 0.8, then: block", [("hate", 0.8)], BLOCKED),
        ("when: hate >= 0.8, then: block", [("hate", 0.79)], NOTHING),
        ("when: hate >= 0.8, then: block", [], NOTHING),
        ("when: hate >= 0.8, then: block", [("hate", 0.2), ("hate", 0.9), ("hate", 0.1)], BLOCKED),
        ("when: hate >= 0.8, then: block", [("hate.threatening", 0.9)], BLOCKED),
        ("when: hate.threatening >= 0.8, then: block", [("hate", 0.9)], NOTHING),
        ("when: unsafe >= 0.8, then: block", [("toxic", 0.9)], BLOCKED),
        ("when: unsafe >= 0.8, then: block", [("pii.email", 0.9)], NOTHING),
        ("when: hate < 0.1, then: flag", [], {("r", "flag", "matched")}),
        ("when: hate < 0.1, then: flag", [("hate", 0.5)], NOTHING),
        ("when: 'count(\"pii.email\") >= 2', then: block", [("pii.email", 1.0)], NOTHING),
        ("when: 'count(\"pii.email\") >= 2', then: block", [("pii.email", 1.0)] * 2, BLOCKED),
        ("when: 'count(\"pii\") >= 2', then: block", [("pii.email", 1.0), ("pii.phone", 1.0)], BLOCKED),
        ("when: 'count(\"hate\") == 1', then: block", [("hate.threatening", 0.1)], BLOCKED),
        ("when: detector.one.hate > 0.5, then: block", [("hate", 0.9)], BLOCKED),
        ("when: detector.two.hate > 0.5, then: block", [("hate", 0.9)], NOTHING),
        ("when: content.length == 9, then: block", [], BLOCKED),
        ("when: content.length > 9, then: block", [], NOTHING),
    ],
)
def test_a_rule_fires_when_its_condition_holds(
    run: Run, rule: str, scores: list[tuple[str, float]], expected: set[tuple[str, str, str]]
) -> None:
    """Scores are the highest in scope, parents are worth their children, counts count."""
    assert run(rule, *scores) == expected


@each_case(
    ("rule", "scores", "failed", "expected"),
    [
        # True whatever the detector would have said fires; false does not; what depends on it follows
        # on_error.
        ("when: hate > 0.5 || pii.email > 0, then: block", [("pii.email", 1.0)], "", BLOCKED),
        ("when: hate > 0.5, then: block", [], "one", ERROR),
        ("when: hate > 0.5, then: block, on_error: allow", [], "one", NOTHING),
        ("when: hate > 0.5, then: block, on_error: flag", [], "one", {("r", "flag", "error")}),
        ("when: hate > 0.5, then: flag", [], "one", {("r", "flag", "error")}),
        ("when: hate > 0.5, then: flag, on_error: block", [], "one", ERROR),
        ("when: 'hate > 0.5 && content.length > 100', then: block", [], "one", NOTHING),
        ("when: 'hate > 0.5 || content.length == 9', then: block", [], "one", BLOCKED),
        ("when: hate < 0.1, then: block", [], "one", ERROR),
        ("when: 'count(\"hate\") > 3', then: block", [], "one", ERROR),
        ("when: detector.two.hate > 0.5, then: block", [], "two", ERROR),
        ("when: detector.two.hate > 0.5, then: block", [], "one", NOTHING),
        # What another detector found already is enough, whatever the failed one would add.
        ("when: hate > 0.5, then: block, on_error: allow", [("hate", 0.9)], "two", BLOCKED),
        ("when: hate > 0.5, then: block", [("hate", 0.4)], "two", ERROR),
        ("when: 'hate > 0.5 && hate < 0.95', then: block", [("hate", 0.9)], "two", ERROR),
        ("when: 'count(\"hate\") >= 1', then: block, on_error: allow", [("hate", 0.9)], "two", BLOCKED),
        ("when: 'count(\"hate\") == 1', then: block", [("hate", 0.9)], "two", ERROR),
        ("when: 'hate > 0.5 && toxic > 0.5', then: block", [("hate", 0.9)], "two", ERROR),
    ],
)
def test_a_failed_detector_makes_its_categories_unknown(
    run: Run, rule: str, scores: list[tuple[str, float]], failed: str, expected: set[tuple[str, str, str]]
) -> None:
    """Failure is never a pass: only what is true or false in any case is not left to `on_error`."""
    assert run(rule, *scores, failed=failed) == expected


def test_a_redaction_beside_a_failed_detector_is_not_enough(run: Run) -> None:
    """What was found is redacted, and `on_error` decides about what the failed detector would have found."""
    rule = "when: pii.email > 0, then: redact"
    both = run(rule, ("pii.email", 1.0), failed="two")
    assert both == {("r", "redact", "matched"), ("r", "block", "error")}
    assert run(rule + ", on_error: allow", ("pii.email", 1.0), failed="two") == {("r", "redact", "matched")}
    listed = "when: content.length > 0, redact: [pii.email], then: redact"
    assert run(listed, failed="two") == ERROR
    assert run(listed) == NOTHING


@each_case(
    ("rule", "request_", "expected"),
    [
        ("when: request.user.tier != 'trusted', then: block", Request(), BLOCKED),
        ("when: request.user.tier != 'trusted', then: block", Request(user={"tier": "new"}), BLOCKED),
        ("when: request.user.tier != 'trusted', then: block", Request(user={"tier": "trusted"}), NOTHING),
        ("when: request.user.tier != 'trusted', then: block", Request(client={"tier": "trusted"}), BLOCKED),
        ("when: request.user.tier != 'trusted', then: block", Request(user={"tier": 7}), ERROR),
        ("when: request.user.tier != 'trusted', then: block", Request(user={"tier": "\ud800"}), ERROR),
        ("when: request.user.age < 18, then: block", Request(user={"age": 17}), BLOCKED),
        ("when: request.tenant == 'acme', then: block", Request(tenant="acme"), BLOCKED),
        ("when: request.tenant == 'acme', then: block", Request(), NOTHING),
        ("when: \"request.tenant in ['acme']\", then: block", Request(), NOTHING),
        ("when: request.user.age < 18, then: block", Request(), NOTHING),
        ("when: request.user.age >= 18, then: block", Request(), NOTHING),
        ("when: '!(request.user.age >= 18)', then: block", Request(), BLOCKED),
        ("when: request.user.id == request.tenant, then: block", Request(), NOTHING),
        ("when: request.user.id != request.tenant, then: block", Request(), BLOCKED),
        ("when: request.user.vip && content.length > 0, then: block", Request(), NOTHING),
        ("when: has(request.user.tier), then: block", Request(user={"tier": "new"}), BLOCKED),
        ("when: has(request.user.tier), then: block", Request(), NOTHING),
        ("when: '!has(request.tenant)', then: block", Request(), BLOCKED),
        ("when: has(request.metadata), then: block", Request(), NOTHING),
        ("when: has(request.metadata.k), then: block", Request(), NOTHING),
        ("when: request.model == 'm', then: block", Request(model="m"), BLOCKED),
        ("when: request.client.app == 'a', then: block", Request(client={"app": "a"}), BLOCKED),
        ("when: request.metadata.k == 'v', then: block", Request(metadata={"k": "v"}), BLOCKED),
        ("when: request.metadata.k == 'v', then: block", Request(metadata={}), NOTHING),
        ("when: request.metadata.k == 'v', then: block", Request(), NOTHING),
        ("when: request.metadata.k != 'v', then: block", Request(metadata={}), BLOCKED),
        ("when: request.metadata.k == 'v', then: block", Request(metadata={"k": "\ud800"}), ERROR),
        ("when: conversation.turns > 2, then: block", Request(turns=3), BLOCKED),
        ("when: conversation.turns > 2, then: block", Request(turns=2), NOTHING),
        ("when: message.role == 'user', then: block", Request(), BLOCKED),
        ("when: content.kind == 'text', then: block", Request(), BLOCKED),
        ("when: content.language == 'und', then: block", Request(), BLOCKED),
        ("when: tool.name == '', then: block", Request(), BLOCKED),
    ],
)
def test_context_is_what_the_caller_says(
    run: Run, rule: str, request_: Request, expected: set[tuple[str, str, str]]
) -> None:
    """What is absent equals no value; a value that CEL cannot take is unknown and follows `on_error`."""
    assert run(rule, request=request_) == expected


EXCEPTION = "exceptions:\n  - {id: e, reason: known, %s}"


@each_case(
    ("exception", "removed"),
    [
        ("categories: [hate]", True),
        ("categories: [unsafe]", True),
        ("categories: [toxic]", False),
        ("matches: [SOME]", True),
        ("matches: [som]", False),
        ("rules: [r]", True),
        ("rules: [other]", False),
        ("when: request.user.tier == 'staff'", True),
        ("when: request.user.tier == 'guest'", False),
        ("when: request.tenant == 'acme'", False),
        ("when: request.tenant != 'acme'", True),
        ("when: has(request.tenant)", False),
        ("when: content.length == 9", True),
        ("categories: [hate], expires: '2026-06-15'", True),
        ("categories: [hate], expires: '2026-06-14'", False),
        (
            "categories: [hate], matches: [some], when: request.user.tier == 'staff', expires: '2030-01-01'",
            True,
        ),
        ("categories: [hate], matches: [other]", False),
    ],
)
def test_exceptions_remove_findings(compiled: Callable[..., Guard], exception: str, removed: bool) -> None:
    """All that an exception says must hold; what is absent (a tenant) equals none."""
    rules = "  - {id: r, on: input, when: hate > 0, then: block}\n  - {id: other, on: output, when: hate > 0, then: flag}"
    policy = compiled(rules, EXCEPTION % exception).policy
    finding = Finding("hate", 0.9, "one", (0, 4))
    item = JudgedContent(Text("some text", Place(Stage.INPUT)), policy.plan((Stage.INPUT,)), (finding,))
    fired = Evaluation(policy, [item], Request(user={"tier": "staff"}, today="2026-06-15")).run()
    assert [each.rule.id for each in fired] == ([] if removed else ["r"])


def test_an_exception_that_matches_texts_spares_findings_without_a_place(run: Run) -> None:
    """A finding that does not say where cannot be compared with a text, so it counts."""
    more = EXCEPTION % "matches: [some]"
    assert run("when: hate > 0, then: block", Finding("hate", 1.0, "one"), more=more) == BLOCKED


@each_case(
    ("rule", "scores", "kept"),
    [
        ("when: hate > 0.5", [("hate", 0.9), ("hate", 0.4)], [0.9]),
        (
            "when: 'hate > 0.5 || toxic > 0.1'",
            [("hate", 0.9), ("toxic", 0.2), ("pii.email", 1.0)],
            [0.9, 0.2],
        ),
        ("when: 'hate > 0.5', redact: [toxic]", [("hate", 0.9), ("toxic", 0.2)], [0.2]),
        (
            "when: 'hate > 0.5', redact: [unsafe]",
            [("hate", 0.9), ("toxic", 0.2), ("pii.email", 1.0)],
            [0.9, 0.2],
        ),
        ("when: detector.one.hate > 0.5", [("hate", 0.9)], [0.9]),
        ("when: 'count(\"hate\") >= 1'", [("hate", 0.1), ("hate", 0.2)], [0.1, 0.2]),
        ("when: 'content.length > 3 && hate > 0.5'", [("hate", 0.9)], [0.9]),
    ],
)
def test_a_redaction_takes_findings_by_their_own_score(
    compiled: Callable[..., Guard], rule: str, scores: list[tuple[str, float]], kept: list[float]
) -> None:
    """Replaced are the findings that make the condition true alone, or those of the categories that `redact`
    lists.
    """
    policy = compiled(f"  - {{id: r, on: input, {rule}, then: redact}}").policy
    findings = tuple(Finding(name, score, "one", (0, 4)) for name, score in scores)
    item = JudgedContent(Text("some text", Place(Stage.INPUT)), policy.plan((Stage.INPUT,)), findings)
    [fired] = Evaluation(policy, [item], Request()).run()
    assert (fired.action, [finding.score for _, finding in fired.replace]) == (Action.REDACT, kept)


def test_a_redaction_with_nothing_to_replace_blocks_or_is_none(run: Run) -> None:
    """Found, but not where, or only together: that must not go on. A list with nothing of it found has no
    effect.
    """
    assert run("when: hate > 0, then: redact", Finding("hate", 1.0, "one")) == BLOCKED
    together = "when: 'hate > 0.9 || (hate > 0.1 && toxic > 0.1)', then: redact"
    assert run(together, ("hate", 0.2), ("toxic", 0.2)) == BLOCKED
    assert run("when: hate > 0, redact: [toxic], then: redact", ("hate", 1.0)) == NOTHING


Items = Callable[..., Any]


def judged(policy: Any, *rows: tuple[Mapping[str, Any], list[str]], **more: Any) -> list[JudgedContent]:
    """Return contents with findings: each row is what a place says, and the categories that were found there."""
    items = []
    for place, names in rows:
        where = Place(**{"stage": Stage.INPUT, **place})
        plan = policy.plan((where.stage, *where.also))
        items.append(
            JudgedContent(
                Text("text", where), plan, tuple(Finding(n, 0.6, "one", (0, 4)) for n in names), **more
            )
        )
    return items


@each_case(
    ("scope", "members"),
    [("part", []), ("message", [(2, 3)]), ("conversation", [(0, 2, 3)])],
)
def test_scope_says_what_a_condition_looks_at_together(
    compiled: Callable[..., Guard], scope: str, members: list[tuple[int, ...]]
) -> None:
    """Two things in one message meet in scope `message`; in two messages only in scope `conversation`."""
    rule = f"  - {{id: r, on: input, when: 'hate > 0.5 && toxic > 0.5', then: block, scope: {scope}}}"
    policy = compiled(rule).policy
    rows = [
        ({"message": 0}, ["hate"]),
        ({"message": 1}, []),
        ({"message": 2}, ["hate"]),
        ({"message": 2}, ["toxic"]),
    ]
    fired = Evaluation(policy, judged(policy, *rows), Request()).run()
    assert [each.members for each in fired] == members


def test_the_parts_of_a_choice_are_one_message(compiled: Callable[..., Guard]) -> None:
    """A response has choices in place of messages; texts outside both are alone."""
    policy = compiled(
        "  - {id: r, on: input, when: 'hate > 0 && toxic > 0', then: block, scope: message}"
    ).policy
    two = [({"choice_index": 1}, ["hate"]), ({"choice_index": 1}, ["toxic"])]
    assert [each.members for each in Evaluation(policy, judged(policy, *two), Request()).run()] == [(0, 1)]
    apart = [
        ({"choice_index": 0}, ["hate"]),
        ({"choice_index": 1}, ["toxic"]),
        ({}, ["hate"]),
        ({}, ["toxic"]),
    ]
    assert Evaluation(policy, judged(policy, *apart), Request()).run() == []
    assert len(Evaluation(policy, judged(policy, ({}, ["hate", "toxic"])), Request()).run()) == 1


def test_a_message_rule_sees_every_tool_that_the_message_calls(compiled: Callable[..., Guard]) -> None:
    """The second call counts like the first."""
    policy = compiled("  - {id: r, on: input, when: tool.name == 'rm', then: block, scope: message}").policy
    rows = [({"message": 0, "tool": "ls"}, []), ({"message": 0, "tool": "rm"}, [])]
    assert len(Evaluation(policy, judged(policy, *rows), Request()).run()) == 1
    assert Evaluation(policy, judged(policy, *rows[:1]), Request()).run() == []


def test_a_group_holds_only_contents_of_the_rule_s_stages(compiled: Callable[..., Guard]) -> None:
    """What a user wrote does not count for a rule on replies."""
    policy = compiled(
        "  - {id: r, on: output, when: 'hate > 0 && toxic > 0', then: block, scope: conversation}"
    ).policy
    rows: list[Any] = [
        ({"message": 0, "stage": Stage.INPUT}, ["hate"]),
        ({"message": 1, "stage": Stage.OUTPUT}, ["toxic"]),
    ]
    assert Evaluation(policy, judged(policy, *rows), Request()).run() == []
    rows.append(({"message": 2, "stage": Stage.OUTPUT, "also": (Stage.INPUT,)}, ["hate"]))
    assert [each.members for each in Evaluation(policy, judged(policy, *rows), Request()).run()] == [(1, 2)]


def test_a_joined_text_without_findings_of_its_own_fires_nothing(compiled: Callable[..., Guard]) -> None:
    """Rules over the context alone look at the parts, not at their join once more."""
    policy = compiled("  - {id: r, on: input, when: content.length > 0, then: flag}").policy
    [item] = judged(policy, ({}, []), again=True)
    assert Evaluation(policy, [item], Request()).run() == []
    [across] = judged(policy, ({}, ["hate"]), again=True, across=True)
    assert Evaluation(policy, [across], Request()).run() == []


def test_grounds_are_the_findings_that_a_rule_fires_for(compiled: Callable[..., Guard]) -> None:
    """Findings of other categories are none, and contents without grounds are not blamed."""
    policy = compiled("  - {id: r, on: input, when: hate > 0, then: block, scope: conversation}").policy
    rows = [({"message": 0}, ["toxic"]), ({"message": 1}, ["hate.threatening"]), ({"message": 2}, [])]
    [fired] = Evaluation(policy, judged(policy, *rows), Request()).run()
    assert fired.members == (1,)
    assert [(index, finding.category) for index, finding in fired.grounds] == [(1, "hate.threatening")]


@given(st.lists(st.tuples(st.sampled_from(CATEGORIES), st.floats(0, 1)), max_size=6))
def test_what_is_bound_is_the_highest_score_and_the_number(
    compiled: Callable[..., Guard], found: list[tuple[str, float]]
) -> None:
    """Binding equals its definition, for scores, counts and single detectors."""
    when = 'hate > 0 || detector.two.toxic > 0 || count("hate") > 0'
    condition = compiled(f"  - {{id: r, on: input, when: '{when}', then: block}}").policy.rules[0].condition
    findings = [
        Finding(name, score, "one" if index % 2 else "two") for index, (name, score) in enumerate(found)
    ]
    bound = bind_names(condition, findings, frozenset(), Text("x"), Request())
    hates = [finding.score for finding in findings if finding.category.startswith("hate")]
    toxic = [f.score for f in findings if f.category == "toxic" and f.detector == "two"]
    assert sorted(bound.values(), key=float) == sorted(
        [max(hates, default=0.0), max(toxic, default=0.0), len(hates)], key=float
    )
    assert "hate" not in bind_names(condition, findings, frozenset({"hate"}), Text("x"), Request())


@each_case(
    ("name", "place", "value"),
    [
        ("message.role", Place(Stage.INPUT, role="developer"), "developer"),
        ("message.role", Place(Stage.RETRIEVAL), "tool"),
        ("message.declared", Place(Stage.INPUT, role="system", declared=True), True),
        ("message.declared", Place(Stage.INPUT, role="system"), False),
        ("tool.name", Place(Stage.TOOL_CALL, tool="shell"), "shell"),
        ("tool.server", tool_calls.tool_place(Stage.TOOL_CALL, "shell", "box"), "box"),
        ("tool.server", Place(Stage.TOOL_CALL, tool="shell"), ""),
        ("tool.changed", tool_calls.tool_place(Stage.TOOL_DEFINITION, "shell", changed=True), True),
        ("tool.changed", Place(), False),
        ("tool.listed", tool_calls.tool_place(Stage.TOOL_CALL, "shell"), None),  # nobody has prepared it
        ("tool.tainted", Place(), None),
        ("content.length", Place(), 4),
    ],
)
def test_context_leaves_of_a_content(name: str, place: Place, value: object) -> None:
    """A content that comes without a role has that of its stage."""
    assert context_value(name, Text("text", place), Request()) == value


def test_nothing_is_declared_to_the_floor() -> None:
    """Who writes the policy above it cannot take a text out of its sight."""
    own = Text("text", Place(Stage.INPUT, role="system", declared=True))
    assert context_value("message.declared", own, Request(is_floors=True)) is False


def test_what_two_detectors_find_at_one_place_counts_once(guard_of) -> None:
    """A policy that adds its own detector to an inherited one does not count each finding twice."""
    guard = guard_of("""
detectors:
  one: {use: pii, entities: [email]}
  two: {use: pii, entities: [email]}
rules:
  - {id: many, on: input, when: 'count("pii.email") >= 2', then: block}
""")

    assert not guard.check("jo@example.com").blocked
    assert guard.check("jo@example.com, al@example.com").blocked


def test_findings_without_a_place_count_each(guard_of, kind_of) -> None:
    """Two detectors that judge a text as a whole are two opinions."""
    whole = kind_of(lambda content: Detection((Finding("hate", 0.9, "own"),)), "hate")
    guard = guard_of(
        """
detectors:
  one: {use: own}
  two: {use: own}
rules:
  - {id: both, on: input, when: 'count("hate") >= 2', then: block}
""",
        detectors={"own": whole},
    )

    assert guard.check("x").blocked


def test_a_condition_is_decided_for_the_values_that_it_says(compiled: Callable[..., Guard]) -> None:
    """What is unknown is among them where another detector found enough, and left out where nobody knows."""
    policy = compiled("  - {id: r, on: input, when: hate > 0.5, then: block}").policy
    item = JudgedContent(Text("a", HERE), policy.plan((Stage.INPUT,)), (), frozenset({"two"}))
    evaluation, condition = Evaluation(policy, [item], Request()), policy.rules[0].condition
    failed = frozenset({"two"})
    for score, expected in ((0.9, (True, {"hate": 0.9})), (0.4, (None, {}))):
        found = [Finding("hate", score, "one", (0, 1))]
        assert evaluation.decided(condition, found, failed, item.content) == expected
        assert evaluation.holds(condition, found, failed, item.content) is expected[0]
    assert evaluation.decided(condition, (), frozenset(), item.content) == (False, {"hate": 0.0})


def test_rules_that_cannot_fire_may_be_tried_on_what_they_look_at(compiled: Callable[..., Guard]) -> None:
    """What is tried is chosen; what is looked at together is the same whoever chooses."""
    rules = """  - {id: part, on: input, when: hate > 0.5, then: block}
  - {id: all, on: input, when: hate > 0.5, then: block, scope: message}
"""
    policy = compiled(rules).policy
    plan = policy.plan((Stage.INPUT,))
    items = [JudgedContent(Text("a", Place(Stage.INPUT, message=0)), plan) for _ in range(2)]
    evaluation = Evaluation(policy, items, Request())
    assert [*evaluation.tries(evaluation.candidates)] == []
    tried = [(rule.id, members) for rule, members in evaluation.tries(lambda _: policy.rules)]
    assert tried == [("part", (0,)), ("part", (1,)), ("all", (0, 1))]


@each_case("failed", ["", "one", "one two"])
def test_many_contents_without_findings_cost_one_evaluation_a_rule(
    compiled: Callable[..., Guard], monkeypatch: pytest.MonkeyPatch, failed: str
) -> None:
    """What follows from a set of failed detectors is worked out once, however many contents share it."""
    rules = "\n".join(f"  - {{id: r{n}, on: input, when: hate >= 0.{n}, then: block}}" for n in range(1, 10))
    policy = compiled(rules).policy
    worked: list[str] = []
    for name in ("evaluate_condition", "unknown_names", "hidden_categories"):
        original = getattr(rule_evaluation, name)
        monkeypatch.setattr(
            rule_evaluation, name, lambda *given, f=original, n=name: (worked.append(n), f(*given))[1]
        )

    def run(contents: int) -> tuple[int, int]:
        worked.clear()
        plan = policy.plan((Stage.INPUT,))
        items = [JudgedContent(Text("some text", HERE), plan, (), frozenset(failed.split()))] * contents
        fired = Evaluation(policy, items, TODAY).run()
        return len(worked), len(fired)

    (once, fired), (often, fired_often) = run(1), run(1_000)

    assert often == once <= 9 * 4
    assert fired_often == 1_000 * fired == (9_000 if failed else 0)


CONDITIONS = (
    "hate > 0.5",
    "toxic > 0 && hate < 0.5",
    "toxic > 0 || custom.x > 0",
    "detector.one.toxic > 0 || detector.two.hate > 0.5",
    "count('pii.email') >= 1 && message.role == 'user'",
    "custom.x < 0.5",
    "hate == 0 || toxic > 0",
    "request.user.tier != 'staff' && hate > 0",
    "request.user.tier == 'staff' || toxic > 0.5",
)
ITEMS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(CATEGORIES), st.sampled_from([0.2, 0.9])), max_size=2),
        st.frozensets(st.sampled_from(["one", "two"])),
        st.sampled_from([None, 0, 1]),
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def mixed(compiled: Callable[..., Guard]) -> Guard:
    """Return a guard with each condition at each scope, blocking and redacting."""
    rules = [
        f'  - {{id: r{at}.{scope}, on: input, when: "{condition}", then: {action}, scope: {scope}}}'
        for at, (condition, action) in enumerate(zip(CONDITIONS, ("block", "redact") * 5, strict=False))
        for scope in ("part", "message", "conversation")
        if scope != "conversation" or "message." not in condition
    ]
    return compiled("\n".join(rules))


@given(ITEMS, st.sampled_from([None, "staff", "guest"]))
def test_what_is_certain_is_what_fires_whatever_is_open(
    mixed: Guard, items: list[Any], tier: str | None
) -> None:
    """Rules of which nothing was found are not tried while detectors are open, and none of them would fire for certain."""
    plan = mixed.policy.plan((Stage.INPUT,))
    judged = [
        JudgedContent(
            Text("some text", Place(Stage.INPUT, role="user", message=message)),
            plan,
            tuple(
                Finding(category, score, "one", (at, at + 1)) for at, (category, score) in enumerate(found)
            ),
            unknown,
        )
        for found, unknown, message in items
    ]
    request = Request(today="2026-06-15", user={} if tier is None else {"tier": tier})
    every = Evaluation(mixed.policy, judged, request).run()
    certain = [each for each in every if each.reason != "error" and each.action is each.rule.then]
    assert Evaluation(mixed.policy, judged, request).run_certain() == certain
