"""`POST /v1/check`: the verdict is the answer."""

from __future__ import annotations

from tests.cases import each_case


@each_case("name", ["content", "text", "input"])
def test_a_text_is_judged(proxy, kit, name) -> None:
    """Under any of its names; the verdict is the one of DESIGN §4.7, the headers are those of every answer."""
    answer = kit.send(proxy, "/v1/check", {name: "a zqxmask b"})

    verdict = answer.json
    assert (answer.status, answer.action) == (200, ("redact", "mask.redact"))
    assert (verdict["action"], verdict["stage"], verdict["content"]) == ("redact", "input", "a [MASK] b")
    assert [rule["id"] for rule in verdict["rules"]] == ["mask.redact"]
    assert verdict["findings"][0]["span"] == [2, 9]
    assert verdict["id"] == answer.headers["x-guardrails-verdict-id"]


def test_a_block_is_an_answer(proxy, kit) -> None:
    """200, with no content to use."""
    answer = kit.send(proxy, "/v1/check", {"text": "zqxbomb", "stage": "output"})

    assert answer.status == 200
    assert (answer.json["action"], answer.json["content"], answer.json["stage"]) == ("block", None, "output")


@each_case("name", ["content", "messages", "input"])
def test_messages_are_judged_each_at_its_stage(proxy, kit, name) -> None:
    """A conversation comes back in its shape, an earlier turn that is blocked left out."""
    messages = [
        {"role": "user", "content": "zqxbomb"},
        {"role": "assistant", "content": "No."},
        {"role": "user", "content": "a zqxmask", "n": 1.0},
    ]

    verdict = kit.send(proxy, "/v1/check", {name: messages}).json

    assert verdict["action"] == "redact"
    assert verdict["content"] == [{"role": "user", "content": "a [MASK]", "n": 1.0}]
    assert verdict["removed"] == ["/0", "/1"]


def test_the_caller_says_who_asks(serve, guard_of, kit) -> None:
    """User, tenant, client, metadata and model reach the conditions; the language chooses the message."""
    guard = guard_of("""
rules:
  - {id: user, on: input, when: 'request.user.id == "jo"', then: flag, on_error: allow}
  - {id: tier, on: input, when: 'request.user.tier == "free"', then: flag, on_error: allow}
  - {id: tenant, on: input, when: 'request.tenant == "t"', then: flag, on_error: allow}
  - {id: client, on: input, when: 'request.client.app == "a"', then: flag, on_error: allow}
  - {id: meta, on: input, when: 'request.metadata.k == 1', then: flag, on_error: allow}
  - {id: model, on: input, when: 'request.model == "m"', then: flag, on_error: allow, message: {en: Model., de: Modell.}}
""")
    url = serve(guard)
    more = {"tenant": "t", "client": {"app": "a", "language": "de"}, "metadata": {"k": 1}, "model": "m"}

    by_map = kit.send(url, "/v1/check", {"text": "x", "user": {"id": "jo", "tier": "free"}, **more}).json
    by_id = kit.send(url, "/v1/check", {"text": "x", "user": "jo", "tenant": None}).json

    assert {rule["id"] for rule in by_map["rules"]} == {"user", "tier", "tenant", "client", "meta", "model"}
    assert {rule["message"] for rule in by_map["rules"]} == {None, "Modell."}
    assert [rule["id"] for rule in by_id["rules"]] == ["user"]


@each_case(
    ("body", "code", "param"),
    [
        ({}, "invalid_content", None),
        ({"text": None}, "invalid_content", None),
        ({"text": "a", "input": "b"}, "invalid_content", None),
        ({"text": 1}, "invalid_type", "/text"),
        ({"content": {"role": "user"}}, "invalid_type", "/content"),
        ({"messages": "x"}, "invalid_type", "/messages"),
        ({"text": "a", "stage": "outputs"}, "invalid_stage", "/stage"),
        ({"text": "a", "stages": "output"}, "unknown_field", "/stages"),
        ({"text": "a", "rules": []}, "unknown_field", "/rules"),
        ({"text": "a", "user": 7}, "invalid_type", "/user"),
        ({"messages": [{"role": "root", "content": "x"}]}, "unknown_role", "/0/role"),
        (b'{"text":"a","Text":"b"}', "duplicate_key", "/Text"),
        (b"[]", "invalid_json", None),
    ],
)
def test_a_wrong_body_is_400(proxy, kit, body, code, param) -> None:
    """In OpenAI's shape, with the place."""
    answer = kit.send(proxy, "/v1/check", body)

    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, code, param)
