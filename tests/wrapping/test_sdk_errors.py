"""What reaches the caller of each wrapped SDK that the tests bring; `tests/system/clients` has the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guardrails.testing import ScriptedUpstream
from tests.wrapping.sdk_error_table import (
    REACHES,
    SDKS,
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
"""Google's client leaves its connections to the end of the process, and uses what others call old."""


@pytest.fixture(scope="module")
def guards() -> Guards:
    """The guards that stop calls."""
    return Guards()


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    """The far side."""
    with ScriptedUpstream() as running:
        yield running


CELLS = [(case, column) for case in list_cases(SDKS) for column in case.sdk.columns]


@pytest.mark.parametrize(("case", "column"), CELLS, ids=[f"{case}-{column.name}" for case, column in CELLS])
def test_a_stopped_call_raises_the_guard_s_error(
    guards: Guards, upstream: ScriptedUpstream, case: Case, column: Column
) -> None:
    """Of exactly its class, raised from nothing of the SDK's, and with no request too many."""
    assert find_fault(case, column, try_case(case, column, guards, upstream)) == ""


def test_the_table_has_each_sdk() -> None:
    """Sync and async, whole and streamed."""
    names = {sdk.name.partition(" ")[0] for sdk in (*SDKS, *SYSTEM_SDKS)}
    assert names == {
        "openai",
        "anthropic",
        "google-genai",
        "httpx",
        "httpx2",
        "mistralai",
        "cohere",
        "ollama",
        "boto3",
    }
    assert all(sdk.installed for sdk in SDKS)


def test_what_is_reached_for_is_there() -> None:
    """In the releases that are installed."""
    assert {package for package, *_ in REACHES} >= {"openai", "anthropic", "google-genai"}
    assert list_missing() == []
