"""A whole policy beside the one that is served: the same answers, and both decisions on record."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from guardrails import Content, Detection, Guard
from guardrails.authoring.diff.traffic.effects import ChangeEffects
from guardrails.authoring.rows import read_rows
from guardrails.authoring.shadow.shadow_log import compare_log
from guardrails.detectors.kinds import Kind
from guardrails.errors import PolicyErrors
from guardrails.proxy.configuration.settings import Settings, SettingsError
from guardrails.proxy.server.reloading import reload as reloading
from guardrails.proxy.server.serve import Running, running
from guardrails.proxy.server.state import State
from tests.proxy.metrics_kit import counted

WAIT_S = 20
EVERYWHERE = "[input, output, tool_definition, tool_call, tool_result, retrieval]"
POLICY = f"""format: 1
name: NAME
detectors:
  bomb: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
  mask: {{use: terms, terms: [zqxmask], category: custom.mask, match: substring}}
  soft: {{use: terms, terms: [zqxsoft], category: custom.soft}}
rules:
  - {{id: bomb.block, on: {EVERYWHERE}, when: custom.bomb > 0, then: block, message: Not that.}}
  - {{id: mask.redact, on: {EVERYWHERE}, when: custom.mask > 0, then: redact}}
  - {{id: soft.rule, on: {EVERYWHERE}, when: custom.soft > 0, then: SOFT}}
"""
"""Blocks zqxbomb, redacts zqxmask, and does with zqxsoft what it is told."""


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end, "it never came to hold"


@pytest.fixture
def policies(tmp_path: Path) -> tuple[Path, Path]:
    """The files of a policy that flags zqxsoft, and of the next one, which blocks it and redacts nothing."""
    live, beside = tmp_path / "live.yaml", tmp_path / "next.yaml"
    live.write_text(POLICY.replace("NAME", "live").replace("SOFT", "flag"))
    beside.write_text(
        POLICY.replace("NAME", "next").replace("SOFT", "block").replace("then: redact", "then: flag")
    )
    return live, beside


@pytest.fixture
def settings(fake: Any, policies: tuple[Path, Path], tmp_path: Path) -> Callable[..., Settings]:
    """Return a function: settings of the shadow in, those of a server out."""

    def make(**shadow: Any) -> Settings:
        given = {"policy": str(policies[1]), "log": str(tmp_path / "log.jsonl"), **shadow}
        return Settings(fake.url, port=0, policy=str(policies[0]), shadow=given)

    return make


@pytest.fixture
def rows(tmp_path: Path) -> Callable[[int], list[dict[str, Any]]]:
    """Return a function: how many rows there must be in, the rows of the log out."""

    def wait(count: int) -> list[dict[str, Any]]:
        log = tmp_path / "log.jsonl"
        until(lambda: log.read_bytes().count(b"\n") >= count)
        found = [json.loads(line) for line in log.read_text().splitlines()]
        assert len(found) == count
        return found

    return wait


def short(row: dict[str, Any]) -> tuple[str, str, str, list[str]]:
    """Return a row's stage, both actions, and the rules of the shadow policy."""
    return (
        row["stage"],
        row["live"]["action"],
        row["shadow"]["action"],
        [rule["id"] for rule in row["shadow"]["rules"]],
    )


def test_both_decide_and_the_answer_is_the_live_one(kit: Any, fake: Any, settings: Any, rows: Any) -> None:
    """What the shadow policy would block passes; the log has both decisions, by the ids of the answer's headers."""
    fake.answers(kit.completion("a zqxsoft answer"))
    with running(settings()) as url:
        answer = kit.chat(url, kit.asking("say zqxsoft and zqxmask"))
        found = rows(2)
    assert answer.status == 200
    assert answer.json["choices"][0]["message"]["content"] == "a zqxsoft answer"
    assert "[MASK]" in fake.asked[-1].raw.decode()
    assert [short(row) for row in found] == [
        ("input", "redact", "block", ["soft.rule", "mask.redact"]),
        ("output", "flag", "block", ["soft.rule"]),
    ]
    assert ",".join(row["id"] for row in found) == answer.headers["x-guardrails-verdict-id"]
    assert {row["route"] for row in found} == {"/v1/chat/completions"}
    assert found[0]["live"]["policy"]["name"] == "live"
    assert found[0]["shadow"]["policy"]["name"] == "next"
    assert found[1]["shadow"]["rules"][0]["categories"] == ["custom.soft"]
    assert "zqx" not in json.dumps(found)


def test_a_verdict_that_a_worker_makes_is_judged_beside(
    kit: Any, fake: Any, tmp_path: Path, rows: Any
) -> None:
    """An answer that the shipped classifier is to read, which does so on a worker."""
    said = "Pour the mixture slowly, and do not tell anybody where it was bought or what it is for."
    fake.answers(kit.completion(said))
    shadow = {"policy": "strict", "log": str(tmp_path / "log.jsonl")}
    with running(Settings(fake.url, port=0, policy="default", shadow=shadow)) as url:
        answer = kit.chat(url, kit.asking("Describe a garden in June."))
        found = rows(2)
    assert answer.status == 200
    assert answer.json["choices"][0]["message"]["content"] == said
    assert [row["stage"] for row in found] == ["input", "output"]


def test_answers_are_what_they_are_without_it(kit: Any, fake: Any, settings: Any) -> None:
    """The same bytes go out, and the same headers but for ids, on every way that a content may take."""
    plain = settings()
    plain = Settings(plain.upstream, port=0, policy=plain.policy)
    bodies = [
        kit.asking("fine"),
        kit.asking("zqxsoft"),
        kit.asking("zqxmask"),
        kit.asking("zqxbomb"),
        kit.asking("zqxsoft", stream=True),
    ]
    seen = []
    for each in (plain, settings()):
        with running(each) as url:
            fake.answers(kit.completion("zqxsoft zqxmask"))
            answers = [kit.chat(url, body) for body in bodies[:4]]
            fake.streams(*kit.pieces("zqxsoft and zqxmask"))
            stream = kit.chat(url, bodies[4])
            deltas = [choice["delta"] for frame in stream.frames for choice in frame["choices"]]
            text = "".join(delta.get("content") or "" for delta in deltas)
            told = [(each.status, each.action, each.raw, sorted(each.headers)) for each in answers]
            seen.append([*told, (stream.status, stream.action, text, sorted(stream.headers))])
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("text", "live", "beside", "ended"),
    [("it is zqxsoft here", "flag", "block", True), ("it is zqxbomb here", "block", "block", False)],
)
def test_streams_are_judged_at_their_end(
    text: str, live: str, beside: str, ended: bool, kit: Any, fake: Any, settings: Any, rows: Any
) -> None:
    """Once, all of it; of one that the live policy stops what there was, which is said."""
    fake.streams(*kit.pieces(text))
    with running(settings()) as url:
        answer = kit.chat(url, kit.asking("go", stream=True))
        found = rows(2)
    assert answer.status == 200
    assert short(found[1])[:3] == ("output", live, beside)
    assert (found[0]["ended"], found[1]["ended"]) == (True, ended)


def test_every_route_that_judges_is_judged_beside(kit: Any, fake: Any, settings: Any, rows: Any) -> None:
    """Also those that ask no upstream, hooks, other APIs, and what an upstream says when it fails."""
    with running(settings()) as url:
        kit.send(url, "/v1/check", {"text": "zqxsoft", "stage": "tool_result", "tenant": "t"})
        kit.send(url, "/v1/moderations", {"input": ["zqxsoft", "fine"]})
        kit.send(url, "/v1/embeddings", {"model": "m", "input": "zqxsoft"})
        kit.ask(url, {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "zqxsoft"}]})
        fake.answers({"error": {"message": "no zqxsoft", "type": "x"}}, 400)
        kit.chat(url, kit.asking("fine"))
        found = rows(7)
    by_route = {(row["route"], row["stage"]) for row in found}
    assert {
        ("/v1/check", "tool_result"),
        ("/v1/moderations", "input"),
        ("/v1/embeddings", "input"),
        ("/v1/messages", "input"),
        ("/v1/chat/completions", "input"),
        ("/v1/chat/completions", "output"),
    } <= by_route
    assert found[0]["tenant"] == "t"
    assert [row["shadow"]["action"] for row in found[:4]] == ["block", "block", "allow", "block"]


def test_what_redactions_leave_is_compared(kit: Any, policies: Any, settings: Any, rows: Any) -> None:
    """Two policies that redact may leave different texts; the log says so without them."""
    policies[1].write_text(
        POLICY.replace("NAME", "next")
        .replace("SOFT", "flag")
        .replace("then: redact", "then: redact, with: mask")
    )
    with running(settings()) as url:
        kit.chat(url, kit.asking("zqxmask"))
        kit.chat(url, kit.asking("fine"))
        found = rows(4)
    assert [row["otherwise"] for row in found] == [True, False, False, False]


def test_numbers_and_state_tell_of_it(kit: Any, settings: Any, rows: Any) -> None:
    """How decisions differ is counted by stage; `/readyz` names the policy, `/metrics` its digest."""
    with running(settings()) as url:
        kit.chat(url, kit.asking("zqxsoft"))
        rows(2)
        ready = kit.send(url, "/readyz").json
        until(lambda: 'turn="new_block"' in kit.send(url, "/metrics").raw.decode())
        text = kit.send(url, "/metrics").raw.decode()
    assert [each["name"] for each in ready["shadow"]["policies"]] == ["next"]
    assert ready["shadow"]["dropped"] == 0
    assert 'guardrails_shadow_decisions_total{stage="input",turn="new_block"} 1' in text
    assert 'guardrails_shadow_decisions_total{stage="output",turn="same"} 1' in text
    assert counted(text, "guardrails_shadow_rules_total", rule="soft.rule", action="block") == 1
    assert counted(text, "guardrails_policy_info", part="shadow", name="next")


def test_what_comes_when_too_much_waits_is_left_out_and_told(
    kit: Any, fake: Any, policies: Any, settings: Any, rows: Any, kind_of: Callable[..., Kind]
) -> None:
    """Requests go on meanwhile; what was left out stands in the log, in the numbers, and in `/readyz`."""
    begun, go_on = threading.Event(), threading.Event()

    def held(content: Content) -> Detection:
        begun.set()
        assert go_on.wait(WAIT_S)
        return Detection()

    policies[1].write_text(
        "format: 1\nname: next\ndetectors: {own: {use: own}}\n"
        "rules: [{id: own, on: [input, output], when: custom.own > 0, then: block}]\nlimits: {deadline_ms: 60000}\n"
    )
    kinds = {"own": kind_of(held, tier=1)}
    live = Guard.load(policies[0], detectors=kinds)
    with running(settings(queue=1), live) as url:
        assert kit.send(url, "/v1/check", {"text": "one"}).status == 200
        assert begun.wait(WAIT_S)
        for _ in range(4):
            assert kit.send(url, "/v1/check", {"text": "more"}).status == 200
        assert kit.send(url, "/readyz").json["shadow"] | {"policies": []} == {
            "policies": [],
            "waiting": 1,
            "dropped": 3,
        }
        go_on.set()
        until(lambda: kit.send(url, "/readyz").json["shadow"]["waiting"] == 0)
        text = kit.send(url, "/metrics").raw.decode()
    assert 'guardrails_shadow_dropped_total{why="queue_full"} 3' in text
    found = rows(3)
    assert [row.get("dropped") for row in found] == [None, 3, None]
    effects = ChangeEffects()
    compare_log(settings().shadow.log, effects)
    assert (effects.rows, effects.failed, dict(effects.errors)) == (5, 3, {"new: queue_full": 3})


def test_a_shadow_policy_that_fails_breaks_nothing(
    kit: Any, policies: Any, settings: Any, rows: Any, kind_of: Callable[..., Kind]
) -> None:
    """A detector that raises leaves no decision there, and only there."""

    def broken(content: Content) -> Detection:
        raise RuntimeError(content)

    policies[1].write_text(
        "format: 1\nname: next\ndetectors: {own: {use: own}}\n"
        "rules: [{id: own, on: [input, output], when: custom.own > 0, then: block}]\n"
    )
    live = Guard.load(policies[0], detectors={"own": kind_of(broken)})
    with running(settings(), live) as url:
        answer = kit.send(url, "/v1/check", {"text": "zqxsoft"})
        (row,) = rows(1)
    assert answer.json["action"] == "flag"
    assert answer.json["errors"] == []
    assert row["shadow"]["error"] == "unavailable_crash"


def test_a_log_with_contents_is_traffic(
    kit: Any, fake: Any, settings: Any, rows: Any, tmp_path: Path
) -> None:
    """With `content` a row can be judged again, by whom it was asked, and comes to the same."""
    fake.answers(kit.completion("a zqxsoft answer"))
    with running(settings(content=True)) as url:
        kit.chat(url, kit.asking({"role": "system", "content": "be zqxmask"}, "say zqxbomb", "hello"))
        kit.send(url, "/v1/check", {"text": "zqxsoft", "user": {"tier": "x"}, "metadata": {"a": 1}})
        written = rows(3)
    log = tmp_path / "log.jsonl"
    found = [*read_rows(log)]
    assert found[0].content == [
        {"role": role, "content": [{"type": "text", "text": text}]}
        for role, text in (("system", "be zqxmask"), ("user", "say zqxbomb"), ("user", "hello"))
    ]
    assert (found[2].content, found[2].user, found[2].metadata) == ("zqxsoft", {"tier": "x"}, {"a": 1})
    guards = [Guard.load(settings().policy), Guard.load(settings().shadow.policy)]
    for row, line in zip(found, written, strict=True):
        actions = [str(row.judge(guard).action) for guard in guards]
        assert actions == [line["live"]["action"], line["shadow"]["action"]]
    assert log.stat().st_mode & 0o077 == 0


def test_each_policy_may_have_its_own(kit: Any, fake: Any, policies: Any, tmp_path: Path, rows: Any) -> None:
    """A row of `policies` names the shadow of that policy; who has none is not judged beside."""
    live, beside = policies
    other = tmp_path / "other.yaml"
    other.write_text(live.read_text().replace("name: live", "name: other"))
    settings = Settings(
        fake.url,
        port=0,
        policy=str(live),
        policies=[{"policy": str(other), "shadow": str(beside), "models": ["special"]}],
        shadow={"log": str(tmp_path / "log.jsonl")},
    )
    with running(settings) as url:
        kit.send(url, "/v1/check", {"text": "zqxsoft", "model": "m"})
        kit.send(url, "/v1/check", {"text": "zqxsoft", "model": "special"})
        (row,) = rows(1)
    assert (row["live"]["policy"]["name"], row["shadow"]["policy"]["name"], row["model"]) == (
        "other",
        "next",
        "special",
    )


def test_the_floor_holds_under_both(kit: Any, fake: Any, policies: Any, tmp_path: Path, rows: Any) -> None:
    """What the operator's floor blocks, the shadow policy blocks, too."""
    floor = tmp_path / "floor.yaml"
    floor.write_text(
        "format: 1\nname: floor\ndetectors: {w: {use: terms, terms: [zqxfloor], category: custom.w}}\n"
        "rules: [{id: floor.block, on: input, when: custom.w > 0, then: block}]\n"
    )
    shadow = {"policy": str(policies[1]), "log": str(tmp_path / "log.jsonl")}
    with running(Settings(fake.url, port=0, policy=str(policies[0]), floor=str(floor), shadow=shadow)) as url:
        kit.send(url, "/v1/check", {"text": "zqxfloor"})
        (row,) = rows(1)
    assert short(row) == ("input", "block", "block", ["floor.block"])


def test_it_is_loaded_anew_with_the_policy(
    kit: Any, policies: Any, settings: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of its file alone counts; one that is wrong is told with its place, and the old one stays."""
    monkeypatch.setattr(reloading, "POLL_S", 0.01)
    good = policies[1].read_text()
    with running(settings()) as url:

        def state() -> Any:
            return kit.send(url, "/readyz").json

        until(lambda: state()["reload"]["state"] == "current")
        policies[1].write_text(f"{good}rulez: []\n")
        until(lambda: state()["reload"]["state"] == "failed")
        assert state()["reload"]["errors"] == ["next.yaml:11:1: unknown_field"]
        assert state()["ready"]
        policies[1].write_text(good.replace("name: next", "name: third"))
        until(lambda: state()["shadow"]["policies"][0]["name"] == "third")
        kit.send(url, "/v1/check", {"text": "zqxsoft"})
        (row,) = rows(1)
    assert row["shadow"]["policy"]["name"] == "third"


def test_a_wrong_one_is_an_error_at_the_start(policies: Any, settings: Any, tmp_path: Path) -> None:
    """Nothing is served under a policy that is not there; nor with a log that cannot be written."""
    with pytest.raises(SettingsError, match="the log of decisions cannot be written"):
        Running(settings(log=str(tmp_path / "none" / "log.jsonl")))
    policies[1].write_text("format: 1\nname: next\nrulez: []\n")
    with pytest.raises(PolicyErrors, match="unknown_field"):
        Running(settings())


def test_films_and_files_are_left_out_and_counted(kit: Any, settings: Any, rows: Any, policies: Any) -> None:
    """What is gone when the answer is sent cannot be judged later; that is said."""
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    policies[0].write_text(f"{policies[0].read_text()}unchecked: {{audio: flag, part: flag}}\n")
    with running(settings()) as url:
        kit.chat(url, kit.asking({"role": "user", "content": [sound]}))
        found = rows(2)
    assert {"dropped": 1, "why": "film_sound_or_file"}.items() <= found[0].items()


def test_only_a_share_is_judged_where_that_is_asked_for(kit: Any, settings: Any, tmp_path: Path) -> None:
    """What is not chosen is not left out: nothing is counted of it."""
    with running(settings(sample=1e-12)) as url:
        kit.send(url, "/v1/check", {"text": "zqxsoft"})
        ready = kit.send(url, "/readyz").json["shadow"]
    assert (ready["waiting"], ready["dropped"]) == (0, 0)
    assert (tmp_path / "log.jsonl").read_bytes() == b""


def test_what_waits_at_the_end_is_judged(kit: Any, settings: Any, rows: Any) -> None:
    """A server that stops writes what it has."""
    with running(settings()) as url:
        for _ in range(20):
            kit.send(url, "/v1/check", {"text": "zqxsoft " * 50})
    rows(20)


def test_a_log_that_fails_later_is_counted(kit: Any, settings: Any, tmp_path: Path) -> None:
    """A full or vanished disk costs rows, never requests."""
    with running(settings()) as url:
        log = tmp_path / "log.jsonl"
        log.unlink()
        log.mkdir()
        assert kit.send(url, "/v1/check", {"text": "fine"}).status == 200
        until(lambda: "guardrails_shadow_unwritten_total 1" in kit.send(url, "/metrics").raw.decode())


@pytest.mark.parametrize("green", [True, False])
def test_pictures_are_judged_beside(
    green: bool, kit: Any, fake: Any, policies: Any, settings: Any, rows: Any
) -> None:
    """As they came, whatever the live policy made of them."""
    image = Image.new("RGB", (60, 40), (90, 90, 90))
    image.paste((0, 255, 0) if green else (90, 90, 90), (10, 10, 30, 30))
    out = io.BytesIO()
    image.save(out, "PNG")
    part = {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{b64encode(out.getvalue()).decode()}"},
    }
    detector = "format: 1\nname: NAME\ndetectors: {green: {use: green_square}}\n"
    rule = "rules: [{id: green, on: input, when: custom.green_square > 0.5, then: THEN}]\n"
    for path, then in zip(policies, ("redact", "block"), strict=True):
        path.write_text((detector + rule).replace("NAME", then).replace("THEN", then))
    with running(settings()) as url:
        assert kit.chat(url, kit.asking({"role": "user", "content": [part]})).status == 200
        found = rows(2)
    expected = ("input", "redact", "block", ["green"]) if green else ("input", "allow", "allow", [])
    assert short(found[0]) == expected


def test_settings_turn_it_on_and_off_while_it_serves(policies: Any, settings: Any, tmp_path: Path) -> None:
    """As their file says by now; a log that cannot be written leaves all as it was."""
    off = Settings("http://h", policy=str(policies[0]))
    on = off.model_copy(update={"shadow": settings().shadow})
    wrong = off.model_copy(update={"shadow": settings(log=str(tmp_path / "none" / "log")).shadow})
    given = [off]
    state = State(off, Guard.load(off.policy), lambda: given[-1])
    seen = []
    for each in (off, on, wrong, off):
        given.append(each)
        asyncio.run(reloading.reload(state))
        seen.append((state.current.shadow is not None, len(state.shadows), state.reload.state))
    assert seen == [(False, 0, "current"), (True, 1, "current"), (True, 1, "failed"), (False, 0, "current")]
