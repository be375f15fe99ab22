"""Who is asked for a model: a pure function of the model, the rows and who is up."""

from __future__ import annotations

import re
import time
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from guardrails.proxy.upstreams.routing_choice import Row, is_claimed, matches, order, select_rows
from tests.cases import each_case

PATTERNS = ["a", "b", "a*", "*b", "*", "a*b", "*a*", "**"]
MODELS = ["a", "b", "ab", "aab", "bb", "", "c"]


@st.composite
def rows(draw) -> tuple[Row, ...]:
    """Return rows of some patterns and tries."""
    drawn = draw(
        st.lists(st.tuples(st.lists(st.sampled_from(PATTERNS), min_size=1), st.integers(1, 4)), max_size=5)
    )
    return tuple(
        Row(str(index), "http://h", models=tuple(models), tries=tries)
        for index, (models, tries) in enumerate(drawn)
    )


@each_case(
    ("pattern", "model", "is_match"),
    [
        ("llama-3", "llama-3", True), ("llama-3", "llama-31", False), ("llama-*", "llama-3", True),
        ("llama-*", "llama-", True), ("llama-*", "a-llama-3", False), ("*", "", True), ("*", "a/b:c@d", True),
        ("*/llama-*", "meta/llama-3", True), ("*-mini", "gpt-4-mini", True), ("a*a", "a", False), ("a*a", "aa", True),
        ("gpt-4?", "gpt-4o", False), ("opus[1m]", "opus[1m]", True), ("opus[1m]", "opus1", False), ("LLAMA", "llama", False),
        ("a*b*c", "a-b-b-c", True), ("a*b*c", "a-c-b", False), ("a*b*c", "ac", False),
    ],
)  # fmt: skip
def test_only_a_star_stands_for_other_text(pattern: str, model: str, is_match: bool) -> None:
    """For any, also none; case counts, and all of the name must fit."""
    assert matches(pattern, model) is is_match


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_patterns_match_as_expressions_do(pattern: str, model: str) -> None:
    """The same as a regular expression whose `.*` stands where a star does."""
    wanted = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), model, re.DOTALL)

    assert matches(pattern, model) is (wanted is not None)


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    """Clients choose what is matched; an expression would go through every way to cut it."""
    started = time.perf_counter()
    assert not matches("a*" * 100 + "c*b", "a" * 1_000_000 + "b")
    assert time.perf_counter() - started < 5


@given(rows(), st.sampled_from(MODELS))
def test_those_serve_whose_patterns_fit(found: tuple[Row, ...], model: str) -> None:
    """All of them, each once, and nobody else: first those who name the model, among either in the order of the file."""
    served = select_rows(model, found)

    assert sorted(row.name for row in served) == [row.name for row in found if is_claimed(model, row.models)]
    ranks = [(model not in row.models, found.index(row)) for row in served]
    assert ranks == sorted(ranks)


@given(rows(), st.sampled_from(MODELS), st.sets(st.integers(0, 4)))
def test_whom_to_ask(found: tuple[Row, ...], model: str, up: set[int]) -> None:
    """Who is up as often as its tries say, each round in the order of preference; then once each who is down."""
    served = select_rows(model, found)
    asked = order(served, lambda row: int(row.name) in up)
    living = [row for row in served if int(row.name) in up]
    down = [row for row in served if int(row.name) not in up]

    assert Counter(row.name for row in asked) == {
        row.name: row.tries if row in living else 1 for row in served
    }
    tries = Counter[str]()
    ranks = []
    for row in asked[: len(asked) - len(down)]:
        assert row in living
        ranks.append((tries[row.name], living.index(row)))
        tries[row.name] += 1
    assert ranks == sorted(ranks)
    assert [*asked[len(asked) - len(down) :]] == down


def test_nobody_is_refused_because_all_are_down() -> None:
    """The preferred one is asked first all the same."""
    served = (Row("a", "http://a", models=("*",)), Row("b", "http://b", models=("m",)))

    assert [row.name for row in order(select_rows("m", served), lambda _: False)] == ["b", "a"]


def test_a_rows_key_is_not_shown() -> None:
    """Whoever logs it logs no secret."""
    assert "sk-zqx" not in repr(Row("a", "http://a", "sk-zqx"))
