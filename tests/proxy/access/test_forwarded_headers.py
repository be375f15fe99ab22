"""Headers that go on to another server: what they say is judged, and keys are not."""

from __future__ import annotations

from guardrails.engine.content.content_tree import ContentTree
from guardrails.proxy.access.forwarded_headers import is_plain_header, read_headers
from guardrails.types import Place, Text
from tests.cases import each_case


@each_case(
    ("value", "expected"),
    [
        *(("OpenAI/Python 1.99.1", True), ("AsyncOpenAI/Python 2.0.0", True), ("Anthropic/JS 0.27.0", True), ("curl/8.5.0", True)),
        *(("python-httpx/0.28.1", True), ("Python/3.12 aiohttp/3.12.15", True), ("node", True), ("ollama-python/0.5.3 (x86_64 linux)", True)),
        *(("en-US,en;q=0.9", True), ("de", True), ("tools-2024-04-04,prompt-caching-2024-07-31", True), ("assistants=v2", True)),
        *(("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True), ("Wed, 21 Oct 2026 07:28:00 GMT", True)),
        *(("stainless-python-retry-123e4567-e89b-12d3-a456-426614174000", True), ("6m0s", True), ("org-acme", False)),
        *(("zqxbomb/1.0", False), ("jo@example.com", False), ("zqxbomb-123e4567-e89b-12d3-a456-426614174000", False)),
    ],
)  # fmt: skip
def test_a_plain_header_is_told_from_words(value: str, expected: bool) -> None:
    """SDKs, languages, versions of an API, traces, times and ids are plain."""
    assert is_plain_header(value) is expected


def test_what_goes_on_is_read() -> None:
    """But for keys, and what does not go on."""
    tree = ContentTree()
    headers = [(b"user-agent", b"zqxbomb/1"), (b"x-other", b"zqxbomb"), (b"authorization", b"Bearer zqxbomb")]
    names = frozenset({"user-agent", "authorization", "x-request-id"})
    read_headers(tree, [*headers, (b"x-request-id", b"7")], names, Place())
    [leaf] = tree.leaves
    assert isinstance(leaf.content, Text)
    assert (leaf.content.text, leaf.content.place.path) == ("zqxbomb/1", "/headers/user-agent")
    assert (leaf.content.form, leaf.editable) == ("data", False)
