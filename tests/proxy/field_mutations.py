"""Every field of every API's requests and answers, in turn with a value that must not reach the far side.

The places are those of the contract matrix (`contract_apis.APIS`): each of its requests, answers and events of a stream is filled
with harmless words, and then every value in it, whatever the table calls it, is replaced by an address, a key, and a word on a
list, of which each has the letters of a name, an id or a token. What comes of it is looked for in the bytes on the far side.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from guardrails import Guard
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running

from .conftest import EVERYWHERE, Fake, RawReply
from .contract import STOPPED, WHOLE, Api, Failure, World, fill, verdict
from .contract import _frame as write_frame
from .contract import _stream as stream_of
from .contract import _whole as whole_of

POLICY = f"""
format: 1
name: mutations
detectors:
  words: {{use: terms, terms: [zqxbomb], category: custom.never}}
  pii: {{use: pii, entities: [email, us_ssn]}}
  keys: {{use: secrets}}
rules:
  - {{id: words, on: {EVERYWHERE}, when: custom.never > 0, then: block}}
  - {{id: pii, on: {EVERYWHERE}, when: pii > 0, then: block}}
  - {{id: keys, on: {EVERYWHERE}, when: secret > 0, then: block}}
unchecked: {{part: flag, image: flag, video: flag, audio: flag, sealed: flag, language: allow}}
"""

VALUES: Mapping[str, str] = {
    "an address": "jane.doe@example.com",
    "a key": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "a word": "x-zqxbomb-x",
    "all of them": "Mail jane.doe@example.com the ghp_16C7e42F292c6912E7710c838347Ae178B4a of the zqxbomb",
}
"""What a value is replaced by."""

HARMLESS = "Good day."

HOOK_ONLY: Mapping[str, str] = {
    "/v1/moderations: request: model": "who asks is told what was asked for, and nobody else",
    **{
        f"/hooks/portkey: request: {name}": "the gateway says this to the guard, and sends the model the body alone"
        for name in (
            *("provider", "requestType", "metadata/user", "request/text", "request/isStreamingRequest"),
            *("request/isTransformed", "response/text", "response/statusCode", "response/isTransformed"),
        )
    },
    "/v1alpha1/comments:analyze: request: comment/type (PLAIN_TEXT)": "it says how the comment is written, and goes nowhere",
}
"""Fields that go on to nobody, and why."""

Step = str | int
Path_ = tuple[Step, ...]


class Mutation(NamedTuple):
    """One field of one API, on one side: a body as it is to be, but for the value at a path."""

    api: Api
    side: str
    field: str
    body: Any
    path: Path_

    @property
    def name(self) -> str:
        """What it is called where it fails."""
        return f"{self.api.title}: {self.side}: {self.field}"

    def filled(self, value: str) -> Any:
        """Return the body with a value in the field."""
        return put(self.body, self.path, value)


def leaves(value: Any, path: Path_ = (), kind: str = "") -> Iterator[tuple[Path_, str]]:
    """Yield the path of each value that holds no others, with what the field is called: indexes are left out, types told."""
    if isinstance(value, Mapping):
        own = value.get("type")
        kind = own if isinstance(own, str) and len(own) < 64 else kind
        for name, inner in value.items():
            yield from leaves(inner, (*path, name), kind)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index), kind)
    else:
        names = "/".join("*" if isinstance(step, int) else str(step) for step in path)
        yield path, f"{names} ({kind})" if kind else names


def put(value: Any, path: Path_, new: str) -> Any:
    """Return a value with another one at a path."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(value, Failure):
        return Failure(value.status, put(value.body, path, new))
    if isinstance(value, list):
        return [put(inner, rest, new) if index == step else inner for index, inner in enumerate(value)]
    return {name: put(inner, rest, new) if name == step else inner for name, inner in value.items()}


def mutations_of(api: Api) -> list[Mutation]:
    """Return each field of an API once, of requests, of answers, and of events."""
    found: dict[tuple[str, str], Mutation] = {}
    sides = [("request", {"": api.question, **api.asks})]
    if api.forwards:
        sides.append(("answer", {"": api.reply, **api.answers}))
    for side, templates in sides:
        for template in templates.values():
            body = fill(template, HARMLESS)
            inner = body.body if isinstance(body, Failure) else body
            which = "error" if isinstance(body, Failure) else "event" if isinstance(body, list) else side
            for path, field in leaves(inner):
                if path:
                    found.setdefault((which, field), Mutation(api, which, field, body, path))
    return [*found.values()]


@contextmanager
def serving(fake: Fake) -> Iterator[World]:
    """Serve."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path = folder / "mutations.yaml"
        path.write_text(POLICY)
        url = stack.enter_context(running(Settings(fake.url, port=0), Guard.load(path)))
        made = World(fake, url, url)
        yield made
        for connection in made.connections.values():
            connection.close()


def outcome(world: World, mutation: Mutation, value: str) -> str:
    """Return what became of a value in a field: `stopped`, `named` as what nobody judges, or `LEAKED`."""
    if mutation.name in HOOK_ONLY:
        return "stopped"
    if mutation.side == "request":
        return _asked(world, mutation.api, mutation.filled(value), value)
    return _answered(world, mutation, value)


def _asked(world: World, api: Api, body: Any, value: str) -> str:
    if api.judge is not None:  # which looks for the word alone
        told = api.judge(world, api, body, value) if value == VALUES["a word"] else "blocked"
        return "named" if told == "named" else "stopped" if told in STOPPED else "LEAKED"
    if not api.forwards:
        return _checked(world, api, body, value)
    world.fake.asked.clear()
    world.fake.reply = whole_of(api.reply)
    answer = world.send(api.address, api.form({**api.whole, **body}) if api.form else {**api.whole, **body})
    assert answer.status < 500, (answer.status, answer.raw)
    far = b"\n".join(asked.raw for asked in world.fake.asked).decode(errors="replace")
    return _told(value in _unescaped(far), verdict(answer))


def _checked(world: World, api: Api, body: Any, value: str) -> str:
    """Ask for a verdict, whose content is what goes on."""
    answer = world.send(api.address, body)
    assert answer.status in (200, 400), (answer.status, answer.raw)
    if answer.status == 400:
        return "stopped"
    told = answer.json
    far = json.dumps(told["content"]) if "content" in told else json.dumps(told["results"])
    return _told(value in far, verdict(answer))


def _answered(world: World, mutation: Mutation, value: str) -> str:
    api, body = mutation.api, mutation.filled(value)
    told = set()
    for size in _sizes(api, body):
        if isinstance(body, Failure):
            world.fake.reply = RawReply([json.dumps(body.body).encode()], body.status)
        elif isinstance(body, list):
            world.fake.reply = stream_of([write_frame(each, api) for each in body], api)
        elif size:
            assert api.frames is not None
            try:
                frames = api.frames(body, size)
            except (TypeError, KeyError, AttributeError, ValueError):
                continue  # the field says where the pieces are, which a word cannot
            world.fake.reply = stream_of(frames, api)
        else:
            world.fake.reply = whole_of(body)
        asked = {**api.question, **(api.streaming if size else api.whole)}
        got = world.send(api.address, api.form(asked) if api.form else asked)
        assert got.status < 500 or got.status == 502 or isinstance(body, Failure), (got.status, got.raw)
        told.add(_told(value in _unescaped(got.raw.decode(errors="replace")), verdict(got)))
    return max(told, default="stopped", key=["stopped", "named", "LEAKED"].index)


def _sizes(api: Api, body: Any) -> list[int]:
    if isinstance(body, list):
        return [WHOLE]
    return [0, 9] if api.frames and not isinstance(body, Failure) else [0]


def _unescaped(text: str) -> str:
    return text.replace("\\u0040", "@").replace("%40", "@")


def _told(reaches: bool, said: tuple[str | None, str]) -> str:
    if not reaches:
        return "stopped"
    action, rules = said
    return "named" if action == "flag" and "unchecked." in rules else "LEAKED"
