"""What a value is called is read beside it, however programs spell it and wherever it stands; what is counted stays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from guardrails import Guard
from guardrails.engine.content.labels import find_key_lines, label_values
from guardrails.engine.values.walk import find_leaves
from tests.cases import each_case
from tests.detectors.pii.test_entities import SAMPLES

ANNOUNCED = {
    **SAMPLES,
    "us_ssn": ("SSN ", "219456789"), "uk_nino": ("national insurance ", "AB123456C"), "fr_nir": ("NIR ", "185057800608491"),
    "be_national_number": ("national number ", "85073003328"), "ch_ahv": ("AHV ", "7569217076985"), "br_cpf": ("CPF ", "11144477735"),
    "br_cnpj": ("CNPJ ", "11222333000181"), "ar_cuit": ("CUIT ", "20123456786"), "cl_rut": ("RUT ", "123456785"),
    "th_tnin": ("Thai ID ", "1234567890121"), "kr_rrn": ("RRN ", "9001011234568"), "kr_frn": ("FRN ", "9111245678906"),
    "us_mbi": ("MBI ", "1EG4TE5MK73"), "phone": ("phone ", "5550142233"), "eu_vat_id": ("VAT ", "de136695976"),
    "credit_card": ("card number ", "4222222222222"),
    "de_handelsregister": ("commercial register ", "HRB 12"),
    "passport": ("passport ", "C01X00T47"), "date_of_birth": ("date of birth ", "12/27/1986"),
    "driving_licence": ("drivers license ", "D1234567"), "it_identity_card": ("CIE ", "CA12345AA"),
}  # fmt: skip
"""Entity → what stands before it, and a form that is found for that alone where it has one."""
WORDS = {name: (lead.strip(" :."), value) for name, (lead, value) in ANNOUNCED.items() if lead.strip()}
CREDENTIAL = "Zk3xQ9mB7vT2nR5pL8wJ1cG4"
NAMES = [("social security number", "219456789", "[US_SSN]"), ("client secret", CREDENTIAL, "[SECRET]")]


def spell(words: str) -> Iterator[str]:
    """Yield the spellings of a name in programs and forms."""
    first, *rest = parts = words.lower().split()
    camel = first + "".join(part.capitalize() for part in rest)
    pascal = "".join(part.capitalize() for part in parts)
    yield from (
        "_".join(parts),
        "-".join(parts),
        ".".join(parts),
        " ".join(parts),
        words.title(),
        camel,
        pascal,
    )
    yield from (
        "_".join(parts).upper(),
        "customer_" + "_".join(parts),
        f"user{pascal}",
        f"{camel}Value",
        f"user.{camel}",
    )


SHAPES = {
    "flat": lambda key, value: {key: value},
    "deep": lambda key, value: {"a": [{"b": {key: value}}]},
    "nested": lambda key, value: {key: {"number": value}},
    "list": lambda key, value: {key: ["none", "n/a", value]},
    "plural": lambda key, value: {f"{key}s": [value]},
    "name and value": lambda key, value: [{"name": key, "value": value}],
    "key and typed value": lambda key, value: [{"key": key, "stringValue": value}],
    "headers": lambda key, value: {"headers": [["accept", "text/html"], [key, value]]},
    "table": lambda key, value: {"columns": ["name", key], "rows": [["Jo", "n/a"], ["Al", value]]},
    "named columns": lambda key, value: {"columns": [{"name": "name"}, {"name": key}], "data": [["Jo", value]]},
    "table with a head": lambda key, value: [["name", key], ["Jo", value]],
}  # fmt: skip
TEXTS = {
    "JSON": lambda key, value: json.dumps({"name": "Jo", key: value}),
    "YAML": lambda key, value: f"name: Jo\n{key}: {value}\n",
    "environment": lambda key, value: f"NAME=Jo\n{key}={value}\n",
    "XML": lambda key, value: f"<p><name>Jo</name><{key}>{value}</{key}></p>",
    "attributes": lambda key, value: f'<p name="Jo" {key}="{value}"/>',
    "query": lambda key, value: f"https://x.example/?a=1&{key}={value}&b=2",
}


@pytest.fixture(scope="module")
def guard() -> Guard:
    """Redacts all personal data and credentials."""
    return Guard.load("pii-only")


@each_case("entity", [*WORDS])
def test_every_entity_is_found_by_its_key(guard: Guard, entity: str) -> None:
    """What a text announces, a key announces, in snake and in camel case; the structure keeps its shape."""
    words, value = WORDS[entity]
    head, *tail = re.split(r"\W+", words.replace("'s", "s").lower())
    for key in ("_".join([head, *tail]), head + "".join(part.capitalize() for part in tail)):
        for given in ({key: value}, {"user": {key: value}}):
            content = guard.check(given, stage="tool_result").content
            assert value not in json.dumps(content, ensure_ascii=False)
            assert [*content] == [*given]


@each_case(("words", "value", "shown"), NAMES)
@each_case("shape", SHAPES)
def test_a_key_is_read_in_every_spelling_and_shape(
    guard: Guard, shape: str, words: str, value: str, shown: str
) -> None:
    """In arguments of calls and in results: the value alone is replaced."""
    for key in spell(words):
        given = SHAPES[shape](key, value)
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps(given)}}
        turns = [{"role": "assistant", "content": None, "tool_calls": [call]}]
        left = json.loads(json.dumps(given).replace(value, shown))
        assert guard.check(given, stage="tool_result").content == left, key
        said = guard.check(turns, stage="output").content
        assert json.loads(said[0]["tool_calls"][0]["function"]["arguments"]) == left, key


@each_case("kind", TEXTS)
def test_a_key_is_read_in_texts(guard: Guard, kind: str) -> None:
    """As in a structure: a file is not parsed."""
    for words, value, shown in NAMES:
        for key in spell(words):
            if " " not in key:
                content = guard.check(TEXTS[kind](key, value), stage="tool_result").content
                assert value not in content, key
                assert shown in content, key


def test_numbers_have_keys_too(guard: Guard) -> None:
    """Without quotes, in arguments of functions."""
    assert guard.check({"ssn": 219456789}, stage="tool_result").content == {"ssn": "[US_SSN]"}
    seen: list[Any] = []
    guard.wrap(lambda **named: seen.append(named))(passport_number="C01X00T47", count=219456789)
    assert seen == [{"passport_number": "[PASSPORT]", "count": 219456789}]


@each_case(
    "record",
    [
        {"id": 4796496808563068737}, {"id": "6635669933011347268"}, {"isbn": "4124418192369"}, {"order_number": "219456789"},
        {"toolCallId": "542981719214"}, {"phone_calls_total": 5550142}, {"cellCount": 6830957}, {"run_id": "160269731"},
        {"next_page_token": "H6yO4GFQRC5xLRwI0b26r08QZJi6gkfsUFRDzsLb5ER8"}, {"created_at": 1764400000123}, {"tokens": 123456},
        {"passport": {"order_id": "219456789"}}, [["id", "ssn"], ["219456789", "none"]], {"columns": ["id", "ssn"], "rows": [["219456789", ""]]},
        {"commit": "3f786850e387550fdab836ed7e6dc881de23001b"}, {"author": "219456789"}, [{"name": "order", "value": "219456789"}],
        {"primary_key": "user_id_20241017_x9"}, {"model": "claude-opus-4-5-20251101"},
    ],
)  # fmt: skip
def test_ordinary_records_stay(guard: Guard, record: Any) -> None:
    """Numbers of programs are nobody's, whatever else stands in the record."""
    assert guard.check(record, stage="tool_result").content == record


def test_lines_of_a_key_are_one(guard: Guard) -> None:
    """A private key that is cut into a list of its lines goes as a whole."""
    lines = [
        "-----BEGIN RSA PRIVATE KEY-----",
        "MIIEpAIBAAKCAQEA7bq0",
        "9v+2xJkQm",
        "-----END RSA PRIVATE KEY-----",
    ]
    found = find_leaves({"before": ["x", "y"], "key": lines})
    assert [*find_key_lines(found)] == [
        [at for at, (where, *_) in enumerate(found) if where[0] == "key" and len(where) > 1]
    ]
    assert guard.check({"key": [*lines, "end"]}, stage="tool_result").content == {
        "key": ["[SECRET]", "", "", "", "end"]
    }


@each_case(
    ("value", "labels"),
    [
        ({"ssn": "219"}, ["ssn"]),
        ({"ssn": {"value": "219"}}, ["ssn value"]),
        ({"ssns": ["219", "220"]}, ["ssns", "ssn", "ssns", "ssn"]),
        ({"name": "ssn", "value": "219"}, ["ssn", "value"]),
        (["219"], []),
        ({"1": "219"}, []),
        ({"note": "x" * 400 + "123"}, []),
        ({"state": "completed"}, []),
        ({"bic": "DEUTDEFF"}, ["bic"]),
        ({"ssn": {"type": "string", "default": "219"}}, ["ssn default"]),
    ],
)  # fmt: skip
def test_labels(value: Any, labels: list[str]) -> None:
    """Each value that may be a number or a code has what it is called, the likeliest first; others have none."""
    assert [label for _, label in label_values(find_leaves(value), ())] == labels


def test_what_stands_above_names_nothing() -> None:
    """Fields of an API around a structure are not its own."""
    assert [*label_values(find_leaves(["219"], ("phone",)), ("phone",))] == []
