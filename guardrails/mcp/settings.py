"""Loads the settings of an MCP guard from a file and flags, with the place of everything that is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from guardrails.detectors.config import Config
from guardrails.errors import PolicyErrors
from guardrails.policy.loading.problems import Problems
from guardrails.proxy.access.hosts import Hosts, check_exposure
from guardrails.proxy.access.tenants import ClientDoc
from guardrails.proxy.configuration.layers import SettingsLayers
from guardrails.proxy.configuration.plugin_settings import Plugins
from guardrails.proxy.upstreams.upstream_settings import VARIABLE
from guardrails.records.configuration import Records, default_records

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
URL = r"https?://[^\s/@]+(/\S*)?"
PATHS = ("policy", "floor", "approvals", "records", "path", "heads", "key_file")
"""Settings that name a file, which in a settings file is relative to its folder."""

BEGIN = "servers:"
"""How a settings file may begin."""


class ServerDoc(Config):
    """One MCP server behind the guard: where it listens, or what starts it."""

    url: str | None = None
    """Where it serves streamable HTTP, such as `http://127.0.0.1:9000/mcp`."""
    command: list[str] | None = Field(default=None, min_length=1)
    """What starts it on standard input and output: the program and its arguments."""
    key_env: str | None = Field(default=None, pattern=VARIABLE)
    """The variable of the environment with the bearer token that is sent to it; without one the agent's own authorization
    passes through."""

    @field_validator("url")
    @classmethod
    def _is_usable(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(URL, url):
            raise ValueError("must be a URL such as http://127.0.0.1:9000/mcp, without a name or password")
        return url

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.url is None) == (self.command is None):
            raise ValueError("a server has either a url or a command")
        return self


class McpDoc(Config):
    """The settings of one guard before MCP servers. Times are in seconds."""

    servers: dict[str, ServerDoc] = Field(min_length=1, max_length=256)
    """The servers by name; each is served at `/mcp/NAME`, the only one at `/mcp` too."""
    policy: str = Field(default="default", min_length=1)
    """A shipped policy by name, any other by path; in a settings file relative to the file's folder."""
    floor: str | None = Field(default=None, min_length=1)
    """A policy under which no verdict may fall, likewise."""
    plugins: Plugins | None = Field(default=None, examples=[["acme-detectors==1.*"]])
    """The installed packages whose plugins the policy may use, each with its versions, and Python files that hold some, as the
    proxy's setting of this name; without it every installed package may be used."""
    records: Records = Field(default=None, examples=["guardrails-records", "off"])
    """Where every decision is put on record before its message goes on, or the folder alone, or `off`. Where this is not set,
    `guardrails mcp` has records in their default folder, up to 10 GiB."""
    approvals: str | None = Field(default=None, min_length=1)
    """The file that remembers how tools were defined; without one that lasts as long as the process."""
    require_approval: bool = False
    """Whether a tool that was never seen waits until an operator approves it; else its first use approves it."""
    on_change: Literal["refuse", "judge"] = "refuse"
    """What is done with a tool that changed since it was approved: it cannot be used until it is approved, or the policy's
    rules about `tool.changed` decide."""
    unknown_methods: Literal["judge", "refuse"] = "judge"
    """What is done with methods that the guard does not know: all their texts are judged, or they are refused."""
    host: str = Field(default="127.0.0.1", min_length=1)
    """The address to listen on; one that other machines reach needs `keys`, or `open`."""
    open: bool = False
    """Whether everybody who reaches the guard may ask, where it has no `keys` and listens not only to this machine."""
    port: int = Field(default=8090, ge=0, le=65_535)
    """The port to listen on; 0 takes a free one."""
    keys: list[ClientDoc] = Field(default_factory=list, max_length=4_096)
    """The agents that may ask over HTTP; without any everybody may who reaches the guard."""
    allowed_origins: list[str] = Field(default_factory=list, examples=[["http://localhost:6274"]])
    """The origins of web pages that may ask; a request with another `Origin` is refused."""
    allowed_hosts: Hosts = Field(default_factory=list)
    """Names under which agents reach the guard, as the proxy has them: besides its address, those of this machine, and where it
    listens on others every IP address."""
    session_header: str = Field(default="x-guardrails-session", pattern=r"^[a-z0-9-]+$")
    """The header in which an agent names its session, over which the guard remembers what tools returned; the requests of a key
    without that header are one session."""
    session_idle_s: float = Field(default=3_600.0, gt=0, allow_inf_nan=False)
    """Time after which an idle session is forgotten."""
    request_s: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    """Time for an answer of a server's; on a stream, between two signs of life of it."""
    max_message_bytes: int = Field(default=10 << 20, ge=1_024)
    """Size of a message that is still read."""
    max_concurrent: int = Field(default=512, ge=1)
    """Requests over HTTP at a time, each until it has its answer; further ones are told to come back. One agent, by its key or
    else its address, has half of them at most. Agents that only listen do not count."""
    max_bodies_bytes: int = Field(default=64 << 20, ge=1)
    """Size of the messages of all these together, apart from the first MiB of each: what is larger than that is told to come back
    where there is no room. One may always be served."""

    @field_validator("keys")
    @classmethod
    def _are_different(cls, keys: list[ClientDoc]) -> list[ClientDoc]:
        if len({key.id for key in keys}) < len(keys) or len({key.sha256 for key in keys}) < len(keys):
            raise ValueError("two keys have the same id or the same sha256: each agent has its own")
        return keys

    @field_validator("servers")
    @classmethod
    def _are_named(cls, servers: dict[str, ServerDoc]) -> dict[str, ServerDoc]:
        for name in servers:
            if not re.fullmatch(NAME, name):
                raise ValueError("a name has letters, digits, '_', '-' and '.', 64 at most")
        return servers


def load_settings(file: str | Path | None, flags: Mapping[str, object], *, on_record: bool = False) -> McpDoc:
    """Return the settings of a guard; a flag that is not None goes before the file. `on_record`: have records where nothing is
    said of them.

    Raises:
        PolicyErrors: everything that is wrong, each problem with its file (or flag), line and column.
    """
    problems, layers = Problems(quotes=False), SettingsLayers()
    if file is not None:
        layers.read(Path(file), PATHS, BEGIN, problems)
    for name, value in flags.items():
        layers.flag(name, value)
    if on_record:
        layers.default("records", partial(default_records, os.environ))
    doc = problems.validate(McpDoc, layers.data, layers, "the guard")
    if doc is not None:
        check_exposure(doc, layers, problems)
    if doc is None or problems.errors:
        raise PolicyErrors(problems.errors)
    return doc
