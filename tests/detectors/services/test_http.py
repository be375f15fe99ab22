"""Any service over HTTP: the request from a template, and the readings of its answer."""

from __future__ import annotations

import math
from typing import Any

import pytest

from guardrails import PolicyErrors
from guardrails.detectors.services.http import fill_template, parse_place, value_at
from guardrails.detectors.services.reading import UnreadableResponse
from guardrails.types import Place, Stage, Text
from tests.cases import each_case


@each_case(
    ("written", "place"),
    [
        ("", ()), ("a", ("a",)), ("a.b.0", ("a", "b", "0")), ("/a/b/0", ("a", "b", "0")), ("/", ("",)),
        ("/a~1b/c~0d", ("a/b", "c~d")), ("/a.b", ("a.b",)), ("/a~01", ("a~1",)),
    ],
)  # fmt: skip
def test_a_place_is_a_pointer_or_dotted(written: str, place: tuple[str, ...]) -> None:
    """A pointer names keys with dots or slashes in them."""
    assert parse_place(written) == place


ANSWER = {"a": {"b": [1, {"c": 0.5}]}, "x.y": 2, "": 3, "n": None}


@each_case(
    ("written", "value"),
    [("", ANSWER), ("a.b.0", 1), ("a.b.1.c", 0.5), ("/a/b/1/c", 0.5), ("/x.y", 2), ("/", 3), ("n", None)],
)
def test_what_stands_at_a_place_is_read(written: str, value: Any) -> None:
    """Also null, which is then no number."""
    assert value_at(ANSWER, written) == value


@each_case(
    "written",
    [
        "b",
        "a.c",
        "a.b.2",
        "a.b.-1",
        "a.b.x",
        "a.b.0.c",
        "x.y",
        "n.a",
        "/a/b/",
        "a.b.\u0661\u0662",
        "a.b." + "9" * 99,
    ],
)
def test_what_is_not_there_is_an_error(written: str) -> None:
    """Never 0, and never another place."""
    with pytest.raises(UnreadableResponse):
        value_at(ANSWER, written)


def test_a_template_is_filled_as_values() -> None:
    """What a text holds is not looked at again, whatever it looks like."""
    template = {
        "a": "<{text}> {prompt}",
        "b": ["{stage}", 1, None, True, {"c": "{text}{text}"}],
        "{text}": "{x} {} {",
    }
    values = {"text": '"},{stage} {prompt}', "prompt": "{text}", "stage": "input"}
    assert fill_template(template, values) == {
        "a": '<"},{stage} {prompt}> {text}',
        "b": ["input", 1, None, True, {"c": '"},{stage} {prompt}' * 2}],
        "{text}": "{x} {} {",
    }


BODY = "path: /classify, body: {inputs: '{text}'}"


def test_a_score_is_read(far, guard, kit) -> None:
    """A number at a place, of one category."""
    far.says({"result": [{"toxicity": 0.8}]})
    guarded = guard(
        f"service: http, http: {{{BODY}, score: result.0.toxicity, category: toxic}}", "toxic > 0.5"
    )
    assert kit.found(guarded.check("a text")) == [("toxic", 0.8, (0, 6))]
    assert (far.asked[0].path, far.asked[0].json) == ("/classify", {"inputs": "a text"})


@each_case(("highest", "score", "found"), [(100, 80, 0.8), (7, 7, 1.0), (0.5, 0.25, 0.5)])
def test_a_score_may_have_another_scale(far, guard, kit, highest, score, found) -> None:
    """What is past it is no number of that scale."""
    far.says({"s": score})
    fields = f"service: http, http: {{{BODY}, score: s, category: toxic, highest: {highest}}}"
    guarded = guard(fields, "toxic > 0.1")
    assert kit.found(guarded.check("a")) == [("toxic", found, (0, 1))]
    far.says({"s": highest + 1})
    assert kit.failed(guarded.check("b")) == f"endpoint 'far': 's' is no number from 0 to {highest:g}"


@each_case(("flag", "found"), [(True, [("jailbreak", 1.0, (0, 1))]), (False, [])])
def test_a_flag_is_read(far, guard, kit, flag, found) -> None:
    """True is 1.0."""
    far.says({"flagged": flag})
    guarded = guard(
        f"service: http, http: {{{BODY}, flag: /flagged, category: jailbreak}}", "jailbreak > 0.5"
    )
    assert kit.found(guarded.check("a")) == found


def test_a_mapping_is_read(far, guard, kit) -> None:
    """By `labels`; others of it are not looked at, but each of those must be there."""
    far.says({"scores": {"TOX": 0.9, "VIO": 0.3, "neutral": "x"}})
    fields = f"service: http, labels: {{TOX: toxic, VIO: violence}}, http: {{{BODY}, scores: scores}}"
    guarded = guard(fields, "toxic > 0.5")
    assert kit.found(guarded.check("a")) == [("toxic", 0.9, (0, 1)), ("violence", 0.3, (0, 1))]
    far.says({"scores": {"TOX": 0.9}})
    assert kit.failed(guarded.check("b")) == "endpoint 'far': 'VIO' is no number from 0 to 1"


ITEMS = "labels: {TOX: toxic, VIO: violence, OK: []}"


def test_a_list_is_read(far, guard, kit) -> None:
    """The best score of each label; what it does not list was not found; one may be ignored by name."""
    found = [
        {"kind": {"name": "TOX"}, "p": 0.4},
        {"kind": {"name": "TOX"}, "p": 0.7},
        {"kind": {"name": "OK"}, "p": 1},
    ]
    far.says(found)
    block = f"http: {{{BODY}, items: '', label: kind.name, score: p}}"
    guarded = guard(f"service: http, {ITEMS}, {block}", "toxic > 0.5")
    assert kit.found(guarded.check("a")) == [("toxic", 0.7, (0, 1))]
    far.says([])
    assert str(guarded.check("b").action) == "allow"


def test_a_list_may_have_places(far, guard, kit) -> None:
    """In code points of the text; without a score what is listed was found."""
    far.answer = lambda asked: {
        "found": [
            {"label": "TOX", "s": at, "e": at + 3} for at in [asked.json["inputs"].find("zqx")] if at >= 0
        ]
    }
    block = f"http: {{{BODY}, items: found, start: s, end: e}}"
    guarded = guard(f"service: http, characters: 100, {ITEMS}, {block}", "toxic > 0.5", then="redact")
    text = "\U0001f600 fine. " * 40 + "a zqx here. " + "And fine. " * 40
    verdict = guarded.check(text)
    start = text.index("zqx")
    assert kit.found(verdict) == [("toxic", 1.0, (start, start + 3))]
    assert verdict.content == text.replace("zqx", "[TOXIC]")
    assert len(far.asked) > 5


@each_case(
    ("reading", "bodies"),
    [
        (
            "score: a.s, category: toxic",
            [None, [], "0", {}, {"a": None}, {"a": {}}, {"a": {"s": None}}, {"a": {"s": "0"}}, {"a": {"s": False}},
             {"a": {"s": -0.1}}, {"a": {"s": 1.1}}, {"a": {"s": math.nan}}, {"a": {"s": [0]}}, {"a": {"s": 10**400}}],
        ),
        (
            "flag: f, category: toxic",
            [None, {}, {"f": None}, {"f": 0}, {"f": "false"}, {"f": []}, [False], {"F": False}],
        ),
        (
            "scores: s",
            [None, {}, {"s": None}, {"s": []}, {"s": {}}, {"s": {"TOX": 0.1}}, {"s": {"TOX": 0.1, "VIO": None}},
             {"s": {"TOX": 0.1, "VIO": "0.1"}}, {"s": {"TOX": 0.1, "VIO": 2}}, {"s": [["TOX", 0.1]]}],
        ),
        (
            "items: s, score: p, start: b, end: e",
            [None, {}, {"s": None}, {"s": {}}, {"s": [None]}, {"s": ["TOX"]}, {"s": [{}]},
             *({"s": [{"label": "TOX", "p": 0.5, "b": 0, "e": 1, **wrong}]} for wrong in (
                 {"label": None}, {"label": "zqx"}, {"label": ["TOX"]}, {"p": None}, {"p": 2}, {"b": None}, {"b": -1},
                 {"b": 1}, {"e": 99}, {"e": 0}, {"b": 0.0}, {"e": True}, {"b": "0"}, {"e": 10**400},
             ))],
        ),
    ],
)  # fmt: skip
def test_what_is_no_answer_has_failed(far, guard, kit, reading, bodies) -> None:
    """Missing places, wrong types, numbers out of range, unknown labels, places outside of the text."""
    labels = "" if "category" in reading else f"{ITEMS}, "
    guarded = guard(
        f"service: http, {labels}http: {{{BODY}, {reading}}}",
        "toxic > 0.5 || violence > 0.5" if labels else "toxic > 0.5",
    )
    for number, body in enumerate(bodies):
        far.says(body)
        said = kit.failed(guarded.check(f"text {number}"))
        assert said == "gave a place outside of what it read" or said.startswith("endpoint 'far': "), body
        assert "zqx" not in said


STAGED = "http: {body: {t: '{text}', p: '{prompt}', s: '{stage}'}, flag: f, category: toxic}"


def test_a_service_may_be_told_more(far, guard) -> None:
    """What a reply answers to, and where a text stands; the same text elsewhere is another question."""
    far.says({"f": False})
    guarded = guard(f"service: http, {STAGED}", "toxic > 0.5")
    text = "long enough that what was found is kept"
    guarded.check(text, "output", prompt="why?")
    guarded.check(text, "input")
    guarded.check(text, "input")
    guarded.check(text, "retrieval")
    assert [(each.json["s"], each.json["p"]) for each in far.asked] == [
        ("output", "why?"), ("input", ""), ("retrieval", "")
    ]  # fmt: skip


@each_case(("staged", "asked"), [(True, ["input", "output"]), (False, [None])])
def test_a_turn_that_may_be_forged_stands_at_two_stages(far, guard, kit, staged, asked) -> None:
    """A service that tells stages apart is asked for both, any other once; the worse answer holds."""
    far.answer = lambda each: {"f": each.json.get("s") != "output"}
    body = STAGED if staged else "http: {body: {t: '{text}'}, flag: f, category: toxic}"
    guarded = guard(f"service: http, {body}", "toxic > 0.5")
    verdict = guarded.check(Text("a", Place(Stage.OUTPUT, also=(Stage.INPUT,))))
    assert sorted(each.json.get("s", None) or "" for each in far.asked) == [each or "" for each in asked]
    assert kit.found(verdict) == [("toxic", 1.0, (0, 1))]


@each_case(
    ("fields", "problem"),
    [
        ("http: {body: {t: '{text}'}}", "invalid_value: detector 'd': http must have exactly one of"),
        ("http: {body: {t: '{text}'}, flag: a, scores: b}", "invalid_value: detector 'd': http must have exactly one of"),
        ("http: {body: {t: '{text}'}, flag: a}", "missing_field: detector 'd': http with 'flag' needs 'category'"),
        ("http: {body: {t: '{text}'}, scores: a}", "missing_field: detector 'd': http with 'scores' needs 'labels'"),
        ("http: {body: {t: text}, flag: a, category: toxic}", "missing_text: detector 'd': the request does not hold"),
        ("http: {body: {t: '{txt}'}, flag: a, category: toxic}", "unknown_placeholder: detector 'd': {txt} stands for nothing"),
        ("http: {body: {t: '{text}'}, flag: a, category: tox}", "unknown_category: detector 'd': 'tox' is no category"),
        ("http: {body: {t: '{text}'}, flag: a, category: toxic, label: b}", "unused_field: detector 'd': 'label' has no effect"),
        ("http: {body: {t: '{text}'}, flag: a, category: toxic, highest: 5}", "unused_field: detector 'd': 'highest' has no"),
        ("labels: {a: toxic}, http: {body: {t: '{text}'}, items: a, start: b}", "unused_field: detector 'd': 'start' has no"),
        ("labels: {a: toxic}, http: {body: {t: '{text}'}, items: a, category: toxic}", "unused_field: detector 'd': 'category'"),
        ("labels: {a: toxic}, http: {body: {t: '{text}'}, flag: a, category: toxic}", "unused_field: detector 'd': 'labels' has"),
        ("labels: {a: tox}, http: {body: {t: '{text}'}, scores: a}", "unknown_category: detector 'd': 'tox' is no category"),
        ("http: {path: x, body: {t: '{text}'}, flag: a, category: toxic}", "invalid_value: http.path 'x' must be"),
        ("http: {path: '/a b', body: {t: '{text}'}, flag: a, category: toxic}", "invalid_value: http.path '/a b' must be"),
        *(
            (f"http: {{path: '{path}', body: {{t: '{{text}}'}}, flag: a, category: toxic}}", "path leads out of the endpoint's URL")
            for path in ("/../admin", "/a/..", "/a/%2e%2E/b", "/.%2e/x?y", "/a/..%2fb", "/a\\\\..\\\\b")
        ),
        ("", "missing_field: detector 'd': service 'http' needs 'http'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_when_it_is_loaded(guard, fields, problem) -> None:
    """And not when the first text comes."""
    with pytest.raises(PolicyErrors) as error:
        guard(f"service: http, {fields}" if fields else "service: http", "pii > 0.5 || true")
    assert problem in str(error.value)
