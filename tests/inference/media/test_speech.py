"""Models that write down speech: what is missing from the system, and folders that hold none. The models themselves run in
`tests/system/test_speech_torch.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from guardrails.inference.media.speech import SpeechOptions, load_speech_model
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case


@each_case("package", ["torch", "transformers"])
def test_what_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    """With the command that brings it."""
    (tmp_path / "config.json").write_text("{}")
    for name in ("torch", "transformers"):
        other: Any = type(sys)(name)
        monkeypatch.setitem(sys.modules, name, None if name == package else other)
    with pytest.raises(ModelError, match=f"needs the package '{package}', which is not installed") as caught:
        load_speech_model(tmp_path)
    assert caught.value.code == "missing_extra"
    assert "guardrails-middleware[models]" in caught.value.hint


@each_case(
    ("config", "said"),
    [(None, "the folder has no config.json"), ("[]", "config.json is no mapping"), ("{", "config.json: ")],
)
def test_a_folder_without_a_model_is_told(tmp_path: Path, config: str | None, said: str) -> None:
    """Before anything heavy is imported."""
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(ModelError) as caught:
        load_speech_model(tmp_path, SpeechOptions(language="en"))
    assert str(caught.value).startswith(said)


def test_options_are_values() -> None:
    """Who asks for the same gets the same model."""
    assert SpeechOptions() == SpeechOptions("cpu", "float32", None)
    assert len({SpeechOptions(), SpeechOptions(), SpeechOptions(language="de")}) == 2
