"""Fuzzing in short: the corpus is run, and a few inputs that are made of it. `tests/thorough/fuzz` has all of them."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cases import check_each, each_case, scale
from tests.thorough.fuzz.harness import CORPUS, Harness, changed_seeds
from tests.thorough.fuzz.harnesses import HARNESSES

MOST_BYTES = 300_000
"""Bytes of the whole corpus: it is read in every review, and packed in the source distribution."""

EXAMPLES = 100
"""Inputs of a cheap harness."""


@each_case("harness", HARNESSES, ids=lambda each: each.name)
def test_the_corpus_holds(harness: Harness) -> None:
    """Each file that was kept runs as it did when it was."""
    check_each([(path.name, path.read_bytes()) for path in harness.seeds()], harness.run)


def check_changed_inputs(harness: Harness, examples: int) -> None:
    """Run a harness over so many inputs, fewer where each takes longer."""

    @settings(
        max_examples=max(2, scale(examples) // harness.cost),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(changed_seeds(harness) | st.binary(max_size=64))
    def run(data: bytes) -> None:
        harness.run(data)

    run()


@each_case("harness", HARNESSES, ids=lambda each: each.name)
def test_changed_inputs_hold(harness: Harness) -> None:
    """Files of the corpus, changed in places, and any bytes."""
    check_changed_inputs(harness, EXAMPLES)


def test_the_corpus_is_small_and_has_a_folder_for_each_harness() -> None:
    """Nothing lies there that no harness runs."""
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    assert {path.parent.name for path in files} == {harness.name for harness in HARNESSES}
