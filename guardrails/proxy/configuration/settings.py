"""What the operator of a proxy chooses, apart from any policy: every setting declared once, and checked when it is made."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any, Literal

from pydantic import Field, JsonValue, PrivateAttr, ValidationInfo, field_validator

from guardrails.detectors.config import Config
from guardrails.engine.content.budget import SETTING, Budget
from guardrails.engine.core.worker_pool import CORES
from guardrails.errors import GuardrailsError
from guardrails.policy.loading.problems import NOWHERE, Problems
from guardrails.proxy.access.hosts import Hosts
from guardrails.proxy.access.hosts import check_exposure as check_open
from guardrails.proxy.access.keys import find_weakness
from guardrails.proxy.access.tenants import KeyDoc, PolicyDoc, check_clients
from guardrails.proxy.configuration.application_text_settings import (
    ApplicationTextDoc,
    check_application_text,
)
from guardrails.proxy.configuration.listen_settings import Address, DrainDoc, SocketPath
from guardrails.proxy.configuration.log_settings import LogDoc
from guardrails.proxy.configuration.plugin_settings import Plugins, check_sinks
from guardrails.proxy.configuration.telemetry_settings import TelemetryDoc, check_telemetry
from guardrails.proxy.configuration.tls_settings import TlsDoc, check_tls
from guardrails.proxy.server.connections import MOST
from guardrails.proxy.shadow.shadow_settings import ShadowDoc
from guardrails.proxy.shadow.shadow_settings import check_shadows as check_shadows
from guardrails.proxy.upstreams.balancing import Balance
from guardrails.proxy.upstreams.image_fetch_settings import FetchDoc
from guardrails.proxy.upstreams.upstream_settings import (
    VARIABLE,
    Fallbacks,
    Upstreams,
    base_url,
    require_upstream,
)
from guardrails.proxy.upstreams.upstream_settings import check_upstreams as check_upstreams
from guardrails.records.configuration import Records

KEY_VARIABLE = "GUARDRAILS_UPSTREAM_KEY"
ADMIN_VARIABLE = "GUARDRAILS_ADMIN_KEY"
A_CORE = 256
"""Requests at a time for each core: most of them wait for the upstream."""

BUDGET = Budget()


class SettingsError(GuardrailsError, ValueError):
    """A setting that a server cannot run with."""


class SettingsDoc(Config):
    """The settings of one proxy, as a file has them. Times are in seconds. No secret stands here, only the name of the
    environment's variable that holds it.
    """

    upstreams: Upstreams = Field(default_factory=dict)
    """Several servers behind, by name, each for some models, in the order of preference. Without any `upstream` is asked for
    everything."""
    upstream: str | None = Field(default=None, validate_default=True, examples=["http://127.0.0.1:8000/v1"])
    """The base URL of the server behind, as OpenAI's clients take it (`http://host:8000/v1`); `/v1` if it has no path. All
    APIs are asked below it: `/chat/completions`, `/responses`, `/messages`. Beside `upstreams` it is asked for the models
    that none of them serves; without it those are not found."""
    upstream_key_env: str = Field(default=KEY_VARIABLE, pattern=VARIABLE)
    """The variable of the environment that holds the key sent to it; where that is not set, the client's own authorization
    passes through."""
    upstream_key_file: str | None = Field(default=None, min_length=1, examples=["/run/secrets/upstream"])
    """The file that holds that key instead, as secrets are mounted. It is read again when it changes."""
    balance: Balance = "order"
    """How requests are spread over `upstreams` that are preferred alike for a model: all to the first one that is up (`order`),
    by their `weight` in turn (`weighted`), or to the one with the fewest requests under way for its weight (`least_busy`).
    Each worker counts its own."""
    fallbacks: Fallbacks = Field(default_factory=dict, examples=[{"gpt-4o": ["gpt-4o-mini"]}])
    """The models that are asked in place of one which none of its upstreams can answer for, in their order. One that the client's
    key may not ask, or that another policy judges, is left out. The header `x-guardrails-model` names the one that answered."""
    policy: str = Field(default="default", min_length=1)
    """A shipped policy by name, any other by path; in a settings file relative to the file's folder."""
    floor: str | None = Field(default=None, min_length=1)
    """A policy under which no verdict may fall, likewise; it holds under every policy of `policies`, too."""
    application_text: list[ApplicationTextDoc] = Field(
        default_factory=list, max_length=4_096, examples=[[{"file": "prompts/support.txt"}]]
    )
    """System and developer texts that are the application's own (`message.declared` in conditions): the jailbreak rules of the
    shipped policies leave them alone, all other rules hold, and the floor sees no difference. Nothing else of a request says so
    but a key with `system: trusted`."""
    plugins: Plugins | None = Field(default=None, examples=[["acme-detectors==1.*"]])
    """The installed packages whose plugins policies may use, each with its versions (`acme-detectors==1.*`), and Python files
    that hold some (`./mine.py`); `*` stands for every package. Nothing of a plugin runs before a policy names it. Without this
    every installed package may be used, with an empty list none."""
    protocols: list[str] = Field(default_factory=list, max_length=64, examples=[["acme.translations"]])
    """The APIs of plugins that are served besides those that come with this package, by the names under which packages register
    them."""
    sinks: list[dict[str, JsonValue]] = Field(
        default_factory=list, max_length=64, examples=[[{"use": "jsonl", "path": "verdicts.jsonl"}]]
    )
    """Where verdicts go besides, without their contents: `use: jsonl` appends each to the file `path` as a line of JSON; plugins
    may have other kinds. None makes a request wait."""
    records: Records = Field(default=None, examples=["guardrails-records", "off"])
    """Where every decision is put on record before its answer leaves, or the folder alone, or `off`. Where this is not set,
    `guardrails serve` has records in their default folder, up to 10 GiB. No word of what was judged is in it. `guardrails log`
    reads it."""
    telemetry: TelemetryDoc | None = Field(default=None, examples=[{"endpoint": "http://127.0.0.1:4318"}])
    """What OpenTelemetry is told (extra `otel`): traces of requests, checks and upstreams, and log records; nothing, where this
    is not set."""
    keys: list[KeyDoc] = Field(default_factory=list, max_length=4_096)
    """The clients that may ask; without any everybody may. What a client authorizes itself with here goes to no upstream."""
    policies: list[PolicyDoc] = Field(default_factory=list, max_length=4_096)
    """Other policies for some keys, teams, models or routes."""
    shadow: ShadowDoc | None = None
    """A policy that judges beside the one that is served, and what is written of that; none, where this is not set."""
    admin_key_env: str = Field(default=ADMIN_VARIABLE, pattern=VARIABLE)
    """The variable of the environment that holds the operator's own key, without which `/metrics` tells nothing; where that is
    not set, whoever reaches the server may read them."""
    cors_origins: list[str] = Field(
        default_factory=list, max_length=256, examples=[["https://app.example.com"]]
    )
    """The origins of web pages that may ask and read answers; none, where none is named."""
    allowed_hosts: Hosts = Field(default_factory=list)
    """The names by which clients reach the server, without a port: `guard`, `*.example.com` for all names below one, `*` for
    any. The names and addresses of this machine's loopback and `host` are always among them, and where that is not on the
    loopback every IP address. Requests for another host are refused: a web page could reach the server by such a name."""
    host: str = Field(default="127.0.0.1", min_length=1)
    """The address to listen on; one that other machines reach needs `keys`, or `open`."""
    open: bool = False
    """Whether everybody who reaches the server may ask with the upstream's key, where it has no `keys` and listens not
    only to this machine."""
    port: int = Field(default=8080, ge=0, le=65_535)
    """The port to listen on; 0 takes a free one."""
    tls: TlsDoc | None = None
    """The certificates with which clients connect over TLS; without it over HTTP alone. The port of probes stays without TLS."""
    logs: LogDoc = Field(default_factory=LogDoc)
    """What the server writes to standard error."""
    probe_port: int | None = Field(default=None, ge=0, le=65_535)
    """A further port, at which `/healthz`, `/readyz`, `/health` and `/metrics` are answered, by a thread of its own: however
    busy the server is, and however many connections it has. None, where this is not set."""
    unix: SocketPath | None = Field(default=None, examples=["/run/guardrails/guard.sock"])
    """A Unix socket to listen on, instead of `host` and `port`: whoever owns it or is of its group may ask."""
    admin: Address | None = Field(default=None, examples=["127.0.0.1:9090"])
    """A further address at which probes are answered as at `probe_port`, for the operator's network alone: with it `/metrics` is
    answered nowhere else. None, where this is not set."""
    workers: int = Field(default=1, ge=1)
    """Processes to serve with."""
    drain: DrainDoc = Field(default_factory=DrainDoc, examples=[{"notice_s": 10.0, "streams_s": 120.0}])
    """For how long a server goes on after SIGTERM."""
    openapi: bool = False
    """Whether `GET /openapi.json` describes the routes of the server (OpenAPI 3.1), to whoever may ask the other routes."""
    reload: bool = True
    """Whether the policy is loaded anew when one of its files changes, and on SIGHUP."""
    connect_s: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """Time to reach the upstream."""
    idle_s: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    """Time between two bytes of the upstream, and for a client to take what is sent to it."""
    total_s: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    """Time for all of an answer."""
    keep_alive_s: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """Time between comments to a client whose stream is held."""
    max_body_bytes: int = Field(default=72 << 20, ge=1)
    """Size of a request that is still read: by default OpenAI's 50 MB of pictures, in Base64. While one is judged it takes up to
    eight times as much memory, with its pictures decoded; a key may have a lower limit of its own."""
    max_bodies_bytes: int = Field(default=256 << 20, ge=1)
    """Size of all requests together that a process reads and serves at a time, apart from the first MiB of each: what is larger
    than that is told to come back where there is no room, what is smaller never waits for it. One may always be served."""
    max_files_bytes: int = Field(default=4 << 30, ge=1)
    """Size of all answers together that lie in files (`TMPDIR`) until they are judged and sent, as films do, of one process: what
    comes when there is no room is told to come back. One may always be there, up to the policy's `film_bytes`."""
    max_answer_bytes: int = Field(default=64 << 20, ge=1)
    """Size of an upstream's answer that is still read: by default ten large pictures, in Base64."""
    max_contents: int = Field(default=BUDGET.contents, ge=1)
    """Texts, tool calls, pictures, films and sounds of one request, or of one answer; what is over this or one of the next six
    is refused before it is judged: a request with 413 (`request_too_large`), an answer with 502."""
    max_characters: int = Field(default=BUDGET.characters, ge=100)
    """Characters of all its texts; a server that warms up judges a few of its own."""
    max_pictures: int = Field(default=BUDGET.pictures, ge=1)
    """Pictures in it, those in texts as data URIs too."""
    max_pixels: int = Field(default=BUDGET.pixels, ge=1)
    """Pixels of all frames of all its pictures that are looked at, as their headers say."""
    max_files: int = Field(default=BUDGET.files, ge=1)
    """Films and sounds in it."""
    max_windows: int = Field(default=BUDGET.windows, ge=1)
    """Windows in which a model reads its texts, as far as their characters tell: English has one for 384 letters, numbers,
    signs and other scripts have one for 96."""
    max_choices: int = Field(default=BUDGET.choices, ge=1)
    """Answers that it asks for at once (`n`)."""
    max_concurrent: int | None = Field(default=None, ge=1)
    """Requests at a time, each from when all of its body is there; further ones are told to come back. By default 256 for each
    core: what holds before is the time for checks (`max_wait_s`). The bodies on their way hold as many MiB together, apart from
    what `max_bodies_bytes` counts."""
    max_wait_s: float | None = Field(default=None, gt=0, le=60, allow_inf_nan=False)
    """Time for which a request may be expected to wait before its checks begin, by what checks take and how many are promised;
    further ones are told to come back. By default a fifth of the policy's `deadline_ms`, and five seconds at most."""
    head_s: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """Time for a client to send the head of a request, from its first byte, or from the connection on for the first one."""
    body_s: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    """Time for which the body of a request may stay away, or come at less than `body_bytes_per_s`."""
    body_bytes_per_s: int = Field(default=1_000, ge=1)
    """Rate below which the body of a request is too slow."""
    max_connections: int = Field(default=MOST, ge=1)
    """Connections of clients at a time, of one process; further ones are refused. It has no more than half of the files that
    the process may open (`ulimit -n`), which `guardrails serve` raises as far as it may."""
    max_connections_per_address: int | None = Field(default=None, ge=1)
    """Those from one IPv4 address, or one IPv6 network (/64); by default three quarters of all, since a gateway or load balancer
    is one address. A server that strangers reach directly needs some dozens."""
    unknown_fields: Literal["judge", "refuse"] = "judge"
    """What is done with unknown fields of a request: they are judged like all text, or refused."""
    fetch: FetchDoc | None = None
    """Which pictures that stand elsewhere are fetched to be judged; none, where this is not set."""

    @field_validator("upstream")
    @classmethod
    def _is_usable(cls, upstream: str | None, info: ValidationInfo) -> str | None:
        return require_upstream(upstream, info)

    @field_validator("probe_port")
    @classmethod
    def _is_another_port(cls, probe_port: int | None, info: ValidationInfo) -> int | None:
        if probe_port and probe_port == info.data.get("port"):
            raise ValueError("must be another port than port, where requests are answered")
        return probe_port

    @property
    def budget(self) -> Budget:
        """What one request, or one answer, may hold at most."""
        return Budget(**{each.name: getattr(self, SETTING + each.name) for each in fields(Budget)})

    @property
    def guard_options(self) -> dict[str, Any]:
        """What `Guard.load` takes beside the policy."""
        return {
            "floor": self.floor,
            "budget": self.budget,
            "plugins": self.plugins,
            "sinks": self.sinks,
            "records": self.records,
            "application_text": [each.declared for each in self.application_text],
        }

    @property
    def most_concurrent(self) -> int:
        """How many requests are served at a time."""
        return A_CORE * CORES if self.max_concurrent is None else self.max_concurrent

    @property
    def drain_s(self) -> float:
        """How many seconds requests have to end that are under way when the server takes no more."""
        return self.total_s if self.drain.streams_s is None else self.drain.streams_s

    @property
    def base_url(self) -> str:
        """The upstream's base URL, with `/v1` where no path was given and without a slash at the end; empty without one."""
        return "" if self.upstream is None else base_url(self.upstream)


class Settings(SettingsDoc):
    """The settings of one proxy, with the upstream's key, which is shown and dumped nowhere."""

    _upstream_key: str | None = PrivateAttr(default=None)
    _admin_key: str | None = PrivateAttr(default=None)

    def __init__(
        self, upstream: str | None = None, *, upstream_key: str | None = None, **fields: Any
    ) -> None:
        """Check settings.

        Args:
            upstream: as `SettingsDoc.upstream`.
            upstream_key: the key itself; from the environment if not given.
            **fields: the other fields of `SettingsDoc`.

        Raises:
            SettingsError: a server cannot run with them; everything that is wrong.
        """
        given = {"upstream": upstream, **fields}
        problems = Problems(quotes=False)
        doc = problems.validate(SettingsDoc, given, NOWHERE, "the settings")
        if doc is not None:
            check_clients(doc, NOWHERE, problems)
            check_upstreams(doc, NOWHERE, problems)
            check_shadows(doc, NOWHERE, problems)
            check_open(doc, NOWHERE, problems)
            check_sinks(doc, NOWHERE, problems)
            check_tls(doc, NOWHERE, problems)
            check_application_text(doc, NOWHERE, problems)
            check_telemetry(doc, NOWHERE, problems)
        if problems.errors:
            raise SettingsError("; ".join(error.message for error in problems.errors))
        super().__init__(**given)
        self._upstream_key = upstream_key or os.environ.get(self.upstream_key_env) or None
        self._admin_key = os.environ.get(self.admin_key_env) or None
        if self._admin_key is not None and (why := find_weakness(self._admin_key)):
            raise SettingsError(
                f"the key in {self.admin_key_env} {why}: set one that `guardrails key --bare` prints"
            )

    @property
    def upstream_key(self) -> str | None:
        """The key that is sent to the upstream."""
        return self._upstream_key

    @property
    def admin_key(self) -> str | None:
        """The operator's own key."""
        return self._admin_key


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a settings file."""
    schema = SettingsDoc.model_json_schema()
    return {
        **schema,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "guardrails settings",
        "anyOf": [{"required": ["upstream"]}, {"required": ["upstreams"]}],
    }
