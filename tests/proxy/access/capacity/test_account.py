"""The account: what is let in, what is refused, and that everything is given back. Clocks are set by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import GuardUnavailable
from guardrails.proxy.access.capacity.account import (
    LARGEST_PART,
    LEAST_STREAM_SHARE,
    LONGEST_RETRY_S,
    CapacityAccount,
    Ticket,
)
from guardrails.proxy.access.capacity.costs import Cost
from guardrails.proxy.access.capacity.fairness import LEAST_BOUND, OWN_BOUND
from guardrails.proxy.access.capacity.speed import LEAST_GAIN
from guardrails.proxy.access.capacity.stream_account import STREAM_SHARE
from tests.cases import each_case

SIZE = 1_000


class Machine:
    """An account on a clock that is set by hand, of a machine without overhead: two cores, four threads."""

    def __init__(self, **more: float) -> None:
        self.now = 100.0
        self.queue_s = 0.0
        self.kinds: list[str] = []
        self.account = CapacityAccount(
            2.0,
            4,
            queue_wait=lambda caller, long: self.queue_s,
            on_refusal=self.kinds.append,
            clock=lambda: self.now,
            jitter=lambda: 0.0,
            **{"max_wait_s": 1.0, **more},
        )
        self.account.speed.observe(1e6, 1e6, 0.0)  # all work is measured, none is the loop's

    def admit(self, caller: str = "a", size: int = SIZE) -> Ticket | None:
        """Return a ticket, None where there is none."""
        try:
            return self.account.admit(caller, size)
        except GuardUnavailable:
            return None

    def open(self, caller: str = "a") -> Ticket | None:
        """Return the ticket of a stream, None where there is none."""
        ticket = self.admit(caller)
        assert ticket is not None
        try:
            self.account.open_stream(ticket)
        except GuardUnavailable:
            self.account.close(ticket)
            return None
        self.account.begin_stream(ticket)
        return ticket

    def finish(self, ticket: Ticket, cpu_s: float, busy_s: float = 0.0) -> None:
        """Have a request take so much, and end."""
        ticket.meter.cpu_s, ticket.meter.busy_s = cpu_s, busy_s
        self.account.close(ticket)

    def run(self, seconds: float, streams: Iterable[Ticket] = (), cpu_s: float = 0.0) -> None:
        """Let time go by, in which streams take so much each second."""
        for _ in range(round(seconds * 4)):
            self.now += 0.25
            for each in streams:
                each.meter.cpu_s += cpu_s / 4
            self.account.measure(0.25, 1e-9, 0.0, 0.0)


TENTH = Cost(0.1, 0.0)


def seeded(cost: Cost = TENTH, **more: float) -> Machine:
    """Return a machine that knows what requests take, and streams: a tenth of a core."""
    machine = Machine(**more)
    machine.account.seed({SIZE: cost}, TENTH)
    return machine


@each_case(
    ("cost", "each_second"),
    [(Cost(0.1, 0.0), 20), (Cost(0.001, 0.1), 20), (Cost(0.1, 0.4), 5), (Cost(0.05, 0.1), 20)],
)
def test_as_much_is_let_in_as_the_machine_does(cost: Cost, each_second: int) -> None:
    """By cores, or by the threads that one client may hold, whichever is less."""
    machine = seeded(cost)
    asked = admitted = 0
    for _ in range(2_000):
        machine.now += 0.01
        ticket = machine.admit()
        asked += 1
        if ticket is not None:
            admitted += 1
            machine.finish(ticket, *cost)
    assert admitted / 20 == pytest.approx(each_second, rel=0.1)
    assert machine.account.refused == asked - admitted
    assert set(machine.kinds) == {"request"}


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([10, SIZE, 50_000]), st.floats(0.0, 0.3)),
        max_size=80,
    )
)
def test_nobody_is_let_in_who_would_wait_for_longer_than_the_bound(
    asked: list[tuple[str, int, float]],
) -> None:
    """Whoever asks, however much and when."""
    machine = seeded()
    for caller, size, pause in asked:
        machine.now += pause
        wait = machine.account.expected_wait(caller)
        ticket = machine.admit(caller, size)
        assert (ticket is None) or wait <= 1.0
        assert (ticket is not None) or wait > LEAST_BOUND


@given(
    st.lists(st.tuples(st.sampled_from(["admit", "stream", "close", "wait"]), st.integers(0, 9)), max_size=60)
)
def test_all_is_given_back(steps: list[tuple[str, int]]) -> None:
    """When everything has ended the account is as it was, and lets in the next one."""
    machine = seeded()
    held: list[Ticket] = []
    for step, number in steps:
        if step == "wait":
            machine.run(number / 4)
        elif step == "close" and held:
            machine.account.close(held.pop(number % len(held)))
        elif step in ("admit", "stream") and (ticket := machine.admit(str(number))) is not None:
            held.append(ticket)
            if step == "stream":
                try:
                    machine.account.open_stream(ticket)
                except GuardUnavailable:
                    continue
                if number % 2:
                    machine.account.begin_stream(ticket)
    for ticket in held:
        machine.account.close(ticket)
    assert (machine.account.streams, machine.account.stream_load) == (0, 0.0)
    machine.run(30)
    assert machine.account.delay_s == 0.0
    assert machine.admit() is not None


def test_who_asked_beside_one_who_took_less_holds_nothing_of_an_empty_backlog() -> None:
    """What one took less than was promised is taken from the backlog of all: with its last the shares of all clients end."""
    machine = seeded(Cost(1.0, 0.0))
    one, other = machine.admit("a"), machine.admit("b")
    assert one is not None
    assert other is not None
    machine.now += 0.6
    machine.finish(one, 0.0)
    machine.now += 10.0
    assert machine.account.delay_s == 0.0
    flood = [machine.admit("c") for _ in range(3)]
    assert machine.account._backlog.long.clients == 1
    assert flood[0] is not None


def test_an_idle_machine_lets_in_what_is_larger_than_the_bound() -> None:
    """What counts is what stands before it."""
    machine = seeded(Cost(50.0, 0.0))
    ticket = machine.admit()
    assert ticket is not None
    assert machine.admit() is None
    machine.now += 30.0
    assert machine.admit() is not None


def test_a_light_load_is_never_refused() -> None:
    """A third of what the machine does, in bursts of ten at a time, with waits for a model in between."""
    machine = seeded()
    waiting: list[Ticket] = []
    for _ in range(200):
        machine.run(1.5)
        for each in waiting:
            machine.finish(each, 0.1)
        tickets = [machine.admit() for _ in range(10)]
        assert None not in tickets
        waiting = [each for each in tickets if each is not None]
    assert machine.account.refused == 0


def test_what_a_request_took_is_put_right() -> None:
    """Estimates follow, so that as much is let in as the machine does by then."""
    machine = seeded(Cost(0.01, 0.0))
    admitted = 0
    for at in range(4_000):
        machine.now += 0.01
        ticket = machine.admit()
        if ticket is not None:
            admitted += at >= 2_000
            machine.finish(ticket, 0.2)
    assert admitted / 20 == pytest.approx(10, rel=0.1)


def test_a_queue_that_is_longer_than_expected_counts() -> None:
    """The workers know how long jobs wait."""
    machine = seeded()
    machine.queue_s = 1.1
    assert machine.admit() is None
    machine.queue_s = 0.5
    assert machine.admit() is not None


def test_who_floods_leaves_room_for_who_comes_next() -> None:
    """One client asks a hundred times a second, two others now and then: they are let in, each time."""
    machine = seeded()
    admitted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for at in range(3_000):
        machine.now += 0.01
        for caller in ["flood"] if at % 50 else ["flood", "b", "c"]:
            ticket = machine.admit(caller)
            (refused if ticket is None else admitted)[caller] += 1
            if ticket is not None:
                machine.finish(ticket, 0.1)
    assert (refused["b"], refused["c"]) == (0, 0)
    assert admitted["b"] == admitted["c"] == 60
    assert refused["flood"] > 2_000


def test_two_who_flood_get_the_same() -> None:
    """Whoever came first."""
    machine = seeded()
    admitted: Counter[str] = Counter()
    for at in range(4_000):
        machine.now += 0.01
        for caller in "aab" if at > 200 else "a":
            ticket = machine.admit(caller)
            if ticket is not None:
                admitted[caller] += 1
                machine.finish(ticket, 0.1)
    assert admitted["b"] / admitted["a"] > 0.75


def test_streams_take_no_more_than_their_share() -> None:
    """Each takes a tenth of a core, of two: those of one client stop earlier, so that others find room."""
    machine = seeded(max_wait_s=60.0)
    opened = [each for _ in range(40) if (each := machine.open("a")) is not None]
    assert len(opened) == pytest.approx(STREAM_SHARE * OWN_BOUND * 20, abs=1)
    assert machine.open("b") is not None
    assert machine.account.stream_load <= STREAM_SHARE
    assert set(machine.kinds) == {"stream"}


def test_streams_that_are_refused_teach_nothing_of_requests() -> None:
    """They end before any work: if they counted, requests would seem to cost nothing just when there is no room."""
    machine = seeded()
    streams: list[Ticket] = []
    while (ticket := machine.open()) is not None:
        streams.append(ticket)
        machine.run(1, streams, 0.1)
    for _ in range(50):
        machine.run(1, streams, 0.1)
        assert machine.open() is None
    for each in streams:
        machine.account.close(each)
    machine.run(10)
    [last, first] = [machine.admit(), seeded().admit()]
    assert last is not None
    assert first is not None
    assert last.promised_s == pytest.approx(first.promised_s, rel=0.01)


def test_what_streams_take_is_measured() -> None:
    """They take a fifth of what was expected: five times as many are let in."""
    machine = seeded(max_wait_s=60.0)
    opened: list[Ticket] = []
    for _ in range(40):
        machine.run(1.0, opened, 0.02)
        opened += [each for _ in range(5) if (each := machine.open("a")) is not None]
    machine.run(10.0, opened, 0.02)
    assert len(opened) == pytest.approx(STREAM_SHARE * OWN_BOUND * 100, rel=0.1)
    assert machine.account.stream_load == pytest.approx(len(opened) / 100, rel=0.1)


@each_case("late_s", [0.0, 1.0])
def test_work_of_streams_that_comes_in_pieces_is_averaged(late_s: float) -> None:
    """A window of a model is judged once a second, for a tenth of one: that is a tenth of a core, on time or late."""
    machine = seeded(max_wait_s=60.0)
    opened = [each for _ in range(5) if (each := machine.open()) is not None]
    for at in range(400):
        machine.now += 0.25
        for each in opened:
            each.meter.cpu_s += 0.0 if at % 4 else 0.1
        machine.account.measure(0.25, 1e-9, 0.0, late_s)
    assert machine.account.stream_load == pytest.approx(0.25, rel=0.15)


def test_streams_that_take_less_because_they_are_late_count_in_full() -> None:
    """What they would take is not what they get."""
    machine = seeded(max_wait_s=60.0)
    opened = [each for _ in range(10) if (each := machine.open()) is not None]
    machine.run(4.0, opened, 0.1)
    before = machine.account.stream_load
    for _ in range(20):
        machine.now += 0.25
        for each in opened:
            each.meter.cpu_s += 0.001
        machine.account.measure(0.25, 1e-9, 0.0, 1.0)
    assert machine.account.stream_load == pytest.approx(before, rel=0.01)


def test_a_stream_that_is_silent_gives_back_what_it_does_not_take() -> None:
    """Not at once: a model may think for a while before its first word."""
    machine = seeded(max_wait_s=60.0)
    machine.open()
    machine.run(5.0)
    assert machine.account.stream_load == pytest.approx(0.05)
    machine.run(40.0)
    assert machine.account.stream_load < 0.01


def test_requests_go_on_beside_as_many_streams_as_there_may_be() -> None:
    """A quarter of the machine is theirs."""
    machine = seeded(max_wait_s=60.0)
    opened = [each for _ in range(20) if (each := machine.open()) is not None]
    machine.run(60.0, opened, 0.1)
    machine.account.max_wait_s = 1.0
    admitted = 0
    for _ in range(1_000):
        machine.now += 0.01
        ticket = machine.admit("b")
        if ticket is not None:
            admitted += 1
            machine.finish(ticket, 0.1)
    assert admitted / 10 == pytest.approx(20 * (1.0 - machine.account.stream_load), rel=0.2)


def test_streams_leave_half_of_the_machine_to_requests_that_want_it() -> None:
    """Streams and requests flood: as streams end, no more than half of the machine is theirs. Once there are no requests any
    more, streams have their whole part again.
    """
    machine = seeded(max_wait_s=60.0)
    opened: list[Ticket] = []

    def flood(seconds: int, requests: int) -> None:
        for _ in range(seconds):
            for each in opened[:4]:
                machine.account.close(each)
            del opened[:4]
            opened.extend(each for _ in range(20) if (each := machine.open()) is not None)
            tickets = [machine.admit("b") for _ in range(requests)]
            machine.run(1.0, opened, 0.1)
            for ticket in tickets:
                assert ticket is not None
                machine.finish(ticket, 0.1)

    flood(20, 0)
    assert machine.account.stream_load == pytest.approx(OWN_BOUND * STREAM_SHARE, abs=0.05)
    flood(20, 20)
    assert machine.account.stream_load == pytest.approx(OWN_BOUND * LEAST_STREAM_SHARE, abs=0.05)
    flood(40, 0)
    assert machine.account.stream_load == pytest.approx(OWN_BOUND * STREAM_SHARE, abs=0.05)


def test_delay_lets_in_less() -> None:
    """The loop was late for a while: fewer streams, and a shorter backlog of requests."""
    machine = seeded()
    for _ in range(8):
        machine.account.measure(0.25, 1e-9, 0.0, 1.0)
    assert machine.account.speed.gain == LEAST_GAIN
    assert sum(machine.admit() is not None for _ in range(50)) == pytest.approx(
        OWN_BOUND * 20 * LEAST_GAIN, abs=1
    )


@each_case(("jitter", "least", "most"), [(0.0, 1, 2), (1.0, 2, 4)])
def test_who_is_refused_is_told_when_to_come_back(jitter: float, least: int, most: int) -> None:
    """Not all at the same moment, and never in many minutes."""
    machine = seeded()
    machine.account._jitter = lambda: jitter
    while machine.admit() is not None:
        pass
    with pytest.raises(GuardUnavailable) as caught:
        machine.account.check("a")
    assert caught.value.reason == "capacity"
    assert caught.value.retry_after is not None
    assert least <= caught.value.retry_after <= most
    machine.queue_s = 1e6
    with pytest.raises(GuardUnavailable) as caught:
        machine.account.check("a")
    assert caught.value.retry_after == LONGEST_RETRY_S


def test_saturation_is_told_for_as_long_as_it_lasts() -> None:
    """As long as somebody is refused between any two looks."""
    machine = seeded()
    for _ in range(20):
        while machine.admit() is not None:
            pass
        machine.run(0.25)
    assert machine.account.saturated_s == pytest.approx(5.0, abs=0.3)
    machine.run(0.25)
    assert machine.account.saturated_s == 0.0


def test_a_size_that_nobody_asked_in_keeps_nobody_out() -> None:
    """Its estimate is scaled from another size, and may be wrong by orders."""
    machine = Machine()
    machine.account.seed({SIZE: TENTH}, None)

    assert machine.admit(size=10_000 * SIZE) is not None
    assert machine.account.delay_s <= machine.account.max_wait_s * LARGEST_PART
    assert machine.admit(size=SIZE) is not None


def test_what_took_longer_than_expected_keeps_nobody_out_once_it_is_done() -> None:
    """Nobody waits for work that is done."""
    machine = Machine()
    machine.account.seed({SIZE: TENTH}, None)
    ticket = machine.admit()
    assert ticket is not None
    promised = machine.account.delay_s

    machine.finish(ticket, 50.0)

    assert machine.account.delay_s <= promised
    assert machine.admit() is not None


def test_one_that_takes_long_keeps_no_other_client_out() -> None:
    """Clients take turns: long requests of others come to theirs, those of its own client wait for all of it."""
    machine = Machine()
    machine.account.seed({100 * SIZE: Cost(8.0, 0.0)}, None)

    assert machine.admit("loud", 100 * SIZE) is not None
    assert machine.admit("loud", 100 * SIZE) is None
    for at in range(3):
        assert machine.admit(str(at), 100 * SIZE) is not None
    refused = [machine.admit(str(at), 100 * SIZE) for at in range(3, 20)]
    assert refused[-1] is None  # too many have turns by then


def test_short_requests_do_not_wait_for_a_long_one() -> None:
    """One request takes seconds, on threads for such work: others of its client are let in beside it, and no other long one."""
    machine = Machine()
    machine.account.seed({SIZE: Cost(0.01, 0.0), 100 * SIZE: Cost(8.0, 0.0)}, None)

    assert machine.admit(size=100 * SIZE) is not None
    for _ in range(20):
        machine.now += 0.05
        ticket = machine.admit()
        assert ticket is not None
        machine.finish(ticket, 0.01)
    assert machine.admit(size=100 * SIZE) is None
    machine.now += 10.0
    assert machine.admit(size=100 * SIZE) is not None
