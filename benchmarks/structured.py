"""Broken JSON that is mended without asking a model again: how many texts, and how many of them to what was meant.

    python benchmarks/structured.py                   # ours, and json-repair by itself
    python benchmarks/structured.py --rivals          # and guardrails-ai, in an environment of its own
    python benchmarks/structured.py --tests FILE      # and the texts of a test file of guardrails-ai's, which its release lacks

Each kind of damage is done to each of the objects; what a text was meant to be is therefore known. `mended` is a text that came
out as JSON that fits the schema of its object; `equal` one that is the object itself. Ours is what a wrapped call does:
`repair_json` with the schema, so that a text that is mended to something else is asked for again where the schema tells.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from guardrails.detectors.formats.json_repair import repair_json
from guardrails.detectors.formats.json_schema import JsonSchema
from measure import machine, table
from rivals.environments import environment, quiet_environment

AIM = 0.95
"""The share of texts that must be mended without a call."""

OBJECTS: list[dict[str, Any]] = [
    {"name": "Jo Smith", "age": 34, "email": "jo@example.com", "active": True},
    {"title": "The long way home", "year": 1994, "rating": 7.5, "genres": ["drama", "road"]},
    {
        "order": {
            "id": "A-1009",
            "total": 59.9,
            "items": [{"sku": "x1", "count": 2}, {"sku": "y7", "count": 1}],
        }
    },
    {"sentiment": "negative", "confidence": 0.82, "reasons": ["It arrived late.", "The box was open."]},
    {"city": "Zürich", "country": "Schweiz", "population": 434335, "twin": None},
    {
        "steps": [{"n": 1, "text": "Boil the water, then wait."}, {"n": 2, "text": "Add salt: a spoon."}],
        "minutes": 12,
    },
    {
        "summary": "Sales rose by 4% in Q3; costs fell.",
        "risks": [],
        "next": {"date": "2026-03-31", "owner": None},
    },
    {"answer": "No", "explanation": "The contract ends in May (see page 3).", "sources": [3, 17]},
    {"labels": {"bug": True, "urgent": False}, "score": -3, "comment": "Can't reproduce it here."},
    {"table": [[1, 2, 3], [4, 5, 6]], "header": ["a", "b", "c"], "unit": "kg"},
    {"question": "What is a monad?", "difficulty": "hard", "tags": ["fp", "haskell"], "points": 0},
    {"path": "/usr/local/bin", "mode": "rw", "size": 1048576, "owner": {"user": "root", "group": "wheel"}},
]


def schema_of(value: Any) -> dict[str, Any]:
    """Return a schema that fits a value and those of its form: every property is required, and no other allowed."""
    if isinstance(value, dict):
        properties = {name: schema_of(inner) for name, inner in value.items()}
        return {
            "type": "object",
            "properties": properties,
            "required": [*value],
            "additionalProperties": False,
        }
    if isinstance(value, list):
        return {"type": "array", "items": schema_of(value[0]) if value else {}}
    names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    return {"type": names[type(value)]}


def dump(value: Any, indent: int | None = 2) -> str:
    """Write a value as models do."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def unquoted(text: str) -> str:
    """Take the quotes from names."""
    return re.sub(r'"(\w+)":', r"\1:", text)


def single(text: str) -> str:
    """Write texts in single quotes; those with an apostrophe escape it."""
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda match: "'" + match[1].replace("'", "\\'") + "'", text)


def without_last(text: str, what: str, rng: random.Random) -> str:
    """Take away one of the places of something."""
    places = [match.start() for match in re.finditer(re.escape(what), text)]
    at = rng.choice(places) if places else len(text)
    return text[:at] + text[at + len(what) :]


def raw_break(value: Any) -> Any:
    """Put a mark for a line break into the first longer text."""
    if isinstance(value, dict):
        return {name: raw_break(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [raw_break(inner) for inner in value]
    return value.replace(" ", "\u2424", 1) if isinstance(value, str) else value


def quoted_word(value: Any) -> Any:
    """Put a word in marks for quotes into texts of several words."""
    if isinstance(value, dict):
        return {name: quoted_word(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [quoted_word(inner) for inner in value]
    return re.sub(r" (\w+) ", " \u2423\\1\u2423 ", value, count=1) if isinstance(value, str) else value


def replaced(value: Any, old: str, new: str) -> Any:
    """Return a value with something replaced in its texts."""
    return json.loads(json.dumps(value, ensure_ascii=False).replace(old, new))


Damage = Callable[[Any, random.Random], tuple[str, Any]]


def plain(change: Callable[[str, random.Random], str], indent: int | None = 2) -> Damage:
    """Return damage to the text alone."""
    return lambda value, rng: (change(dump(value, indent), rng), value)


KINDS: dict[str, Damage] = {
    "code fence": plain(lambda text, rng: f"```json\n{text}\n```"),
    "anonymous fence": plain(lambda text, rng: f"```\n{text}\n```"),
    "fence in prose": plain(lambda text, rng: f"Here is what you asked for:\n\n```json\n{text}\n```\n\nIs there more?"),
    "fence that is open": plain(lambda text, rng: f"```json\n{text}"),
    "prose before": plain(lambda text, rng: f"Sure! Here is the JSON: {text}"),
    "prose around": plain(lambda text, rng: f"I read it [1] and found this:\n{text}\nNote that {{this}} is a guess."),
    "trailing comma": plain(lambda text, rng: re.sub(r"\n(\s*)([}\]])", r",\n\1\2", text)),
    "single quotes": plain(lambda text, rng: single(text)),
    "unquoted names": plain(lambda text, rng: unquoted(text)),
    "words of Python": lambda value, rng: (repr(value), value),
    "line comments": plain(lambda text, rng: re.sub(r",\n", ", // see above\n", text, count=2)),
    "block comments": plain(lambda text, rng: text.replace("{", "{ /* the answer */", 1)),
    "hash comments": plain(lambda text, rng: f"# the answer\n{text}"),
    "cut off by a bracket": plain(lambda text, rng: text.rstrip()[:-1]),
    "cut off by all brackets": plain(lambda text, rng: text.rstrip("}] \n")),
    "missing comma": plain(lambda text, rng: without_last(text, ",\n", rng).replace("  ", " \n", 1)),
    "missing bracket inside": plain(lambda text, rng: re.sub(r"\n\s+\](,?)\n", r"\1\n", text, count=1)),
    "line breaks in texts": lambda value, rng: (
        dump(raw_break(value)).replace("\u2424", "\n"), replaced(raw_break(value), "\u2424", "\\n"),
    ),
    "quotes in texts": lambda value, rng: (
        dump(quoted_word(value)).replace("\u2423", '"'), replaced(quoted_word(value), "\u2423", '\\"'),
    ),
    "curly quotes": plain(lambda text, rng: re.sub(r'"([^"]*)"', "\u201c\\1\u201d", text)),
    "dots at the end": plain(lambda text, rng: re.sub(r"\n}$", ",\n  ...\n}", text)),
    "doubled comma": plain(lambda text, rng: text.replace(",", ",,", 1)),
    "mixture": plain(lambda text, rng: "```json\n" + single(unquoted(re.sub("\n}$", ",\n}", text))) + "\n```\nDone!"),
}  # fmt: skip


def corpus() -> list[dict[str, Any]]:
    """Return the texts with their kind, what each was meant to be, and its schema; those that are valid still are left out."""
    rng, rows = random.Random(7), []
    for kind, damage in KINDS.items():
        for value in OBJECTS:
            text, meant = damage(value, rng)
            try:
                json.loads(text)
            except json.JSONDecodeError:
                rows.append({"kind": kind, "text": text, "meant": meant, "schema": schema_of(value)})
    return rows


def ours(rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Return what we make of each text, None where it would be asked for again."""
    found = []
    for row in rows:
        schema = JsonSchema(row["schema"])
        repaired = repair_json(row["text"], lambda text, schema=schema: not schema.problems(text))
        found.append(None if repaired is None else json.loads(repaired))
    return found


def bare(rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Return what json-repair makes of each by itself, None where that is no object or list."""
    import json_repair

    values = (json_repair.loads(row["text"]) for row in rows)
    return [value if isinstance(value, dict | list) else None for value in values]


def guardrails_ai(rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Return what guardrails-ai makes of each, in its own environment."""
    python = environment("guardrails-ai-json", ("guardrails-ai==0.11.0",))
    done = subprocess.run(
        [str(python), "-m", "rivals.guardrails_ai_structured"],
        input=json.dumps([row["text"] for row in rows]),
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
        env=quiet_environment("guardrails-ai-json"),
    )
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def fits(row: dict[str, Any], value: Any) -> bool:
    """Tell whether a value fits the schema of its text."""
    return value is not None and not JsonSchema(row["schema"]).problems(json.dumps(value))


def from_tests(path: Path) -> list[str]:
    """Return the texts with an object in them that stand in a Python file, each once."""
    strings = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    return [*dict.fromkeys(text for text in strings if isinstance(text, str) and "{" in text and ":" in text)]


def main() -> int:
    """Print the tables; the exit status says whether the aim was met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rivals", action="store_true", help="run guardrails-ai too")
    parser.add_argument("--tests", type=Path, help="a test file whose texts are mended, too")
    parser.add_argument("--show", action="store_true", help="print what was not mended to what was meant")
    given = parser.parse_args()
    print(machine())
    rows = corpus()
    ways = {"ours": ours, "json-repair": bare, **({"guardrails-ai": guardrails_ai} if given.rivals else {})}
    results, counts = {}, defaultdict(dict[str, str])
    for name, way in ways.items():
        begun = perf_counter()
        results[name] = way(rows)
        took = (perf_counter() - begun) * 1e6 / len(rows)
        print(f"{name}: {took:,.0f} us a text" + (", with its start" if name == "guardrails-ai" else ""))
    for kind in KINDS:
        own = [at for at, row in enumerate(rows) if row["kind"] == kind]
        counts[kind] |= {"texts": str(len(own))}
        for name, values in results.items():
            mended = sum(fits(rows[at], values[at]) for at in own)
            equal = sum(values[at] == rows[at]["meant"] for at in own)
            counts[kind] |= {f"{name} mended": str(mended), f"{name} equal": str(equal)}
    print(table([{"kind": kind, **cells} for kind, cells in counts.items() if cells["texts"] != "0"]))
    share = 0.0
    for name, values in results.items():
        mended = sum(fits(row, value) for row, value in zip(rows, values, strict=True)) / len(rows)
        equal = sum(value == row["meant"] for row, value in zip(rows, values, strict=True)) / len(rows)
        wrong = sum(fits(row, v) and v != row["meant"] for row, v in zip(rows, values, strict=True))
        print(
            f"{name}: {mended:.1%} of {len(rows)} mended without a call, {equal:.1%} equal; {wrong} fit and are another value"
        )
        share = mended if name == "ours" else share
    if given.show:
        for row, value in zip(rows, results["ours"], strict=True):
            if value != row["meant"]:
                print(f"{row['kind']}: {row['text']!r}\n   -> {value!r}")
    if given.tests:
        texts = from_tests(given.tests)
        done = sum(repair_json(text) is not None for text in texts)
        print(f"{given.tests.name}: {done} of {len(texts)} texts come out as JSON")
    print(f"{'met' if share >= AIM else 'MISSED'}: {share:.1%} mended without a call (aim: >= {AIM:.0%})")
    return 0 if share >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
