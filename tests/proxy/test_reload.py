"""A policy whose files change under a server: what is served, what is refused, and what is told of it."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from guardrails import Guard
from guardrails.keys import KEY_VARIABLE
from guardrails.proxy import reload as reloading
from guardrails.proxy import state as states
from guardrails.proxy.reload import keep, redacts_alike, reload
from guardrails.proxy.serve import running
from guardrails.proxy.settings import Settings, SettingsError
from guardrails.proxy.state import State
from guardrails.types import CLEAN, Stage

WAIT_S = 20
WORDS = ("one", "two")
BROKEN = "format: 1\nname: p\nrulez: []\n"


def text(word: str, then: str = "redact", **more: str) -> str:
    """Return a policy that redacts one made-up word in requests and answers, by a rule of that name."""
    rest = "".join(f"{name}: {value}\n" for name, value in more.items())
    return (
        f"format: 1\nname: {word}\n{rest}"
        f"detectors: {{d: {{use: terms, terms: [zqx{word}], category: custom.word}}}}\n"
        f"rules: [{{id: {word}, on: [input, output], when: custom.word > 0, then: {then}}}]\n"
    )


def write(path, text: str) -> None:
    """Write a file whole at once, as editors and deployments do."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def until(holds) -> None:
    """Wait until something holds."""
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end, "it never came to hold"


@pytest.fixture(autouse=True)
def _often(monkeypatch) -> None:
    monkeypatch.setattr(reloading, "POLL_S", 0.01)
    monkeypatch.setattr(states, "RETRY_S", 0.001)


@pytest.fixture
def policy(tmp_path):
    """Return the file of a policy that redacts the first word."""
    path = tmp_path / "p.yaml"
    write(path, text("one"))
    return path


@pytest.fixture
def digests(tmp_path):
    """Return the digest of each of the two policies, by word."""
    found = {}
    for word in WORDS:
        path = tmp_path / f"{word}.yaml"
        write(path, text(word))
        found[word] = Guard.load(path).policy.ref.digest
    return found


@pytest.fixture
def server(fake, policy):
    """Return a server whose policy is that file, and its address."""
    server = running(Settings(fake.url, port=0, policy=str(policy)))
    with server as url:
        yield server, url


def served(kit, url) -> str:
    """Return the digest of the policy that a server says it serves."""
    return kit.send(url, "/readyz").json["policy"]["digest"]


def reload_of(kit, url) -> tuple[int, str]:
    """Return whether a server is ready, and how its last load went."""
    answer = kit.send(url, "/readyz")
    return answer.status, answer.json["reload"]["state"]


def of_policy(answer) -> tuple[str, set[str]]:
    """Return the digest that an answer names, and the rules that fired in it."""
    return answer.headers["x-guardrails-policy"].partition(";")[2], set(answer.action[1].split(","))


@pytest.mark.parametrize("stream", [False, True])
def test_no_request_fails_or_meets_two_policies(server, policy, digests, fake, kit, stream) -> None:
    """While the file changes under load, each answer is all of the old or all of the new, and says of which."""
    _, url = server
    words = "zqxone zqxtwo"
    if stream:
        fake.streams(*kit.pieces(words))
    else:
        fake.answers(kit.completion(words))
    done, answers = threading.Event(), []

    def ask() -> None:
        while not done.is_set():
            answers.append(kit.chat(url, kit.asking(words, stream=stream)))

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(ask) for _ in range(4)]
        try:
            for word in ("two", "one") * 3:
                before = len(answers)
                write(policy, text(word))
                until(lambda word=word: served(kit, url) == digests[word])
                until(lambda before=before: len(answers) > before + 8)
        finally:
            done.set()
        for client in clients:
            client.result(WAIT_S)

    assert {answer.status for answer in answers} == {200}
    seen = set()
    for answer in answers:
        digest, rules = of_policy(answer)
        word = next(word for word in WORDS if digests[word] == digest)
        other = next(each for each in WORDS if each != word)
        said = (
            "".join(frame["choices"][0]["delta"].get("content") or "" for frame in answer.frames)
            if stream
            else answer.json["choices"][0]["message"]["content"]
        )
        assert rules == {word}
        assert f"zqx{word}" not in said
        assert f"zqx{other}" in said
        seen.add(word)
    assert seen == {*WORDS}
    for asked in fake.asked:  # what was forwarded had met one policy too
        assert [f"zqx{word}" in asked.json["messages"][0]["content"] for word in WORDS].count(True) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_what_has_begun_keeps_its_policy(server, policy, digests, fake, kit, stream) -> None:
    """Also if the answer comes, or goes on, when another policy is served already."""
    _, url = server
    gate = threading.Event()
    first, *rest = kit.pieces("zqxtwo then zqxone")
    if stream:
        fake.streams(first, gate, *rest)
    else:
        fake.answers(kit.completion("zqxtwo then zqxone"), gate=gate)

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(kit.chat, url, kit.asking("hi", stream=stream))
        assert fake.arrived.wait(WAIT_S)
        write(policy, text("two"))
        until(lambda: served(kit, url) == digests["two"])
        gate.set()
        answer = asked.result(WAIT_S)

    assert of_policy(answer) == (digests["one"], {"one"})
    assert b"zqxone" not in answer.raw


def test_a_broken_file_leaves_the_old_policy(server, policy, digests, fake, kit, caplog) -> None:
    """Log, metric and `/readyz` say so, the log with the places and words; once the file is right, so is all else."""
    _, url = server
    write(policy, BROKEN)
    until(lambda: reload_of(kit, url) == (200, "failed"))

    shown = kit.send(url, "/readyz").json
    metrics = kit.send(url, "/metrics").raw.decode()
    answer = kit.chat(url, kit.asking("zqxone"))

    assert shown["ready"]
    assert shown["policy"]["digest"] == digests["one"]
    assert "p.yaml:3:1: unknown_field" in shown["reload"]["errors"]
    assert f"{policy}:3:1: unknown_field: 'rulez'" in caplog.text
    assert "guardrails_reload_failed 1\n" in metrics
    assert 'guardrails_reloads_total{result="failed"} 1\n' in metrics
    assert (
        f'guardrails_policy_info{{part="policy",name="one",version="0",digest="{digests["one"]}"}} 1\n'
        in metrics
    )
    assert of_policy(answer) == (digests["one"], {"one"})

    write(policy, text("two"))
    until(lambda: reload_of(kit, url) == (200, "current"))
    assert served(kit, url) == digests["two"]
    assert kit.send(url, "/readyz").json["reload"]["errors"] == []
    assert "guardrails_reload_failed 0\n" in kit.send(url, "/metrics").raw.decode()


def test_a_file_that_vanishes_may_come_back(server, policy, digests, kit) -> None:
    """Meanwhile the policy stays; what comes back the same is no other policy."""
    server, url = server
    guard = server.state.guard
    policy.unlink()
    until(lambda: reload_of(kit, url) == (200, "failed"))
    assert "p.yaml:0:0: unknown_policy" in kit.send(url, "/readyz").json["reload"]["errors"]

    write(policy, text("one"))
    until(lambda: reload_of(kit, url) == (200, "current"))

    assert server.state.guard is guard
    assert 'guardrails_reloads_total{result="unchanged"} 1\n' in kit.send(url, "/metrics").raw.decode()


def test_old_policies_are_let_go(server, policy, fake, kit) -> None:
    """After twenty of them, with a request and a stream under each, one is left."""
    server, url = server
    guards = [weakref.ref(server.state.guard)]
    for version in range(20):
        write(policy, text("one", version=f'"{version}"'))
        until(lambda version=version: server.state.guard.policy.ref.version == str(version))
        guards.append(weakref.ref(server.state.guard))
        fake.answers(kit.completion("zqxone"))
        assert kit.chat(url, kit.asking("hi")).action == ("redact", "one")
        fake.streams(*kit.pieces("zqxone"))
        assert kit.chat(url, kit.asking("hi", stream=True)).action == ("redact", "one")

    def left() -> int:
        gc.collect()
        return sum(guard() is not None for guard in guards)

    until(lambda: left() == 1)
    assert guards[-1]() is server.state.guard


def test_what_did_not_change_is_not_built_anew(tmp_path) -> None:
    """Detectors of the same digest are the same ones, with what they share in streams; only what changed is another."""
    policy, lists = tmp_path / "p.yaml", tmp_path / "list.txt"
    own = (
        "format: 1\nname: p\ndetectors:\n"
        "  one: {use: terms, file: list.txt, category: custom.one}\n"
        "  two: {use: patterns, patterns: ['zq+x'], category: custom.two}\n"
        "  three: {use: secrets, kinds: [aws_access_key]}\n  four: {use: pii, entities: [email]}\n"
        "rules: [{id: r, on: [input, output], when: custom.one >= SCORE || custom.two > 0 || secret > 0 || pii > 0, then: block}]\n"
    )
    write(lists, "zqxone\n")
    write(policy, own.replace("SCORE", "0.5"))
    state = State(Settings("http://h", policy=str(policy)))

    def parts() -> tuple[str, dict[str, object], list[object]]:
        guard = state.guard
        streams = guard.pipeline.gate((Stage.OUTPUT,)).streams
        together = [begin.__self__ for bounds, begin in streams if len(bounds) > 1]
        return guard.policy.ref.digest, {b.name: b.detector for b in guard.policy.detectors}, together

    async def changes() -> list[tuple[str, dict[str, object], list[object]]]:
        await state.start()
        seen = [parts()]
        for path, content in (
            (policy, own.replace("SCORE", "0.9")),
            (lists, "zqxone\nzqxmore\n"),
            (policy, own.replace("SCORE", "0.9").replace("zq+x", "zq*x")),
        ):
            write(path, content)
            await reload(state)
            assert (state.reload.state, state.reload.errors) == ("current", ())
            seen.append(parts())
        return seen

    seen = asyncio.run(changes())
    assert len({digest for digest, _, _ in seen}) == len(seen)
    changed = [
        {name for name in before if before[name] is not after[name]}
        for (_, before, _), (_, after, _) in pairwise(seen)
    ]
    assert changed == [set(), {"one"}, {"two"}]
    assert len(seen[0][2]) == 1
    assert all(together == seen[0][2] for _, _, together in seen)


def test_a_policy_that_came_from_no_file_stays(guard_of) -> None:
    """There is nothing to load anew; asked to, the server goes on."""
    guard = guard_of(text("one"))
    state = State(Settings("http://h"), Guard(guard.policy))

    async def twice() -> None:
        await state.start()
        await reload(state)

    asyncio.run(twice())

    assert state.files == {}
    assert (state.reload.state, state.ready) == ("current", True)


def test_without_reload_nothing_is_watched(policy) -> None:
    """Once the server is ready there is nothing more to do, and it says so."""
    state = State(Settings("http://h", policy=str(policy), reload=False))

    asyncio.run(asyncio.wait_for(keep(state), WAIT_S))

    assert (state.ready, state.reload.state) == (True, "off")


def test_a_server_that_could_not_start_does_once_its_file_is_right(policy) -> None:
    """Nobody has to start it anew."""
    write(policy, BROKEN)
    state = State(Settings("http://h", policy=str(policy)))

    async def repaired() -> None:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(keep(state))
            await asyncio.to_thread(until, lambda: state.reload.state == "failed")
            assert not state.ready
            write(policy, text("one"))
            assert await asyncio.to_thread(state.warm.wait, WAIT_S)
            keeping.cancel()

    asyncio.run(repaired())

    assert (state.guard.policy.ref.name, state.problem) == ("one", None)


def test_a_policy_whose_detectors_do_not_answer_is_given_up(tmp_path, kind_of, monkeypatch) -> None:
    """It is not served before they do."""
    works = [True]

    def judge(content):
        if not works[0]:
            raise RuntimeError("loading")
        return CLEAN

    policy = tmp_path / "p.yaml"
    own = "detectors: {d: {use: own}}\nrules: [{id: r, on: input, when: custom.own > 0, then: block}]\n"
    write(policy, f"format: 1\nname: first\n{own}")
    state = State(Settings("http://h"), Guard.load(policy, detectors={"own": kind_of(judge)}))
    monkeypatch.setattr(reloading, "WARM_S", 0.05)

    async def replaced() -> None:
        await state.start()
        works[0] = False
        write(policy, f"format: 1\nname: second\n{own}")
        await reload(state)

    asyncio.run(replaced())

    assert state.guard.policy.ref.name == "first"
    assert (state.reload.state, state.reload.errors) == ("failed", ("GuardrailsError",))
    assert state.failing == []


def test_workers_that_would_not_redact_alike_keep_their_policy(policy, monkeypatch) -> None:
    """As at the start: a policy that needs a key which each would make for itself is refused."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    settings = Settings("http://h", policy=str(policy), workers=2)
    state = State(settings)

    async def replaced() -> None:
        await state.start()
        write(policy, text("two", then="redact, with: hash"))
        await reload(state)

    asyncio.run(replaced())

    assert (state.guard.policy.ref.name, state.reload.errors) == ("one", ("SettingsError",))
    with pytest.raises(SettingsError, match="each of 2 workers would have its own"):
        redacts_alike(settings, Guard.load(policy))
