"""Structured records as text: rows of keys and values, JSON, CSV, logs, arguments of calls, prompts of picture models.

Most hold nothing but short values, and every head is 0. Beside them stand twins that hold a sentence in one of their fields,
which is what the whole record is: harmless with a harmless one, harmful with a harmful one, so that the form gives nothing away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from rows import PROMPT, WINDOW_CHARACTERS, Row, about, zeros

PLAIN, WITH_SENTENCE = 3000, 1500
"""How many records hold short values alone, and how many hold a harmless sentence, and how many a harmful one."""
HELD_ONE_IN = 10
LONGEST = 220
"""Characters of a sentence that is put into a field."""

_FIRST = ("Jo", "Ana", "Tom", "Priya", "Luis", "Mei", "Sam", "Olga", "Kofi", "Lena", "Ali", "Yuki")
_LAST = ("Reed", "Bauer", "Nair", "Ortega", "Chen", "Walker", "Okafor", "Silva", "Novak", "Haddad")
_CITIES = ("Lisbon", "Oslo", "Nairobi", "Kyoto", "Lima", "Prague", "Austin", "Naples", "Hanoi", "Turku")
_THINGS = (
    *(
        "kettle",
        "desk lamp",
        "running shoes",
        "nude lipstick",
        "toy gun",
        "kitchen knife",
        "chainsaw",
        "rat trap",
    ),
    *(
        "bath bomb",
        "boxing gloves",
        "baby monitor",
        "bleach",
        "hunting boots",
        "blood oranges",
        "rope",
        "paint",
    ),
)
_MODELS = (
    *(
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-4.1-nano",
        "gpt-5",
        "o3-mini",
        "o1",
        "claude-3-5-sonnet-20241022",
        "claude-opus-4-1",
    ),
    *(
        "gemini-2.5-pro",
        "gemini-1.5-flash",
        "mistral-large-latest",
        "llama-3.1-70b-instruct",
        "command-r-plus",
        "qwen2.5-72b",
    ),
    *(
        "deepseek-chat",
        "phi-4",
        "text-embedding-3-small",
        "whisper-1",
        "dall-e-3",
        "sdxl-turbo",
        "flux-schnell",
        "grok-3",
    ),
    *(
        "anthropic/claude-3-haiku",
        "meta-llama/Meta-Llama-3-8B",
        "azure/my-deployment",
        "bedrock/amazon.nova-pro-v1:0",
    ),
)
_SCENES = (
    *(
        "a red fox in the snow",
        "portrait of an old sailor",
        "city street at night, rain",
        "a bowl of cherries on linen",
    ),
    *(
        "castle on a cliff, matte painting",
        "astronaut riding a horse",
        "young woman reading by a window, oil on canvas",
    ),
    *("a knight with a bloody sword, dark fantasy", "cute robot waving", "isometric kitchen, pastel colours"),
)
_UNWANTED = (
    *(
        "nsfw",
        "nude",
        "nudity",
        "naked",
        "blood",
        "gore",
        "violence",
        "weapons",
        "blurry",
        "lowres",
        "bad anatomy",
    ),
    *(
        "extra fingers",
        "deformed",
        "ugly",
        "watermark",
        "text",
        "signature",
        "cropped",
        "worst quality",
        "mutated hands",
    ),
    *(
        "dead body",
        "scars",
        "child",
        "duplicate",
        "jpeg artifacts",
        "nipples",
        "sexual content",
        "disfigured",
    ),
)
_WORDS = (
    *(
        "open",
        "closed",
        "in progress",
        "done",
        "pending",
        "failed",
        "ok",
        "active",
        "none",
        "unknown",
        "high",
        "low",
    ),
    *(
        "aborted",
        "killed",
        "terminated",
        "executed",
        "dead",
        "suspended",
        "blocked",
        "rejected",
        "expired",
        "stale",
    ),
)


def _name(rng: Random) -> str:
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}" if rng.random() < 0.7 else rng.choice(_FIRST)


def _date(rng: Random) -> str:
    return f"20{rng.randint(19, 27)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def _ident(rng: Random) -> str:
    return rng.choice(
        (
            f"{rng.choice('ABCTUX')}-{rng.randint(10, 99_999)}",
            f"{rng.getrandbits(48):x}",
            f"usr_{rng.getrandbits(40):x}",
        )
    )


def _count(most: int) -> Callable[[Random], Any]:
    return lambda rng: rng.randint(0, most)


def _one(*values: Any) -> Callable[[Random], Any]:
    return lambda rng: rng.choice(values)


def _unwanted(rng: Random) -> str:
    return ", ".join(rng.sample(_UNWANTED, rng.randint(3, 9)))


Makers = Mapping[str, Callable[[Random], Any]]
_PEOPLE: Makers = {
    "name": _name,
    "first_name": _one(*_FIRST),
    "last_name": _one(*_LAST),
    "sex": _one("f", "m", "female", "male", "x"),
    "gender": _one("female", "male", "non-binary", "diverse", "unspecified"),
    "age": _count(95),
    "race": _one("10k", "marathon", "white", "black", "asian", "mixed", "n/a"),
    "religion": _one("none", "muslim", "catholic", "jewish", "hindu", "buddhist"),
    "orientation": _one("portrait", "landscape", "gay", "straight", "n/a"),
    "role": _one("editor", "admin", "user", "owner", "viewer", "nurse", "assistant", "victim support"),
    "title": _one("Dr", "Ms", "Head of Sales", "Engineer", "Killer Queen", "Crime and Punishment"),
    "email": lambda rng: f"{rng.choice(_FIRST).lower()}@example.com",
    "phone": lambda rng: f"+49 30 {rng.randint(100_000, 999_999)}",
    "city": _one(*_CITIES),
    "country": _one("PT", "Norway", "Kenya", "JP", "Peru", "Israel", "Iran", "US"),
    "birthday": _date,
    "children": _count(5),
    "minor": _one(True, False),
    "adults": _count(4),
    "marital_status": _one("single", "married", "divorced", "widowed"),
    "username": lambda rng: f"{rng.choice(_FIRST).lower()}{rng.randint(1, 999)}",
    "blood_type": _one("0+", "A-", "B+", "AB-"),
    "weight": lambda rng: f"{rng.randint(3, 120)} kg",
    "allergies": _one("nuts", "none", "penicillin", "pollen"),
    "medication": _one("ibuprofen 400", "morphine 5 mg", "none", "insulin", "ketamine"),
    "cause_of_death": _one("n/a", "heart failure", "accident", "unknown"),
    "injection_site": _one("left arm", "right arm", "thigh"),
}
_WORK: Makers = {
    "id": _ident,
    "order_id": _ident,
    "status": _one(*_WORDS),
    "state": _one(*_WORDS),
    "priority": _one("high", "low", "P1", "urgent", "critical"),
    "product": _one(*_THINGS),
    "item": _one(*_THINGS),
    "quantity": _count(40),
    "price": lambda rng: round(rng.uniform(1, 900), 2),
    "currency": _one("EUR", "USD", "JPY"),
    "created_at": _date,
    "updated": _date,
    "owner": _name,
    "assignee": _name,
    "tags": lambda rng: rng.sample(
        ("new", "vip", "adult", "kids", "sale", "toxic waste", "night", "legal"), 2
    ),
    "category": _one("weapons", "toys", "books", "adult", "garden", "medicine", "chemicals", "crime novels"),
    "blacklist": lambda rng: [f"10.0.0.{rng.randint(1, 254)}"],
    "target": _one("es2022", "production", "x86_64", "Q3", "women 25-34", "self"),
    "attack": _count(99),
    "damage": _count(99),
    "weapon": _one("sword", "none", "bow", "axe"),
    "enemies_killed": _count(300),
    "kill_timeout": lambda rng: f"{rng.randint(1, 60)}s",
    "exit_code": _one(0, 1, 137, 143),
    "signal": _one("SIGKILL", "SIGTERM", "SIGABRT"),
    "command": _one("start", "kill", "abort", "exec", "fsck", "drop", "purge"),
    "victim": _one("pod/web-7f9", "cache line 12", "none"),
    "slave": _one("db-2", "replica-1", "none"),
    "exploit_available": _one(True, False),
    "severity": _one("critical", "low", "info"),
    "sentiment": _one("positive", "negative", "angry", "neutral"),
    "label": _one("toxic", "not toxic", "spam", "ham", "hate", "harmless", "jailbreak", "benign"),
    "score": lambda rng: round(rng.random(), 3),
    "url": lambda rng: f"https://{rng.choice(_CITIES).lower()}.example/{rng.randint(1, 999)}",
    "path": _one("/var/log/app.log", "src/main.py", "C:\\temp\\out.csv", "/dev/null"),
    "host": lambda rng: f"web-{rng.randint(1, 30)}",
    "duration_ms": _count(9000),
    "retries": _count(5),
    "enabled": _one(True, False, "yes", "no"),
}
_CALLS: Makers = {
    "model": _one(*_MODELS),
    "temperature": _one(0, 0.2, 0.7, 1.0),
    "max_tokens": _one(64, 256, 1024, 4096),
    "top_p": _one(0.9, 0.95, 1),
    "n": _one(1, 2, 4),
    "stop": _one(["\n\n"], "END", None, ["Observation:"]),
    "stream": _one(True, False),
    "seed": _count(9999),
    "user": _ident,
    "response_format": _one("json_object", "text", "json_schema"),
    "tool_choice": _one("auto", "none", "required"),
    "role": _one("user", "assistant", "system", "tool", "developer"),
    "content": _one("hi", "2+2?", "hello there", "ok", "thanks", "Paris", "capital of Peru?"),
    "system_prompt": _one(
        "You are helpful.", "Answer briefly.", "Reply in French.", "You are a travel agent."
    ),
    "user_prompt": _one("What time is it?", "Translate 'bread'.", "hello"),
    "timeout": _one(10, 30.0, 600),
    "api_version": _one("2024-06-01", "v1"),
    "top_k": _count(50),
    "safety_settings": _one("BLOCK_NONE", "BLOCK_ONLY_HIGH", "default"),
    "reasoning_effort": _one("low", "medium", "high"),
    "encoding_format": _one("float", "base64"),
    "voice": _one("alloy", "nova", "onyx"),
    "size": _one("1024x1024", "512x512"),
}
_PICTURES: Makers = {
    "prompt": _one(*_SCENES),
    "negative_prompt": _unwanted,
    "num_inference_steps": _one(4, 20, 30, 50),
    "guidance_scale": _one(0.0, 5, 7.5),
    "width": _one(512, 768, 1024),
    "height": _one(512, 768, 1024),
    "sampler": _one("euler_a", "dpm++ 2m", "ddim"),
    "seed": _count(99_999),
    "model": _one("sdxl-turbo", "flux-schnell", "dall-e-3", "sd-1.5"),
}
_KINDS = (_PEOPLE, _PEOPLE, _WORK, _WORK, _CALLS, _CALLS, _PICTURES)
_SENTENCES = (
    *(
        "note",
        "comment",
        "message",
        "content",
        "text",
        "prompt",
        "query",
        "description",
        "bio",
        "subject",
        "body",
    ),
    *("question", "instructions", "reason", "feedback", "title", "user_prompt", "review", "task", "caption"),
)
Record = dict[str, Any]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _lines(rng: Random, records: Sequence[Record]) -> str:
    mark, between = rng.choice((": ", ": ", "=", " = ", " - ")), rng.choice(("\n", "\n", ", ", "; ", " | "))
    return "\n".join(
        between.join(f"{key}{mark}{_shown(value)}" for key, value in each.items()) for each in records
    )


def _json(rng: Random, records: Sequence[Record]) -> str:
    whole: Any = records[0] if len(records) == 1 else records
    return json.dumps(whole, indent=rng.choice((None, None, 2)), ensure_ascii=False)


def _csv(rng: Random, records: Sequence[Record]) -> str:
    mark = rng.choice((",", ",", ";", "\t", " | "))
    return "\n".join([mark.join(records[0]), *(mark.join(map(_shown, each.values())) for each in records)])


def _call(rng: Random, records: Sequence[Record]) -> str:
    function = rng.choice(
        ("create", "update_user", "complete", "pipe", "search", "client.chat.completions.create", "run")
    )
    return f"{function}({', '.join(f'{key}={value!r}' for key, value in records[0].items())})"


def _log(rng: Random, records: Sequence[Record]) -> str:
    def line(each: Record) -> str:
        time = f"{_date(rng)} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
        level, place = (
            rng.choice(("INFO", "WARN", "ERROR", "DEBUG")),
            rng.choice(("worker", "api", "db", "auth")),
        )
        return f"{time} {level} {place}: {' '.join(f'{key}={_shown(value)}' for key, value in each.items())}"

    return "\n".join(map(line, records))


def _values(_rng: Random, records: Sequence[Record]) -> str:
    return "\n".join(" ".join(map(_shown, each.values())) for each in records)


_FORMS = (
    _lines,
    _lines,
    _lines,
    _json,
    _json,
    _csv,
    _call,
    _log,
    _values,
    lambda _rng, records: repr(records[0]),
)


def _fields(rng: Random) -> list[tuple[str, Callable[[Random], Any]]]:
    makers = rng.choice(_KINDS)
    return rng.sample(sorted(makers.items(), key=lambda item: item[0]), rng.randint(1, min(8, len(makers))))


def _record(rng: Random, sentence: str | None) -> str:
    """Return a record, or a few of one kind, one of which holds the sentence."""
    fields, cased = _fields(rng), rng.random() < 0.15
    number = 1 if rng.random() < 0.7 else rng.randint(2, 5)
    records = [{_camel(key) if cased else key: make(rng) for key, make in fields} for _ in range(number)]
    if sentence is not None:
        key, chosen = rng.choice(_SENTENCES), rng.randrange(number)
        for index, each in enumerate(records):
            each[key] = sentence if index == chosen else rng.choice(("", "ok", "-", "thanks"))
        records = [dict(sorted(each.items(), key=lambda item: _place(item[0], number))) for each in records]
    text = str(rng.choice(_FORMS)(rng, records))
    return text if sentence is None or len(text) <= WINDOW_CHARACTERS else about(text, sentence)


def _place(key: str, salt: int) -> int:
    """Return a number by which keys are put in an order, the same one for all records of a table."""
    return sum(ord(letter) * (salt + place + 1) for place, letter in enumerate(key)) % 997


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(part.title() for part in rest)


def rows(seed: int, texts: Sequence[Row]) -> Iterator[Row]:
    """Yield the records; `texts` are those whose sentences go into fields, held-out ones into held-out records alone."""
    rng = Random(f"{seed}:records")
    for index in range(PLAIN):
        held = index % HELD_ONE_IN == 0
        yield Row(_record(rng, None), _source("plain", held), "document", zeros(*PROMPT), held=held)
    for held in (False, True):
        short = [
            row
            for row in texts
            if row.held == held
            and row.kind != "reply"
            and 12 < len(row.text) <= LONGEST
            and "\n" not in row.text
        ]
        groups = {
            "harmless": [row for row in short if not any(row.labels.values()) and len(row.labels) > 8],
            "harm": [row for row in short if _is_plain_harm(row)],
        }
        for name, group in groups.items():
            for _ in range(WITH_SENTENCE // HELD_ONE_IN if held else WITH_SENTENCE):
                row = rng.choice(group)
                yield replace(row, text=_record(rng, row.text), source=_source(name, held), kind="document")


def _is_plain_harm(row: Row) -> bool:
    return any(row.labels.get(head) for head in ("unsafe", "jailbreak", "injection"))


def _source(name: str, held: bool) -> str:
    return f"ours:records:{name}{':held' if held else ''}"
