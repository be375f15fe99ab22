"""What headers say of the checks behind an answer."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.responses import Response

from guardrails.proxy.exchange.report_headers import JsonResponse, Report
from guardrails.types import Action, DetectorFailure, FiredRule, Mode, PolicyRef, Stage, Verdict
from tests.cases import each_case

REF = PolicyRef("a name é", "1.0 beta", "sha256:0")


def verdict(action: Action, *rules: str, errors=()) -> Verdict:
    """Return a verdict with these rules."""
    fired = tuple(FiredRule(rule, action) for rule in rules)
    return Verdict(f"vd_{action}", action, Stage.INPUT, REF, None, rules=fired, errors=errors)


def test_the_report_takes_the_strictest() -> None:
    """The strictest action, each rule once in order, both ids; a header holds nothing but ASCII."""
    report = Report(REF)
    report.add(verdict(Action.BLOCK, "a", "b"))
    report.add(verdict(Action.FLAG, "c", "a"))

    headers = report.headers()

    assert headers == {
        "x-guardrails-action": "block",
        "x-guardrails-rules": "a,b,c",
        "x-guardrails-policy": "a%20name%20%C3%A9@1.0%20beta;sha256:0",
        "x-guardrails-verdict-id": "vd_block,vd_flag",
    }
    report.add(verdict(Action.ALLOW, errors=(DetectorFailure("d", "boom"),)))
    assert report.headers()["x-guardrails-degraded"] == "true"


def test_messages_of_what_goes_on_are_notices() -> None:
    """Each once, of enforced rules that flag; the header is ASCII and reads as it was written."""
    report = Report(REF)
    rules = (
        FiredRule("a", Action.FLAG, "No estás solo: findahelpline.com, 100 %."),
        FiredRule("b", Action.FLAG, "Shadow.", mode=Mode.SHADOW),
        FiredRule("c", Action.BLOCK, "Blocked."),
        FiredRule("d", Action.FLAG),
    )
    for _ in range(2):
        report.add(Verdict("vd_1", Action.FLAG, Stage.INPUT, REF, None, rules=rules))
    notice = report.headers()["x-guardrails-notice"]
    assert notice == "No est%C3%A1s solo: findahelpline.com, 100 %25."
    assert unquote(notice) == "No estás solo: findahelpline.com, 100 %."


@each_case("headers", [{}, {"x-request-id": "a", "x-guardrails-rules": "\xe9"}])
def test_an_answer_of_json_is_written_as_starlette_does(headers: dict[str, str]) -> None:
    """The same head, and the same body."""
    quick, plain = JsonResponse(b"{}", 403, headers), Response(b"{}", 403, headers, "application/json")
    assert (quick.status_code, quick.body, quick.raw_headers) == (403, b"{}", plain.raw_headers)
    assert quick.headers == plain.headers


def test_the_count_tells_whether_headers_may_have_changed() -> None:
    """With each check, and where one is rejected."""
    report, counts = Report(REF), [0]
    for change in (
        lambda: report.add(verdict(Action.ALLOW)),
        lambda: report.add(verdict(Action.FLAG, "a")),
        report.reject,
    ):
        assert report.count == counts[-1]
        change()
        counts.append(report.count)
    assert len({*counts}) == 4
