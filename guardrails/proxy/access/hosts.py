"""The settings that say where a server listens and by which names it is reached, and their checks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Annotated, Final, Protocol

from pydantic import AfterValidator, Field

from guardrails.policy.loading.problems import MarkSource, Problems

LOOPBACK: Final = "localhost"
NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_])?", re.IGNORECASE)
ENTRY: Final = re.compile(
    rf"\*|(\*\.)?{NAME.pattern}(:\d+)?|\[[0-9a-f:.]+\](:\d+)?|[0-9a-f:.]+", re.IGNORECASE
)
"""How an entry of `allowed_hosts` is written."""


def _are_hosts(entries: list[str]) -> list[str]:
    if not all(ENTRY.fullmatch(entry) for entry in entries):
        raise ValueError(
            "allowed_hosts has names of hosts such as guard, *.example.com or *, without http://"
        )
    return entries


Hosts = Annotated[
    list[str],
    AfterValidator(_are_hosts),
    Field(max_length=256, examples=[["guard", "*.example.com"]]),
]
"""Names of hosts, as settings have them."""


class ListenSettings(Protocol):
    """Settings of a server that listens."""

    @property
    def host(self) -> str: ...

    @property
    def open(self) -> bool: ...

    @property
    def keys(self) -> Sequence[object]: ...


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address."""
    if host.lower() == LOOPBACK:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_exposure(declared: ListenSettings, marks: MarkSource, problems: Problems) -> None:
    """Add that everybody could ask, where the settings do not say that this is meant."""
    if not is_loopback(declared.host) and not declared.keys and not declared.open:
        problems.add(
            marks.mark(("host",)),
            "open_to_everybody",
            f"whoever reaches {declared.host} could ask: there are no keys, and neither --open nor open: true",
            "give each client a key (guardrails key), or say --open if everybody may ask",
        )
