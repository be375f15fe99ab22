"""Pictures and words: what is missing from the system is named.

A real model is in `system/test_zero_shot_torch.py`, which needs torch.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from guardrails.inference.media.zero_shot import ZeroShotTexts, load_zero_shot_model
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case


@each_case("package", ["torch", "transformers"])
def test_without_the_extra_the_cure_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    """The extra of models."""
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"size": {"height": 32, "width": 32}}))
    for name in ("torch", "transformers"):
        monkeypatch.setitem(sys.modules, name, None if name == package else sys)
    with pytest.raises(ModelError) as caught:
        load_zero_shot_model(tmp_path, ZeroShotTexts(("a knife",)))
    assert (caught.value.code, caught.value.hint) == (
        "missing_extra",
        "pip install 'guardrails-middleware[models]'",
    )


def test_a_folder_must_say_how_pictures_are_made_ready(tmp_path: Path) -> None:
    """Before anything else is loaded."""
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="preprocessor_config"):
        load_zero_shot_model(tmp_path, ZeroShotTexts(("a knife",)))
