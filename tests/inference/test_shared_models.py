"""Shared models: one for the same files and options, another once either differs, none that nobody holds."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from weakref import ref

import pytest

from guardrails.inference.shared_models import SharedModels
from tests.cases import each_case


class Model:
    """Something that was made of a folder."""

    def __init__(self, folder: Path, options: str) -> None:
        self.made_of = folder, options


@each_case(
    ("change", "same"),
    [
        (lambda folder: (folder, "fast"), True),
        (lambda folder: (folder, "slow"), False),
        (lambda folder: ((folder / "more").write_text("x"), (folder, "fast"))[1], False),
        (lambda folder: ((folder / "weights").write_text("others"), (folder, "fast"))[1], False),
    ],
    ids=["the same", "other options", "another file", "other content"],
)
def test_a_model_is_shared_by_what_it_is_made_of(
    tmp_path: Path, change: Callable[[Path], tuple[Path, str]], same: bool
) -> None:
    """Files are told apart by name, size and time."""
    (tmp_path / "weights").write_text("these")
    models = SharedModels(Model)
    first = models.get(tmp_path, "fast")
    assert (models.get(*change(tmp_path)) is first) is same


def test_what_nobody_holds_is_forgotten(tmp_path: Path) -> None:
    """Its memory is free again, and it is made anew for whoever asks next."""
    models = SharedModels(Model)
    held = ref(models.get(tmp_path, "fast"))
    gc.collect()
    assert held() is None
    assert models.get(tmp_path, "fast").made_of == (tmp_path, "fast")


def test_a_model_that_cannot_be_made_is_tried_again(tmp_path: Path) -> None:
    """The error is that of the caller, and nothing of it stays."""
    tried: list[Path] = []

    def make(folder: Path, _: str) -> Model:
        tried.append(folder)
        if len(tried) == 1:
            raise ValueError("no weights")
        return Model(folder, "fast")

    models = SharedModels(make)
    with pytest.raises(ValueError, match="no weights"):
        models.get(tmp_path, "fast")
    assert models.get(tmp_path, "fast").made_of == (tmp_path, "fast")
