"""The OpenAPI document of a real proxy, tried by schemathesis: what it says of every route is so, and nothing breaks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from schemathesis.specs.openapi.checks import positive_data_acceptance

from guardrails import Guard
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running
from tests.cases import scale
from tests.proxy.conftest import Fake, RawReply
from tests.proxy.contract import Api
from tests.proxy.contract_apis import APIS

EXCLUDED = [positive_data_acceptance]
"""Bodies are those of each API, of which the document says no more than that they are objects."""

UNAVAILABLE = ("upstream_invalid", "guard_unavailable")
"""Codes of 502 and 503: the scripted upstream may answer what another request asks for."""

BY_PATH: Mapping[str, Api] = {api.path: api for api in reversed(APIS)}
MOST_S = 30


@pytest.fixture(scope="module")
def url(_fake: Fake) -> Iterator[str]:
    """A proxy that shows its document."""
    with running(Settings(_fake.url, port=0, openapi=True), Guard.load("pii-only")) as found:
        yield found


def operations(url: str) -> list[Any]:
    """Return every operation of the document."""
    return [found.ok() for found in schemathesis.openapi.from_url(f"{url}/openapi.json").get_all_operations()]


def test_every_operation_does_as_the_document_says(fake: Fake, url: str) -> None:
    """By bodies of its own, and by those with what the API needs, whole and streamed: status, media type and headers are those
    that are written, unknown methods are 405, and no answer is an error of the server's but one of the upstream's.
    """
    statuses: Counter[int] = Counter()
    found = operations(url)
    for operation in found:
        _try_operation(fake, operation, statuses)
    assert len(found) > 60
    assert statuses[200] > len(found)
    assert not any(status >= 500 and status not in (502, 503) for status in statuses)


def _try_operation(fake: Fake, operation: Any, statuses: Counter[int]) -> None:
    api = BY_PATH.get(operation.path)
    reply: Any = {"object": "list", "data": []} if api is None else api.reply
    fake.reply = reply if isinstance(reply, RawReply) else RawReply([json.dumps(reply).encode()])
    _try_bodies(operation, {}, statuses)
    if api is None:
        return
    _try_bodies(operation, {**api.question, **api.whole}, statuses)
    if api.frames is not None:
        media = "application/x-ndjson" if api.lines else "text/event-stream"
        fake.reply = RawReply(api.frames(api.reply, 9), content_type=media)
        _try_bodies(operation, {**api.question, **api.streaming}, statuses)


def _try_bodies(operation: Any, needed: Mapping[str, Any], statuses: Counter[int]) -> None:
    """Try an operation with bodies of any form, which hold what is needed."""

    @given(case=operation.as_strategy())
    @limits(max_examples=scale(10), deadline=None, database=None, suppress_health_check=[*HealthCheck])
    def check(case: Any) -> None:
        if needed and isinstance(case.body, dict):
            case.body = {**case.body, **needed}
        response = case.call(timeout=MOST_S)
        statuses[response.status_code] += 1
        if response.status_code in (502, 503):
            told = str(json.loads(response.content))
            assert any(code in told for code in UNAVAILABLE), told
        else:
            case.validate_response(response, excluded_checks=EXCLUDED)

    check()
