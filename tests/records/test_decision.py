"""The record of one decision: all that an audit asks for, and no word of what was judged."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from guardrails.engine.model import Request
from guardrails.records.chain import commit
from guardrails.records.decision import (
    LONGEST,
    MOST_FINDINGS,
    NOBODY,
    REQUEST_FIELDS,
    Person,
    encode_decision,
)
from guardrails.types import (
    Action,
    Coverage,
    DetectorFailure,
    Finding,
    FiredRule,
    PolicyRef,
    Stage,
    Unavailable,
    Verdict,
)
from guardrails.verdicts.coverage import KindCoverage, Unchecked
from tests.cases import each_case

SECRET = "secret-of-the-text"


def verdict(**fields: Any) -> Verdict:
    """Return a verdict with all that may quote the text."""
    given: dict[str, Any] = {
        "id": "vd_1",
        "action": Action.BLOCK,
        "stage": Stage.INPUT,
        "policy": PolicyRef("p", "1.0", "sha256:0"),
        "content": SECRET,
        "rules": (
            FiredRule("r.block", Action.BLOCK, SECRET),
            FiredRule("r.flag", Action.FLAG, reason="error"),
        ),
        "findings": (Finding("hate", 0.123456, "d", (0, 4), path=f"/{SECRET}"),),
        "errors": (DetectorFailure("d", SECRET, f"/{SECRET}", "timeout"),),
        "coverage": Coverage(
            {"text": KindCoverage(2, 1, 10)}, (Unchecked("language", "xx", f"/{SECRET}"),) * 2, (SECRET,)
        ),
        "removed": (SECRET,),
        "timings_ms": {"d": 0.12345, "total": 1.0},
        "system": SECRET,
        "prompt": SECRET,
    }
    return Verdict(**given | fields)


def encoded(*given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both parts of a record, read again."""
    person, record = encode_decision(*given)
    return json.loads(person), json.loads(record)


def test_a_record_says_what_was_decided() -> None:
    """Rules, scores, coverage, failures and times; nothing that could quote what was judged."""
    person, record = encoded(verdict(), None, NOBODY, None)
    assert person == {}
    assert record.pop("time") > 1_700_000_000_000_000
    assert record == {
        "v": 1,
        "kind": "decision",
        "id": "vd_1",
        "stage": "input",
        "action": "block",
        "policy": {"name": "p", "version": "1.0", "digest": "sha256:0"},
        "ms": {"d": 0.123, "total": 1.0},
        "rules": [
            {"id": "r.block", "action": "block"},
            {"id": "r.flag", "action": "flag", "reason": "error"},
        ],
        "findings": [{"category": "hate", "score": 0.123456, "detector": "d", "span": [0, 4]}],
        "coverage": {
            "text": {"parts": 2, "checked": 1, "characters": 10},
            "unchecked": {"language": 2},
            "unknown_fields": 1,
        },
        "errors": [{"detector": "d", "reason": "timeout"}],
    }
    assert SECRET not in json.dumps([person, record])


def test_what_says_nothing_is_left_out() -> None:
    """A plain decision is short; one that could not be made says why."""
    plain = {"rules": (), "findings": (), "errors": (), "coverage": Coverage(), "action": Action.ALLOW}
    _, record = encoded(verdict(**plain), None, NOBODY, None)
    assert record.keys() == {"v", "kind", "id", "time", "stage", "action", "policy", "ms"}
    _, record = encoded(
        verdict(**plain, complete=False, unavailable=Unavailable("timeout")), None, NOBODY, None
    )
    assert (record["complete"], record["unavailable"]) == (False, "timeout")


def test_people_are_committed_to() -> None:
    """They stand in the part that can be erased, with the salt; the record holds what binds it."""
    who = Request(user={"id": "u1"}, tenant="acme", model="m")
    person, record = encoded(verdict(), who, Person("digest-of-u1", "c1"), None)
    salt = bytes.fromhex(person["salt"])
    assert person == {"salt": person["salt"], "subject": "digest-of-u1", "conversation": "c1"}
    assert record["subject"] == commit(salt, "subject", "digest-of-u1")
    assert record["conversation"] == commit(salt, "conversation", "c1")
    assert (record["tenant"], record["model"]) == ("acme", "m")
    other, _ = encoded(verdict(), who, Person("digest-of-u1", None), None)
    assert other["salt"] != person["salt"]
    assert "conversation" not in other


def test_the_request_is_named() -> None:
    """By the ids that client and operator know; what is not known is left out."""
    facts = SimpleNamespace(
        request_id="req_1", trace_id="", route="/v1/x", client="team-a", upstream="", tokens=(0, 0)
    )
    _, record = encoded(verdict(), None, NOBODY, facts)
    assert {name: record.get(name) for name in vars(facts)} == {
        "request_id": "req_1", "trace_id": None, "route": "/v1/x", "client": "team-a", "upstream": None,
        "tokens": None,
    }  # fmt: skip


@each_case(
    ("stage", "tokens", "told"),
    [
        (Stage.OUTPUT, [12, 3], {"input": 12, "output": 3}),
        (Stage.OUTPUT, [0, 3], {"input": 0, "output": 3}),
        (Stage.OUTPUT, [0, 0], None),
        (Stage.INPUT, [12, 3], None),
    ],
)
def test_an_answer_has_its_tokens(stage: Stage, tokens: list[int], told: dict[str, int] | None) -> None:
    """As the upstream says; a request has none, also where the model is asked again."""
    facts = SimpleNamespace(**dict.fromkeys(REQUEST_FIELDS, ""), tokens=tokens)
    _, record = encoded(verdict(stage=stage), None, NOBODY, facts)
    assert record.get("tokens") == told


def test_the_surest_of_many_findings_are_named() -> None:
    """A text with thousands of them makes no record of megabytes."""
    findings = tuple(Finding("hate", n / 1_000, "d", (n, n + 1)) for n in range(500))
    _, record = encoded(verdict(findings=findings), None, NOBODY, None)
    assert len(record["findings"]) == MOST_FINDINGS
    assert record["further_findings"] == 400
    assert min(each["score"] for each in record["findings"]) == 0.4


@each_case("name", ["m" * 10_000, "a\tb\nc", "\ud800"])
def test_whatever_a_client_calls_a_model_is_a_record(name: str) -> None:
    """It is cut; tabs and line ends stay within the JSON text, lone surrogates are written as escapes."""
    _, raw = encode_decision(verdict(), Request(model=name, tenant=name), NOBODY, None)
    assert b"\n" not in raw
    assert b"\t" not in raw
    assert json.loads(raw)["model"] == name[:LONGEST]


@each_case("name", ["a\tb\nc", "\0", "a lone \ud800 surrogate", '"', "ü 🙂"])
def test_whatever_a_user_is_called_is_a_record(name: str) -> None:
    """As the operator has them as they are: on one line, and committed to."""
    told, raw = encode_decision(verdict(), Request(), Person(name, name), None)
    assert b"\n" not in told
    assert b"\t" not in told
    person, record = json.loads(told), json.loads(raw)
    assert (person["subject"], person["conversation"]) == (name, name)
    assert record["subject"] == commit(bytes.fromhex(person["salt"]), "subject", name)
