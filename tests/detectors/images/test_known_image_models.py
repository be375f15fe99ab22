"""The table of well-known models of pictures: licences, labels and figures, and models found by the names of folders."""

from __future__ import annotations

from pathlib import Path

from guardrails import taxonomy
from guardrails.detectors.images.known_image_models import (
    EXPOSED,
    KNOWN_IMAGE_MODELS,
    NUDENET,
    find_known_model,
)
from tests.cases import each_case

GUIDE = Path(__file__).parents[3] / "docs" / "pages" / "guides" / "media.md"


@each_case("name", KNOWN_IMAGE_MODELS)
def test_each_row_says_whose_word_it_has(name: str) -> None:
    """A licence and its source, categories of the taxonomy, and one way in which the model tells what it sees."""
    known = KNOWN_IMAGE_MODELS[name]
    assert known.licence
    assert known.source
    assert all(taxonomy.is_valid(each) for told in known.means.values() for each in told)
    assert [bool(known.means), known.prompts, bool(known.form)].count(True) == 1
    assert not known.labels or {*known.means} <= {*known.labels}


@each_case("name", KNOWN_IMAGE_MODELS)
def test_the_guide_has_each_row(name: str) -> None:
    """With its licence, and what is no for commerce is called so."""
    known = KNOWN_IMAGE_MODELS[name]
    [line] = [
        each for each in GUIDE.read_text(encoding="utf-8").splitlines() if each.startswith(f"| `{name}` |")
    ]
    assert known.licence in line
    assert known.figures in line
    assert f"| {known.commerce} |" in line


@each_case(
    ("given", "name"),
    [
        ("nsfw", "nsfw"),
        ("notAI-tech/NudeNet", "notAI-tech/NudeNet"),
        ("models/NudeNet", "notAI-tech/NudeNet"),
        ("models/nudenet/", "notAI-tech/NudeNet"),
        ("models/own", None),
        ("models/nsfw", None),
    ],
)
def test_a_folder_may_be_called_as_the_model_is(given: str, name: str | None) -> None:
    """By the last part of its name; the shipped model is called by its whole name alone."""
    assert find_known_model(given) is (None if name is None else KNOWN_IMAGE_MODELS[name])


def test_the_labels_of_nudenet_are_in_the_order_of_its_output() -> None:
    """Eighteen, of which five are nudity."""
    assert len({*NUDENET}) == 18
    assert {*EXPOSED} < {*NUDENET}
