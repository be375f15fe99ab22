"""The contract matrix: places where an offending text may stand in, what becomes of it for each action and form out.

Each API names its places in `contract_<api>.py`: a template of a request or of an answer in which `@` stands for the text,
`@<` and `@>` for its halves, `@json` for JSON that holds it. Each is sent to a real proxy before a scripted upstream, and
what is looked at are the bytes on the far side. `contract.md` is what came out, written by

    python -m tests.proxy.contract_apis > tests/proxy/contract.md
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from guardrails import Guard
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running

from .conftest import EVERYWHERE, WAIT_S, Answer, Fake, RawReply

PAGE = Path(__file__).with_name("contract.md")
HOW = "if that is meant: python -m tests.proxy.contract_apis > tests/proxy/contract.md"
POLICY = f"""
format: 1
name: contract
detectors:
  never: {{use: terms, terms: [zqxbomb], category: custom.never}}
  gone: {{use: terms, terms: [zqxveil], category: custom.gone}}
  seen: {{use: terms, terms: [zqxflag], category: custom.seen}}
rules:
  - {{id: never, on: {EVERYWHERE}, when: custom.never > 0, then: block, message: Not that.}}
  - {{id: gone, on: {EVERYWHERE}, when: custom.gone > 0, then: redact}}
  - {{id: seen, on: {EVERYWHERE}, when: custom.seen > 0, then: flag}}
"""
NAMED = "unchecked: {part: flag, audio: flag, sealed: flag}\n"
"""What nobody can judge is let through and named, so that what stands beside it decides. The default blocks parts."""

LEAD = "All is well, says "
"""Before the offending word, which ends the text: a sentence without its end. 18 bytes, so that Base64 spells the word apart."""

DISGUISE = str.maketrans("oeia", "0314")
PLAIN = str.maketrans("0314", "oeia")
HALF_BASE64 = "enF4"
"""`zqx` as Base64 spells it behind `LEAD`."""


def spelled(word: str) -> str:
    """Return a word as someone writes it who does not want it found."""
    return "\u200b".join(word.translate(DISGUISE))


def encoded(word: str) -> str:
    """Return a text with the word in Base64."""
    return base64.b64encode((LEAD + word).encode()).decode()


COLUMNS: Mapping[str, str] = {
    "block": LEAD + "zqxbomb",
    "block, spelled": LEAD + spelled("zqxbomb"),
    "block, Base64": encoded("zqxbomb"),
    "redact": LEAD + "zqxveil",
    "redact, spelled": LEAD + spelled("zqxveil"),
    "redact, Base64": encoded("zqxveil"),
    "flag": LEAD + "zqxflag",
    "near miss": LEAD + "zqxbombast",
}
"""What the policy does with a text, and how the text says it → the text."""

DEFAULT = "near miss, default"
"""The column of a harmless text where what nobody can judge has its default: pictures, say, are refused."""

PASSING: Mapping[str, frozenset[str]] = {
    "flag": frozenset({"flagged", "named"}),
    "near miss": frozenset({"passed", "named"}),
    DEFAULT: frozenset({"passed", "named"}),
}
"""Column → what else may become of its text but what may become of any."""

STOPPED = frozenset({"blocked", "redacted", "left out", "refused"})
"""What may become of a text that the policy blocks or redacts. `named` is what the guard says that it cannot judge."""


PLAIN_COLUMNS = ("block", "redact")
"""Columns whose cells are tried in every delivery; the others in two."""

WHOLE = 10_000
"""A size of pieces in which each text is one."""


@dataclass(frozen=True)
class Failure:
    """An upstream that answers with an error."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True)
class Api:
    """One API: where a text may stand in what it is asked and in what it answers."""

    path: str
    asks: Mapping[str, Any]
    """Place → a request."""
    reply: dict[str, Any]
    """A harmless answer."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    """Place → an answer, a failure, or a list of the frames of a stream."""
    question: Mapping[str, Any] = field(default_factory=dict)
    """A harmless request."""
    frames: Callable[[dict[str, Any], int], list[bytes]] | None = None
    """An answer as the frames of a stream, its texts cut into pieces of a size; None if the API does not stream."""
    ending: Callable[[Answer], str] = lambda answer: ""
    """How an answer with status 200 ended: `stop` if a policy stopped it, `error` for a failure; asserts its form."""
    forwards: bool = True
    """Whether there is an upstream; otherwise the answer is a verdict."""
    whole: Mapping[str, Any] = field(default_factory=dict)
    """What a request says that is not for a stream."""
    lines: bool = False
    """Whether its streams are lines of JSON."""
    streaming: Mapping[str, Any] = field(default_factory=lambda: {"stream": True})
    """What a request says that is for a stream; nothing, where its path says it."""
    sent: str = ""
    """The path with its query, where there are several ways to ask."""
    judge: Callable[..., str] | None = None
    """Sends a request and returns what became of its text, where that is told in a way of its own."""
    name: str = ""
    """What its tables are called, where that is not how it is asked."""
    form: Callable[[Any], tuple[bytes, dict[str, str]]] | None = None
    """Writes a request as a form, and what its headers say of that."""
    errors: bool = False
    """Whether an answer that is stopped is an error."""

    @property
    def title(self) -> str:
        """What its tables are called."""
        return self.name or self.sent or self.path

    @property
    def address(self) -> str:
        """Where it is asked."""
        return (self.sent or self.path).replace("{", "").replace("}", "")


def fill(template: Any, text: str) -> Any:
    """Return a template with the text in its places."""
    if isinstance(template, str):
        half = len(text) - 4
        for mark, piece in (
            ("@json", json.dumps({"a": ["b", text]})),
            ("@<", text[:half]),
            ("@>", text[half:]),
            ("@", text),
        ):
            if mark in template:
                template = template.replace(mark, piece)
                if mark == "@json":
                    break
        return template
    if isinstance(template, Failure):
        return Failure(template.status, fill(template.body, text))
    if isinstance(template, dict):
        return {fill(name, text): fill(value, text) for name, value in template.items()}
    return [fill(entry, text) for entry in template] if isinstance(template, list) else template


def kinds(template: Any) -> set[str]:
    """Return the types of the mappings in a template that hold the text, somewhere."""
    if isinstance(template, dict):
        inside = set().union(*map(kinds, template.values()))
        here = template.get("type")
        return inside | ({here} if isinstance(here, str) and "@" in json.dumps(template) else set())
    return set().union(*map(kinds, template)) if isinstance(template, list) else set()


INDEXES = ("index", "output_index", "content_index", "summary_index")


def documents(raw: bytes) -> list[Any]:
    """Return the JSON of a body, or of the events of a stream."""
    if raw.startswith(b"["):
        return [*json.loads(raw)]
    lines = [line[6:] for line in raw.split(b"\n") if line.startswith(b"data: ")] or raw.split(b"\n")
    return [json.loads(line) for line in lines if line.strip() not in (b"", b"[DONE]")]


def strings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Yield each string below a value, names too, with the names (and indexes of the protocol) that lead there."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        at = (*path, *(value[name] for name in INDEXES if isinstance(value.get(name), int)))
        for name, inner in value.items():
            yield (*at, "a name"), name
            yield from strings(inner, (*at, name))
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, path)


def shown(raw: bytes) -> str:
    """Return all that someone could read in a body: it as it is, its strings, and what the pieces of each text make up."""
    found = [each for document in documents(raw) for each in strings(document)]
    by_place: dict[Any, list[str]] = {}
    for path, text in found:
        for key in (path, path[-1:]):
            by_place.setdefault(key, []).append(text)
    return "\n".join([raw.decode(), *("".join(texts) for texts in by_place.values())])


def tells(text: str, word: str) -> bool:
    """Whether half of an offending word can be made out in a text, however it is written."""
    bare = unicodedata.normalize("NFKD", text).casefold().translate(PLAIN)
    letters = "".join(char for char in bare if char.isalpha())
    ending = "bombast" if word.endswith("bombast") else word[-4:]
    return HALF_BASE64 in text or "zqx" in letters or (ending != "flag" and ending in letters)


@dataclass
class World:
    """An upstream, and two proxies before it: what nobody can judge is named by one, and has its default at the other."""

    fake: Fake
    url: str
    default_url: str
    connections: dict[str, http.client.HTTPConnection] = field(default_factory=dict)

    def send(self, path: str, body: Any, *, default: bool = False) -> Answer:
        """Send a request over a connection that stays."""
        url = self.default_url if default else self.url
        parts = urlsplit(url)
        connection = self.connections.setdefault(
            url, http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=WAIT_S)
        )
        raw, headers = body if isinstance(body, tuple) else (json.dumps(body).encode(), {})
        connection.request("POST", path, raw, {"anthropic-version": "2023-06-01", "accept": "*/*", **headers})
        got = connection.getresponse()
        return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())


@contextmanager
def world(fake: Fake) -> Iterator[World]:
    """Serve."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = []
        for name, policy in (("named", POLICY + NAMED), ("default", POLICY)):
            path = folder / f"{name}.yaml"
            path.write_text(policy)
            urls.append(stack.enter_context(running(Settings(fake.url, port=0), Guard.load(path))))
        made = World(fake, *urls)
        yield made
        for connection in made.connections.values():
            connection.close()


def verdict(answer: Answer) -> tuple[str | None, str]:
    """Return the action and the rules of an answer: of its headers, or of a stream's last comment, which knows more."""
    told = {name: value for name, value in answer.headers.items() if name.startswith("x-guardrails-")}
    for line in answer.raw.decode(errors="replace").splitlines():
        if line.startswith(": x-guardrails-"):
            told.update(entry.split(": ", 1) for entry in line[2:].split("; "))
        elif (bare := line.removeprefix("data: ").removeprefix("[")).startswith('{"x-guardrails-'):
            found, _ = json.JSONDecoder().raw_decode(bare)
            told.update((name, value) for name, value in found.items() if name.startswith("x-"))
    return told.get("x-guardrails-action"), told.get("x-guardrails-rules", "")


def passed(answer: Answer) -> str:
    """Say how a text is reported that reached the far side."""
    action, rules = verdict(answer)
    if action == "flag":
        return "flagged" if "seen" in rules else "named" if "unchecked." in rules else "LEAKED"
    return "passed" if action == "allow" else "LEAKED"


def asked(world: World, api: Api, body: Any, word: str, *, default: bool = False) -> str:
    """Send a request; return what became of its text. The far side is the upstream."""
    world.fake.asked.clear()
    whole = api.frames is None or not api.streaming.items() <= body.items()
    world.fake.reply = _whole(api.reply) if whole else _stream(api.frames(api.reply, 9), api)
    answer = world.send(api.address, api.form(body) if api.form else body, default=default)
    action = answer.headers.get("x-guardrails-action")
    if not world.fake.asked:
        told = answer.status == 200 and api.ending(answer) == "stop"
        assert answer.status == 400 or told, (answer.status, answer.raw)
        blocked = action == "block"
        assert blocked or action is None, action
        assert not blocked or not tells(shown(answer.raw) + str(answer.headers), word), answer.raw
        return "blocked" if blocked else "refused"
    assert answer.status == 200, (answer.status, answer.raw)
    raw = world.fake.asked[0].raw
    got = raw.decode(errors="replace") if api.form else shown(raw)
    if tells(got, word):
        return passed(answer)
    assert action == "redact", (action, got)
    return "redacted" if "[GONE]" in got else "left out"


def answered(world: World, api: Api, answer: Any, word: str, size: int, *, default: bool = False) -> str:
    """Have the upstream answer; return what became of the answer's text. The far side is the client."""
    frames = isinstance(answer, list)
    if isinstance(answer, Failure):
        world.fake.reply = RawReply([json.dumps(answer.body).encode()], answer.status)
    elif size:
        assert api.frames is not None
        cut = [_frame(each, api) for each in answer] if frames else api.frames(answer, size)
        world.fake.reply = _stream(cut, api)
    else:
        world.fake.reply = _whole(answer)
    body = {**api.question, **(api.streaming if size else api.whole)}
    got = world.send(api.address, api.form(body) if api.form else body, default=default)
    action, text = verdict(got)[0], shown(got.raw)
    told = tells(text + str(got.headers), word)
    if got.status == 400 and api.errors and not isinstance(answer, Failure):
        assert (action, told) == ("block", False), got.raw
        return "blocked"
    if got.status != 200:
        assert got.status == (answer.status if isinstance(answer, Failure) else 502), (got.status, got.raw)
        return passed(got) if told else "refused"
    ending = api.ending(got)
    if told:
        return passed(got) if ending != "stop" else "LEAKED"
    if ending == "error":
        return "refused"
    if ending == "stop":
        assert action == "block", action
        return "blocked"
    assert action == "redact" or isinstance(answer, list), (action, got.raw)
    return "redacted" if "[GONE]" in text else "left out"


def checked(world: World, api: Api, body: Any, word: str, *, default: bool = False) -> str:
    """Ask for a verdict; return what it says. The far side is who uses its content; findings say where in what was given."""
    got = world.send(api.path, body, default=default)
    if got.status != 200:
        assert got.status == 400, (got.status, got.raw)
        return "refused"
    verdict = got.json
    action = verdict["action"]
    assert action == got.headers["x-guardrails-action"]
    text = json.dumps([verdict["content"], verdict["rules"]], ensure_ascii=False)
    if tells(text, word):
        return passed(got)
    assert action in ("block", "redact"), got.raw
    return "blocked" if action == "block" else "redacted" if "[GONE]" in text else "left out"


def _whole(body: Any) -> RawReply:
    return body if isinstance(body, RawReply) else RawReply([json.dumps(body).encode()])


def _stream(frames: Sequence[bytes], api: Api) -> RawReply:
    return RawReply(frames, content_type="application/x-ndjson" if api.lines else "text/event-stream")


def _frame(each: Any, api: Api) -> bytes:
    """Write a frame: raw if it is a text; a line, or a named event if it has a type, or else a chunk."""
    if isinstance(each, str):
        return each.encode()
    if api.lines:
        return json.dumps(each).encode() + b"\n"
    data = b"data: " + json.dumps(each).encode() + b"\n\n"
    return f"event: {each['type']}\n".encode() + data if "type" in each else data


def ask_row(world: World, api: Api, template: Any, columns: Collection[str]) -> dict[str, str]:
    """Return what becomes of a text in a place of a request, by column."""
    judge = api.judge or (asked if api.forwards else checked)
    row = {}
    for column, text, default in _cells(columns):
        body, word = fill(template, text), text.rsplit(" ", 1)[-1]
        modes: dict[str, Any] = {"whole": api.whole}
        if api.frames and (column in PLAIN_COLUMNS or column in PASSING):
            modes["streamed"] = api.streaming
        row[column] = _same(
            {
                name: _outcome(judge, world, api, {**more, **body}, word, default=default)
                for name, more in modes.items()
            }
        )
    return row


def answer_row(world: World, api: Api, template: Any, columns: Collection[str]) -> dict[str, str]:
    """Return what becomes of a text in a place of an answer, by column: whole, and streamed in several cuts."""
    row = {}
    for column, text, default in _cells(columns):
        answer, word = fill(template, text), text.rsplit(" ", 1)[-1]
        sizes = {"whole": 0}
        if isinstance(answer, list):
            sizes = {"streamed": WHOLE}
        elif isinstance(answer, Failure):
            sizes = {"whole": 0, "streamed": WHOLE} if api.frames else sizes
        elif api.frames and column in PLAIN_COLUMNS:
            sizes = {"whole": 0, "streamed": WHOLE, "by 4": 4, "by 1": 1}
        elif api.frames:
            sizes = {"whole": 0, "by 4": 4} if column in PASSING else {"whole": 0, "by 1": 1}
        row[column] = _same(
            {
                name: _outcome(answered, world, api, answer, word, size, default=default)
                for name, size in sizes.items()
            }
        )
    return row


def _cells(columns: Collection[str]) -> Iterator[tuple[str, str, bool]]:
    for column, text in COLUMNS.items():
        if column in columns:
            yield column, text, False
    if DEFAULT in columns:
        yield DEFAULT, COLUMNS["near miss"], True


def _outcome(judge: Callable[..., str], *given: Any, **more: Any) -> str:
    """Return an outcome; what breaks a promise (a form, a header) is one that is never allowed."""
    try:
        return judge(*given, **more)
    except AssertionError as error:
        return f"BROKEN ({' '.join(str(error).split())[:200].replace('|', '/').replace(';', ',')})"


def _same(outcomes: Mapping[str, str]) -> str:
    """Return one word for all deliveries, or each."""
    if len(set(outcomes.values())) == 1:
        return next(iter(outcomes.values()))
    return "; ".join(f"{name}: {outcome}" for name, outcome in outcomes.items())


def allowed(place: str, column: str, cell: str) -> bool:
    """Whether what became of a text is what may. What a stream holds beside its answer may be left out."""
    outcomes = {part.rpartition(": ")[2] for part in cell.split("; ")}
    if column not in PASSING:
        return outcomes <= STOPPED | {"named"}
    more = {"left out"} if place.startswith("streams only") else set()
    return outcomes <= PASSING[column] | {"blocked", "refused"} | more


OPEN: Mapping[tuple[str, str], str] = {}
"""Table and place → why a text passes there. It must: a row that is mended leaves this list."""


HEAD = """# The contract matrix

What becomes of a text, by the place where it stands, what the policy does with it, and how it is written; written by
`python -m tests.proxy.contract_apis > tests/proxy/contract.md` and compared by `test_contract.py`.

- **blocked**: the request is answered 400, or the answer ends as the API says that a policy stopped it;
- **redacted**, **left out**: what arrives is without it; **refused**: an error of the request (400) or of the upstream (502);
- **flagged**, **passed**: it arrives, and a rule is named or none fired;
- **named**: it arrives where the policy lets through what nobody can judge (`unchecked: flag`), which is named. The column
  *{default}* has what becomes of a harmless text where `unchecked:` is left at its default.

Asked and answered whole, streamed, and streamed in pieces of 4 characters and of 1 (plain texts in all of these, others in two);
where these differ, each is told.

For `/v1/moderations`, *blocked* and *redacted* say what the policy would do, which the answer flags; it never holds the text.
"""


Tables = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Title → place → column → outcome."""


def page(tables: Tables) -> str:
    """Write the tables as Markdown."""
    columns = [*COLUMNS, DEFAULT]
    lines = [HEAD.format(default=DEFAULT)]
    for title, rows in tables.items():
        lines += [f"## {title}", "", f"| place | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
        lines += [
            f"| {place} | {' | '.join(row[column] for column in columns)} |" for place, row in rows.items()
        ]
        lines.append("")
    return "\n".join(lines)


def read_page() -> dict[str, dict[str, dict[str, str]]]:
    """Return the tables of the page."""
    tables: dict[str, dict[str, dict[str, str]]] = {}
    title, columns = "", []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            title, columns = line[3:], []
            tables[title] = {}
        elif title and line.startswith("| "):
            place, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            if columns:
                tables[title][place] = dict(zip(columns, cells, strict=True))
            else:
                columns = cells
    return tables


EVERY: Collection[str] = (*COLUMNS, DEFAULT)
SOME: Collection[str] = ("block", "redact, spelled", DEFAULT)
"""Columns, for a row of which the like is tried in all."""

Row = tuple[str, str, Callable[..., dict[str, str]]]
"""A row of the page: the title of its table, the place, and a function of a world that finds what becomes of a text there, by column;
of all columns unless it is given some.
"""


def rows_of(api: Api) -> Iterator[Row]:
    """Yield the rows of an API."""
    for title, templates, find in (
        (f"{api.title}, asked", api.asks, ask_row),
        (f"{api.title}, answered", api.answers, answer_row),
    ):
        for place, template in templates.items():
            yield title, place, partial(_find, find=find, api=api, template=template)


def _find(
    world: Any,
    columns: Collection[str] = EVERY,
    *,
    find: Callable[..., dict[str, str]],
    api: Api,
    template: Any,
) -> dict[str, str]:
    return find(world, api, template, columns)


def select_kinds(rows: Sequence[Row], tables: Tables) -> list[Row]:
    """Return the first row of all tables in which these things become of a text, and, in some columns, the first of each table."""
    tables_seen: dict[str, Row] = {}
    kinds_seen: dict[tuple[str, ...], Row] = {}
    for title, place, find in rows:
        tables_seen.setdefault(title, (title, place, partial(find, columns=SOME)))
        kinds_seen.setdefault((*tables.get(title, {}).get(place, {}).values(),), (title, place, find))
    return [*{row[:2]: row for row in (*tables_seen.values(), *kinds_seen.values())}.values()]


def check_row(world: World, expected: Tables, row: Row) -> None:
    """Assert that each cell of a row is allowed, or stands in `OPEN`, and that the page has the row as it was found."""
    title, place, find = row
    cells = find(world)
    page = expected.get(title, {}).get(place, {})

    wrong = {column: cell for column, cell in cells.items() if not allowed(place, column, cell)}
    assert bool(wrong) == ((title, place) in OPEN), wrong or "this leak is mended: take it out of OPEN"
    assert {column: page.get(column) for column in cells} == cells, HOW


def main(apis: Sequence[Api]) -> None:
    """Write the page to standard output."""
    tables: dict[str, dict[str, dict[str, str]]] = {}
    with world(Fake()) as made:
        for title, place, find in itertools.chain.from_iterable(map(rows_of, apis)):
            tables.setdefault(title, {})[place] = find(made)
    sys.stdout.write(page(tables))
