"""Models: checked and warm after loading, one for all who ask, and the same scores whoever else asks."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from guardrails.inference.safety.folder import ModelError
from guardrails.inference.safety.hashed import HashedHeads
from guardrails.inference.safety.model import SafetyModel, load_safety_model

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def model(text_folder: Make) -> SafetyModel:
    """A model that knows some words."""
    words = {"bad": {"toxic": 3.0}, "##ly": {}, "grey": {"toxic": 0.5, "unsafe": -1.0}, "good": {}}
    return load_safety_model(text_folder(words, {"bad": {"toxic": 1.5}}, languages=["en"]))


def test_a_model_says_what_it_is(model: SafetyModel) -> None:
    """Name, version, heads and languages are those of its manifest."""
    assert (model.name, model.version, model.languages) == ("tiny", "1", frozenset({"en"}))
    assert model.heads[:2] == ("toxic", "sexual")


def test_both_tiers_judge_rows(model: SafetyModel) -> None:
    """The encoder reads tokens, the fast tier folded texts; both say it for each head."""
    fast = model.fast(["good", "bad"])
    assert fast.logits.shape == fast.scores.shape == fast.settled.shape == (2, len(model.heads))
    assert fast.settled[0].all()
    rows = [model.tokens.row(model.tokens.ids(text)) for text in ("good", "a badly grey")]
    both = model.both(rows, fast.logits)
    assert both[:, 0] == pytest.approx([1 / (1 + np.exp(6)), 1 / (1 + np.exp(-3))], abs=1e-5)


def test_no_row_is_no_score(model: SafetyModel) -> None:
    """An empty text has no window."""
    assert list(model.windows("")) == []
    assert model.fast([]).scores.shape == (0, len(model.heads))
    assert model.both([], model.fast([]).logits).shape == (0, len(model.heads))


def test_of_a_prompt_its_end_is_read(model: SafetyModel) -> None:
    """As much as the manifest says; the windows of the reply are smaller by that."""
    prompt = model.prompt("good " * 50 + "bad")
    assert len(prompt) == 5
    assert prompt[-1:] == model.tokens.ids("bad")
    assert max(len(window.ids) for window in model.windows("good " * 50, prompt)) <= 16 - 3 - len(prompt)
    assert max(len(window.ids) for window in model.windows("good " * 50)) <= 16 - 2


def test_threads_get_the_scores_of_one(model: SafetyModel) -> None:
    """32 callers with many windows each disturb nobody."""
    texts = [f"{'good ' * count}bad grey. " * 5 for count in range(32)]

    def scores(text: str) -> list[list[float]]:
        rows = [model.tokens.row(window.ids) for window in model.windows(text)]
        found: list[list[float]] = model.both(rows, model.fast([text] * len(rows)).logits).tolist()
        return found

    alone = [scores(text) for text in texts]
    with ThreadPoolExecutor(32) as callers:
        assert list(callers.map(scores, texts)) == alone


def test_all_who_ask_share_the_weights(text_folder: Make) -> None:
    """Also those of a copy of the folder; a model that nobody uses any more is let go."""
    folder = text_folder({"bad": {"toxic": 3.0}}, {}, window=20)
    model = load_safety_model(folder)
    assert load_safety_model(folder) is model
    assert load_safety_model(text_folder({"bad": {"toxic": 3.0}}, {}, window=20)) is model
    assert load_safety_model(text_folder({"bad": {"toxic": 3.0}}, {}, window=24)) is not model
    held = weakref.ref(model)
    del model
    gc.collect()
    assert held() is None


def test_files_are_checked_at_load(text_folder: Make) -> None:
    """A changed encoder is refused before it runs."""
    folder = text_folder({"bad": {"toxic": 3.0}}, {}, window=28)
    (folder / "encoder.onnx").write_bytes(b"other")
    with pytest.raises(ModelError, match=r"encoder\.onnx is not the file"):
        load_safety_model(folder)


def repaired(folder: Path) -> Path:
    """Make the manifest name the files as they are."""
    import hashlib

    path = folder / "manifest.json"
    read = json.loads(path.read_text())
    read["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in read["files"]}
    path.write_text(json.dumps(read))
    return folder


def test_parts_that_do_not_fit_are_an_error(text_folder: Make) -> None:
    """Heads of another number, heads of another order, files of no such kind."""
    folder = text_folder({"bad": {}}, {}, heads=("toxic", "unsafe"))
    other = text_folder({"bad": {}}, {}, heads=("toxic", "unsafe", "hate"))
    encoder = (folder / "encoder.onnx").read_bytes()
    (folder / "encoder.onnx").write_bytes((other / "encoder.onnx").read_bytes())
    with pytest.raises(ModelError, match=r"scores of shape \(1, 3\), for 2 heads"):
        load_safety_model(repaired(folder))
    (folder / "encoder.onnx").write_bytes(encoder)
    file = HashedHeads.load(folder / "hashed.npz")
    HashedHeads(("unsafe", "toxic"), file.weights, file.scale, file.bias).save(folder / "hashed.npz")
    with pytest.raises(ModelError, match="do not name the same heads"):
        load_safety_model(repaired(folder))
    (folder / "hashed.npz").write_bytes(b"no archive")
    with pytest.raises(ModelError, match=r"hashed\.npz: "):
        load_safety_model(repaired(folder))
