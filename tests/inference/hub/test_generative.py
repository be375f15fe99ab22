"""Generative models without the libraries that run them, and without a folder to run.

Real models of each architecture are in `system/test_guard_model_torch.py`, which needs torch.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from guardrails.inference.hub.generative import GenerativeOptions, _texts, load_generative_model
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case


@each_case("package", ["torch", "transformers"])
def test_what_is_not_installed_is_named_with_its_cure(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model in this process needs two libraries; a server needs neither."""
    for name in ("torch", "transformers"):
        monkeypatch.setitem(sys.modules, name, None if name == package else sys)
    with pytest.raises(ModelError, match=f"'{package}', which is not installed") as caught:
        load_generative_model(tmp_path, GenerativeOptions())
    assert caught.value.code == "missing_extra"
    assert "endpoint" in caught.value.hint


@each_case(
    ("arguments", "texts"),
    [
        ({}, []),
        ({"think": False, "n": 3}, []),
        ({"guideline": "No harm is done."}, ["No harm is done."]),
        ({"config": {"risk_name": "social_bias", "risk_definition": "It is rude."}}, ["It is rude."]),
    ],
)
def test_texts_among_the_arguments_are_found(arguments: Mapping[str, Any], texts: list[str]) -> None:
    """A template must show them; names of its own it may put into other words."""
    assert [*_texts(arguments)] == texts
