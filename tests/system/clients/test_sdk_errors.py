"""What reaches the caller of the wrapped SDKs that the tests do not bring: `pip install boto3 cohere 'mistralai>=2' ollama`."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from guardrails.testing import ScriptedUpstream
from tests.wrapping.sdk_error_table import (
    SYSTEM_SDKS,
    Case,
    Column,
    Guards,
    find_fault,
    list_cases,
    list_missing,
    try_case,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::DeprecationWarning"
)
"""Some of these clients leave their connections to the end of the process, and use what others call old."""


@pytest.fixture(scope="module")
def guards() -> Guards:
    """The guards that stop calls."""
    return Guards()


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    """The far side."""
    with ScriptedUpstream() as running:
        yield running
    gc.collect()


CELLS = [(case, column) for case in list_cases(SYSTEM_SDKS) for column in case.sdk.columns]


@pytest.mark.parametrize(("case", "column"), CELLS, ids=[f"{case}-{column.name}" for case, column in CELLS])
def test_a_stopped_call_raises_the_guard_s_error(
    guards: Guards, upstream: ScriptedUpstream, case: Case, column: Column
) -> None:
    """Of exactly its class, raised from nothing of the SDK's, and with no request too many."""
    assert find_fault(case, column, try_case(case, column, guards, upstream)) == ""


def test_what_is_reached_for_is_there() -> None:
    """In all the releases that are installed here."""
    assert all(sdk.installed for sdk in SYSTEM_SDKS)
    assert list_missing() == []
