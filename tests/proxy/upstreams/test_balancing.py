"""Whose turn it is among upstreams that are preferred alike."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from guardrails.proxy.upstreams.balancing import Balancer
from guardrails.proxy.upstreams.routing_choice import Row


def row(name: str, weight: int = 1) -> Row:
    """Return an upstream for every model."""
    return Row(name, "http://h", models=("*",), weight=weight)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_each_has_its_share_of_any_full_round(weights: list[int]) -> None:
    """As many of the requests as its weight says, in every round."""
    group = [row(str(at), weight) for at, weight in enumerate(weights)]
    balancer = Balancer("weighted", lambda _: 0)

    for _ in range(2):
        first = Counter(next(balancer.arrange([group], lambda _: True)).weight for _ in range(sum(weights)))
        wanted = Counter()
        for weight in weights:
            wanted[weight] += weight
        assert first == wanted


def test_groups_stay_in_their_order_and_who_is_down_comes_last_of_its_own() -> None:
    """Nobody is left out."""
    a, b, c, d = map(row, "abcd")
    balancer = Balancer("weighted", lambda _: 0)

    found = [
        [each.name for each in balancer.arrange([(a, b, c), (d,)], lambda one: one is not b)]
        for _ in range(4)
    ]

    assert [names[0] for names in found] == ["a", "c", "a", "c"]
    assert all(names[2:] == ["b", "d"] for names in found)


def test_the_order_of_the_file_stays_where_nothing_is_balanced() -> None:
    """However much the first one has to do."""
    a, b = map(row, "ab")
    balancer = Balancer("order", lambda one: 99 if one is a else 0)

    assert [*balancer.arrange([(a, b)], lambda _: True)] == [a, b]
    assert [*Balancer("least_busy", lambda one: 99 if one is a else 0).arrange([(a, b)], lambda _: True)] == [
        b,
        a,
    ]
