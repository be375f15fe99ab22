"""Meters: what work took, on whichever thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from guardrails.processor.work_meter import METER, WorkMeter


def work(meter: WorkMeter) -> WorkMeter | None:
    """Do something for a meter, and return the meter of what it begins."""
    with meter.measure():
        sum(range(10_000))
        return METER.get()


def test_a_meter_sums_up_what_threads_did() -> None:
    """Processor time is a part of the time for which a thread was taken; what the work begins is measured too."""
    meter = WorkMeter()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(work, meter).result()
        cpu, busy = meter.cpu_s, meter.busy_s
        second = threads.submit(work, meter).result()
    assert first is second is meter
    assert METER.get() is None
    assert 0.0 < cpu < meter.cpu_s
    assert 0.0 < busy < meter.busy_s
