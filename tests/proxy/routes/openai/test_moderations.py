"""`POST /v1/moderations`: the policy here is what answers."""

from __future__ import annotations

import openai

from guardrails.proxy.routes.openai.moderations import SHOWN_IDS
from guardrails.taxonomy import OPENAI
from tests.cases import each_case
from tests.proxy.image_kit import uri
from tests.proxy.metrics_kit import counted

PATH = "/v1/moderations"


def test_a_text_is_judged_and_no_upstream_is_asked(proxy, fake, kit) -> None:
    """In OpenAI's shape; the headers are those of every answer."""
    answer = kit.send(proxy, PATH, {"input": "a zqxmask b", "model": "text-moderation-stable"})

    assert (answer.status, answer.action) == (200, ("redact", "mask.redact"))
    assert {*answer.json} == {"id", "model", "results"}
    assert (answer.json["id"][:5], answer.json["model"]) == ("modr-", "text-moderation-stable")
    (result,) = answer.json["results"]
    assert {*result} == {"flagged", "categories", "category_scores", "category_applied_input_types"}
    assert result["flagged"] is True
    assert {name for name, is_true in result["categories"].items() if is_true} == {"custom.mask", "custom"}
    assert {*OPENAI} <= {*result["category_scores"]}
    assert answer.headers["x-guardrails-verdict-id"].startswith("vd_")
    assert fake.asked == []


@each_case(
    ("text", "flagged", "action"),
    [("fine", False, "allow"), ("zqxflag", False, "flag"), ("zqxmask", True, "redact"), ("zqxbomb", True, "block")],
)  # fmt: skip
def test_flagged_is_what_may_not_pass_as_it_is(proxy, kit, text, flagged, action) -> None:
    """Always 200; nothing is said of a rule in shadow."""
    answer = kit.send(proxy, PATH, {"input": f"{text} zqxshade"})

    assert (answer.status, answer.action[0]) == (200, action)
    assert answer.json["results"][0]["flagged"] is flagged


def test_each_text_has_its_result(proxy, kit) -> None:
    """In their order; the headers have the strictest action, and not more ids than a header holds."""
    answer = kit.send(proxy, PATH, {"input": ["x", "zqxbomb", "zqxflag", *["y"] * SHOWN_IDS]})

    assert [each["flagged"] for each in answer.json["results"][:3]] == [False, True, False]
    assert len(answer.json["results"]) == SHOWN_IDS + 3
    assert answer.action[0] == "block"
    assert len(answer.headers["x-guardrails-verdict-id"].split(",")) == SHOWN_IDS


def test_it_is_counted(serve, kit) -> None:
    """As a route of its own, and each check."""
    url = serve()
    kit.send(url, PATH, {"input": ["x", "zqxbomb"]})

    labels = {"route": "/v1/moderations", "status": "200", "action": "block"}
    assert counted(kit.send(url, "/metrics").raw, "guardrails_requests_total", **labels) == 1


def test_the_stage_is_an_inputs_unless_it_is_said(serve, guard_of, kit) -> None:
    """`stage` is a field of ours."""
    url = serve(
        guard_of(
            "detectors: {bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}}\n"
            "rules: [{id: bomb, on: output, when: 'custom.bomb > 0 && message.role == \"assistant\"', then: block}]"
        )
    )
    said = [
        kit.send(url, PATH, {"input": "zqxbomb", **more}).json["results"][0]["flagged"]
        for more in ({}, {"stage": None}, {"stage": "output"})
    ]
    assert said == [False, False, True]


def test_all_detectors_have_their_say(serve, guard_of, kit, kind_of) -> None:
    """Also on what is certain to be blocked; who asks is known to conditions."""
    guard = guard_of(
        "detectors:\n"
        "  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}\n"
        "  pii: {use: pii, entities: [email]}\n"
        "rules:\n"
        "  - {id: bomb, on: input, when: custom.bomb > 0, then: block}\n"
        "  - {id: mail, on: input, when: pii.email > 0, then: redact}\n"
        '  - {id: who, on: input, when: \'request.client.user_agent == "probe" && request.model == "m"\', then: flag, on_error: allow}\n'
    )
    body = {"input": "zqxbomb jo@example.com", "model": "m"}
    answer = kit.send(serve(guard), PATH, body, {"user-agent": "probe"})

    true = {name for name, is_true in answer.json["results"][0]["categories"].items() if is_true}
    assert true == {"custom", "custom.bomb", "pii", "pii.email"}
    assert answer.action == ("block", "bomb,mail,who")


@each_case(
    ("body", "code", "param"),
    [
        ({}, "invalid_input", "/input"),
        ({"input": None}, "invalid_input", "/input"),
        ({"input": [1, 2]}, "invalid_input", "/input/0"),
        ({"input": "a", "model": 1}, "invalid_type", "/model"),
        ({"input": "a", "model": "two words"}, "invalid_type", "/model"),
        ({"input": "a", "stage": "outputs"}, "invalid_stage", "/stage"),
        ({"input": "a", "stage": ["input"]}, "invalid_stage", "/stage"),
        ({"input": "a", "rules": []}, "unknown_field", "/rules"),
        ({"input": "a", "two words": []}, "unknown_field", None),
        (b'{"input":"a","Input":"b"}', "duplicate_key", "/Input"),
        (b"[]", "invalid_json", None),
    ],
)
def test_a_wrong_body_is_400(proxy, kit, body, code, param) -> None:
    """In OpenAI's shape, with the place."""
    answer = kit.send(proxy, PATH, body)

    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, code, param)


SEEN = """
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: hate}
  seen: {use: green_square, category: sexual}
rules:
  - {id: hate, on: input, when: hate > 0, then: block}
  - {id: seen, on: input, when: sexual > 0.5, then: THEN}
"""
TEXT = {"type": "text", "text": "a caption"}


def picture(url: str) -> dict[str, object]:
    """Return a part with a picture."""
    return {"type": "image_url", "image_url": {"url": url}}


@each_case("then", ["block", "redact"])
@each_case("parts", [[TEXT, picture(uri(green=True))], [picture(uri()), picture(uri(green=True)), TEXT], [picture(uri(green=True, kind="WEBP"))]])  # fmt: skip
def test_a_picture_is_judged_and_says_so(serve, guard_of, kit, then, parts) -> None:
    """One result for all parts; a category that a detector of pictures finds was judged on them, one of texts was not."""
    url = serve(guard_of(SEEN.replace("THEN", then)))
    [result] = kit.send(url, "/v1/moderations", {"input": parts}).json["results"]

    applied = result["category_applied_input_types"]
    assert (result["flagged"], result["categories"]["sexual"], result["categories"]["hate"]) == (
        True,
        True,
        False,
    )
    assert result["category_scores"]["sexual"] > 0.9
    assert (applied["sexual"], applied["violence"]) == (["image"], [])
    assert applied["hate"] == (["text"] if TEXT in parts else [])
    assert "unchecked" not in result


@each_case(
    ("url", "kind"),
    [("https://x.example/a.png", "part"), ("data:image/png;base64,AAAA", "image"), (uri()[:-40], "image"), (uri() + "!", "part"), (uri().replace("png", "gif"), "image")],
)  # fmt: skip
def test_a_picture_that_cannot_be_judged_is_flagged_and_named(serve, guard_of, kit, url, kind) -> None:
    """One that is elsewhere, broken, or not what it says; no category was judged on it."""
    proxy = serve(guard_of(SEEN.replace("THEN", "block")))
    [result] = kit.send(proxy, "/v1/moderations", {"input": [picture(url)]}).json["results"]

    assert (result["flagged"], result["categories"]["sexual"], result["category_scores"]["sexual"]) == (
        True,
        False,
        0,
    )
    assert result["category_applied_input_types"]["sexual"] == []
    assert [entry["kind"] for entry in result["unchecked"]] == [kind]


def test_openais_client_moderates_pictures(serve, guard_of) -> None:
    """The real SDK."""
    url = serve(guard_of(SEEN.replace("THEN", "block")))
    with openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        [one] = client.moderations.create(input=[TEXT, picture(uri())]).results
        [two] = client.moderations.create(input=[TEXT, picture(uri(green=True))]).results
    assert (one.flagged, one.category_applied_input_types.sexual) == (False, ["image"])
    assert (two.flagged, two.categories.sexual) == (True, True)
