"""The guard: what a caller gives and gets."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import pickle
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from guardrails import Action, Guard, PolicyErrors, Stage, Verdict
from guardrails.authoring.testing.suite import run_suite
from guardrails.detectors.file_watch import have_changed
from guardrails.detectors.kinds import Kind
from guardrails.engine.content import payload
from guardrails.errors import GuardrailsError
from guardrails.policy.endpoints import VARIABLE
from guardrails.types import Media
from tests.cases import each_case

POLICY = """
format: 1
name: support-chat
version: "1.4.0"
detectors:
  mail: {use: pii, entities: [email]}
  words: {use: terms, terms: [badword], category: custom.bad}
rules:
  - {id: pii.mask, on: output, when: pii.email > 0, then: redact}
  - {id: bad, on: [input, retrieval], when: custom.bad > 0, then: block, severity: high, tags: [a, b], message: {en: No., de: Nein.}}
  - {id: seen, on: output, when: pii.email > 0, then: block, mode: shadow}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard like the one of DESIGN 4.2."""
    return guard_of(POLICY)


def test_a_verdict_as_json_has_the_documented_keys(guard: Guard) -> None:
    """Every key of DESIGN 4.7, with its value, in plain JSON."""
    verdict = guard.check("mail me at jo@example.com", stage="output")
    shown: Any = json.loads(json.dumps(verdict.to_dict()))
    assert {name: took > 0 for name, took in verdict.rule_timings_ms.items()} == {
        "pii.mask": True,
        "seen": True,
    }
    assert shown["id"].startswith("vd_")
    assert shown["policy"].pop("digest").startswith("sha256:")
    assert shown["timings_ms"].keys() == {"total", "mail"}
    rule = {
        "action": "redact",
        "mode": "enforce",
        "severity": "medium",
        "message": None,
        "tags": [],
        "reason": "matched",
    }
    finding = {
        "category": "pii.email",
        "score": 1.0,
        "detector": "mail",
        "span": [11, 25],
        "box": None,
        "clip": None,
    }
    assert {key: value for key, value in shown.items() if key not in {"id", "timings_ms"}} == {
        "action": "redact",
        "stage": "output",
        "complete": True,
        "policy": {"name": "support-chat", "version": "1.4.0"},
        "rules": [{"id": "pii.mask", **rule}, {"id": "seen", **rule, "action": "block", "mode": "shadow"}],
        "findings": [{**finding, "path": "", "choice_index": None, "origin": None}],
        "content": "mail me at [EMAIL]",
        "coverage": {"text": {"parts": 1, "checked": 1, "characters": 25}, "unchecked": []},
        "errors": [],
        "unavailable": None,
        "removed": [],
    }


@each_case(
    "given",
    [
        "badword",
        "fine",
        [{"role": "user", "content": "badword"}, {"role": "user", "content": "x"}],
        {
            "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
            "odd": 1,
        },
        {"choices": [{"index": 1, "message": {"content": "jo@example.com"}}]},
        b"\x89PNG",
        Path("a.png"),
    ],
)
def test_every_verdict_is_json(guard: Guard, given: object) -> None:
    """Whatever was given, the verdict can be written; what is no JSON itself has no content there."""
    shown = json.loads(json.dumps(guard.check(given, "output").to_dict()))
    assert shown["action"] in {"allow", "flag", "redact", "block"}


def test_content_that_is_no_json_is_left_out_of_the_json(guard_of: Callable[..., Guard]) -> None:
    """A picture that may pass is in the verdict, and not in what is logged."""
    guard = guard_of(POLICY + "unchecked: {part: flag}\n")
    verdict = guard.check(b"\x89PNG", "output")
    assert verdict.content == b"\x89PNG"
    assert verdict.to_dict()["content"] is None
    from guardrails import Text, ToolCall

    assert guard.check(Text("x")).to_dict()["content"] == "x"
    assert guard.check(ToolCall("f", "{}")).to_dict()["content"] == {"name": "f", "arguments": "{}"}


def test_a_block_is_a_value(guard: Guard) -> None:
    """No exception: the verdict is blocked, has no content, and says why to the person, in their language."""
    verdict = guard.check("a badword", client={"language": "de-AT"})
    assert verdict.blocked
    assert verdict.action is Action.BLOCK
    assert verdict.content is None
    assert verdict.message == "Nein."
    [rule] = verdict.rules
    assert (rule.id, str(rule.action), str(rule.severity), rule.tags) == ("bad", "block", "high", ("a", "b"))
    assert guard.check("a badword").message == "No."
    assert guard.check("a badword", client={"language": 7}).message == "No."


@each_case("stage", list(Stage))
def test_the_stage_of_a_text_is_the_caller_s(guard: Guard, stage: Stage) -> None:
    """Only rules of that stage are tried; stages may be given as names or as members."""
    expected = stage in {Stage.INPUT, Stage.RETRIEVAL}
    assert guard.check("a badword", stage.value).blocked is expected
    assert guard.check("a badword", stage=stage).blocked is expected
    assert guard.check("x", stage).stage is stage


def test_an_unknown_stage_is_an_error(guard: Guard) -> None:
    """It would be judged by no rule."""
    wrong: Any = "inputs"
    message = "'inputs' is not a stage; did you mean 'input'"
    for call in (guard.check, guard.stream, guard.held, guard.held_films):
        with pytest.raises(ValueError, match=message):
            call(*(["x"] if call == guard.check else []), stage=wrong)
    with pytest.raises(ValueError, match=message):
        asyncio.run(guard.acheck("x", wrong))
    with pytest.raises(ValueError, match=message):
        guard.wrap(str, output=wrong)


def test_ids_are_new_for_each_verdict(guard: Guard) -> None:
    """A verdict can be told from every other one."""
    assert len({guard.check("same").id for _ in range(100)}) == 100


CONTEXT = """
detectors:
  d: {use: terms, terms: [x], category: custom.x}
rules:
  - {id: r, on: input, when: '%s', then: flag}
"""


@each_case(
    ("condition", "given"),
    [
        ('request.user.id == "u1"', {"user": {"id": "u1"}}),
        ('request.user.tier == "gold"', {"user": {"tier": "gold"}}),
        ('request.tenant == "acme"', {"tenant": "acme"}),
        ('request.client.app == "web"', {"client": {"app": "web"}}),
        ('request.metadata["a"] == "b"', {"metadata": {"a": "b"}}),
        ('request.model == "m"', {"model": "m"}),
    ],
)
def test_who_asks_is_what_the_caller_says(
    guard_of: Callable[..., Guard], condition: str, given: dict[str, Any]
) -> None:
    """Each keyword reaches the conditions, on both ways in; without it the condition is false, as
    what is absent equals no value.
    """
    guard = guard_of(CONTEXT % condition)
    for verdict in (guard.check("y", **given), asyncio.run(guard.acheck("y", **given))):
        assert [(rule.id, rule.reason) for rule in verdict.rules] == [("r", "matched")]
    assert guard.check("y").rules == ()


def test_a_client_cannot_say_who_it_is(guard_of: Callable[..., Guard]) -> None:
    """Fields of a request body, and the client's own claims, are never the user or the tenant, nor switch a
    rule off.
    """
    guard = guard_of(CONTEXT.replace("flag", "block") % 'request.user.tier != "trusted"')
    body = {
        "messages": [{"role": "user", "content": "y", "user": {"tier": "trusted"}}],
        "user": "trusted",
        "guardrails": {"disable": ["r"]},
        "metadata": {"user": {"tier": "trusted"}},
    }
    assert guard.check(body, client={"tier": "trusted"}, metadata={"user": {"tier": "trusted"}}).blocked
    assert not guard.check(body, user={"tier": "trusted"}).blocked


def test_turns_are_counted_from_the_conversation(guard_of: Callable[..., Guard]) -> None:
    """`conversation.turns` is the number of user messages."""
    guard = guard_of(CONTEXT % "conversation.turns > 1")
    user, assistant = {"role": "user", "content": "y"}, {"role": "assistant", "content": "z"}
    assert guard.check([user, assistant]).rules == ()
    assert [rule.id for rule in guard.check([user, assistant, user]).rules] == ["r"]


def test_the_shipped_default_loads_by_name() -> None:
    """Without an argument, with its name, and with the path of its file."""
    names = {Guard.load().policy.ref.name, Guard.load("default").policy.ref.name}
    assert names == {"default"}


@each_case(("floor", "expected"), [(None, True), ("", False), ("parallel: true\n", True)])
def test_a_guard_is_parallel_if_all_policies_say_so(guard_of, floor: str | None, expected: bool) -> None:
    """The operator's floor has its word."""
    text = "history: block\ndetectors: {}\nrules: []\n"
    guard = guard_of(text + "parallel: true\n", floor=None if floor is None else text + floor)
    assert guard.parallel is expected
    assert not guard_of(text).parallel


def test_a_policy_that_is_not_there_is_an_error() -> None:
    """It lists what is wrong, with the name."""
    with pytest.raises(PolicyErrors, match="no-such-policy"):
        Guard.load("no-such-policy")
    with pytest.raises(PolicyErrors, match="no-such-floor"):
        Guard.load("default", floor="no-such-floor")


def test_an_unknown_detector_is_a_load_error(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """A kind of the caller's own is known only where it was given."""
    policy = "detectors:\n  d: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0, then: block}"
    with pytest.raises(PolicyErrors, match="own"):
        guard_of(policy)
    assert guard_of(policy, detectors={"own": kind_of(lambda content: None)}).policy.rules[0].id == "r"


def test_two_guards_do_not_mix(guard_of: Callable[..., Guard]) -> None:
    """What one policy blocks is nothing to another, also for the same text and the same names."""
    policy = "detectors:\n  d: {use: terms, terms: [%s], category: custom.d}\nrules:\n  - {id: r, on: input, when: custom.d > 0, then: block}"
    one, two = guard_of(policy % "alpha"), guard_of(policy % "beta")
    text = "alpha and enough words for the cache to keep"
    assert [one.check(text).blocked, two.check(text).blocked, one.check(text).blocked] == [True, False, True]
    assert one.policy.ref.digest != two.policy.ref.digest


def test_streams_of_one_guard_do_not_mix(guard: Guard) -> None:
    """Two at a time keep their texts apart."""
    one, two = guard.stream(), guard.stream()
    shown: list[tuple[str, str]] = [(one.feed(delta), two.feed(delta.upper())) for delta in ("a", "b")]
    shown.append((one.flush(), two.flush()))
    assert ["".join(parts) for parts in zip(*shown, strict=True)] == ["ab", "AB"]


def test_a_stream_knows_who_asks(guard_of: Callable[..., Guard]) -> None:
    """Context goes along as for `check`."""
    guard = guard_of((CONTEXT % 'request.tenant == "acme"').replace("on: input", "on: output"))
    stream = guard.stream(tenant="acme")
    stream.feed("y")
    stream.flush()
    verdict: Any = stream.verdict
    assert [rule.reason for rule in verdict.rules] == ["matched"]


def test_media_are_content(guard: Guard) -> None:
    """A content of `guardrails.types` brings its own stage."""
    assert guard.check(Media(b"x")).blocked


VAULT = """
detectors:
  pii: {use: pii, entities: [email, credit_card]}
rules:
  - {id: keep, on: [input, output], when: pii > 0, then: redact, with: %s}
tests:
  - {input: "mail jo@example.com", expect: {action: redact, content: "mail [EMAIL_1]"}}
"""


@pytest.fixture(scope="module")
def vault_guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that numbers addresses and cards."""
    return guard_of(VAULT % "vault")


def test_a_verdict_puts_back_what_its_check_took_out(vault_guard: Guard) -> None:
    """A bare text is the user's own; nothing of it shows in what is logged."""
    verdict = vault_guard.check("mail jo@example.com")
    assert verdict.content == "mail [EMAIL_1]"
    assert verdict.vault == {"[EMAIL_1]": "jo@example.com"}
    assert verdict.restore("I wrote to [EMAIL_1]") == "I wrote to jo@example.com"
    assert (
        verdict.restore("[EMAIL_2] ![x](https://evil.example/[EMAIL_1])")
        == "[EMAIL_2] ![x](https://evil.example/[EMAIL_1])"
    )
    assert "jo@example.com" not in repr(verdict) + str(verdict) + str(verdict.to_dict())
    assert [result.passed for result in run_suite(vault_guard)] == [True]


def test_a_later_text_of_the_user_cannot_name_what_was_handed_out(vault_guard: Guard) -> None:
    """Also where it has nothing to redact; a model's call can."""
    first = vault_guard.check("I am jo@example.com")
    second = vault_guard.check("what is [EMAIL_1]?", after=first)
    assert (second.content, second.action) == ("what is [EMAIL-1]?", Action.ALLOW)
    assert vault_guard.check('{"to": "[EMAIL_1]"}', "tool_call", after=first).content == '{"to": "[EMAIL_1]"}'


def test_a_verdict_without_a_vault_puts_nothing_back(vault_guard: Guard, guard: Guard) -> None:
    """Where nothing was found, or a rule redacts otherwise."""
    for verdict in (vault_guard.check("hello"), guard.check("jo@example.com")):
        assert verdict.vault == {}
        assert verdict.restore("[EMAIL_1]") == "[EMAIL_1]"


def test_a_reply_s_verdict_goes_on_from_its_prompt_s(vault_guard: Guard) -> None:
    """Sync and async, also where the reply has nothing to redact; and a stream puts back at its end."""
    prompt = vault_guard.check("I am jo@example.com")
    for text, left in (
        ("To [EMAIL_1]", "To jo@example.com"),
        ("[EMAIL_1] al@x.org", "jo@example.com [EMAIL_2]"),
    ):
        one = vault_guard.check(text, "output", after=prompt)
        two = asyncio.run(vault_guard.acheck(text, "output", after=prompt))
        for verdict in (one, two):
            assert verdict.restore(str(verdict.content)) == left
        stream = vault_guard.stream(after=prompt)
        assert stream.feed(text) + stream.flush() == left


@each_case(("name", "form"), [("hash", r"\[EMAIL:[0-9a-f]{12}\]"), ("fake", r"[\w.]+@example\.\w+")])
def test_a_value_has_one_stand_in_throughout(guard_of: Callable[..., Guard], name: str, form: str) -> None:
    """In each turn, in later requests and in replies; a made-up value that is sent again stays."""
    guard = guard_of(VAULT % name)
    [stand_in] = re.findall(form, str(guard.check("I am jo@example.com.").content))
    messages = [
        {"role": "user", "content": "I am Jo@Example.com."},
        {"role": "assistant", "content": f"Hello {stand_in}."},
        {"role": "user", "content": "jo@example.com, not al@example.com."},
    ]
    verdict = guard.check(messages)
    contents: Any = [message["content"] for message in verdict.content]  # type: ignore[attr-defined]
    assert contents[:2] == [f"I am {stand_in}.", f"Hello {stand_in}."]
    first, second = re.findall(form, contents[2])
    assert first == stand_in != second
    reply = guard.check(f"{stand_in} jo@example.com", "output", after=verdict)
    assert reply.content == f"{stand_in} {stand_in}"
    assert verdict.vault == {}


def test_what_was_read_already_is_judged_as_it_was_read(guard: Guard) -> None:
    """A `Payload` of the engine keeps its stages and gets its edits, in both ways to check."""
    given = payload.text("mail me at jo@example.com", Stage.OUTPUT)
    for verdict in (guard.check(given, "output"), asyncio.run(guard.acheck(given, "output"))):
        assert (verdict.content, str(verdict.action)) == ("mail me at [EMAIL]", "redact")


FILES = {
    "policy.yaml": "format: 1\nname: p\nextends: [sub/parent.yaml]\ndetectors: {w: {use: terms, file: w.txt, category: custom.w}}\n"
    "rules: [{id: w, on: input, when: custom.w > 0, then: block}]\n",
    "sub/parent.yaml": "format: 1\nname: parent\n",
    "w.txt": "zqxone\n",
    "floor.yaml": "format: 1\nname: floor\ndetectors: {m: {use: remote, service: openai, endpoint: e}}\n"
    "rules: [{id: h, on: input, when: hate > 0.5, then: block}]\n",
    "endpoints.yaml": "endpoints: {e: {url: http://127.0.0.1:9/v1}}\n",
}
"""A policy with everything that one is made of."""


@each_case("name", FILES)
@each_case("how", ["written", "removed"])
def test_a_guard_knows_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, how: str
) -> None:
    """Each file of the policy, its parents, the floor and the operator's endpoints counts; it can be loaded anew from them."""
    for each, text in FILES.items():
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).write_text(text)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "endpoints.yaml"))
    guard = Guard.load(tmp_path / "policy.yaml", floor=tmp_path / "floor.yaml")
    assert guard.origin is not None
    assert not have_changed(guard.origin.files)

    path = tmp_path / name
    path.unlink()
    if how == "written":
        path.write_text(FILES[name] + "\n# more\n")

    assert have_changed(guard.origin.files)
    if how == "written":
        again = guard.reload()
        assert again.origin is not None
        assert again.origin.files.keys() == guard.origin.files.keys()
        assert not have_changed(again.origin.files)


def test_a_guard_that_came_from_no_file_is_loaded_anew_as_it_is(guard: Guard) -> None:
    """There is nothing to read."""
    own = Guard(guard.policy)

    assert own.reload() is own


FLOOR = """
detectors: {org: {use: terms, terms: [zqxorg], category: custom.org}}
rules: [{id: org, on: [input, output], when: custom.org > 0, then: block}]
unchecked: {limit: allow, part: allow}
history: block
"""


@each_case(
    "tries",
    [
        "limits: {characters: 8}",
        "limits: {windows: 1, max_hold: 512, on_limit: hold}",
        "limits: {deadline_ms: 1}",
        "limits: {encoding_depth: 0}",
        "history: remove",
        "unchecked: {limit: allow, part: allow}",
    ],
)
def test_no_setting_of_a_policy_weakens_the_floor_under_it(guard_of, tries) -> None:
    """Past the limits of the policy the floor still sees what it would see alone; buffered, streamed, encoded, and in a turn
    from before.
    """
    guard = guard_of(f"rules: []\n{tries}", floor=FLOOR)
    text = "hello hello zqxorg"
    turns = [{"role": "user", "content": text}, {"role": "user", "content": "hi"}]
    stream = guard.stream()

    shown = stream.feed(f"{text} ") + stream.flush()

    assert guard.check(text).blocked
    assert guard.check(turns).blocked
    assert guard.check(base64.b64encode(f"{text} and more words".encode()).decode()).blocked
    assert "zqxo" not in shown
    assert stream.verdict.blocked


def test_a_guard_knows_its_floor(guard_of: Callable[..., Guard]) -> None:
    """The compiled floor, or none."""
    text = "detectors: {w: {use: terms, terms: [zqxbomb], category: custom.w}}\nrules: [{id: w, on: input, when: custom.w > 0, then: block}]\n"
    assert guard_of(text).floor is None
    under = guard_of(text, floor=f"format: 1\nname: org\n{text}").floor
    assert under is not None
    assert under.ref.name == "org"


@each_case(
    ("options", "message"),
    [
        ({"on_blok": "answer"}, r"wrap\(\) has no option 'on_blok'; did you mean 'on_block'\?"),
        ({"tennant": "acme"}, r"wrap\(\) has no option 'tennant'; did you mean 'tenant'\?"),
        ({"user": "bob"}, r"wrap\(\): user must be a mapping"),
        ({"fps": "8"}, r"wrap\(\): fps must be a number, not a value of type 'str'"),
    ],
)
def test_a_wrong_option_of_a_wrapped_call_is_an_error_at_once(
    guard: Guard, options: Any, message: str
) -> None:
    """Not only once it is called."""
    with pytest.raises(TypeError, match=message):
        guard.wrap(str, **options)
    with pytest.raises(TypeError, match=r"stream\(\) has no option 'tennant'; did you mean 'tenant'\?"):
        guard.stream(**{"tennant": "acme"})  # type: ignore[arg-type]


MAPPING = {
    "format": 1,
    "name": "t",
    "detectors": {"w": {"use": "terms", "terms": ["badword"], "category": "custom.w"}},
    "rules": [{"id": "w", "on": ["input", "output"], "when": "custom.w > 0", "then": "block"}],
}
"""A policy that lies in no file."""


def test_a_policy_may_be_a_mapping_or_a_text() -> None:
    """As policy or as floor; what is done with the mapping later is nothing to the guard, also not to a new one."""
    text = "format: 1\nname: nothing\n"
    mapping = copy.deepcopy(MAPPING)
    one, two = Guard.load(mapping), Guard.load(text, floor=mapping)
    mapping["rules"] = []
    for guard in (one, two, one.reload(), two.reload()):
        assert guard.check("a badword").action == "block"
    assert one.reload().policy.ref == one.policy.ref
    assert not Guard.load(text).check("a badword").blocked


def test_every_verdict_is_reported_whatever_asks_for_it() -> None:
    """Checks, wrapped functions, streams at their end, also those that are stopped; a guard that is loaded anew goes on."""
    seen: list[tuple[str, str]] = []

    def note(verdict: Verdict) -> None:
        seen.append((str(verdict.action), verdict.stage))

    guard = Guard.load(MAPPING, on_verdict=note).reload()
    guard.check("badword", "output")
    assert guard.wrap(lambda text: text.upper())("fine") == "FINE"
    for text in ("fine", "a badword goes on"):
        stream = guard.stream()
        stream.feed(text)
        stream.flush()

    def pieces() -> Iterator[str]:
        yield from ("a ", "b")

    assert "".join(guard.wrap(pieces)()) == "a b"
    assert seen == [
        ("block", "output"),
        *(("allow", "input"), ("allow", "output")),
        *(("allow", "output"), ("block", "output")),
        ("allow", "output"),
    ]


def test_what_a_guard_is_shows_in_a_line(guard: Guard) -> None:
    """Which policy, and how large it is; not all that it holds."""
    digest = guard.policy.ref.digest[:19]
    shown = f"<CompiledPolicy 'support-chat' 1.4.0 {digest}: 2 detectors, 3 rules, 0 tests>"
    assert repr(guard.policy) == shown
    assert repr(guard) == f"Guard({shown})"
    assert repr(Guard(guard.policy, guard.policy)) == f"Guard({shown}, floor={shown})"


def judge_elsewhere(guard: Guard, text: str) -> str:
    """Return what a guard says in another process."""
    return str(guard.check(text).action)


def test_a_guard_works_in_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is loaded there from what it was loaded from, wherever the process was started; a policy that changed is an error."""
    text = (
        "format: 1\nname: p\ndetectors: {d: {use: terms, terms: [zqx], category: custom.d}}\n"
        "rules: [{id: r, on: input, when: custom.d > 0, then: block}]\n"
    )
    (tmp_path / "p.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    guards = [Guard.load("p.yaml"), Guard.load(text), Guard.load("pii-only", floor="p.yaml")]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found = [pool.submit(judge_elsewhere, guard, "zqx").result() for guard in guards]
    assert found == ["block"] * 3

    kept = pickle.dumps(guards[0])
    monkeypatch.chdir("/")
    assert pickle.loads(kept).policy.ref == guards[0].policy.ref
    (tmp_path / "p.yaml").write_text(text.replace("zqx", "other"))
    with pytest.raises(GuardrailsError, match="is not what it was when the guard was pickled"):
        pickle.loads(kept)


def test_sinks_and_callbacks_stay_in_their_process(tmp_path: Path) -> None:
    """A guard that was made of a compiled policy stays there as well."""
    guard = Guard.load("pii-only", on_verdict=print, sinks=[{"use": "jsonl", "path": str(tmp_path / "v")}])
    again = pickle.loads(pickle.dumps(guard))
    assert (again.on_verdict, again.sinks) == (None, None)
    with pytest.raises(TypeError, match=r"Guard\.load did not make"):
        pickle.dumps(Guard(guard.policy))
