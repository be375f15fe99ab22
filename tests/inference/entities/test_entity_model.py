"""The shipped model of names: what it gives, and that it is the one that the package came with."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from guardrails.cancellation import Cancelled, Token, within
from guardrails.detectors.pii.pii_detector import SHIPPED
from guardrails.inference.entities.entity_model import load_entity_model, manifest_digest
from guardrails.inference.safety.folder import ModelError, read_manifest_file
from tests.cases import each_case

FOLDER = SHIPPED["pii-names"]
MODEL = load_entity_model(FOLDER)
TEXT = "My name is Ann Lee and I live in Bonn."


def labelled(text: str) -> list[tuple[str, str]]:
    """Return each piece with its likeliest label."""
    pieces = MODEL.pieces(text)
    (scores,) = MODEL.probabilities([pieces.ids])
    return [
        (text[start:end], MODEL.labels[at])
        for (start, end), at in zip(pieces.spans, scores.argmax(axis=1), strict=True)
    ]


def test_pieces_have_their_places_and_a_probability_of_each_label() -> None:
    """One row a piece, without the marks around them; each adds up to one."""
    assert [each for each in labelled(TEXT) if each[1] != "O"] == [
        ("Ann", "B-GIVEN_NAME"),
        ("Lee", "B-SURNAME"),
        ("Bonn", "B-CITY"),
    ]
    (scores,) = MODEL.probabilities([MODEL.pieces(TEXT).ids])
    assert scores.shape == (len(MODEL.pieces(TEXT).ids), len(MODEL.labels))
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_marks_in_a_text_are_text() -> None:
    """Nobody ends a text for the model by writing what ends it."""
    assert [text for text, _ in labelled("Ann [SEP] Lee")] == ["Ann", "[", "SEP", "]", "Lee"]


def test_a_row_is_judged_by_itself_and_always_alike() -> None:
    """Whatever else is asked for with it, and on whichever thread."""
    rows = [MODEL.pieces(text).ids for text in (TEXT, "Bob Ray, 12 Main Street", "Nothing here.")]
    fresh = load_entity_model(FOLDER)
    alone = [fresh.probabilities([row])[0] for row in rows]
    MODEL._memory._kept.clear()
    with ThreadPoolExecutor(4) as pool:
        together = [*pool.map(lambda _: MODEL.probabilities(rows), range(4))]
    for found in together:
        assert all(np.array_equal(one, other) for one, other in zip(found, alone, strict=True))


def test_nobody_waits_for_rows_behind_the_deadline() -> None:
    """Each row is bounded, and between them it is asked whether anybody still waits."""
    rows = [MODEL.pieces(f"Ann Lee has {at} apples.").ids for at in range(400)]
    with pytest.raises(Cancelled), within(Token(perf_counter() - 1)):
        MODEL.probabilities(rows)


def test_all_who_ask_share_one_model() -> None:
    """It takes 65 MB of memory."""
    assert load_entity_model(FOLDER) is MODEL


def test_the_model_is_what_its_papers_say() -> None:
    """Licence, source, change and digests stand beside it."""
    manifest = json.loads(read_manifest_file(FOLDER))
    card, licence = ((FOLDER / name).read_text(encoding="utf-8") for name in ("CARD.md", "LICENSE"))
    assert "Copyright 2026 National Design Studio" in licence
    assert "Creative Commons Attribution 4.0" in licence
    assert "huggingface.co/nationaldesignstudio/rampart" in card
    assert manifest["files"]["model.npz"] in card
    assert (FOLDER / "model.npz").stat().st_size <= 15_000_000
    assert MODEL.languages == {"de", "en", "es", "fr", "it", "nl", "pt"}
    assert manifest_digest(FOLDER) == hashlib.sha256((FOLDER / "manifest.json").read_bytes()).hexdigest()


def write(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], Any]:
    """Return what changes a manifest."""

    def apply(folder: Path) -> None:
        read = json.loads((folder / "manifest.json").read_text())
        change(read)
        (folder / "manifest.json").write_text(json.dumps(read))

    return apply


@each_case(
    ("change", "message"),
    [
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "tokenizer.json is not the file"),
        (lambda folder: (folder / "model.npz").unlink(), "model.npz: No such file"),
        (lambda folder: (folder / "manifest.json").unlink(), "no manifest.json"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json: "),
        (write(lambda read: read.pop("labels")), "manifest.json: KeyError"),
        (write(lambda read: read["labels"].pop()), "gives scores of shape .*, for 34 labels"),
    ],
)
def test_what_is_wrong_in_a_folder_is_said(
    tmp_path: Path, change: Callable[[Path], Any], message: str
) -> None:
    """A copy of the model is a model of its own, as far as its files are those that its manifest names."""
    folder = tmp_path / "own"
    shutil.copytree(FOLDER, folder)
    assert load_entity_model(folder).labels == MODEL.labels
    change(folder)
    with pytest.raises(ModelError, match=message):
        load_entity_model(folder)
