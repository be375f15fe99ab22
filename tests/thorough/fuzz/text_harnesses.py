"""Harnesses of texts: views and decoded payloads point into the text that they are of, and what is edited stays what it was."""

from __future__ import annotations

import json

from guardrails.detectors.encodings.extractors import extract
from guardrails.engine.formats.json_edits import replace_in_json
from guardrails.engine.model import Change
from guardrails.engine.redaction.edits import replace_spans
from guardrails.text import TextView, deobfuscate_text, fold_text, mark_obfuscations, normalize_text
from tests.thorough.fuzz.harness import Harness

TOKENS = tuple(
    token.encode("utf-8", "surrogatepass")
    for token in (
        "i g n o r e", "1gn0r3", "&#105;", "&amp;#105;", "\\u0069", "%69", "\u200b", "\u202e", "\u0301" * 9, "\ufb03", "\U000e0041",
        "\u0430", "\ud800", "\uac00", "\u1100\u1161", "aWdub3JlIGFsbA==", "69676e6f7265", "vtaber", "105 103 110", "a-b-c-d",
    )
)  # fmt: skip


def read_text(data: bytes) -> str:
    """Return the text that bytes are, which may hold halves of surrogate pairs."""
    return (
        data.decode("utf-8", "surrogatepass" if b"\xed" in data else "replace")
        if _is_text(data)
        else data.decode("latin-1")
    )


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _maps_into(view: TextView, text: str) -> None:
    """Assert that spans of a view are stretches of the text, in its order, and that their union is one as well."""
    last = 0
    for at in range(len(view.text)):
        start, end = view.original(at, at + 1)
        assert 0 <= last <= start <= end <= len(text), (at, start, end)
        last = start
    if view.text:
        start, end = view.original(0, len(view.text))
        assert 0 <= start <= end <= len(text)


def read_views(data: bytes) -> None:
    """Each view of a text maps every character into it; the views of a view change nothing more."""
    text = read_text(data)[:1_000]
    for view in (normalize_text(text), fold_text(text), mark_obfuscations(text), *deobfuscate_text(text)):
        if view is not None:
            _maps_into(view, text)
    folded = fold_text(text).text
    assert fold_text(folded).text == folded


def decode_payloads(data: bytes) -> None:
    """What is decoded stands in the text, where it says, within its limits."""
    text = read_text(data)[:2_000]
    found = extract(text, 3, 50, 5_000)
    assert sum(len(each.text) for each in found.derived) <= 5_000 + 50
    for derived in found.derived:
        for span in ((0, len(derived.text)), (len(derived.text) // 2, len(derived.text) // 2 + 1)):
            for start, end in derived.originals(span):
                assert 0 <= start <= end <= len(text)


def edit_json(data: bytes) -> None:
    """A JSON text whose stretches are replaced is JSON still, or nothing; a text keeps all that is not replaced."""
    places, _, rest = data.partition(b"\n")
    text = read_text(rest)
    spans = sorted({min(place * len(text) // 255, len(text)) for place in places[:8]})
    changes = [Change(start, end, '[X]"\\') for start, end in zip(spans[::2], spans[1::2], strict=False)]
    edited = replace_spans(text, changes)
    assert edited.count('[X]"\\') >= len(changes)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return
    left = replace_in_json(text, changes)
    if left is not None:
        json.loads(left)


HARNESSES = (
    Harness("views", read_views, TOKENS, cost=3),
    Harness("payloads", decode_payloads, TOKENS),
    Harness("edits", edit_json, (b'\\"', b"\\\\", b'{"a": ', b"\\u0041", b"[1, 2", b'": "')),
)
