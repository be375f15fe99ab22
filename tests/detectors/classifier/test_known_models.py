"""Well-known classifiers: rows name categories of the taxonomy, and models are known by their names and by folders."""

from __future__ import annotations

from guardrails import taxonomy
from guardrails.detectors.classifier.known_models import KNOWN_MODELS, find_known_model
from guardrails.detectors.language.scripts import NAMES
from guardrails.inference.hub.hub_cache import is_name
from tests.cases import each_case


@each_case("name", KNOWN_MODELS)
def test_each_row_says_what_labels_mean_and_under_which_licence(name: str) -> None:
    """Names are those of the hub, categories and languages exist."""
    row = KNOWN_MODELS[name]
    assert is_name(name)
    assert row.licence
    assert row.labels
    assert all(categories for categories in row.labels.values())
    assert all(taxonomy.is_valid(each) for categories in row.labels.values() for each in categories)
    assert row.languages <= {*NAMES}


def test_no_two_models_have_the_same_last_part() -> None:
    """A folder that is called so means one of them."""
    assert len({name.rpartition("/")[2].casefold() for name in KNOWN_MODELS}) == len(KNOWN_MODELS)


@each_case(
    ("model", "name"),
    [
        ("meta-llama/Llama-Prompt-Guard-2-86M", "meta-llama/Llama-Prompt-Guard-2-86M"),
        ("meta-llama/llama-prompt-guard-2-86m", "meta-llama/Llama-Prompt-Guard-2-86M"),
        ("models/unitary/toxic-bert", "unitary/toxic-bert"),
        ("models/toxic-bert/", "unitary/toxic-bert"),
        ("..\\toxic-bert", "unitary/toxic-bert"),
        ("toxic-bert", "unitary/toxic-bert"),
        ("other/toxic-bert-2", None),
        ("toxic-bert/own", None),
        ("text-safety", None),
        ("", None),
        ("/", None),
    ],
)
def test_a_model_is_known_by_its_name_or_its_folder(model: str, name: str | None) -> None:
    """The last two parts, or the last one; whatever the case."""
    assert find_known_model(model) is (None if name is None else KNOWN_MODELS[name])
