"""The table of counters and histograms."""

from __future__ import annotations

import re

from guardrails.proxy.server.counting.families import BUCKETS, COUNTERS, HISTOGRAMS, MOST, OLD


def test_names_are_as_prometheus_wants_them() -> None:
    """Counters end with `_total`, durations with `_seconds`, and each says what it is in a sentence."""
    for name, family in {**COUNTERS, **HISTOGRAMS}.items():
        assert re.fullmatch(r"(guardrails|process)_[a-z_]+", name)
        assert name.endswith("_total" if name in COUNTERS else "_seconds")
        assert family.help.endswith(".")
        assert len({*family.labels}) == len(family.labels)


def test_bounds_rise() -> None:
    """So that each duration has one bucket."""
    assert [*BUCKETS] == sorted({*BUCKETS})


def test_old_names_stand_for_new_ones_with_fewer_labels() -> None:
    """They are no names of the table themselves."""
    for name, old in OLD.items():
        assert name not in COUNTERS
        assert {*old.labels} < {*COUNTERS[old.new].labels}


def test_bounded_labels_are_labels_of_something() -> None:
    """A bound that bounds nothing would be a mistake in its name."""
    labels = {label for family in (*COUNTERS.values(), *HISTOGRAMS.values()) for label in family.labels}
    assert MOST.keys() <= labels
