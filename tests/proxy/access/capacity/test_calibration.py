"""First estimates of what checks take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from guardrails import Guard, Verdict
from guardrails.detectors.kinds import Kind
from guardrails.proxy.access.capacity.calibration import measure_costs
from guardrails.types import CLEAN

POLICY = """
detectors: {own: {use: own}}
rules: [{id: own, on: [input, output], when: custom.own > 0, then: block}]
"""


def test_a_guard_is_tried_with_texts_of_several_sizes(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """What takes workers counts as that; no text comes twice, and nobody is told of the verdicts."""
    texts: list[str] = []
    told: list[Verdict] = []
    guard = guard_of(
        POLICY, detectors={"own": kind_of(lambda content: (texts.append(content.text), CLEAN)[1], tier=1)}
    )
    guard.on_verdict = told.append

    costs, stream = asyncio.run(measure_costs(guard))

    assert [*costs] == sorted(costs)
    assert all(cost.cpu_s > 0.0 and cost.busy_s > 0.0 for cost in costs.values())
    assert stream is not None
    assert stream.cpu_s > 0.0
    assert len({*texts}) == len(texts) >= 2 * 2 * len(costs)
    assert told == []


def test_services_are_not_asked(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]) -> None:
    """Each question may cost something: what requests take tells."""

    class Service:
        inline = False

        def detect(self, batch: Any) -> Any:
            raise AssertionError

        async def adetect(self, batch: Any) -> Any:
            raise AssertionError

    guard = guard_of(POLICY, detectors={"own": kind_of(Service(), tier=2)})
    assert asyncio.run(measure_costs(guard)) == ({}, None)
