"""Who may ask, how often, and under which policy: as a table, as properties, and by real clients of a real server."""

from __future__ import annotations

import threading

import anthropic
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.proxy.access.admission import (
    ANONYMOUS,
    MINUTE_S,
    OTHER_MODELS,
    AccessDenied,
    Admission,
    Client,
    RateLimiter,
    matches_any,
    select_policy,
)
from guardrails.proxy.access.keys import hash_key
from guardrails.proxy.access.tenants import KeyDoc, PolicyDoc
from tests.cases import each_case
from tests.waiting import wait_until

SHOP, BANK = "gk_shop-aaaaaaaaaaaaaaaaaaaa", "gk_bank-bbbbbbbbbbbbbbbbbbbb"
KEYS = (
    KeyDoc(id="shop", sha256=hash_key(SHOP), team="retail", user={"tier": "gold"}),
    KeyDoc(id="bank", sha256=hash_key(BANK), not_after="2026-06-30"),
)
TODAY = "2026-06-30"


def scope(**headers: str) -> dict:
    """Return the scope of a request."""
    return {"headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}


@each_case(
    ("headers", "left"),
    [
        ({"authorization": f"Bearer {SHOP}"}, []),
        ({"authorization": f"bearer {SHOP}"}, []),
        ({"authorization": SHOP}, []),
        ({"x_api_key": SHOP}, []),
        ({"api_key": SHOP}, []),
        ({"x_goog_api_key": SHOP}, []),
        ({"x_guardrails_key": SHOP, "authorization": "Bearer sk-upstream"}, [(b"authorization", b"Bearer sk-upstream")]),
        ({"authorization": f"Bearer {SHOP}", "x_api_key": SHOP, "accept": "*/*"}, [(b"accept", b"*/*")]),
        ({"ocp_apim_subscription_key": SHOP}, []),
    ],
)  # fmt: skip
def test_a_key_lets_in_and_goes_no_further(headers, left) -> None:
    """From whichever header a family of clients sends it in."""
    asked = scope(**headers)

    client = Admission(KEYS).admit(asked, TODAY)

    assert (client.key.id, client.tenant, client.user) == ("shop", "retail", {"tier": "gold"})
    assert asked["headers"] == left


@each_case(
    ("headers", "today", "code"),
    [
        ({}, TODAY, "missing_api_key"),
        ({"accept": SHOP}, TODAY, "missing_api_key"),
        ({"authorization": "Bearer gk_wrong"}, TODAY, "invalid_api_key"),
        ({"authorization": ""}, TODAY, "invalid_api_key"),
        ({"authorization": "Bearer \u00ff"}, TODAY, "invalid_api_key"),
        ({"authorization": f"Basic {SHOP}"}, TODAY, "invalid_api_key"),
        ({"authorization": f"Bearer {hash_key(SHOP)}"}, TODAY, "invalid_api_key"),
        ({"authorization": f"Bearer {SHOP}x"}, TODAY, "invalid_api_key"),
        ({"authorization": f"Bearer {SHOP}", "x_api_key": BANK}, TODAY, "ambiguous_key"),
        ({"authorization": f"Bearer {SHOP}", "x_guardrails_key": "gk_wrong"}, TODAY, "invalid_api_key"),
        ({"x_api_key": BANK}, "2026-07-01", "key_expired"),
    ],
)
def test_who_has_no_key_may_not_ask(headers, today, code) -> None:
    """The hash of a key is no key; an expired one was one."""
    with pytest.raises(AccessDenied) as raised:
        Admission(KEYS).admit(scope(**headers), today)
    assert (raised.value.status, raised.value.code) == (401, code)
    assert raised.value.headers == {"www-authenticate": "Bearer"}
    assert "gk_" not in str(raised.value)


def test_without_keys_everybody_may_ask() -> None:
    """And the headers stay for the upstream."""
    asked = scope(authorization="Bearer sk-x")
    assert Admission(()).admit(asked, TODAY) is ANONYMOUS
    assert asked == scope(authorization="Bearer sk-x")


@each_case(
    ("trusted", "told", "known"),
    [
        (False, {"user": {"tier": "root"}, "tenant": "bank"}, {"user": {"tier": "gold"}, "tenant": "retail"}),
        (True, {"user": {"id": "jo", "tier": "root"}, "tenant": "bank"}, {"user": {"id": "jo", "tier": "gold"}, "tenant": "bank"}),
        (True, {"user": None, "tenant": None}, {"user": {"tier": "gold"}, "tenant": "retail"}),
        (None, {"user": {"tier": "root"}, "tenant": "bank"}, {"user": {"tier": "root"}, "tenant": "bank"}),
    ],
)  # fmt: skip
def test_what_a_body_tells_counts_where_its_client_is_trusted(trusted, told, known) -> None:
    """What authentication knows goes before it in any case; where nobody is asked for a key, a body is all there is."""
    key = KEYS[0].model_copy(update={"trusted": trusted})
    assert Client(None if trusted is None else key).resolve_identity(told) == known


ROWS = (
    PolicyDoc(policy="a", keys=["shop"], models=["gpt-*"]),
    PolicyDoc(policy="b", teams=["retail"], paths=["/v1/chat/*"]),
    PolicyDoc(policy="c", models=["llama-3"]),
    PolicyDoc(policy="d", paths=["/hooks/*"]),
)


def test_only_a_key_says_that_system_messages_are_the_applications_own() -> None:
    """One that the settings mark so."""
    trusted = KEYS[0].model_copy(update={"system": "trusted"})
    assert [Client(key).trust_system for key in (None, KEYS[0], trusted)] == [False, False, True]


@each_case(
    ("client", "tenant", "model", "path", "policy"),
    [
        (Client(KEYS[0]), "retail", "GPT-4", "/v1/chat/completions", "a"),
        (Client(KEYS[0]), "retail", "o1", "/v1/chat/completions", "b"),
        (Client(KEYS[0]), "retail", "o1", "/v1/responses", None),
        (Client(KEYS[0]), "retail", None, "/v1/chat/completions", "b"),
        (Client(KEYS[1]), "bank", "gpt-4", "/v1/chat/completions", None),
        (Client(KEYS[1]), "bank", "Llama-3", "/v1/chat/completions", "c"),
        (ANONYMOUS, None, "llama-3", "/hooks/x", "c"),
        (ANONYMOUS, None, None, "/hooks/x", "d"),
        (ANONYMOUS, "retail", None, "/v1/chat/completions", "b"),
    ],
)
def test_the_first_row_that_fits_is_chosen(client, tenant, model, path, policy) -> None:
    """All that a row names must fit; a model fits whatever its case."""
    assert select_policy(ROWS, client, tenant, model, path) == policy


def test_patterns_are_whole_words() -> None:
    """A star stands for any text, and nothing else for anything but itself."""
    assert not matches_any("gpt-4", ["gpt-?"])
    assert matches_any("gpt-4", ["gpt-*"])
    assert not matches_any("xgpt-4", ["gpt-*"])
    assert not matches_any("gpt-40", ["gpt-4"])


limits = st.integers(1, 120)


@given(limits, st.lists(st.floats(0, 30), min_size=1, max_size=300))
def test_no_minute_holds_more_than_twice_the_rate_and_a_burst_holds_the_rate(
    per_minute: int, gaps: list[float]
) -> None:
    """What a bucket that starts full lets through in any minute; over all the time the rate, beside one full bucket. One that
    asks no faster than its rate is never refused.
    """
    limiter, client = RateLimiter(), Client(KEYS[0].model_copy(update={"requests_per_minute": per_minute}))
    now, passed, waits = 0.0, [], []
    for gap in gaps:
        now += gap
        try:
            with limiter.acquire(client, now):
                passed.append(now)
        except AccessDenied as denied:
            waits.append((gap, int(denied.headers["retry-after"])))
    assert all(gap < MINUTE_S / per_minute * 1.000001 and 1 <= wait <= MINUTE_S for gap, wait in waits)
    assert all(
        sum(1 for at in passed if begin <= at < begin + MINUTE_S) <= 2 * per_minute for begin in passed
    )
    assert len(passed) <= per_minute * (1 + now / MINUTE_S) + 1e-6
    assert len(passed) >= min(len(gaps), per_minute)
    assert not limiter.under_way


def test_a_refused_request_does_not_count() -> None:
    """Whoever waits as long as he was told gets in."""
    limiter, client = RateLimiter(), Client(KEYS[0].model_copy(update={"requests_per_minute": 2}))
    for at in (0.0, 0.0):
        with limiter.acquire(client, at):
            pass
    for at in (1.0, 2.0, 3.0):
        with pytest.raises(AccessDenied) as raised, limiter.acquire(client, at):
            pass
        assert float(raised.value.headers["retry-after"]) == 30 - at
    with limiter.acquire(client, 30.0):
        pass


def test_requests_at_a_time_are_counted_until_they_end() -> None:
    """Also where they fail."""
    limiter, client = RateLimiter(), Client(KEYS[0].model_copy(update={"max_concurrent": 1}))
    with pytest.raises(AccessDenied) as raised, limiter.acquire(client, 0.0), limiter.acquire(client, 0.0):
        pass
    assert (raised.value.status, raised.value.code) == (429, "too_many_concurrent")
    for _ in range(2):
        with pytest.raises(ValueError, match="x"), limiter.acquire(client, 0.0):
            raise ValueError("x")


PATHS = (
    "/v1/chat/completions", "/v1/completions", "/v1/messages", "/v1/messages/count_tokens", "/v1/responses", "/v1/embeddings",
    "/v1/moderations", "/v1/check", "/v1/models", "/nowhere",
)  # fmt: skip


@each_case("path", PATHS)
def test_every_route_asks_for_a_key(serve, fake, kit, path) -> None:
    """In the shape of its API; the upstream is not asked, and the body is not read."""
    url = serve(keys=[*KEYS])
    method = {"body": None} if path == "/v1/models" else {"body": b"not even JSON"}

    answer = kit.send(url, path, **method)

    assert answer.headers["www-authenticate"] == "Bearer"
    assert (answer.status, b"authentication_error" in answer.raw) == (401, True)
    assert fake.asked == []


def test_a_hook_refuses_in_its_own_protocol(serve, kit) -> None:
    """Portkey takes any status but 200 for a guard that is down, and goes on."""
    answer = kit.send(serve(keys=[*KEYS]), "/hooks/portkey", b"{}")
    assert (answer.status, answer.json["verdict"]) == (200, False)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_probes_ask_for_none(serve, kit) -> None:
    """An orchestrator has no key."""
    url = serve(keys=[*KEYS])
    assert [kit.send(url, path).status for path in ("/healthz", "/readyz", "/health")] == [200, 200, 200]


def test_real_clients_are_let_in_and_their_keys_stay_here(serve, fake, kit) -> None:
    """Both families' SDKs, as they send a key; upstream goes the operator's."""
    url = serve(keys=[*KEYS], upstream_key="sk-operators")
    fake.answers(kit.completion("Hello."))
    with openai.OpenAI(base_url=f"{url}/v1", api_key=SHOP, max_retries=0) as client:
        assert client.chat.completions.create(**kit.asking("hi")).choices[0].message.content == "Hello."
    fake.answers(kit.message("Hello."))
    with anthropic.Anthropic(base_url=url, api_key=SHOP, max_retries=0) as client:
        said = client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
        assert said.content[0].text == "Hello."

    assert all(SHOP not in str(asked.headers) for asked in fake.asked)
    sent = [(asked.headers.get("authorization"), asked.headers.get("x-api-key")) for asked in fake.asked]
    assert sent == [("Bearer sk-operators", None), (None, "sk-operators")]
    with openai.OpenAI(base_url=f"{url}/v1", api_key="gk_wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as raised:
            client.chat.completions.create(**kit.asking("hi"))
        assert raised.value.code == "invalid_api_key"


def test_a_client_may_keep_a_key_of_its_own_for_the_upstream(serve, fake, kit) -> None:
    """With ours in the header that is only for us."""
    url = serve(keys=[*KEYS])
    assert kit.chat(url, kit.asking("hi"), x_guardrails_key=SHOP, authorization="Bearer sk-own").status == 200
    assert fake.asked[0].headers["authorization"] == "Bearer sk-own"
    assert "x-guardrails-key" not in fake.asked[0].headers


def test_a_key_asks_only_its_models(serve, fake, kit) -> None:
    """403, also where the model is missing or no text; nothing is sent."""
    url = serve(keys=[KEYS[0].model_copy(update={"models": ["gpt-*"]})])
    asking = {model: {**kit.asking("hi"), "model": model} for model in ("gpt-4", "o1")}
    assert kit.chat(url, asking["gpt-4"], authorization=f"Bearer {SHOP}").status == 200
    denied = kit.chat(url, asking["o1"], authorization=f"Bearer {SHOP}")
    assert (denied.status, denied.error["code"], denied.error["type"]) == (
        403,
        "model_not_allowed",
        "permission_error",
    )
    nothing = {"messages": asking["o1"]["messages"]}
    assert kit.chat(url, nothing, authorization=f"Bearer {SHOP}").status == 403
    assert len(fake.asked) == 1


def test_a_keys_rate_and_size_are_its_own(serve, fake, kit) -> None:
    """429 with the time to wait, 413 for what is too large; others are served."""
    small = KEYS[0].model_copy(update={"requests_per_minute": 2, "max_body_bytes": 200})
    url = serve(keys=[small, KEYS[1].model_copy(update={"not_after": None})])
    shop, bank = ({"authorization": f"Bearer {key}"} for key in (SHOP, BANK))

    large = kit.chat(url, kit.asking("x" * 300), **shop)
    statuses = [kit.chat(url, kit.asking("hi"), **shop).status for _ in range(2)]
    late = kit.chat(url, kit.asking("hi"), **shop)

    assert (large.status, large.error["code"]) == (413, "request_too_large")
    assert statuses == [200, 429]
    assert (late.error["code"], late.error["type"]) == ("rate_limit_exceeded", "rate_limit_error")
    assert 1 <= int(late.headers["retry-after"]) <= 30
    assert kit.chat(url, kit.asking("x" * 300), **bank).status == 200
    told = kit.send(url, "/metrics").raw.decode()
    assert 'guardrails_clients_total{key="shop"} 2' in told
    assert 'guardrails_denied_total{code="rate_limit_exceeded"} 2' in told


def policy(path, word: str, floor: str = "") -> str:
    """Write a policy that blocks one made-up word."""
    path.write_text(
        f"format: 1\nname: {word}\n"
        f"detectors: {{{word}: {{use: terms, terms: [zqx{word}], category: custom.{word}}}}}\n"
        f"rules: [{{id: {word}, on: [input, output], when: custom.{word} > 0, then: block}}]\n{floor}"
    )
    return str(path)


@each_case(
    "more",
    [{name: ["o1"]} for name in sorted(OTHER_MODELS)]
    + [{"fallbacks": [{"gpt-4": ["o1"]}]}, {"model": "gpt-4,o1"}],
    ids=str,
)
def test_no_request_names_further_models_where_it_matters_which(serve, fake, kit, tmp_path, more) -> None:
    """Routers behind would ask them, whom neither the key nor the policy of the first may ask. Elsewhere they pass."""
    row = {"policy": policy(tmp_path / "gpt.yaml", "gpt"), "models": ["gpt-*"]}
    asked = {**kit.asking("hi"), "model": "gpt-4", **more}
    plain = serve(policies=[{**row, "models": [], "paths": ["/v1/check"]}])
    bound = serve(keys=[KEYS[0].model_copy(update={"models": ["gpt-*"]})])
    by_model = serve(policies=[row])

    assert kit.chat(plain, asked).status == 200
    denied = [kit.chat(bound, asked, authorization=f"Bearer {SHOP}"), kit.chat(by_model, asked)]

    assert [(each.status, each.error["code"]) for each in denied] == [(403, "model_not_allowed")] * 2
    assert kit.chat(by_model, {**asked, **dict.fromkeys(more), "model": "gpt-4"}).status == 200
    assert len(fake.asked) == 2


def test_each_tenant_meets_its_policy_and_all_meet_the_floor(serve, fake, kit, tmp_path) -> None:
    """By key, team, model and path; whatever a client says of itself chooses nothing."""
    org, retail, gpt, checks = (
        policy(tmp_path / f"{each}.yaml", each) for each in ("org", "retail", "gpt", "checks")
    )
    from guardrails import Guard

    plain = policy(tmp_path / "plain.yaml", "plain")
    url = serve(
        Guard.load(plain, floor=org),
        policy=plain,
        floor=org,
        keys=[KEYS[0], KEYS[1].model_copy(update={"not_after": None})],
        policies=[
            {"policy": gpt, "keys": ["shop"], "models": ["gpt-*"]},
            {"policy": retail, "teams": ["retail"], "paths": ["/v1/chat/*"]},
            {"policy": checks, "paths": ["/v1/check"]},
        ],
    )

    def blocked(key: str, model: str = "m", path: str = "/v1/chat/completions", **more: object) -> set[str]:
        headers, found = {"authorization": f"Bearer {key}"}, set()
        for word in ("org", "retail", "gpt", "checks", "plain"):
            body = {"model": model, "input": f"zqx{word}", **more} if "check" in path else None
            answer = kit.send(
                url, path, body or {**kit.asking(f"zqx{word}"), "model": model, **more}, headers
            )
            found.update(filter(None, answer.headers["x-guardrails-rules"].split(",")))
        return found

    assert blocked(SHOP) == {"org", "retail"}
    assert blocked(SHOP, "gpt-4") == {"org", "gpt"}
    assert blocked(BANK) == {"org", "plain"}
    assert blocked(BANK, "gpt-4", user="shop", metadata={"team": "retail"}, tenant="retail") == {
        "org",
        "plain",
    }
    assert blocked(BANK, path="/v1/check", tenant="retail") == {"org", "checks"}


def test_a_tenants_policy_cannot_weaken_the_floor(serve, kit, tmp_path) -> None:
    """Not by an exception, not by disabling its rules, not by rules of the same name that do less."""
    from guardrails import Guard

    org = policy(tmp_path / "org.yaml", "org")
    tries = (
        "exceptions: [{rule: org, when: 'true', reason: r, owner: o, expires: 2999-01-01}]\n",
        "extends: [org.yaml]\ndisable: [org]\n",
        "extends: [org.yaml]\noverride: [{id: org, then: flag}]\n",
        "detectors: {d: {use: terms, terms: [x], category: custom.org}}\nrules: [{id: org, on: input, when: custom.org > 2, then: flag}]\n",
    )
    loaded = []
    for index, text in enumerate(tries):
        path = tmp_path / f"weak{index}.yaml"
        path.write_text(f"format: 1\nname: weak\n{text}" if "extends" in text or "detectors" in text else "")
        if not path.read_text():
            policy(path, "org", text)
        try:
            Guard.load(str(path))
        except Exception as error:  # what cannot even be loaded weakens nothing
            told = str(error)
            assert "weak" in told
        else:
            loaded.append(str(path))
    assert loaded
    for path in loaded:
        url = serve(
            Guard.load("pii-only", floor=org),
            policy="pii-only",
            floor=org,
            keys=[KEYS[0]],
            policies=[{"policy": path, "keys": ["shop"]}],
        )
        answer = kit.chat(url, kit.asking("zqxorg"), authorization=f"Bearer {SHOP}")
        assert (answer.status, answer.headers["x-guardrails-action"]) == (400, "block"), path


def test_rules_read_who_asks_from_authentication_alone(serve, kit, guard_of) -> None:
    """`request.user` and `request.tenant` are a key's; a client's body changes neither."""
    guard = guard_of(
        "detectors: {d: {use: terms, terms: [zqxword], category: custom.d}}\n"
        "rules:\n"
        "  - {id: tier, on: input, when: custom.d > 0 && request.user.tier == 'gold', then: flag}\n"
        "  - {id: tenant, on: input, when: custom.d > 0 && request.tenant == 'retail', then: flag}\n"
    )
    url = serve(
        guard, keys=[KEYS[0], KEYS[1].model_copy(update={"not_after": None, "user": {"tier": "none"}})]
    )
    forged = {**kit.asking("zqxword"), "user": {"tier": "gold"}, "tenant": "retail"}

    shop = kit.chat(url, kit.asking("zqxword"), authorization=f"Bearer {SHOP}")
    bank = kit.chat(url, forged, authorization=f"Bearer {BANK}")

    assert shop.headers["x-guardrails-rules"] == "tier,tenant"
    assert bank.headers["x-guardrails-rules"] == ""


ADMIN = "7f3c0b6a1d9e4852c7f0a6b3e8d14975"


def test_numbers_are_the_operators(serve, kit, monkeypatch) -> None:
    """Where he has a key."""
    monkeypatch.setenv("GUARDRAILS_ADMIN_KEY", ADMIN)
    url = serve()

    assert kit.send(url, "/metrics").status == 401
    assert kit.send(url, "/metrics", headers={"authorization": f"Bearer {ADMIN}x"}).status == 401
    assert kit.send(url, "/metrics", headers={"authorization": f"Bearer {ADMIN}"}).status == 200


def test_no_web_page_may_read_answers_unless_it_is_named(serve, fake, kit) -> None:
    """Without a setting there is no header of CORS at all; with one, a browser may ask without a key whether it may ask."""
    page, other = "https://app.example.com", "https://other.example.com"
    closed, open_ = serve(), serve(keys=[*KEYS], cors_origins=[page])

    def answered(url: str, origin: str, **more: str) -> dict[str, str]:
        headers = {"origin": origin, "authorization": f"Bearer {SHOP}", **more}
        return kit.send(url, "/v1/chat/completions", kit.asking("hi"), headers).headers

    assert not [name for name in answered(closed, page) if name.startswith("access-control")]
    assert answered(open_, page)["access-control-allow-origin"] == page
    assert "access-control-allow-origin" not in answered(open_, other)


def test_keys_and_policies_change_under_a_server_that_serves(tmp_path, fake, kit, monkeypatch) -> None:
    """A key that is taken out of the file stops to let in, one that is put in lets in; nothing is started anew. A file that is
    wrong changes nothing, and `/readyz` says so.
    """
    from guardrails import Guard
    from guardrails.proxy.configuration.sources import SettingsSources
    from guardrails.proxy.server.reloading import reload as reloading
    from guardrails.proxy.server.serve import running

    monkeypatch.setattr(reloading, "POLL_S", 0.01)
    plain, strict = policy(tmp_path / "plain.yaml", "plain"), policy(tmp_path / "strict.yaml", "strict")
    file = tmp_path / "settings.yaml"

    def write(text: str) -> None:
        (tmp_path / "new").write_text(f"upstream: {fake.url}\nport: 0\npolicy: {plain}\n{text}")
        (tmp_path / "new").replace(file)

    def row(name: str, key: str) -> str:
        return f"{{id: {name}, sha256: {hash_key(key)}}}"

    write(f"keys: [{row('shop', SHOP)}]\n")
    given = SettingsSources(str(file))
    with running(given.settings(), Guard.load(plain), reread=given.settings) as url:

        def status(key: str, text: str = "hi") -> int:
            return kit.chat(url, kit.asking(text), authorization=f"Bearer {key}").status

        assert (status(SHOP), status(BANK), status(SHOP, "zqxstrict")) == (200, 401, 200)
        write(f"keys: [{row('bank', BANK)}]\npolicies: [{{policy: {strict}, keys: [bank]}}]\n")
        wait_until(lambda: status(BANK) == 200)
        assert (status(SHOP), status(BANK, "zqxstrict")) == (401, 400)
        write("keys: [{id: bank}]\n")
        wait_until(lambda: kit.send(url, "/readyz").json["reload"]["state"] == "failed")
        assert (status(SHOP), status(BANK)) == (401, 200)


def test_tenants_at_once_never_meet_each_others_policy(serve, kit, tmp_path) -> None:
    """Eight threads of two keys."""
    from guardrails import Guard

    retail, bank = (policy(tmp_path / f"{each}.yaml", each) for each in ("retail", "bank"))
    url = serve(
        Guard.load("pii-only"),
        policy="pii-only",
        keys=[KEYS[0], KEYS[1].model_copy(update={"not_after": None})],
        policies=[{"policy": retail, "keys": ["shop"]}, {"policy": bank, "keys": ["bank"]}],
    )
    wrong: list[str] = []

    def ask(key: str, own: str, other: str) -> None:
        for word, status in ((own, 400), (other, 200)) * 8:
            answer = kit.chat(url, kit.asking(f"zqx{word}"), authorization=f"Bearer {key}")
            if answer.status != status:
                wrong.append(f"{key} {word} {answer.status}")

    threads = [
        threading.Thread(target=ask, args=args)
        for args in ((SHOP, "retail", "bank"), (BANK, "bank", "retail")) * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(kit.wait_s)
    assert wrong == []
