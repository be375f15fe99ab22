"""What each process counts, and the sums of all."""

from __future__ import annotations

import threading

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from guardrails.proxy.server.counting.families import MOST, OTHER
from guardrails.proxy.server.counting.series import DROPPED, LONGEST, Series, Sums
from guardrails.proxy.server.counting.slots import Slots, create_slots
from tests.cases import each_case
from tests.proxy.metrics_kit import counted, samples


def page(sums: Sums) -> str:
    """Return what Prometheus reads."""

    class Page(Collector):
        def collect(self):
            return sums.collect()

    registry = CollectorRegistry()
    registry.register(Page())
    return generate_latest(registry).decode()


def processes(count: int) -> list[Series]:
    """Return what several processes count in, each as it sees the memory that they share."""
    shared = create_slots(count)
    found = []
    for own in range(count):
        seen = Slots.__new__(Slots)
        seen.all, seen.own = shared.all, own
        found.append(Series(seen))
    return found


def test_any_process_tells_what_all_have_counted() -> None:
    """Series that one has and another has not, counters and durations."""
    first, second, third = processes(3)
    for series, count in ((first, 1), (second, 10), (third, 100)):
        for _ in range(count):
            series.count("guardrails_shed_total", ())
            series.observe("guardrails_check_seconds", 0.003, (("stage", "input"),))
    second.count("guardrails_denied_total", (("code", "x"),), 5.0)
    pages = [page(each.sums) for each in (first, second, third)]
    assert pages[0] == pages[1] == pages[2]
    assert counted(pages[0], "guardrails_shed_total") == 111
    assert counted(pages[0], "guardrails_denied_total", code="x") == 5
    assert counted(pages[0], "guardrails_check_seconds_count", stage="input") == 111
    assert counted(pages[0], "guardrails_check_seconds_bucket", stage="input", le="0.0025") == 0
    assert counted(pages[0], "guardrails_check_seconds_bucket", stage="input", le="0.005") == 111
    assert counted(pages[0], "guardrails_check_seconds_sum", stage="input") == pytest.approx(0.333)


def test_the_order_of_labels_makes_no_other_series() -> None:
    """They are named."""
    [series] = processes(1)
    series.count("guardrails_requests_total", (("route", "r"), ("status", "200"), ("action", "allow")))
    series.count("guardrails_requests_total", (("action", "allow"), ("status", "200"), ("route", "r")))
    assert [*samples(page(series.sums), "guardrails_requests_total").values()] == [2]


def test_a_process_counts_on_where_the_one_before_it_was() -> None:
    """In the same slot, with the same series."""
    [first] = processes(1)
    first.count("guardrails_denied_total", (("code", "x"),))
    first.observe("guardrails_held_seconds", 1.0, ())
    slots = create_slots(1)
    slots.all = (first._slot,)
    second = Series(slots)
    second.count("guardrails_denied_total", (("code", "x"),))
    second.observe("guardrails_held_seconds", 1.0, ())
    assert counted(page(second.sums), "guardrails_denied_total", code="x") == 2
    assert counted(page(second.sums), "guardrails_held_seconds_count") == 2


def test_labels_without_end_are_bounded_in_all_processes_together() -> None:
    """Those that came first have series, in whichever process; `other` has the rest, and the sum has all."""
    first, second = processes(2)
    most = MOST["model"]
    for number in range(most * 3):
        series = (first, second)[number % 2]
        series.count("guardrails_tokens_total", (("model", f"m{number}"), ("kind", "input")), 2.0)
    for series in (first, second):
        series.count("guardrails_tokens_total", (("model", "m1"), ("kind", "input")), 2.0)
        series.count("guardrails_tokens_total", (("model", "x" * (LONGEST + 1)), ("kind", "input")), 2.0)
    found = samples(page(first.sums), "guardrails_tokens_total")
    models = {dict(labels)["model"] for labels in found}
    assert len(models) == most + 1
    assert models == {OTHER, *(f"m{number}" for number in range(most))}
    assert sum(found.values()) == 2 * (most * 3 + 4)
    assert counted(page(first.sums), "guardrails_tokens_total", model="m1") == 6
    assert len(first._found) < most


def test_an_old_name_has_the_same_counts_without_newer_labels() -> None:
    """As dashboards of before ask for them."""
    [series] = processes(1)
    for stage in ("input", "output"):
        labels = (("rule", "r"), ("stage", stage), ("action", "block"), ("mode", "enforce"))
        series.count("guardrails_decisions_total", labels)
    assert samples(page(series.sums), "guardrails_rules_fired_total") == {
        (("action", "block"), ("mode", "enforce"), ("rule", "r")): 2
    }


def test_events_for_which_there_is_no_room_are_counted_as_such() -> None:
    """Nothing fails, and nobody takes sums for whole that are not."""
    [series] = processes(1)
    series._slot.add = lambda key, numbers: None  # type: ignore[method-assign]
    series.count("guardrails_denied_total", (("code", "x"),))
    series.observe("guardrails_check_seconds", 1.0, (("stage", "input"),))
    found = page(series.sums)
    assert counted(found, DROPPED) == 2
    assert counted(found, "guardrails_denied_total") == 0


@each_case("labels", [(), (("code", "x"), ("more", "y")), (("reason", "x"),)])
def test_labels_are_those_of_the_table(labels) -> None:
    """No more, and no fewer."""
    [series] = processes(1)
    with pytest.raises(ValueError, match="the labels are code, not"):
        series.count("guardrails_denied_total", labels)


def test_threads_that_look_at_once_add_up_each_series_once() -> None:
    """The one that answers probes looks while the event loop counts."""
    [series] = processes(1)
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            series.sums.refresh()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(2_000):
        series.count("guardrails_denied_total", (("code", str(number)),))
    ended.set()
    for thread in threads:
        thread.join()
    assert samples(page(series.sums), "guardrails_denied_total") == {
        (("code", str(number)),): 1 for number in range(2_000)
    }
