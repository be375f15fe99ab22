"""JUnit's XML of results."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.testing.junit import render_junit
from guardrails.authoring.testing.suite import SuiteResult

PASSED = SuiteResult("fine", "a:b.yaml:3:5", (), ms=2.0)
FAILED = SuiteResult("bad", "p.yaml:4:5", ("action is allow, not block",), why=("r does not fire",), ms=1.0)
GAP = SuiteResult("gap", "p.yaml:5:5", ("rules are []",), todo=True, reason="dashes")
CLOSED = SuiteResult("closed", "p.yaml:6:5", (), todo=True)
BROKEN = SuiteResult("broken", "p.yaml:7:5", ("could not be judged",), todo=True, broken=True)


def test_each_policy_is_a_suite() -> None:
    """With its counts; known gaps are skipped, and one that is closed has passed."""
    root = ElementTree.fromstring(render_junit({"one": [PASSED, FAILED, GAP], "two": [CLOSED, BROKEN]}))
    assert root.attrib == {
        "name": "guardrails test",
        "tests": "5",
        "failures": "2",
        "errors": "0",
        "skipped": "1",
        "time": "0.003000",
    }
    assert [(each.get("name"), each.get("tests"), each.get("failures")) for each in root] == [
        ("one", "3", "1"),
        ("two", "2", "1"),
    ]
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert cases["fine"].attrib == {
        "classname": "one",
        "name": "fine",
        "file": "a:b.yaml",
        "line": "3",
        "time": "0.002000",
    }
    failure = cases["bad"].find("failure")
    assert failure is not None
    assert failure.get("message") == "action is allow, not block"
    assert failure.text == "p.yaml:4:5: action is allow, not block\nr does not fire"
    skipped = cases["gap"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "known gap: dashes"
    assert [*cases["closed"]] == []
    assert [each.tag for each in cases["broken"]] == ["failure"]


@given(st.text(), st.text(min_size=1))
def test_every_text_makes_sound_xml(name: str, difference: str) -> None:
    """Whatever a test is called and whatever it says: quotes, brackets, control characters, half a pair."""
    told = render_junit({name: [SuiteResult(name, f"{name}:1:2", (difference,))]})
    [failure] = ElementTree.fromstring(told.encode()).iter("failure")
    assert failure.get("message") is not None
