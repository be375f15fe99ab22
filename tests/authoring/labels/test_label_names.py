"""The names that people give to labels: which category each means."""

from __future__ import annotations

from guardrails.authoring.labels.label_names import read_label
from tests.cases import each_case


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
