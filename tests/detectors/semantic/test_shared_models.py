"""Models that detectors share: found by name, and a name that means none is a problem at the field `model`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from guardrails.detectors import ConfigProblems, PolicyFolder
from guardrails.detectors.semantic.shared_models import load_embedder, load_inference
from guardrails.inference.hub.embedding import ShippedEmbedder
from tests.cases import each_case

MNLI = ("entailment", "neutral", "contradiction")


def test_a_shipped_model_embeds_by_its_name(tmp_path: Path) -> None:
    """No file of the policy is asked for it."""
    assert isinstance(
        load_embedder(PolicyFolder(tmp_path), "text-safety", None, download=False), ShippedEmbedder
    )


@pytest.mark.parametrize(
    ("labels", "columns"),
    [
        (MNLI, (0, 2)),
        (("contradiction", "entailment", "neutral"), (1, 0)),
        (("ENTAILMENT", "NOT_ENTAILMENT"), (0, None)),
        (("contradicts", "entails"), (1, 0)),
    ],
)
def test_labels_of_inference_are_found_by_name(
    sequence_folder: Callable[..., Path],
    tmp_path: Path,
    labels: tuple[str, ...],
    columns: tuple[int, int | None],
) -> None:
    """In whatever order a model has them."""
    sequence_folder({"word": {}}, labels, name="nli")
    _, entails, denies = load_inference(PolicyFolder(tmp_path), "nli", None, download=False)
    assert (entails, denies) == columns


@each_case("name", ["nowhere", "org/nowhere"])
@each_case("find", [load_embedder, load_inference])
def test_a_name_that_means_none_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, find: Callable[..., object]
) -> None:
    """It says what was looked for, and what would bring it."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(ConfigProblems) as raised:
        find(PolicyFolder(tmp_path), name, None, download=False)
    (problem,) = raised.value.problems
    assert (problem.code, problem.path) == ("unreadable_model", ("model",))
    assert repr(name) in problem.message
    assert problem.hint
