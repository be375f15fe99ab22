"""What a second of the machine is worth: overhead, cores, and how delay is followed."""

from __future__ import annotations

import pytest

from guardrails.proxy.access.capacity.speed import (
    LEAST_GAIN,
    MOST_GAIN,
    MOST_OVERHEAD,
    STEP_S,
    Delay,
    MachineSpeed,
)
from tests.cases import each_case

ON_TIME = Delay(loop_s=0.0, queue_s=0.0, foretold_s=2.0, bound_s=2.0)


@each_case(
    ("metered", "process", "loop", "overhead", "cores"),
    [
        (10.0, 20.0, 5.0, 2.0, 4.0),
        (10.0, 20.0, 20.0, 2.0, 1.0),
        (10.0, 20.0, 8.0, 2.0, 2.5),
        (0.0, 100.0, 100.0, MOST_OVERHEAD, 1.0),
        (20.0, 10.0, 0.0, 1.0, 4.0),
    ],
)
def test_clocks_tell_overhead_and_cores(
    metered: float, process: float, loop: float, overhead: float, cores: float
) -> None:
    """Work beside the measured one is in proportion to it; what one thread does, others cannot do for it."""
    speed = MachineSpeed(4.0)
    for _ in range(20):
        speed.observe(metered, process, loop)
    assert speed.overhead == pytest.approx(overhead, rel=0.05)
    assert speed.usable_cores == pytest.approx(cores, rel=0.05)


def test_an_idle_server_forgets_nothing() -> None:
    """What counts is work, not time."""
    speed = MachineSpeed(2.0)
    speed.observe(4.0, 12.0, 4.0)
    before = speed.overhead
    for _ in range(10_000):
        speed.observe(0.0, 1e-6, 1e-6)
    assert speed.overhead == pytest.approx(before, rel=0.01)


@each_case("late", [ON_TIME._replace(loop_s=0.3), ON_TIME._replace(queue_s=2.1)])
def test_delay_makes_less_of_the_machine_at_once(late: Delay) -> None:
    """A fifth less each time, and for each half second of a longer delay, down to a bound; slowly back when work is on time again."""
    speed = MachineSpeed(2.0)
    speed.follow_delay(late, STEP_S, refused=False)
    assert speed.gain == pytest.approx(0.8)
    speed.follow_delay(late._replace(loop_s=1.5), 2.0, refused=False)
    assert speed.gain == pytest.approx(0.8**4)
    for _ in range(50):
        speed.follow_delay(late, STEP_S, refused=True)
    assert speed.gain == LEAST_GAIN
    for _ in range(100):
        speed.follow_delay(ON_TIME, STEP_S, refused=False)
    assert speed.gain == 1.0


def test_more_is_let_in_where_nothing_waits_though_requests_are_refused() -> None:
    """Clocks were too careful; no more than a bound, and back to one when nobody is refused."""
    speed = MachineSpeed(2.0)
    for _ in range(100):
        speed.follow_delay(ON_TIME, STEP_S, refused=True)
    assert speed.gain == MOST_GAIN
    speed.follow_delay(ON_TIME._replace(queue_s=1.0), STEP_S, refused=True)
    assert 1.0 < speed.gain < MOST_GAIN
    for _ in range(200):
        speed.follow_delay(ON_TIME, STEP_S, refused=False)
    assert speed.gain == 1.0
