"""One line for each folder of an API."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from guardrails.protocols import registry
from guardrails.protocols.errors import (
    write_anthropic_error,
    write_google_error,
    write_images_error,
    write_openai_error,
    write_videos_error,
)
from tests.cases import each_case


def test_every_folder_is_registered() -> None:
    """Those with a `protocol` module."""
    found = Path(registry.__file__).parent.glob("*/protocol.py")
    assert {path.parent.name for path in found} == {*registry.FOLDERS}


@each_case(
    ("path", "writer"),
    [
        ("/v1/messages", write_anthropic_error),
        ("/v1/messages/count_tokens", write_anthropic_error),
        ("/v1beta/models/m:generateContent", write_google_error),
        ("/v1/models/m:countTokens", write_google_error),
        ("/v1/images/edits", write_images_error),
        ("/v1/videos/v_1/content", write_videos_error),
        ("/v1/chat/completions", write_openai_error),
        ("/v1/nothing", write_openai_error),
        ("", write_openai_error),
    ],
)
def test_an_error_is_written_as_the_api_of_its_path_does(path: str, writer: object) -> None:
    """That of the longest path that it begins with."""
    assert registry.error_writer(path) is writer


def test_two_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could say which is meant."""
    monkeypatch.setattr(registry, "FOLDERS", ("chat", "chat"))
    with pytest.raises(ValueError, match=r"'openai\.chat'"):
        registry.load_protocols.__wrapped__()


def test_a_new_api_is_a_folder_and_a_line() -> None:
    """It is served by the proxy, a wrapped client may call it, and the contract matrix holds in both."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.protocols.made_up.matrix"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "126\n"), done.stderr[-2_000:]
