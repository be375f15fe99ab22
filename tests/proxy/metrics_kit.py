"""Reads what `/metrics` says, as Prometheus does: the order of labels and the form of numbers make no difference."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[tuple[str, str], ...]


def samples(page: str | bytes, name: str) -> dict[Labels, float]:
    """Return the samples of a name, by their sorted labels."""
    text = page if isinstance(page, str) else page.decode()
    # The parser takes a millisecond for ten lines, and a page has hundreds that are about others.
    lines = [line for line in text.splitlines() if line.startswith(("#", name))]
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families("\n".join(lines) + "\n")
        for sample in family.samples
        if sample.name == name
    }


def counted(page: str | bytes, name: str, /, **labels: str) -> float:
    """Return the sum of the samples of a name that have these labels, among others perhaps."""
    return sum(value for found, value in samples(page, name).items() if labels.items() <= dict(found).items())
