"""Names of hosts: where a customer's own part begins, and when two names are almost one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.urls.host_names import (
    KNOWN,
    TLDS,
    UNLIKELY,
    has_known_suffix,
    is_one_edit,
    is_public_suffix,
    registrable_domain,
)
from tests.cases import each_case


@each_case(
    ("host", "own"),
    [
        ("a.b.example.com", "example.com"), ("a.example.co.uk", "example.co.uk"), ("co.uk", "co.uk"),
        ("x.me.github.io", "me.github.io"), ("github.io", "github.io"), ("a.bucket.s3.amazonaws.com", "bucket.s3.amazonaws.com"),
        ("paypal.com.evil.io", "evil.io"), ("google.com.br", "google.com.br"), ("a.b.intranet", "b.intranet"), ("localhost", "localhost"),
        ("a.m\u00fcnchen.\u0440\u0444", "m\u00fcnchen.\u0440\u0444"), ("a.x.xn--p1ai", "x.xn--p1ai"),
    ],
)  # fmt: skip
def test_what_a_customer_registers(host: str, own: str) -> None:
    """One label below a public suffix, private suffixes such as those of hosting services included."""
    assert registrable_domain(host) == own


def test_public_suffixes() -> None:
    """Registries and services below which anybody can have a name; no other host, and no name that does not exist."""
    assert all(map(is_public_suffix, ("com", "co.uk", "github.io", "s3.amazonaws.com")))
    assert not any(
        map(is_public_suffix, ("example.com", "amazonaws.com.evil.io", "intranet", "localhost", ""))
    )
    assert has_known_suffix("x.photography")
    assert not has_known_suffix("readme.txt")


def test_the_tables_fit_together() -> None:
    """What is unlikely is among what is known, and every host that is imitated is one that somebody registered."""
    assert UNLIKELY <= TLDS
    assert [host for host in KNOWN if registrable_domain(host) != host or is_public_suffix(host)] == []


@each_case(
    ("other", "near"),
    [("paypal", False), ("paypa", True), ("paypall", True), ("payqal", True), ("apypal", True), ("payapl", True), ("paylap", False),
     ("payp", False), ("qaqpal", False), ("xpaypal", True), ("", False)],
)  # fmt: skip
def test_one_edit(other: str, near: bool) -> None:
    """A letter more, less, other, or two that changed places; neither none nor two."""
    assert is_one_edit("paypal", other) is near
    assert is_one_edit(other, "paypal") is near


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_one_edit_is_what_its_definition_says(one: str, other: str) -> None:
    """Compared with all texts that one edit makes."""
    edits = {one[:at] + sign + one[at:] for at in range(len(one) + 1) for sign in "abc"}
    edits |= {one[:at] + sign + one[at + 1 :] for at in range(len(one)) for sign in ("", *"abc")}
    edits |= {one[:at] + one[at + 1] + one[at] + one[at + 2 :] for at in range(len(one) - 1)}
    assert is_one_edit(one, other) is (other in edits - {one})
