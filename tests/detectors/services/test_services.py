"""What holds for every service: an answer is judged, and whatever is none ends in a block."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from guardrails.detectors.services import SERVICES, Service, find_service
from guardrails.detectors.services.config import RemoteConfig
from tests.cases import each_case

MODERATED = ("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
             "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic")  # fmt: skip


def openai(asked: Any) -> Any:
    """Find nothing, as OpenAI writes it."""
    return {"results": [{"category_scores": dict.fromkeys(MODERATED, 0.0)}] * len(asked.json["input"])}


def azure(asked: Any) -> Any:
    """Find nothing, as Azure writes it."""
    return {"categoriesAnalysis": [{"category": each, "severity": 0} for each in asked.json["categories"]]}


def guardrails(asked: Any) -> Any:
    """Find nothing, as a proxy of this package writes it."""
    return {"action": "allow", "complete": True, "findings": [], "errors": [], "coverage": {"unchecked": []}}


@dataclass(frozen=True)
class Spoken:
    """A service as a policy has it, and how it says that all is well."""

    fields: str
    well: Callable[[Any], Any]
    when: str = "unsafe > 0.5"


SPOKEN = {
    "openai": Spoken("service: openai", openai),
    "azure": Spoken("service: azure", azure),
    "azure_shield": Spoken(
        "service: azure_shield", lambda _: {"userPromptAnalysis": {"attackDetected": False}}
    ),
    "bedrock": Spoken(
        "service: bedrock, bedrock: {guardrail: gr0}",
        lambda _: {"action": "NONE", "assessments": [], "outputs": []},
    ),
    "guardrails": Spoken("service: guardrails", guardrails),
    "http": Spoken(
        "service: http, http: {body: {t: '{text}'}, flag: flagged, category: toxic}",
        lambda _: {"flagged": False},
    ),
}


@pytest.fixture(params=[*SPOKEN])
def spoken(request: pytest.FixtureRequest, far: Any) -> Spoken:
    """Each service, which says that all is well until it is told otherwise."""
    found = SPOKEN[request.param]
    far.answer = found.well
    return found


def test_each_service_is_here() -> None:
    """None goes without these tests."""
    assert set(SPOKEN) == set(SERVICES)


@each_case("name", [*SERVICES])
def test_each_service_describes_itself(name: str) -> None:
    """Its name is one that a policy may write, its fields are some of the configuration."""
    found = find_service(name)
    assert isinstance(found, Service)
    assert found.fields <= set(RemoteConfig.model_fields)
    assert found.needs is None or found.needs in found.fields
    assert name in str(RemoteConfig.model_fields["service"].annotation)


def test_what_is_well_is_allowed(far, guard, spoken) -> None:
    """By one request."""
    verdict = guard(spoken.fields, spoken.when).check("a text")
    assert (str(verdict.action), verdict.findings, verdict.errors) == ("allow", (), ())
    assert len(far.asked) == 1


FAULTS: dict[str, tuple[Any, str]] = {
    "500": ((500, {"error": "zqx"}), "answered 500"),
    "429": ((429, {}), "answered 429"),
    "401": ((401, {}), "answered 401"),
    "404": ((404, {}), "answered 404"),
    "302": ((302, {}), "answered 302"),
    "empty": (b"", "the answer is no JSON"),
    "garbage": (b"<html>zqx</html>", "the answer is no JSON"),
    "cut": (b'{"results": [', "the answer is no JSON"),
    "huge": (b'"' + b"z" * (8 << 20) + b'"', "answered more than 8 MiB"),
}


@each_case("fault", [*FAULTS])
def test_a_request_that_fails_blocks(far, guard, kit, spoken, fault) -> None:
    """The failure names the endpoint and the cause, and nothing of what was said."""
    body, cause = FAULTS[fault]
    far.says(*reversed(body)) if isinstance(body, tuple) else far.says(body)
    assert kit.failed(guard(spoken.fields, spoken.when).check("a text")) == f"endpoint 'far': {cause}"


@each_case(
    "body", [None, [], {}, "safe", 0, False, [[]], [{}], {"results": [{}]}, {"error": {"message": "zqx"}}]
)
def test_another_shape_blocks(far, guard, kit, spoken, body) -> None:
    """Whatever it is: it is not the service's own."""
    far.says(body)
    said = kit.failed(guard(spoken.fields, spoken.when).check("a text"))
    assert said.startswith("endpoint 'far': ")
    assert "zqx" not in said


def test_each_part_that_is_left_out_blocks(far, guard, kit, spoken) -> None:
    """Of the outermost level of an answer; what is not needed is not looked at."""
    guarded = guard(spoken.fields, spoken.when)
    well = spoken.well

    def without(name: str) -> Callable[[Any], Any]:
        return lambda asked: {key: value for key, value in well(asked).items() if key != name}

    far.answer = lambda asked: well(asked)
    guarded.check("a text")
    for name in [*well(far.asked[0])]:
        if name != "outputs":
            far.answer = without(name)
            assert kit.failed(guarded.check(f"without {name}")).startswith("endpoint 'far': ")


def test_not_a_number_blocks(far, guard, kit, spoken) -> None:
    """JSON has no NaN, whatever some servers write."""
    far.answer = lambda asked: json.dumps(spoken.well(asked) | {"x": float("nan")}).encode()
    assert (
        kit.failed(guard(spoken.fields, spoken.when).check("a text"))
        == "endpoint 'far': the answer is no JSON"
    )


def test_a_key_that_stands_twice_blocks(far, guard, kit, spoken) -> None:
    """Two readers would read two answers."""

    def twice(asked: Any) -> bytes:
        text = json.dumps(spoken.well(asked))
        return f"{text[:-1]}, {text[1:]}".encode()

    far.answer = twice
    assert (
        kit.failed(guard(spoken.fields, spoken.when).check("a text"))
        == "endpoint 'far': the answer is no JSON"
    )


def test_a_connection_that_breaks_blocks(far, guard, kit, spoken) -> None:
    """And so does one that was never there."""

    def close(_: Any) -> Any:
        raise kit.closed

    far.answer = close
    guarded = guard(spoken.fields, spoken.when)
    assert kit.failed(guarded.check("a text")).startswith("endpoint 'far': cannot be reached")


def test_a_service_that_is_slow_blocks(far, guard, kit, spoken) -> None:
    """By its own time-out; the request is given up."""
    far.hangs()
    said = kit.failed(guard(spoken.fields, spoken.when, endpoint="timeout_ms: 50").check("a text"))
    assert said == "endpoint 'far': no answer in 0.05 s"
    assert far.dropped.wait(20)


def test_a_deadline_of_the_policy_blocks(far, guard, kit, spoken) -> None:
    """Whichever comes first; the service sees that nobody waits any more."""
    far.hangs()
    guarded = guard(
        spoken.fields, spoken.when, endpoint="timeout_ms: 60000", more="limits: {deadline_ms: 50}"
    )
    assert kit.failed(guarded.check("a text")) == "not done after 50 ms"
    assert far.dropped.wait(20)


def test_a_rule_may_say_otherwise(far, guard, spoken) -> None:
    """What failing means is the rule's own `on_error`; the verdict still says that it failed."""
    far.says({}, 500)
    verdict = guard(spoken.fields, spoken.when, then="block, on_error: allow").check("a text")
    assert (str(verdict.action), [each.error for each in verdict.errors]) == (
        "allow",
        ["endpoint 'far': answered 500"],
    )


def test_after_a_failure_it_is_asked_again(far, guard, kit, spoken) -> None:
    """A failure is not kept, as what was found is."""
    guarded = guard(spoken.fields, spoken.when)
    text = "long enough that what was found is kept"
    far.says({}, 500)
    kit.failed(guarded.check(text))
    far.answer = spoken.well
    assert str(guarded.check(text).action) == "allow"
    assert str(guarded.check(text).action) == "allow"
    assert len(far.asked) == 2
