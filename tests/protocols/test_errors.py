"""One error, as each API writes it; every exception in every shape is in `tests/proxy/server/test_errors.py`."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.errors import (
    BLOCKED,
    MESSAGES,
    ErrorWriter,
    Problem,
    ollama_error_writer,
    openai_error_writer,
    write_anthropic_error,
    write_google_error,
    write_images_error,
    write_openai_error,
    write_videos_error,
)
from tests.cases import each_case

BLOCK = Problem(400, {"message": "No.", "type": "invalid_request_error", "param": MESSAGES, "code": BLOCKED})
OTHER = Problem(502, {"message": "Away.", "type": "server_error", "param": None, "code": "upstream"})


@each_case(
    ("write", "code", "param"),
    [
        (write_openai_error, "content_filter", "messages"),
        (openai_error_writer(param="prompt"), "content_filter", "prompt"),
        (openai_error_writer(code="invalid_prompt", param="input"), "invalid_prompt", "input"),
        (write_images_error, "moderation_blocked", None),
        (write_videos_error, "moderation_blocked", "prompt"),
    ],
)
def test_a_block_is_told_in_the_words_of_its_api(write: ErrorWriter, code: str, param: str | None) -> None:
    """And nothing but a block."""
    error = write(BLOCK)["error"]
    assert (error["code"], error["param"], error["message"]) == (code, param, "No.")
    assert write(OTHER) == {"error": OTHER.error}


@each_case(
    ("write", "text"),
    [
        (write_anthropic_error, lambda body: body["error"]["message"]),
        (write_google_error, lambda body: body["error"]["message"]),
        (ollama_error_writer(), lambda body: body["error"]),
    ],
)
def test_the_message_stands_where_clients_read_it(write: ErrorWriter, text: Any) -> None:
    """Of any error."""
    for problem in (BLOCK, OTHER):
        assert text(write(problem)) == problem.error["message"]
