"""The table of all adapters, and what is said of a value that none of them reads."""

from __future__ import annotations

import logging
import types
from typing import Any

import pytest

from guardrails.engine.values.known_types import ADAPTERS, adapter_of, unread
from tests.cases import each_case


class Tensor:
    """Stands for a tensor of torch."""

    def detach(self) -> None:
        """Do nothing."""


Tensor.__module__ = "torch"


@each_case("value", [object(), logging.getLogger(), print, iter("a"), object, types, Tensor()])
def test_objects_of_the_application_are_read_by_no_adapter(value: Any) -> None:
    """Loggers, functions, classes, modules, tensors."""
    assert adapter_of(value) is None


@each_case(
    ("value", "reason"),
    [
        (object(), "an object of type object, which no adapter reads"),
        (Tensor(), "an object of type Tensor, which no adapter reads; give a tensor as an array of pixels"),
        (
            types.SimpleNamespace(model_dump=dict),
            "an object of type SimpleNamespace, which no adapter reads; give what its model_dump() returns",
        ),
    ],
)
def test_what_no_adapter_reads_is_named_by_its_type(value: Any, reason: str) -> None:
    """With the cure where there is one; nothing of the value is quoted."""
    found = unread(value)
    assert (found.kind, found.reason[: len(reason)]) == ("part", reason)


def test_each_adapter_has_a_name_of_its_own() -> None:
    """One that is registered twice is an error."""
    adapter = adapter_of([])
    assert adapter is not None
    with pytest.raises(ValueError, match="'list'"):
        ADAPTERS.register(adapter)
