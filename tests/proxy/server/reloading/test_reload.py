"""A policy whose files change under a server: what is served, what is refused, and what is told of it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from guardrails import Guard
from guardrails.detectors.file_watch import stamp_files
from guardrails.keys import KEY_VARIABLE
from guardrails.proxy.configuration.settings import Settings, SettingsError
from guardrails.proxy.configuration.sources import SettingsSources
from guardrails.proxy.server import state as states
from guardrails.proxy.server.reloading import reload as reloading
from guardrails.proxy.server.reloading.reload import check_redaction_key, keep_reloading, reload
from guardrails.proxy.server.serve import running
from guardrails.proxy.server.state import State
from guardrails.types import CLEAN, Action, Stage
from tests.proxy.metrics_kit import Labels, counted, samples
from tests.waiting import wait_until

WAIT_S = 20
RELOADS = "guardrails_reloads_total"
WORDS = ("one", "two")
BROKEN = "format: 1\nname: p\nrulez: []\n"


def text(word: str, then: str = "redact", **more: str) -> str:
    """Return a policy of the name of one made-up word, which it redacts in requests and answers."""
    rest = "".join(f"{name}: {value}\n" for name, value in more.items())
    return (
        f"format: 1\nname: {word}\n{rest}"
        f"detectors: {{d: {{use: terms, terms: [zqx{word}], category: custom.word}}}}\n"
        f"rules: [{{id: word, on: [input, output], when: custom.word > 0, then: {then}}}]\n"
    )


def write(path, text: str) -> None:
    """Write a file whole at once, as editors and deployments do."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


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
                wait_until(lambda word=word: served(kit, url) == digests[word])
                wait_until(lambda before=before: len(answers) > before + 8)
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
        assert rules == {"word"}
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
        wait_until(lambda: served(kit, url) == digests["two"])
        gate.set()
        answer = asked.result(WAIT_S)

    assert of_policy(answer) == (digests["one"], {"word"})
    assert b"zqxone" not in answer.raw


def test_a_broken_file_leaves_the_old_policy(server, policy, digests, fake, kit, caplog) -> None:
    """Log, metric and `/readyz` say so, the log with the places and words; once the file is right, so is all else."""
    _, url = server
    write(policy, BROKEN)
    wait_until(lambda: reload_of(kit, url) == (200, "failed"))

    shown = kit.send(url, "/readyz").json
    metrics = kit.send(url, "/metrics").raw
    answer = kit.chat(url, kit.asking("zqxone"))

    assert shown["ready"]
    assert shown["policy"]["digest"] == digests["one"]
    assert "p.yaml:3:1: unknown_field" in shown["reload"]["errors"]
    assert f"{policy}:3:1: unknown_field: 'rulez'" in caplog.text
    assert counted(metrics, "guardrails_reload_failed") == 1
    assert counted(metrics, "guardrails_reloads_total", result="failed") == 1
    labels = {"part": "policy", "name": "one", "version": "0", "digest": digests["one"]}
    assert samples(metrics, "guardrails_policy_info") == {tuple(sorted(labels.items())): 1}
    assert of_policy(answer) == (digests["one"], {"word"})

    write(policy, text("two"))
    wait_until(lambda: reload_of(kit, url) == (200, "current"))
    assert served(kit, url) == digests["two"]
    assert kit.send(url, "/readyz").json["reload"]["errors"] == []
    assert counted(kit.send(url, "/metrics").raw, "guardrails_reload_failed") == 0


def test_a_file_that_vanishes_may_come_back(server, policy, digests, kit, caplog) -> None:
    """Meanwhile the policy stays; what comes back the same is no other policy, and the log says that it is back."""
    server, url = server
    guard = server.state.guard
    policy.unlink()
    wait_until(lambda: reload_of(kit, url) == (200, "failed"))
    assert "p.yaml:0:0: unknown_policy" in kit.send(url, "/readyz").json["reload"]["errors"]

    write(policy, text("one"))
    wait_until(lambda: reload_of(kit, url) == (200, "current"))

    assert server.state.guard is guard
    assert counted(kit.send(url, "/metrics").raw, "guardrails_reloads_total", result="unchanged") == 1
    assert caplog.messages[-1] == "the policy's files are again what is served"


def fields(kit, url) -> dict[str, object]:
    """Return what a server says of its last load."""
    return kit.send(url, "/readyz").json["reload"]


WEAKER = text("two", then="flag")
REASONS = ["one: word: weaker_then", "one: word: weaker_on_error"]


def test_a_weaker_policy_is_held(server, policy, digests, fake, kit, caplog) -> None:
    """Log, metrics and `/readyz` name the rules and what is weaker, and the log the cure; nothing of the policy is in `/readyz`. What
    is as strict again is served, and nothing is held any more.
    """
    _, url = server
    write(policy, WEAKER)
    wait_until(lambda: reload_of(kit, url) == (200, "held"))

    assert fields(kit, url) == {"state": "held", "errors": [], "weaker": REASONS}
    assert kit.send(url, "/readyz").json["policy"]["digest"] == digests["one"]
    assert of_policy(kit.chat(url, kit.asking("zqxone"))) == (digests["one"], {"word"})
    assert "one: word: weaker_then (redact to flag)" in caplog.text
    assert "send SIGHUP" in caplog.text
    metrics = kit.send(url, "/metrics").raw
    assert counted(metrics, "guardrails_reload_held") == 1
    assert counted(metrics, "guardrails_reload_failed") == 0
    assert counted(metrics, "guardrails_reloads_total", result="held") == 1

    write(policy, text("two"))
    wait_until(lambda: served(kit, url) == digests["two"])
    wait_until(lambda: fields(kit, url) == {"state": "current", "errors": [], "weaker": []})
    assert counted(kit.send(url, "/metrics").raw, "guardrails_reload_held") == 0


def test_a_weaker_policy_that_is_taken_back_is_forgotten(server, policy, kit) -> None:
    """The guard is the same one as before."""
    server, url = server
    guard = server.state.guard
    write(policy, WEAKER)
    wait_until(lambda: reload_of(kit, url) == (200, "held"))

    write(policy, text("one"))
    wait_until(lambda: fields(kit, url) == {"state": "current", "errors": [], "weaker": []})

    assert server.state.guard is guard


@pytest.mark.parametrize("new", [WEAKER, "format: 1\nname: two\n"], ids=["weaker", "no rules"])
def test_a_weaker_policy_is_served_by_consent(policy, new, caplog) -> None:
    """The log says what is weaker; the next change is compared with what is served by then."""
    state = State(Settings("http://h", policy=str(policy)))

    async def consented() -> list[str]:
        await state.start()
        write(policy, new)
        return [await reload(state), await reload(state, consent=True), await reload(state)]

    assert asyncio.run(consented()) == ["held", "loaded", "unchanged"]
    assert (state.guard.policy.ref.name, state.reload.weaker) == ("two", ())
    assert "by SIGHUP, a weaker policy is served: one: word: " in caplog.text


def test_sighup_is_consent(policy, monkeypatch) -> None:
    """Also where the files changed once more while they were loaded."""
    state, contents = State(Settings("http://h", policy=str(policy))), [WEAKER]
    load = state.load

    def loading():
        found = load()
        if contents:
            write(policy, contents.pop())
        return found

    async def signalled() -> None:
        await state.start()
        monkeypatch.setattr(state, "load", loading)
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(keep_reloading(state))
            await asyncio.sleep(0)  # begins to wait for signals
            write(policy, text("one", version="'1'"))
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.to_thread(wait_until, lambda: state.guard.policy.ref.name == "two")
            keeping.cancel()

    asyncio.run(signalled())

    assert counted(state.metrics.text(), RELOADS, result="loaded") == 1


RULES = """format: 1
name: shipped
detectors:
  a: {use: terms, terms: [zqxone], category: custom.one}
  b: {use: terms, terms: [zqxtwo], category: custom.two}
rules:
  - id: one.block
    on: [input, output]
    when: custom.one > 0
    then: block
  - id: two.block
    on: [input, output]
    when: custom.two > 0
    then: block
    on_error: block
    message: {en: No.}
unchecked:
  audio: block
history: block
"""


def test_no_beginning_of_a_policy_is_served(tmp_path) -> None:
    """Of each length in bytes: whatever rests on the disk when a writer stops, all that was stopped still is."""
    policy, whole = tmp_path / "p.yaml", RULES.encode()
    policy.write_bytes(whole)
    state = State(Settings("http://h", policy=str(policy)))
    results = set()

    async def cut() -> None:
        await state.start()
        first = state.guard
        for length in range(len(whole)):
            policy.write_bytes(whole[:length])
            results.add(await reload(state))
            if state.guard is not first:
                for word in WORDS:
                    assert (await state.guard.acheck(f"zqx{word}")).blocked, whole[:length].decode()
        assert state.guard.policy.unchecked["audio"] is Action.BLOCK
        policy.write_bytes(whole)
        results.add(await reload(state))

    asyncio.run(cut())

    assert {"failed", "held"} <= results
    assert state.reload.state == "current"


def test_a_server_whose_policy_is_half_written_stops_what_it_stopped(fake, tmp_path, kit) -> None:
    """The file grows line by line and rests after each, in place; every request is refused at every moment."""
    policy, lines = tmp_path / "p.yaml", RULES.splitlines(keepends=True)
    policy.write_text(RULES)
    with running(Settings(fake.url, port=0, policy=str(policy))) as url:

        def decided(before: list[str]) -> bool:
            assert kit.chat(url, kit.asking("zqxtwo")).status == 400
            return loads(kit, url) != before

        states = []
        for count in range(len(lines)):
            before = loads(kit, url)
            policy.write_text("".join(lines[:count]))
            wait_until(lambda before=before: decided(before))
            wait_until(lambda: fields(kit, url)["state"] != "loading")
            states.append(fields(kit, url)["state"])
        policy.write_text(RULES)
        wait_until(lambda: fields(kit, url)["state"] == "current")

    assert {*states} == {"failed", "held"}


def loads(kit, url) -> dict[Labels, float]:
    """Return how many loads a server counted, by result."""
    return samples(kit.send(url, "/metrics").raw, RELOADS)


def test_a_file_that_is_still_written_is_not_loaded(policy, monkeypatch) -> None:
    """Each look finds more of it; it is loaded once, when two looks in a row saw the same."""
    state, look = State(Settings("http://h", policy=str(policy))), reloading.stamp_files
    lines, looks = text("two").splitlines(keepends=True), []

    def written(paths):
        looks.append(state.guard.policy.ref.name)
        if len(looks) <= len(lines):
            policy.write_text("".join(lines[: len(looks)]))
        return look(paths)

    async def grown() -> None:
        async with asyncio.TaskGroup() as group:
            await state.start()
            monkeypatch.setattr(reloading, "stamp_files", written)
            keeping = group.create_task(keep_reloading(state))
            await asyncio.to_thread(wait_until, lambda: state.guard.policy.ref.name == "two")
            keeping.cancel()

    asyncio.run(grown())

    assert looks[: len(lines) + 1] == ["one"] * (len(lines) + 1)
    counted = samples(state.metrics.text(), RELOADS)
    assert {labels: count for labels, count in counted.items() if count} == {(("result", "loaded"),): 1}


def test_what_changes_while_it_is_loaded_is_not_served(policy) -> None:
    """What was read may be of neither version."""
    state = State(Settings("http://h", policy=str(policy)))
    load = state.load

    def loading():
        found = load()
        write(policy, text("one", version="'2'"))
        return found

    async def changes() -> list[str]:
        await state.start()
        write(policy, text("two"))
        state.load = loading
        found = [await reload(state)]
        state.load = load
        return [*found, await reload(state)]

    assert asyncio.run(changes()) == ["unsettled", "loaded"]
    assert (state.guard.policy.ref.name, state.guard.policy.ref.version) == ("one", "2")


def test_files_that_were_not_known_must_rest_as_well(policy, tmp_path) -> None:
    """A parent that a policy names from now on may still be written."""
    state = State(Settings("http://h", policy=str(policy)))
    (tmp_path / "parent.yaml").write_text("format: 1\nname: parent\n")

    async def extended() -> list[str]:
        await state.start()
        write(policy, text("two", extends="parent.yaml"))
        known = stamp_files(state.files)
        return [
            await reload(state, settled=known),
            await reload(state, settled=stamp_files(state.files)),
        ]

    assert asyncio.run(extended()) == ["unsettled", "loaded"]


def test_a_folder_that_is_swapped_is_loaded(fake, tmp_path, digests, kit) -> None:
    """As Kubernetes updates a ConfigMap: a link to a folder is renamed over another."""
    policy = tmp_path / "p.yaml"
    policy.symlink_to("..data/p.yaml")

    def swap(name: str, content: str) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "p.yaml").write_text(content)
        (tmp_path / "..tmp").symlink_to(name)
        (tmp_path / "..tmp").replace(tmp_path / "..data")

    swap("..1", text("one"))
    with running(Settings(fake.url, port=0, policy=str(policy))) as url:
        assert served(kit, url) == digests["one"]
        swap("..2", text("two"))
        wait_until(lambda: served(kit, url) == digests["two"])
        swap("..3", text("two", then="flag"))
        wait_until(lambda: reload_of(kit, url) == (200, "held"))
        assert served(kit, url) == digests["two"]


def test_a_start_that_waits_goes_on_while_a_change_is_refused(tmp_path, kind_of) -> None:
    """Files that are wrong, or weaker, do not keep a server from becoming ready."""
    works = threading.Event()

    def judge(content):
        if not works.is_set():
            raise RuntimeError("loading")
        return CLEAN

    policy = tmp_path / "p.yaml"
    own = "detectors: {d: {use: own}}\nrules: [{id: r, on: input, when: custom.own > 0, then: block}]\n"
    write(policy, f"format: 1\nname: p\n{own}")
    state = State(
        Settings("http://h", policy=str(policy)), Guard.load(policy, detectors={"own": kind_of(judge)})
    )

    async def started() -> None:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(keep_reloading(state))
            write(policy, f"format: 1\nname: p\n{own.replace('block', 'flag')}")
            await asyncio.to_thread(wait_until, lambda: state.reload.state == "held")
            works.set()
            assert await asyncio.to_thread(state.warm.wait, WAIT_S)
            keeping.cancel()

    asyncio.run(started())

    assert state.reload.state == "held"


SETTINGS = {
    "floor": ("policy: one.yaml\nfloor: floor.yaml\n", "policy: one.yaml\n", ["floor: floor: floor_removed"]),
    "keys": (
        f"policy: one.yaml\nkeys: [{{id: shop, sha256: {'a' * 64}}}]\n",
        "policy: one.yaml\n",
        ["settings: keys: keys_removed"],
    ),
    "policy": ("policy: one.yaml\n", "policy: flags.yaml\n", ["one: word: weaker_then"]),
    "row": (
        "policies: [{policy: one.yaml, paths: [/v1/check]}]\npolicy: flags.yaml\n",
        "policies: [{policy: flags.yaml, paths: [/v1/check]}]\npolicy: flags.yaml\n",
        ["one: word: weaker_then"],
    ),
    "row removed": (
        "policies: [{policy: one.yaml, paths: [/v1/check]}]\npolicy: flags.yaml\n",
        "policy: flags.yaml\n",
        ["one: word: weaker_then"],
    ),
}


@pytest.mark.parametrize(("before", "after", "reasons"), SETTINGS.values(), ids=[*SETTINGS])
def test_settings_that_judge_by_less_are_held(tmp_path, fake, kit, before, after, reasons) -> None:
    """As a weaker policy is; nothing of the file counts then, and all of it once it is as strict again."""
    file = tmp_path / "settings.yaml"
    for name, content in (
        ("one", text("one")),
        ("flags", text("one", then="flag, on_error: block")),
        ("floor", text("floor")),
    ):
        write(tmp_path / f"{name}.yaml", content)
    start = f"upstream: {fake.url}\nport: 0\n"
    write(file, start + before)
    given = SettingsSources(str(file))
    with running(given.settings(), reread=given.settings) as url:
        write(file, f"{start}{after}unknown_fields: refuse\n")
        wait_until(lambda: fields(kit, url)["state"] == "held")
        assert fields(kit, url)["weaker"] == reasons
        write(file, f"{start}{before}unknown_fields: refuse\n")
        wait_until(lambda: fields(kit, url)["state"] == "current")
        assert loads(kit, url)[("result", "loaded"),] == 1


def test_a_weaker_shadow_is_served(policy, tmp_path) -> None:
    """It enforces nothing."""
    shadow = tmp_path / "next.yaml"
    write(shadow, text("two"))
    state = State(Settings("http://h", policy=str(policy), shadow=str(shadow)))

    async def weakened() -> str:
        await state.start()
        write(shadow, WEAKER)
        return await reload(state)

    assert asyncio.run(weakened()) == "loaded"


def test_old_policies_are_let_go(server, policy, fake, kit) -> None:
    """After six of them, with a request and a stream under each, one is left."""
    server, url = server
    guards = [weakref.ref(server.state.guard)]
    for version in range(6):
        write(policy, text("one", version=f'"{version}"'))
        wait_until(lambda version=version: server.state.guard.policy.ref.version == str(version))
        guards.append(weakref.ref(server.state.guard))
        fake.answers(kit.completion("zqxone"))
        assert kit.chat(url, kit.asking("hi")).action == ("redact", "word")
        fake.streams(*kit.pieces("zqxone"))
        assert kit.chat(url, kit.asking("hi", stream=True)).action == ("redact", "word")

    def left() -> int:
        gc.collect()
        return sum(guard() is not None for guard in guards)

    wait_until(lambda: left() == 1)
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
        streams = guard.pipeline.stream_plan((Stage.OUTPUT,)).streams
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

    asyncio.run(asyncio.wait_for(keep_reloading(state), WAIT_S))

    assert (state.ready, state.reload.state) == (True, "off")


def test_a_server_that_could_not_start_does_once_its_file_is_right(policy) -> None:
    """Nobody has to start it anew."""
    write(policy, BROKEN)
    state = State(Settings("http://h", policy=str(policy)))

    async def repaired() -> None:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(keep_reloading(state))
            await asyncio.to_thread(wait_until, lambda: state.reload.state == "failed")
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
    assert state.failing_detectors == []


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
        check_redaction_key(settings, Guard.load(policy))
