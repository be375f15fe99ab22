"""Several upstreams: who is asked, who is asked next, and what is never sent twice."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import openai
import pytest

from guardrails.errors import BackendError, GuardrailsError
from guardrails.protocols.providers import ANTHROPIC, OPENAI
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.errors import UpstreamAnswer
from guardrails.proxy.server.metrics import Metrics
from guardrails.proxy.upstreams.routing import LONGEST_PAUSE_S, PAUSE_S, Upstreams
from guardrails.proxy.upstreams.upstream_client import response_headers
from tests.proxy.metrics_kit import samples

PARALLEL = """
parallel: true
history: block
detectors: {bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}}
rules: [{id: bomb.block, on: [input, output], when: custom.bomb > 0, then: block}]
"""

OVERLOADED = {"error": {"message": "no room", "code": "overloaded"}}


class Clock:
    """A clock that goes on only where somebody waits, and then calls `then`."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []
        self.then: Callable[[], object] = lambda: None

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Wait, which takes no time."""
        self.slept.append(seconds)
        self.now += seconds
        self.then()


class Behind:
    """Real upstreams at the far side of sockets, asked without a proxy before them."""

    def __init__(self, runner: asyncio.Runner, settings: Settings) -> None:
        self.runner, self.clock, self.metrics = runner, Clock(), Metrics()
        self.upstreams = Upstreams(settings, self.metrics, self.clock, self.clock.sleep)
        runner.run(self.upstreams.open())

    def ask(
        self, model: str | None = "m", raw: bytes = b"{}", path: str = "/chat/completions", **headers: str
    ) -> Any:
        """Return the answer and its headers."""
        return self.runner.run(self.asking(model, raw, path, headers))

    async def asking(self, model: str | None, raw: bytes, path: str, headers: dict[str, str]) -> Any:
        """Read an answer whole."""
        async with self.upstreams.answer("POST", path, headers, raw, OPENAI, model=model) as response:
            return await self.upstreams.read_whole(response), response_headers(response)

    def fails(self, model: str | None = "m") -> GuardrailsError:
        """Return why there is no answer."""
        with pytest.raises(GuardrailsError) as raised:
            self.ask(model)
        return raised.value

    def counted(self, name: str) -> dict[str, int]:
        """Return the values of one counter or gauge, by what stands in its labels."""
        found = samples(self.metrics.text(), name)
        return {",".join(value for _, value in labels): int(count) for labels, count in found.items()}


@pytest.fixture
def behind() -> Iterator[Callable[..., Behind]]:
    """Return a function: settings in, upstreams out."""
    with asyncio.Runner() as runner:
        made: list[Behind] = []

        def make(**settings: Any) -> Behind:
            made.append(Behind(runner, Settings(**settings)))
            return made[-1]

        yield make
        for each in made:
            runner.run(each.upstreams.close())


@pytest.fixture
def refused() -> Iterator[str]:
    """A URL at which nobody listens."""
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


def both(first: str, second: str, **fields: Any) -> dict[str, Any]:
    """Return settings with two upstreams for every model, each asked once unless it is said otherwise."""
    given = {"models": ["*"], "tries": 1, **fields}
    return {"upstreams": {"a": {"url": first, **given}, "b": {"url": second, **given}}}


def asked(*fakes: Any) -> list[int]:
    """Return how often each was asked."""
    return [len(fake.asked) for fake in fakes]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ({"body": OVERLOADED, "status": 502}, "502"),
        ({"body": OVERLOADED, "status": 503}, "503"),
        ({"body": OVERLOADED, "status": 504}, "504"),
        ({"body": OVERLOADED, "status": 429}, "429"),
        ({"body": OVERLOADED, "status": 429, "headers": {"retry-after": "3600"}}, "429"),
        ({"body": OVERLOADED, "status": 503, "headers": {"retry-after": "1"}}, "503"),
    ],
)
def test_who_has_no_room_is_left_for_the_next(behind, fakes, reply, why) -> None:
    """At once, with the same bytes; both are counted."""
    first, second, _ = fakes
    first.answers(**reply)
    second.answers({"from": "b"})
    found = behind(**both(first.url, second.url, tries=2))

    raw, headers = found.ask(raw=b'{"model": "m"  }')

    assert (json.loads(raw), headers["x-guardrails-upstream"]) == ({"from": "b"}, "b")
    assert (asked(first, second), found.clock.slept) == ([1, 1], [])
    assert first.asked[0].raw == second.asked[0].raw == b'{"model": "m"  }'
    assert found.counted("guardrails_upstream_requests_total") == {"a": 1, "b": 1}
    assert found.counted("guardrails_upstream_retries_total") == {"a": 0, "b": 1}
    assert found.counted("guardrails_upstream_failures_total") == {f"a,{why}": 1}


def test_who_cannot_be_reached_is_left_for_the_next(behind, fakes, refused, caplog) -> None:
    """Nothing was sent; the log says why."""
    found = behind(**both(refused, fakes[1].url))

    found.ask()

    assert "upstream a does not answer: Cannot connect to host" in caplog.text
    assert found.counted("guardrails_upstream_failures_total") == {"a,unreachable": 1}


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        ({"body": {"error": {"message": "x", "code": "c"}}, "status": 400}, 400, "c"),
        ({"body": {"error": {"message": "x", "code": "c"}}, "status": 401}, 401, "c"),
        ({"body": {"error": {"message": "x", "code": "c"}}, "status": 404}, 404, "c"),
        (
            {"body": b"", "status": 302, "headers": {"location": "http://127.0.0.1:1/"}},
            502,
            "upstream_invalid",
        ),
        ({"body": b"", "garbage": b"zqx\r\n\r\n"}, 502, "upstream_invalid"),
    ],
)
def test_other_errors_are_told(behind, fakes, reply, status, code) -> None:
    """The next one would say the same, or the first may have done what was asked."""
    first, second, _ = fakes
    first.answers(**reply)

    told = behind(**both(first.url, second.url, tries=3)).fails()

    assert told.status == status
    assert (told.error["code"] if isinstance(told, UpstreamAnswer) else told.code) == code
    assert asked(first, second) == [1, 0]


@pytest.mark.parametrize("status", [500, 501, 520])
def test_another_server_error_is_left_for_the_next_alone(behind, fakes, status) -> None:
    """The same server would say the same; where there is no other, it is told at once."""
    first, second, _ = fakes
    first.answers(OVERLOADED, status)
    found = behind(**both(first.url, second.url, tries=3))

    assert found.ask()[1]["x-guardrails-upstream"] == "b"
    assert behind(upstreams={"a": {"url": first.url, "models": ["*"], "tries": 3}}).fails().status == status
    assert (asked(first, second), found.clock.slept) == ([2, 1], [])


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("own", [False, True])
def test_a_key_that_is_refused_is_left_for_the_next_if_it_is_the_operators(
    behind, fakes, monkeypatch, caplog, status, own
) -> None:
    """A client is told of its own; of the operator's the log tells, without quoting it."""
    monkeypatch.setenv("A_KEY", "sk-zqx")
    first, second, _ = fakes
    first.answers(OVERLOADED, status)
    given = both(first.url, second.url)
    if not own:
        given["upstreams"]["a"]["key_env"] = "A_KEY"
    found = behind(**given)

    if own:
        assert found.fails().status == status
    else:
        assert found.ask(authorization="Bearer client")[1]["x-guardrails-upstream"] == "b"

    assert asked(first, second) == [1, int(not own)]
    assert ("refuses the key of A_KEY" in caplog.text) is (not own and status == 401)
    assert "sk-zqx" not in caplog.text


@pytest.mark.parametrize("begun", [False, True])
def test_slow_first_bytes_are_left_for_the_next(behind, fakes, begun) -> None:
    """Whether the head of the answer is there or not; the last one that is left has all its time."""
    first, second, _ = fakes
    first.answers({"from": "a"}, **({} if begun else {"hang": True}))
    gate = threading.Event()
    first.reply.pieces = [gate, *first.reply.pieces] if begun else []
    found = behind(**both(first.url, second.url, tries=2, first_byte_s=0.2))

    assert found.ask()[1]["x-guardrails-upstream"] == "b"
    gate.set()
    assert asked(first, second) == [1, 1]
    assert found.counted("guardrails_upstream_failures_total") == {"a,slow": 1}


def test_the_last_that_is_left_is_waited_for(behind, fake) -> None:
    """Breaking it off would give nobody an answer."""
    timer = threading.Timer(0.3, (gate := threading.Event()).set)
    timer.start()
    fake.answers({"from": "a"}, gate=gate)

    found = behind(upstreams={"a": {"url": fake.url, "models": ["*"], "tries": 3, "first_byte_s": 0.1}})

    assert json.loads(found.ask()[0]) == {"from": "a"}
    timer.join()


@pytest.mark.parametrize(("weights", "shares"), [((1, 1), [37, 37]), ((3, 1), [60, 20])])
def test_upstreams_share_by_weight(behind, fakes, weights, shares) -> None:
    """Exactly; who is down has no turn."""
    first, second, _ = fakes
    given = both(first.url, second.url)
    for name, weight in zip("ab", weights, strict=True):
        given["upstreams"][name]["weight"] = weight
    found = behind(balance="weighted", **given)

    for _ in range(sum(shares)):
        found.ask()

    assert asked(first, second) == shares


def test_who_has_least_to_do_is_asked(behind, fakes) -> None:
    """While one is at work the other one is asked; both are asked alike where both have nothing to do."""
    first, second, _ = fakes
    found = behind(balance="least_busy", **both(first.url, second.url))
    for _ in range(10):
        found.ask()
    assert asked(first, second) == [5, 5]
    gate = threading.Event()
    first.answers({}, gate=gate)
    first.arrived.clear()

    async def work() -> None:
        slow = [asyncio.ensure_future(found.asking("m", b"{}", "/chat/completions", {}))]
        await asyncio.to_thread(first.arrived.wait)
        for _ in range(4):
            await found.asking("m", b"{}", "/chat/completions", {})
        gate.set()
        await asyncio.gather(*slow)

    found.runner.run(work())
    assert asked(first, second) == [6, 9]


def test_a_lower_priority_number_comes_first(behind, fakes) -> None:
    """Two that share, and one for when both fail."""
    first, second, third = fakes
    given = both(first.url, second.url)["upstreams"]
    given = {"c": {"url": third.url, "models": ["*"], "priority": 1}, **given}
    found = behind(balance="weighted", upstreams=given)
    for _ in range(4):
        found.ask()
    assert asked(*fakes) == [2, 2, 0]
    for fake in (first, second):
        fake.answers(OVERLOADED, 500)
    assert found.ask()[1]["x-guardrails-upstream"] == "c"


def test_another_model_is_asked_where_nobody_can_answer_for_one(behind, fakes) -> None:
    """By the name that its upstream knows; the answer says which one it is of."""
    first, second, _ = fakes
    first.answers(OVERLOADED, 500)
    found = behind(
        upstreams={
            "a": {"url": first.url, "models": ["big"]},
            "b": {"url": second.url, "models": ["small"], "rename": {"small": "org/small"}},
        },
        fallbacks={"big": ["small"]},
    )

    async def ask() -> Any:
        given = ("POST", "/chat/completions", {}, b'{"model":"big"}', OPENAI)
        async with found.upstreams.answer(*given, model="big", fallbacks=["small"]) as response:
            return response_headers(response)

    headers = found.runner.run(ask())

    assert (headers["x-guardrails-upstream"], headers["x-guardrails-model"]) == ("b", "small")
    assert second.asked[0].raw == b'{"model":"org/small"}'
    assert found.upstreams.model_names("big") == {"big", "small", "org/small"}


def test_a_model_that_fails_takes_no_other_with_it(behind, fakes) -> None:
    """The same server goes on to be asked first for what it answers."""
    first, second, _ = fakes
    found = behind(**both(first.url, second.url, failures=1))
    first.answers(OVERLOADED, 500)
    found.ask("broken")
    first.answers({})

    assert found.ask("broken")[1]["x-guardrails-upstream"] == "b"
    assert found.ask("well")[1]["x-guardrails-upstream"] == "a"
    assert found.upstreams.health() == {"a": True, "b": True}


def test_what_cannot_be_reached_is_down_for_every_model(behind, fakes, refused) -> None:
    """One need not ask for each."""
    found = behind(**both(refused, fakes[1].url, failures=1))
    for model in "mno":
        found.ask(model)

    assert found.counted("guardrails_upstream_requests_total") == {"a": 1, "b": 3}


def test_settings_change_while_requests_are_served(behind, fakes) -> None:
    """Who stays keeps its state; who is new is asked; who is gone ends what it began, and shows no more."""
    first, second, third = fakes
    first.answers(OVERLOADED, 503)
    given = both(first.url, second.url, failures=1)
    found = behind(**given)
    found.ask()
    gate = threading.Event()
    second.answers({"from": "b"}, gate=gate)
    second.arrived.clear()
    new = {"a": given["upstreams"]["a"], "c": {"url": third.url, "models": ["*"]}}

    async def work() -> Any:
        slow = asyncio.ensure_future(found.asking("m", b"{}", "/chat/completions", {}))
        await asyncio.to_thread(second.arrived.wait)
        found.upstreams.apply(Settings(upstreams=new))
        _, headers = await found.asking("m", b"{}", "/chat/completions", {})
        gate.set()
        return (await slow)[0], headers["x-guardrails-upstream"]

    assert found.runner.run(work()) == (b'{"from": "b"}', "c")
    assert found.upstreams.health() == {"a": False, "c": True}
    assert found.counted("guardrails_upstream_up") == {"a": 0, "c": 1}


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_that_has_begun_is_never_asked_for_again(serve, fakes, kit, streamed) -> None:
    """What was cut off is an error, of the first upstream, though the second is well."""
    first, second, _ = fakes
    if streamed:
        first.streams(*kit.pieces("some words")[:2], done=False, cut=True)
    else:
        first.answers(kit.completion("x"), cut=True)
    url = serve(upstream=None, **both(first.url, second.url, retry_on_timeout=True))

    answer = kit.chat(url, kit.asking("hi", stream=streamed))

    assert b"upstream_invalid" in answer.raw
    assert asked(first, second) == [1, 0]


@pytest.mark.parametrize(
    ("reply", "status"),
    [({"body": b"", "garbage": b""}, 502), ({"body": b"", "hang": True}, 504)],
)
@pytest.mark.parametrize("again", [False, True])
def test_what_may_have_been_worked_on_is_sent_again_only_if_the_operator_says_so(
    behind, fakes, reply, status, again
) -> None:
    """The request was sent, and the connection broke, or nothing came in time."""
    first, second, _ = fakes
    first.answers(**reply)
    first.reply.pieces = []
    found = behind(**both(first.url, second.url, idle_s=0.2, retry_on_timeout=again))

    if again:
        found.ask()
    else:
        assert found.fails().status == status

    assert asked(first, second) == [1, int(again)]


def test_the_same_is_asked_again_where_no_other_is_left(behind, fakes) -> None:
    """After a while, which grows, and of which half is left to chance; as often as its tries say."""
    fake = fakes[0]
    fake.answers(OVERLOADED, 503)
    found = behind(upstreams={"a": {"url": fake.url, "models": ["*"], "tries": 4}})

    told = found.fails()

    assert (told.status, told.error["code"]) == (503, "overloaded")
    assert asked(fake) == [4]
    assert len(found.clock.slept) == 3
    for nth, slept in enumerate(found.clock.slept):
        assert PAUSE_S / 2 * 2**nth <= slept <= PAUSE_S * 2**nth


def test_all_are_asked_before_one_is_asked_again(behind, fakes) -> None:
    """And what the first says then counts."""
    first, second, third = fakes
    for fake in fakes:
        fake.answers(OVERLOADED, 503)
    found = behind(
        upstreams={
            name: {"url": fake.url, "models": ["*"], "tries": tries}
            for name, fake, tries in (("a", first, 2), ("b", second, 1), ("c", third, 2))
        }
    )
    found.clock.then = lambda: first.answers({"from": "a"})

    raw, _ = found.ask()

    assert json.loads(raw) == {"from": "a"}
    assert asked(*fakes) == [2, 1, 1]
    assert len(found.clock.slept) == 1


@pytest.mark.parametrize(
    ("status", "after", "slept"),
    [
        (429, "2", [2.0]), (429, "0.5", [0.5]), (503, "2", [2.0]), (429, None, None), (429, "60", None), (503, "60", None),
        (429, "Wed, 25 Nov 2026 07:28:00 GMT", None), (429, str(LONGEST_PAUSE_S), [LONGEST_PAUSE_S]), (429, "nan", None),
    ],
)  # fmt: skip
def test_an_upstream_says_for_how_long_to_wait(behind, fakes, status, after, slept) -> None:
    """Within bounds; who has no room and does not say for how long is not asked again."""
    fake = fakes[0]
    fake.answers(OVERLOADED, status, headers={} if after is None else {"retry-after": after})
    found = behind(upstreams={"a": {"url": fake.url, "models": ["*"]}})
    found.clock.then = lambda: fake.answers({"from": "a"})

    if slept is None:
        assert found.fails().status == status
    else:
        found.ask()

    assert found.clock.slept == (slept or [])


def test_no_try_begins_after_the_time_for_all_of_them(behind, fakes) -> None:
    """Nobody waits for an answer that would come too late; each has its own time."""
    first, second, _ = fakes
    first.answers(OVERLOADED, 429, headers={"retry-after": "3"})
    second.answers(OVERLOADED, 503)
    found = behind(
        upstreams={
            "a": {"url": first.url, "models": ["*"], "tries": 2, "total_s": 2.5},
            "b": {"url": second.url, "models": ["*"], "tries": 1},
        }
    )

    assert found.fails().status == 429
    assert (asked(first, second), found.clock.slept) == ([1, 1], [])


def test_the_time_of_a_later_try_is_what_is_left(behind, fakes) -> None:
    """Two tries together take no longer than one may."""
    first, second, _ = fakes
    found = behind(**both(first.url, second.url, total_s=3_600.2))

    class Later:
        """An hour passes before the first one answers."""

        def wait(self, _: float) -> bool:
            found.clock.now += 3_600.0
            return True

    first.answers(OVERLOADED, 503, gate=Later())
    second.answers(b"", hang=True)
    second.reply.pieces = []

    assert (found.fails().status, asked(first, second)) == (504, [1, 1])
    assert found.counted("guardrails_upstream_failures_total") == {"a,503": 1, "b,timeout": 1}


def test_what_an_upstream_says_itself_is_told_rather_than_that_another_is_silent(
    behind, fakes, refused
) -> None:
    """A client that is to come back later must know so."""
    fake = fakes[0]
    fake.answers(OVERLOADED, 429, headers={"retry-after": "60"})

    for urls in ((refused, fake.url), (fake.url, refused)):
        told = behind(**both(*urls)).fails()
        assert (told.status, told.headers["retry-after"]) == (429, "60")
    assert behind(**both(refused, f"{refused}/v2")).fails().code == "upstream_unreachable"


def test_who_is_down_is_asked_last_until_it_is_up_again(behind, fakes) -> None:
    """After failures in a row; then one request is sent to see, and all if that goes well."""
    first, second, _ = fakes
    first.answers(OVERLOADED, 503)
    found = behind(**both(first.url, second.url, failures=2, open_s=10.0))

    for _ in range(4):
        found.ask()
    assert asked(first, second) == [2, 4]
    assert found.upstreams.health() == {"a": False, "b": True}
    assert found.counted("guardrails_upstream_up") == {"a": 0, "b": 1}

    found.clock.now += 10.0  # one is sent to see, and fails
    for _ in range(2):
        found.ask()
    assert asked(first, second) == [3, 6]

    found.clock.now += 10.0
    first.answers({"from": "a"})
    for _ in range(3):
        found.ask()
    assert asked(first, second) == [6, 6]
    assert found.upstreams.health() == {"a": True, "b": True}


def test_only_one_is_sent_to_see(behind, fakes) -> None:
    """While it waits for its answer, others go on to who is up; once the answer begins nobody need wait for its end."""
    first, second, _ = fakes
    first.answers(OVERLOADED, 503)
    found = behind(**both(first.url, second.url, failures=1))
    found.ask()
    found.clock.now += 3_600.0
    gate = threading.Event()
    first.answers({"from": "a"}, gate=gate)
    first.arrived.clear()

    async def several() -> list[bytes]:
        seeing = asyncio.ensure_future(found.asking("m", b"{}", "/chat/completions", {}))
        await asyncio.to_thread(first.arrived.wait)
        raw, _ = await found.asking("m", b"{}", "/chat/completions", {})
        gate.set()
        return [(await seeing)[0], raw]

    seen, meanwhile = found.runner.run(several())

    assert (json.loads(seen), asked(first, second)) == ({"from": "a"}, [2, 2])
    assert meanwhile != seen


@pytest.mark.parametrize("status", [400, 401, 404, 429, 501])
def test_an_upstream_that_answers_is_up(behind, fakes, status) -> None:
    """What a client does wrong, or has used up, takes nobody's upstream away."""
    first, second, _ = fakes
    first.answers(OVERLOADED, status)
    found = behind(**both(first.url, second.url, failures=1))

    for _ in range(3):
        with suppress(UpstreamAnswer):
            found.ask()

    assert asked(first) == [3]
    assert found.upstreams.health() == {"a": True, "b": True}


def test_what_breaks_off_is_a_failure_too(behind, fakes, kit) -> None:
    """Also after it began; one that is read to its end, or given up by the client, is none."""
    first, second, _ = fakes
    first.answers(kit.completion("x"), cut=True)
    found = behind(**both(first.url, second.url, failures=2))

    found.fails()
    first.answers({})
    found.ask()
    first.answers(kit.completion("x"), cut=True)
    found.fails()
    assert found.upstreams.health()["a"] is True
    found.fails()
    assert found.upstreams.health()["a"] is False
    assert found.counted("guardrails_upstream_failures_total") == {"a,broken": 3}


def test_when_all_are_down_they_are_asked_all_the_same(behind, fakes) -> None:
    """What was down may be up by now: nobody is refused for what is only remembered."""
    first, second, _ = fakes
    for fake in (first, second):
        fake.answers(OVERLOADED, 503)
    found = behind(**both(first.url, second.url, failures=1))
    found.fails()
    assert found.upstreams.health() == {"a": False, "b": False}

    first.answers({"from": "a"})

    assert json.loads(found.ask()[0]) == {"from": "a"}
    assert asked(first, second) == [2, 1]


def test_a_model_has_its_upstreams(behind, fakes) -> None:
    """Who names it, who has a pattern for it, and `upstream` for what is left, which is not asked for what others have."""
    first, second, third = fakes
    found = behind(
        upstream=third.url,
        upstreams={
            "a": {"url": first.url, "models": ["llama-*"], "tries": 1},
            "b": {"url": second.url, "models": ["llama-3", "qwen"], "tries": 1},
        },
    )

    served = [
        found.ask(model)[1]["x-guardrails-upstream"]
        for model in ("llama-2", "llama-3", "qwen", "gpt", "", None)
    ]

    assert served == ["a", "b", "b", "default", "default", "default"]
    assert found.ask("llama-" + "3" * 1_000)[1]["x-guardrails-upstream"] == "a"
    second.answers(OVERLOADED, 503)
    assert found.ask("llama-3")[1]["x-guardrails-upstream"] == "a"
    assert found.fails("qwen").status == 503


@pytest.mark.parametrize("model", ["gpt-4", "", None])
def test_a_model_that_nobody_serves_is_not_found(behind, fakes, model) -> None:
    """Nothing is sent."""
    found = behind(upstreams={"a": {"url": fakes[0].url, "models": ["llama-*"]}})

    told = found.fails(model)

    assert isinstance(told, BackendError)
    assert (told.status, told.code) == (404, "model_not_found")
    assert asked(fakes[0]) == [0]


def test_a_list_of_one_of_them_is_of_the_first(serve, fakes, kit) -> None:
    """What names no model, and is asked of one server alone, can be answered all the same."""
    fakes[1].answers({"models": []})
    url = serve(upstream=None, upstreams={"a": {"url": fakes[1].url, "models": ["llama-*"]}})

    assert kit.send(url, "/api/tags").json == {"models": []}


RAW = (
    b'{ "messages":[{"model":"m"}], "mod\\u0065l" : "m","temperature":1.10, "x": "\\ud83d\\ude00 \xc3\xa9" }'
)


@pytest.mark.parametrize(
    ("path", "raw", "sent_path", "sent"),
    [
        ("/chat/completions", RAW, "/v1/chat/completions", RAW.replace(b'"m","t', b'"org/n","t')),
        ("/models/m:generate?alt=sse", b"{}", "/v1/models/org%2Fn:generate?alt=sse", b"{}"),
    ],
)
def test_a_model_is_sent_by_the_name_that_the_upstream_knows(
    behind, fakes, path, raw, sent_path, sent
) -> None:
    """Where the request has it; every other byte stays as it is, and who knows it by its own name gets that."""
    first, second, _ = fakes
    first.answers(OVERLOADED, 503)
    given = both(first.url, second.url)
    given["upstreams"]["a"]["rename"] = {"m": "org/n"}
    found = behind(**given)

    found.ask("m", raw, path)

    assert (first.asked[0].path, first.asked[0].raw) == (sent_path, sent)
    assert (second.asked[0].path, second.asked[0].raw) == (f"/v1{path}", raw)
    assert found.upstreams.model_names("m") == {"m", "org/n"}


def test_each_upstream_gets_its_own_key(behind, fakes, monkeypatch) -> None:
    """From the variable that is named for it; where that is not set nobody's, and the client's own where none is named."""
    monkeypatch.setenv("A_KEY", "sk-a")
    monkeypatch.delenv("B_KEY", raising=False)
    first, second, third = fakes
    for fake in (first, second):
        fake.answers(OVERLOADED, 503)
    given = both(first.url, second.url)["upstreams"]
    given["a"]["key_env"], given["b"]["key_env"] = "A_KEY", "B_KEY"
    found = behind(upstreams={**given, "c": {"url": third.url, "models": ["*"], "tries": 1}})

    found.ask(authorization="Bearer client")

    assert first.asked[0].headers["authorization"] == "Bearer sk-a"
    assert "authorization" not in second.asked[0].headers
    assert third.asked[0].headers["authorization"] == "Bearer client"
    rows = (*found.upstreams.named, *found.upstreams.others)
    assert "sk-a" not in repr(rows) + found.metrics.text()


def test_a_key_goes_in_one_header(behind, fakes, monkeypatch) -> None:
    """That of the API, or of the settings; without a key the client's are taken from all of them."""
    monkeypatch.setenv("A_KEY", "sk-a")
    given = both(*(fake.url for fake in fakes[:2]))
    given["upstreams"]["a"]["key_env"], given["upstreams"]["b"]["key_env"] = "A_KEY", "B_KEY"
    upstreams = behind(**given).upstreams
    client = {"x-api-key": "c", "authorization": "Bearer c", "anthropic-version": "1"}

    first, second = (upstreams._upstreams[row].headers(client, ANTHROPIC) for row in upstreams.named)

    assert (first["x-api-key"], "authorization" in first) == ("sk-a", False)
    assert {"x-api-key", "authorization"}.isdisjoint(second)
    assert first["anthropic-version"] == second["anthropic-version"] == "1"
    given["upstreams"]["a"]["key_header"] = "authorization"
    upstreams = behind(**given).upstreams
    token = upstreams._upstreams[upstreams.named[0]].headers(client, ANTHROPIC)
    assert (token["authorization"], "x-api-key" in token) == ("Bearer sk-a", False)
    upstreams = behind(upstream=fakes[0].url).upstreams
    own = upstreams._upstreams[upstreams.others[0]].headers(client, ANTHROPIC)
    assert (own["x-api-key"], "authorization" in own) == ("c", False)


def test_who_gives_up_ends_all_tries(behind, fakes) -> None:
    """Also while one waits for the next; it says nothing of the upstream."""
    fake = fakes[0]
    fake.answers(OVERLOADED, 503)
    found = behind(upstreams={"a": {"url": fake.url, "models": ["*"], "tries": 5, "failures": 2}})
    waiting = asyncio.Event()

    async def forever(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    found.upstreams._sleep = forever

    async def give_up() -> None:
        task = asyncio.ensure_future(found.asking("m", b"{}", "/chat/completions", {}))
        await waiting.wait()
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    found.runner.run(give_up())

    assert asked(fake) == [1]
    assert found.upstreams.health() == {"a": True}


def test_one_upstream_alone_is_asked_once_and_not_named(behind, fake) -> None:
    """As ever; how it is is known all the same."""
    fake.answers(OVERLOADED, 503)
    found = behind(upstream=fake.url)

    for _ in range(5):
        assert found.fails("any").status == 503
    fake.answers({})

    assert (asked(fake), found.clock.slept) == ([5], [])
    assert found.upstreams.health() == {"default": False}
    assert "x-guardrails-upstream" not in found.ask()[1]
    assert found.upstreams.health() == {"default": True}


@pytest.mark.parametrize("streamed", [False, True])
def test_clients_see_one_server(serve, fakes, refused, kit, streamed) -> None:
    """OpenAI's own client gets its answer from the second, and its own exception for a model that nobody serves."""
    first, second, _ = fakes
    first.answers(OVERLOADED, 503)
    second.streams(*kit.pieces("from b")) if streamed else second.answers(kit.completion("from b"))
    url = serve(
        upstream=None,
        upstreams={
            "gone": {"url": refused, "models": ["m"], "tries": 1},
            "a": {"url": first.url, "models": ["m"], "tries": 1},
            "b": {"url": second.url, "models": ["m"]},
        },
    )

    with openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=streamed
        )
        answer = raw.parse()
        text = (
            "".join(chunk.choices[0].delta.content or "" for chunk in answer)
            if streamed
            else answer.choices[0].message.content
        )
        with pytest.raises(openai.NotFoundError) as raised:
            client.chat.completions.create(model="other", messages=[{"role": "user", "content": "hi"}])

    assert (text, raw.headers["x-guardrails-upstream"]) == ("from b", "b")
    assert asked(first, second) == [1, 1]
    assert (raised.value.code, raised.value.type) == ("model_not_found", "invalid_request_error")


def test_an_upstreams_error_tells_whose_it_is(serve, fakes, kit) -> None:
    """So that an operator knows where to look."""
    fakes[0].answers(OVERLOADED, 400)
    url = serve(upstream=None, **both(fakes[0].url, fakes[1].url))

    assert kit.chat(url, kit.asking("hi")).headers["x-guardrails-upstream"] == "a"


@pytest.mark.parametrize(("sent", "when"), [("plain", "beside"), ("sonar-pro", "after_hosted")])
def test_a_request_beside_its_check_goes_on_to_the_next_as_well(
    serve, guard_of, fakes, kit, sent, when
) -> None:
    """What is sent early is sent by another name, too: one that has the provider act makes it wait."""
    first, second, _ = fakes
    first.answers(OVERLOADED, 503)
    second.answers(kit.completion("from b"))
    given = both(first.url, second.url)
    given["upstreams"]["b"]["rename"] = {"m": sent}
    url = serve(guard_of(PARALLEL), upstream=None, **given)

    answer = kit.chat(url, kit.asking("hi"))

    assert answer.json["choices"][0]["message"]["content"] == "from b"
    assert second.asked[0].json["model"] == sent
    assert f'guardrails_parallel_total{{sent="{when}"}} 1' in kit.send(url, "/metrics").raw.decode()


def test_a_blocked_request_reaches_none_of_them(serve, fakes, kit) -> None:
    """And a retried answer is judged as any."""
    first, second, _ = fakes
    first.answers(OVERLOADED, 503)
    second.answers(kit.completion("a zqxbomb"))
    url = serve(upstream=None, **both(first.url, second.url))

    assert kit.chat(url, kit.asking("a zqxbomb")).status == 400
    assert asked(first, second) == [0, 0]
    assert b"zqxbomb" not in kit.chat(url, kit.asking("hi")).raw
