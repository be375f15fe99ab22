"""The names that people give to labels: which category each means."""

from __future__ import annotations

from guardrails.authoring.labels.label_names import label_category, read_label
from tests.cases import each_case


@each_case(
    ("label", "category"),
    [
        ("hate", "hate"),
        ("sexual_minors", "sexual.minors"),
        ("hate_threatening", "hate.threatening"),
        ("self_harm_intent", "self_harm.intent"),
        ("self-harm/instructions", "self_harm.instructions"),
        ("Self Harm", "self_harm"),
        ("SelfHarm", "self_harm"),
        ("S10", "hate"),
        ("PROMPT_ATTACK", "jailbreak"),
        ("custom.word", "custom.word"),
        ("custom_word", "custom.word"),
        ("misinformation", "misinformation"),
        ("", None),
    ],
)
def test_names_are_of_the_taxonomy_or_of_others(label: str, category: str | None) -> None:
    """Separators do not matter, and neither do other systems' names."""
    assert label_category(label) == category


@each_case(
    ("label", "reading"),
    [
        *((word, "benign") for word in ("Benign", " none", "harmless", "Good", "CLEAN", "Not toxic", "safe", "harmlos")),
        *((word, "harmful") for word in ("Harmful", "bad", "BLOCKED", "malicious")),
        ("Hate-Speech", "hate"),
        ("identity_attack", "hate"),
        ("hatte", None),
        ("todo", None),
    ],
)  # fmt: skip
def test_labels_are_read_as_people_write_them(label: str, reading: str | None) -> None:
    """In any case and spelling; what nobody knows is no harm and no harmlessness."""
    assert read_label(label) == reading
