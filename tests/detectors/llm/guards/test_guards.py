"""The table of forms: names of models tell their form, and every form is sound."""

from __future__ import annotations

from guardrails import taxonomy
from guardrails.detectors.llm.guards import GUARD_FORMS, find_form
from tests.cases import each_case


@each_case(
    ("model", "form"),
    [
        ("meta-llama/Llama-Guard-3-8B", "llama-guard-3"),
        ("meta-llama/Llama-Guard-3-1B", "llama-guard-3"),
        ("llama-guard3:8b", "llama-guard-3"),
        ("models/llama_guard_3", "llama-guard-3"),
        ("meta-llama/Llama-Guard-4-12B", "llama-guard-4"),
        ("google/shieldgemma-2b", "shieldgemma"),
        ("google/shieldgemma-9b", "shieldgemma"),
        ("shieldgemma:27b", "shieldgemma"),
        ("ibm-granite/granite-guardian-3.0-2b", "granite-guardian-3"),
        ("ibm-granite/granite-guardian-3.2-5b", "granite-guardian-3"),
        ("granite3-guardian:8b", "granite-guardian-3"),
        ("ibm-granite/granite-guardian-3.3-8b", "granite-guardian-3.3"),
        ("ibm/granite3.3-guardian:8b", "granite-guardian-3.3"),
        ("ibm-granite/granite-guardian-4.1-8b", "granite-guardian-4"),
        ("granite4.1-guardian", "granite-guardian-4"),
        ("Qwen/Qwen3Guard-Gen-0.6B", "qwen3guard"),
        ("allenai/wildguard", "wildguard"),
        ("openai/gpt-oss-safeguard-20b", "gpt-oss-safeguard"),
    ],
)
def test_a_name_tells_the_form(model: str, form: str) -> None:
    """On the hub, in servers and as a folder."""
    found = find_form(model)
    assert found is not None
    assert found.name == form


@each_case(
    "model",
    [
        "my-model", "", "models/own", "meta-llama/Llama-Guard-2-8B", "meta-llama/Llama-Prompt-Guard-2-86M", "google/shieldgemma-2-4b-it",
        "ibm-granite/granite-guardian-hap-38m", "Qwen/Qwen3Guard-Stream-4B", "openai/gpt-oss-20b", "llama-guard-3-or-wildguard",
    ],
)  # fmt: skip
def test_other_names_tell_none(model: str) -> None:
    """A model that is asked in another way is not taken for one of these, and two names at once tell nothing."""
    assert find_form(model) is None


@each_case("form", GUARD_FORMS.values(), ids=lambda form: form.name)
def test_forms_find_categories_of_the_taxonomy(form: object) -> None:
    """Labels have valid categories; a form without any judges by given policies alone."""
    labels = form.labels  # type: ignore[attr-defined]
    assert all(taxonomy.is_valid(category) for categories in labels.values() for category in categories)
    assert bool(labels) == (form.policies != "all")  # type: ignore[attr-defined]
