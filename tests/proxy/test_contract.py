"""The contract matrix: an offending text in every place of every API, whatever its form, never reaches the far side."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import pytest

from guardrails.protocols.audio import speech_fields, transcription_fields
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.completions import completions_fields
from guardrails.protocols.embeddings import embeddings_fields
from guardrails.protocols.gemini import gemini_answer_fields, gemini_fields
from guardrails.protocols.images import images_fields
from guardrails.protocols.messages import messages_fields
from guardrails.protocols.ollama import ollama_fields
from guardrails.protocols.responses import responses_fields
from guardrails.protocols.videos import videos_fields
from guardrails.proxy.routes.check import CONTENTS
from guardrails.proxy.routes.openai.moderations import FIELDS
from guardrails.proxy.routes.route_table import ROUTES
from guardrails.wire import strict_json
from tests.cases import each_case

from .contract import HOW, OPEN, World, check_row, kinds, read_page, rows_of, select_kinds, tells, world
from .contract_apis import APIS
from .contract_audio import SPEECH, TRANSCRIPTIONS
from .contract_chat import CHAT
from .contract_check import CHECK
from .contract_completions import COMPLETIONS
from .contract_embeddings import EMBEDDINGS
from .contract_gemini import COUNT as GEMINI_COUNT
from .contract_gemini import GENERATE as GEMINI
from .contract_images import EDITED, GENERATIONS
from .contract_messages import MESSAGES
from .contract_moderations import MODERATIONS
from .contract_ollama import CHAT as OLLAMA_CHAT
from .contract_ollama import EMBED, GENERATE, SHOW
from .contract_responses import RESPONSES
from .contract_videos import CREATE as VIDEO
from .contract_videos import CREATED as VIDEO_FORM

ROWS = list(chain.from_iterable(map(rows_of, APIS)))
EXPECTED = read_page()


@pytest.fixture(scope="module")
def served(_fake) -> Iterator[World]:
    """The proxies of the matrix."""
    with world(_fake) as made:
        yield made


@each_case("row", select_kinds(ROWS, EXPECTED), ids=lambda row: f"{row[0]}: {row[1]}")
def test_nothing_offending_passes_and_the_page_says_what_becomes_of_it(served, row) -> None:
    """Each cell ends blocked, redacted, left out, refused, or named as what nobody can judge; and as the page has it.

    One row of each kind, and, in some columns, one of each table; `tests/thorough/proxy/test_contract.py` tries every row.
    """
    check_row(served, EXPECTED, row)


@each_case("row", select_kinds(list(rows_of(CHAT)), EXPECTED), ids=lambda row: f"{row[0]}: {row[1]}")
def test_the_careful_parser_leads_to_the_same(served, monkeypatch, row) -> None:
    """Bodies of which there is no proof that every parser reads them alike are judged like the others."""
    monkeypatch.setattr(strict_json, "parse_unambiguous", lambda raw: None)
    check_row(served, EXPECTED, row)


def test_the_page_has_no_rows_of_old() -> None:
    """What is no longer tried is no longer promised."""
    tried = {(title, place) for title, place, _ in ROWS}

    assert {(title, place) for title, rows in EXPECTED.items() for place in rows} == tried, HOW
    assert set(OPEN) <= tried


def test_every_route_with_content_is_in_the_matrix() -> None:
    """A route that takes a body has its places here, or fails the build."""
    assert {route.path for route in ROUTES if route.body_types} == {api.path for api in APIS}
    assert all(api.asks and (api.answers or not api.forwards) for api in APIS)


@each_case(
    ("table", "templates"),
    [
        ({**chat_fields.PARTS, **chat_fields.PART_KINDS}, CHAT.asks),
        (messages_fields.BLOCK.kinds, MESSAGES.asks),
        (messages_fields.DOCUMENT_SOURCE.kinds, MESSAGES.asks),
        ({**messages_fields.OWN, **dict.fromkeys(messages_fields.CALLS)}, MESSAGES.answers),
        (responses_fields.PART.kinds, RESPONSES.asks),
        (responses_fields.ITEM.kinds, RESPONSES.asks),
        (responses_fields.ITEM.kinds.keys() - {"message"}, RESPONSES.answers),
        (responses_fields.OUTPUT.kinds, RESPONSES.answers),
    ],
    ids=[
        "chat: parts",
        "messages: blocks",
        "messages: sources",
        "messages: what a model says",
        "responses: parts",
        "responses: items",
        "responses: items of an answer",
        "responses: outputs",
    ],
)
def test_every_kind_of_part_has_a_place(table, templates) -> None:
    """A kind that a field table knows stands somewhere with the text inside."""
    assert set(table) - kinds(list(templates.values())) == set()


@each_case(
    ("fields", "templates"),
    [
        (chat_fields.REQUEST.fields, CHAT.asks),
        (chat_fields.MESSAGE.fields, {name: body.get("messages") for name, body in CHAT.asks.items()}),
        (chat_fields.RESPONSE.fields, CHAT.answers),
        (completions_fields.REQUEST.fields, COMPLETIONS.asks),
        (completions_fields.RESPONSE.fields, COMPLETIONS.answers),
        (completions_fields.CHOICE.fields.keys() - {"index"}, {name: [*body["choices"]] for name, body in COMPLETIONS.answers.items() if isinstance(body, dict)}),
        (embeddings_fields.REQUEST.fields, EMBEDDINGS.asks),
        (embeddings_fields.RESPONSE.fields, EMBEDDINGS.answers),
        (images_fields.REQUEST.fields.keys() - {"image[]"}, GENERATIONS.asks),
        (images_fields.REQUEST.fields.keys() - {"stream"}, EDITED.asks),
        (images_fields.RESPONSE.fields, GENERATIONS.answers),
        (images_fields.ENTRY.fields, {name: entry for name, body in GENERATIONS.answers.items() if isinstance(body, dict) for entry in [*(body["data"] if isinstance(body["data"], list) else [])]}),
        (videos_fields.REQUEST.fields, VIDEO.asks),
        (videos_fields.REQUEST.fields, VIDEO_FORM.asks),
        (videos_fields.RESPONSE.fields, VIDEO.answers),
        (speech_fields.REQUEST.fields, SPEECH.asks),
        (transcription_fields.REQUEST.fields, TRANSCRIPTIONS.asks),
        (transcription_fields.ANSWER.fields, TRANSCRIPTIONS.answers),
        (messages_fields.REQUEST.fields, MESSAGES.asks),
        (messages_fields.ANSWER.fields, MESSAGES.answers),
        (responses_fields.REQUEST.fields, RESPONSES.asks),
        (responses_fields.ANSWER.fields, RESPONSES.answers),
        (gemini_fields.REQUEST.fields, GEMINI.asks),
        (gemini_fields.PART.fields, {name: part for name, body in GEMINI.asks.items() for content in [*(body["contents"] if isinstance(body["contents"], list) else [])] for part in [*(content["parts"] if isinstance(content, dict) and isinstance(content["parts"], list) else [])]}),
        (gemini_answer_fields.ANSWER.fields, GEMINI.answers),
        (gemini_answer_fields.COUNT.fields, GEMINI_COUNT.answers),
        (ollama_fields.CHAT.fields, OLLAMA_CHAT.asks),
        (ollama_fields.MESSAGE.fields, {name: body.get("messages") for name, body in OLLAMA_CHAT.asks.items()}),
        (ollama_fields.MESSAGE.fields, {name: body.get("message") for name, body in OLLAMA_CHAT.answers.items() if isinstance(body, dict)}),
        (ollama_fields.MESSAGED.fields, OLLAMA_CHAT.answers),
        (ollama_fields.GENERATE.fields, GENERATE.asks),
        (ollama_fields.GENERATED.fields, GENERATE.answers),
        (ollama_fields.EMBED.fields, EMBED.asks),
        (ollama_fields.VECTORS.fields, EMBED.answers),
        (ollama_fields.SHOW.fields, SHOW.asks),
        (ollama_fields.SHOWN.fields, SHOW.answers),
        (dict.fromkeys(CONTENTS), CHECK.asks),
        (dict.fromkeys(FIELDS), MODERATIONS.asks),
    ],
    ids=["chat", "chat: a message", "chat: an answer", "completions", "completions: an answer", "completions: a choice", "embeddings", "embeddings: an answer", "images", "images: a form", "images: an answer", "images: a picture", "videos", "videos: a form", "videos: a job", "speech", "transcriptions", "transcriptions: an answer", "messages", "messages: an answer", "responses", "responses: an answer", "gemini", "gemini: a part", "gemini: an answer", "gemini: a count", "ollama", "ollama: a message", "ollama: a message of an answer", "ollama: an answer", "generate", "generate: an answer", "embed", "embed: an answer", "show", "show: an answer", "check", "moderations"],
)  # fmt: skip
def test_every_field_has_a_place(fields, templates) -> None:
    """A field that a table knows stands somewhere with the text inside."""
    held: set[str] = set()
    for body in templates.values():
        for entry in body if isinstance(body, list) else [body]:
            if isinstance(entry, dict):
                held |= {name for name, value in entry.items() if "@" in repr(value)}

    assert set(fields) - held == set()


@each_case(
    ("text", "told"),
    [
        ("a zqxbomb", True),
        ("z.q\u200bX, b 0 m b", True),
        ("zqx", True),
        ("the second half: -bomb", True),
        ("QWxsIGlzIHdlbGwsIHNheXMgenF4Ym9tYg==", True),
        ("QWxsIGlzIHdlbGwsIHNheXMg", False),
        ("All is well, says [GONE]", False),
    ],
)
def test_half_of_a_word_is_seen_however_it_is_written(text, told) -> None:
    """What the matrix looks for on the far side: letters between others, disguised, or in Base64."""
    assert tells(text, "zqxbomb") is told
