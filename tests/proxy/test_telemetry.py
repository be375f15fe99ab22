"""What a proxy tells OpenTelemetry of its requests, to a receiver that decodes it; `tests/system/test_telemetry.py` has processes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.detectors.kinds import Kind
from guardrails.proxy.configuration.log_settings import LogDoc
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.logs import log_writer
from guardrails.proxy.server.logs.log_writer import configure_logs
from guardrails.proxy.server.serve import running
from guardrails.telemetry.conventions import ATTRIBUTES
from guardrails.types import CLEAN, Detection
from tests.cases import each_case
from tests.conftest import Own, OwnConfig
from tests.telemetry.otlp_receiver import Taken, receiving
from tests.telemetry.telemetry_kit import stability_of
from tests.waiting import wait_until

CHAT = "POST /v1/chat/completions"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACED = {"traceparent": f"00-{TRACE}-{PARENT}-01"}

Traced = Callable[..., Taken]


@pytest.fixture
def traced(fake, policy_guard, caplog) -> Traced:
    """Return a function: what is asked of a proxy with telemetry in, what a receiver took until the proxy ended out."""
    caplog.set_level("INFO", "guardrails")

    def run(ask: Callable[[str], Any], guard: Any = None, telemetry: Any = None, **settings: Any) -> Taken:
        with receiving() as (url, taken):
            doc = {"endpoint": url, "conventions": "development", **(telemetry or {})}
            given = {"upstream": fake.url, "port": 0, "telemetry": doc, **settings}
            with running(Settings(**given), guard or policy_guard) as proxy:
                ask(proxy)
        return taken

    return run


def attributes(taken: Taken, name: str) -> list[dict[str, Any]]:
    """Return the attributes of the spans of a name."""
    return [each["attributes"] for each in taken.named(name)]


def test_a_request_its_checks_and_its_upstream_are_one_trace(traced, fake, kit) -> None:
    """Below the client's span; the upstream's own would hang below ours."""
    fake.answers(kit.completion("Hello."))

    taken = traced(lambda url: kit.chat(url, kit.asking("hi zqxflag", temperature=0.5), **TRACED))

    [server], [asked], [answered], [client] = (
        taken.named(name) for name in (CHAT, "guardrails.check input", "guardrails.check output", "chat m")
    )
    assert {each["trace"] for each in taken.spans} == {TRACE}
    assert (server["parent"], server["kind"], server["status"]) == (PARENT, "server", "unset")
    assert {each["parent"] for each in (asked, answered, client)} == {server["id"]}
    assert fake.asked[-1].headers["traceparent"] == f"00-{TRACE}-{client['id']}-01"
    assert server["attributes"]["guardrails.action"] == "flag"
    assert asked["attributes"]["guardrails.rules"] == ["flag.flag"]
    told = client["attributes"]
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.response.id"]) == (1, "chatcmpl-1")
    assert (told["gen_ai.request.temperature"], told["gen_ai.provider.name"]) == (0.5, "openai")
    assert server["began"] <= asked["began"] <= client["began"] <= client["ended"] <= server["ended"]


def test_a_blocked_request_has_its_spans(traced, fake, kit) -> None:
    """Without an upstream's; the rule is an evaluation of the same trace. None of its words is anywhere."""
    taken = traced(lambda url: kit.chat(url, kit.asking("a zqxbomb"), **TRACED))

    [server], [check] = taken.named(CHAT), taken.named("guardrails.check input")
    assert (server["status"], server["attributes"]["http.response.status_code"]) == ("unset", 400)
    assert (server["attributes"]["guardrails.action"], check["attributes"]["guardrails.action"]) == (
        "block",
        "block",
    )
    assert len(taken.spans) == 2
    [event] = [each for each in taken.logs if each["event"]]
    assert (event["trace"], event["span"]) == (TRACE, check["id"])
    assert event["attributes"]["gen_ai.evaluation.name"] == "bomb.block"
    [line] = [each for each in taken.logs if not each["event"]]
    assert line["body"].startswith("block at input by bomb.block")
    assert line["trace"] == TRACE
    assert "zqx" not in taken.raw


def test_a_blocked_answer_has_its_spans(traced, fake, kit) -> None:
    """And what the upstream said is in none of them."""
    fake.answers(kit.completion("a zqxbomb zqxmask"))

    taken = traced(lambda url: kit.chat(url, kit.asking("hi")))

    [server], [check] = taken.named(CHAT), taken.named("guardrails.check output")
    assert (server["attributes"]["guardrails.action"], check["attributes"]["guardrails.rules"]) == (
        "block",
        ["bomb.block", "mask.redact"],
    )
    assert "zqx" not in taken.raw


def test_a_stream_is_told_of_once_it_has_ended(traced, fake, kit) -> None:
    """With the tokens and the model of its events, and the time of the first."""
    usage = kit.chunk(choices=[], usage={"prompt_tokens": 7, "completion_tokens": 9})
    fake.streams(*kit.pieces("all is well"), usage)

    taken = traced(lambda url: kit.chat(url, kit.asking("hi", stream=True)))

    [server], [client], [check] = (
        taken.named(CHAT),
        taken.named("chat m"),
        taken.named("guardrails.check output"),
    )
    told = client["attributes"]
    assert (told["gen_ai.request.stream"], told["gen_ai.usage.output_tokens"]) == (True, 9)
    assert 0.0 < told["gen_ai.response.time_to_first_chunk"] < 60.0
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    assert check["ended"] <= server["ended"]


@each_case(
    ("frames", "action", "status"),
    [(["a zqxbomb"], "block", "unset"), ([b"data: {\n\n"], "failed", "error")],
)
def test_a_stream_that_is_stopped_or_breaks_says_so(traced, fake, kit, frames, action, status) -> None:
    """The former is no error; the latter is one, though its status is 200."""
    text = [each if isinstance(each, bytes) else kit.chunk({"content": each}) for each in frames]
    fake.streams(*kit.pieces("all is well")[:3], *text)

    taken = traced(lambda url: kit.chat(url, kit.asking("hi", stream=True)))

    [server] = taken.named(CHAT)
    assert (server["attributes"]["guardrails.action"], server["status"]) == (action, status)
    assert server["attributes"]["http.response.status_code"] == 200
    assert "zqx" not in taken.raw


def test_each_attempt_has_a_span_of_its_own(traced, fakes, kit) -> None:
    """With its upstream, and why it failed."""
    first, second, _ = fakes
    first.answers({"error": {"message": "zqxdown"}}, 503)
    upstreams = {
        name: {"url": each.url, "models": ["*"], "tries": 1} for name, each in (("a", first), ("b", second))
    }

    taken = traced(lambda url: kit.chat(url, kit.asking("hi")), upstreams=upstreams)

    failed, answered = attributes(taken, "chat m")
    assert (failed["guardrails.upstream"], failed["error.type"], failed["http.response.status_code"]) == (
        "a",
        "503",
        503,
    )
    assert (answered["guardrails.upstream"], answered["http.request.resend_count"]) == ("b", 1)
    assert [each["status"] for each in taken.named("chat m")] == ["error", "unset"]
    assert "zqx" not in taken.raw


def test_baggage_goes_on_and_is_judged(traced, fake, kit) -> None:
    """As every header that goes on; without telemetry it stays here."""
    statuses: list[int] = []

    def ask(url: str) -> None:
        asked = (
            kit.chat(url, kit.asking("hi"), **TRACED, baggage=words)
            for words in ("tenant=acme", "note=zqxbomb")
        )
        statuses.extend(each.status for each in asked)

    traced(ask)

    assert statuses == [200, 400]
    assert [each.headers.get("baggage") for each in fake.asked] == ["tenant=acme"]
    assert "zqx" not in json.dumps([dict(each.headers) for each in fake.asked])


def test_without_telemetry_a_clients_trace_passes_and_its_baggage_does_not(proxy, fake, kit) -> None:
    """Nobody here continues it."""
    kit.chat(proxy, kit.asking("hi"), **TRACED, baggage="tenant=acme")

    assert fake.asked[-1].headers["traceparent"] == TRACED["traceparent"]
    assert "baggage" not in fake.asked[-1].headers


def test_settled_names_alone_are_sent_by_default(traced, fake, kit) -> None:
    """No event either."""
    taken = traced(
        lambda url: (kit.chat(url, kit.asking("hi")), kit.chat(url, kit.asking("a zqxbomb"))),
        telemetry={"conventions": None},
    )

    assert {stability_of(name) for each in taken.spans for name in each["attributes"]} == {"stable"}
    assert {each["name"] for each in taken.spans} == {
        CHAT,
        "guardrails.check input",
        "guardrails.check output",
        "POST",
    }
    assert [each["event"] for each in taken.logs] == [""]


def test_all_that_is_sent_stands_in_the_table(traced, fake, kit) -> None:
    """Each name, on what the table says."""
    fake.answers(kit.completion("Hello."))
    taken = traced(
        lambda url: [
            kit.chat(url, kit.asking(text, top_p=0.5)) for text in ("hi", "a zqxbomb", "zqxmask", "zqxshade")
        ],
        telemetry={"content": True},
    )

    on = {"server": "request", "client": "upstream", "internal": "check"}
    known = {row.name: row.on for row in ATTRIBUTES}
    for each in taken.spans:
        assert all(on[each["kind"]] in known[name] for name in each["attributes"]), each
        assert {*each["resource"]} - {*known} <= {
            name for name in each["resource"] if name.startswith("telemetry.sdk.")
        }
    for each in taken.logs:
        assert all(("event" if each["event"] else "log") in known[name] for name in each["attributes"]), each


def test_content_is_sent_where_it_is_asked_for(traced, fake, kit) -> None:
    """What passed, as it passed."""
    fake.answers(kit.completion("Hello, world."))

    taken = traced(lambda url: kit.chat(url, kit.asking("hi zqxmask, earth")), telemetry={"content": True})

    [asked], [answered] = (
        attributes(taken, "guardrails.check input"),
        attributes(taken, "guardrails.check output"),
    )
    assert "earth" in asked["gen_ai.input.messages"]
    assert "Hello, world." in answered["gen_ai.output.messages"]
    assert "zqx" not in taken.raw


def test_probes_have_no_spans_and_unknown_paths_no_names(traced, kit) -> None:
    """A client may make paths up."""
    taken = traced(
        lambda url: [kit.send(url, path) for path in ("/healthz", "/readyz", "/metrics", "/zqxpath")]
    )

    [span] = taken.spans
    assert (span["name"], span["attributes"]["http.response.status_code"]) == ("GET other", 404)


def test_a_check_that_could_not_be_done_is_an_error(traced, guard_of, kit) -> None:
    """Of the check and of its request."""

    def fail(content: Any) -> Detection:
        if "zqxfail" in content.text:
            raise RuntimeError("zqxwords")
        return CLEAN

    kind = Kind("own", "A test's own.", OwnConfig, ("custom.own",), lambda config: Own(fail))
    guard = guard_of(
        "detectors: {o: {use: own}}\nrules: [{id: r, on: input, when: custom.own > 0, then: block}]",
        detectors={"own": kind},
    )

    taken = traced(lambda url: kit.chat(url, kit.asking("zqxfail")), guard)

    [server], [check] = taken.named(CHAT), taken.named("guardrails.check input")
    assert {each["status"] for each in (server, check)} == {"error"}
    assert {each["attributes"]["error.type"] for each in (server, check)} == {"crash"}
    assert check["attributes"]["guardrails.detectors.failed"] == ["o"]
    assert "zqx" not in taken.raw


def test_a_policy_that_is_loaded_anew_is_told_of_too(traced, fake, kit, tmp_path: Path) -> None:
    """With its own name."""
    path = tmp_path / "p.yaml"
    text = "format: 1\nname: {}\nrules: [{{id: r, on: input, when: 'content.length > 1000', then: block}}]\n"
    path.write_text(text.format("first"))

    def ask(url: str) -> None:
        kit.chat(url, kit.asking("hi"))
        path.write_text(text.format("second"))
        wait_until(lambda: "second" in kit.chat(url, kit.asking("hi")).headers["x-guardrails-policy"])

    taken = traced(ask, Guard.load(path), policy=str(path))

    names = [each["guardrails.policy.name"] for each in attributes(taken, "guardrails.check input")]
    assert (names[0], names[-1]) == ("first", "second")


def test_the_log_names_the_trace_that_is_sent(traced, fake, kit, capfd) -> None:
    """Also where the client has none."""
    writer = configure_logs(LogDoc(format="json"))
    try:
        taken = traced(lambda url: kit.chat(url, kit.asking("hi")))
    finally:
        logging.getLogger().removeHandler(writer)
        log_writer._WRITERS.clear()

    [line] = [json.loads(each) for each in capfd.readouterr().err.splitlines() if '"route"' in each]
    assert line["trace_id"] == taken.spans[0]["trace"]
