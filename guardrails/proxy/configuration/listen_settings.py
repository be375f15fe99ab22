"""The settings that say where a server listens besides, and how it ends."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from guardrails.detectors.config import Config

ADDRESS: Final = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:\[\]/]+)):(\d{1,5})")
HIGHEST_PORT: Final = 65_535
LONGEST_PATH: Final = 100
"""Bytes that the path of a Unix socket may have: the system takes 107, others less."""


class DrainDoc(Config):
    """What happens between SIGTERM and the end."""

    notice_s: float = Field(default=5.0, ge=0, le=3_600, allow_inf_nan=False)
    """Time for which it still takes requests, while `/readyz` says that it is not ready: load balancers go on sending until they
    have seen that. On Ctrl-C there is none."""
    streams_s: float | None = Field(default=None, ge=0, le=86_400, allow_inf_nan=False)
    """Time that requests under way have to end after that; then they are broken off. By default `total_s`, what an answer may
    take at most."""


def split_address(written: str) -> tuple[str, int]:
    """Return host and port of an address such as `127.0.0.1:9090` or `[::1]:9090`; raises `ValueError` for what is none."""
    found = ADDRESS.fullmatch(written)
    if found is None or int(found[3]) > HIGHEST_PORT:
        raise ValueError("must be a host and a port, such as 127.0.0.1:9090 or [::1]:9090")
    return found[1] or found[2], int(found[3])


def _check_address(written: str) -> str:
    split_address(written)
    return written


def _check_path(written: str) -> str:
    if len(written.encode()) > LONGEST_PATH:
        raise ValueError(f"the path of a Unix socket may have {LONGEST_PATH} bytes at most")
    return written


Address = Annotated[str, AfterValidator(_check_address)]
"""A host and a port, as settings have them."""

SocketPath = Annotated[str, AfterValidator(_check_path), Field(min_length=1)]
"""Where a Unix socket lies, as settings have it."""
