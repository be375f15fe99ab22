"""Paths as JSON Pointers."""

from __future__ import annotations

from guardrails.wire.pointers import KeyStep, pointer
from tests.cases import each_case


@each_case(
    ("path", "written"),
    [
        ((), ""),
        (("messages", 0, "content"), "/messages/0/content"),
        (("a/b", "c~d", ""), "/a~1b/c~0d/"),
    ],
)
def test_a_path_is_written_as_a_json_pointer(path: tuple[str | int, ...], written: str) -> None:
    """Slashes and tildes in names are escaped as RFC 6901 says."""
    assert pointer(path) == written


def test_the_step_to_a_key_is_none_to_what_it_leads_to() -> None:
    """A pointer cannot tell them apart."""
    assert KeyStep("a") == KeyStep("a")
    assert KeyStep("a") != "a"
    assert len({KeyStep("a"), "a", KeyStep("a")}) == 2
    assert pointer(("x", KeyStep("a/b"))) == "/x/a~1b"
