"""What a server keeps of what it judges, where policy and operator say so."""

from __future__ import annotations

import io
from base64 import b64encode
from hashlib import sha256

import pytest
from PIL import Image

from guardrails.records.configuration import KeptContentDoc
from guardrails.records.content import ContentReader
from guardrails.records.kept_content.content_keys import CONTENT_KEY_VARIABLE, read_content_keys
from tests.records.records_kit import CONTENT_KEY, KEEPING, close, open_store, recording_guard, verified


@pytest.fixture
def kept(serve, tmp_path, monkeypatch):
    """Serve a guard that keeps all; return its address, and what returns what is kept, with stage and action, oldest first."""
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, CONTENT_KEY)
    guard = recording_guard(tmp_path, {**KEEPING, "unchecked": {"image": "allow", "part": "allow"}})

    def contents():
        close(guard)
        assert verified(tmp_path).intact
        with open_store(tmp_path) as store:
            reader = ContentReader(store, read_content_keys(KeptContentDoc()))
            return [(each.stage, each.action, reader.read(each)) for each in store.select()]

    return serve(guard), contents


def test_bodies_are_kept_as_they_came(kept, fake, kit) -> None:
    """The request with all its fields, and the upstream's answer."""
    url, contents = kept
    answer = kit.completion("Fine.")
    fake.answers(answer)
    asked = kit.asking("Hello.", temperature=0.5)
    assert kit.chat(url, asked).status == 200
    assert contents() == [("input", "allow", asked), ("output", "allow", answer)]


def test_a_request_that_is_blocked_is_kept(kept, fake, kit) -> None:
    """Nobody else has it."""
    url, contents = kept
    asked = kit.asking("Hello zqx.")
    kit.chat(url, asked)
    assert contents() == [("input", "block", asked)]


@pytest.mark.parametrize(("words", "action"), [("some words", "allow"), ("some zqx words", "block")])
def test_of_a_stream_what_came_is_kept(kept, fake, kit, words, action) -> None:
    """All of it, or what there was when it was stopped."""
    url, contents = kept
    fake.streams(*kit.pieces(words))
    kit.chat(url, kit.asking("Hello.", stream=True))
    _, (stage, found, content) = contents()
    assert (stage, found) == ("output", action)
    assert (words if action == "allow" else "some zqx") in str(content)


def test_pictures_are_named_by_their_digests(kept, fake, kit) -> None:
    """No byte of them is kept, whichever API they come by."""
    file = io.BytesIO()
    Image.effect_noise((32, 32), 80).save(file, "PNG")
    written, digest = b64encode(file.getvalue()).decode(), sha256(file.getvalue()).hexdigest()
    url, contents = kept
    fake.answers(kit.completion("A cat."))
    kit.chat(url, kit.asking({"role": "user", "content": [
        {"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{written}"}},
    ]}))  # fmt: skip
    fake.answers(kit.message({"type": "text", "text": "A cat."}))
    source = {"type": "base64", "media_type": "image/png", "data": written}
    kit.ask(url, {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]})  # fmt: skip
    asked = [str(content) for stage, _, content in contents() if stage == "input"]
    assert len(asked) == 2
    for each in asked:
        assert f"[image sha256:{digest}]" in each
        assert written[:40] not in each
