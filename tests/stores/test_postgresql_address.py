"""Addresses of PostgreSQL: what its client library is told, and what messages call them, without a password."""

from __future__ import annotations

import traceback

import pytest

from guardrails.stores.postgresql_address import DEFAULTS, name_address, read_address

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"postgresql://guard:{SECRET}@db.internal:5433/records", "postgresql://db.internal:5433/records"),
        (f"postgres://guard:{SECRET}@db.internal/records", "postgresql://db.internal/records"),
        (f"postgresql://h/d?password={SECRET}&sslmode=require", "postgresql://h/d"),
        (f"postgresql://guard:{SECRET}%40%2F%3A%3F@h/d", "postgresql://h/d"),
        (f"postgresql://guard:{SECRET}?x@h/d", "postgresql://h/d"),
        ("postgresql://h", "postgresql://h/"),
        ("postgresql://", "postgresql:///"),
        ("postgresql:///d", "postgresql:///d"),
        ("postgresql://[::1]:5432/d", "postgresql://[::1]:5432/d"),
        ("postgresql://a:1,b:2/d?target_session_attrs=read-write", "postgresql://a:1,b:2/d"),
        ("postgresql://a,b/d?port=5433", "postgresql://a:5433,b:5433/d"),
        ("postgresql:///d?host=/run/postgresql&port=5433", "postgresql:///d?host=/run/postgresql&port=5433"),
        ("postgresql://%2Frun%2Fpostgresql/d", "postgresql:///d?host=/run/postgresql"),
    ],
)
def test_an_address_has_a_name(url: str, name: str) -> None:
    """Hosts, ports and the database; neither user nor password. Whatever libpq takes is an address."""
    told = read_address(url)
    assert name_address(told) == name
    if SECRET in url:
        assert SECRET in told["password"]


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://guard:{SECRET}@{SECRET}@h/d",
        f"postgresql://guard:{SECRET}/x@h:5432/d",
        f"postgresql://guard:5432/{SECRET}@h:5432/d",
        f"postgresql://guard:{SECRET}%@h/d",
        f"postgresql://guard:{SECRET}%zz@h/d",
        f"postgresql://guard:{SECRET}@[::1/d",
        f"postgresql://h/d?password={SECRET}=1",
        f"postgresql://h/d?passwort={SECRET}",
    ],
)
def test_what_is_no_address_is_an_error_without_the_password(url: str) -> None:
    """It says how one is written, marks within a password too; nothing of what it might have meant."""
    with pytest.raises(ValueError, match="postgresql://user:password@host:port/database") as raised:
        read_address(url)
    assert SECRET not in str(raised.value)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_a_server_that_vanishes_is_noticed() -> None:
    """Within seconds, where the address does not say otherwise."""
    assert read_address("postgresql://h/d").items() >= DEFAULTS.items()
    told = read_address("postgresql://h/d?connect_timeout=3&application_name=mine&tcp_user_timeout=5")
    assert (told["connect_timeout"], told["application_name"], told["tcp_user_timeout"]) == ("3", "mine", "5")
