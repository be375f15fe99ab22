"""The settings that declare the servers behind, and their checks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from guardrails.detectors.config import Config
from guardrails.policy.loading.problems import MarkSource, Problems
from guardrails.policy.schema import ID
from guardrails.proxy.upstreams.routing_choice import is_claimed
from guardrails.proxy.upstreams.transport.key_files import read_key
from guardrails.proxy.upstreams.transport.proxies import NONE, check_proxy, choose_proxy
from guardrails.proxy.upstreams.transport.tls import CertificateFiles, client_context

VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"

ONLY = "default"
"""The name of the server that `upstream` gives, in headers, counters and states."""

KEY_CURE = "write the key alone into it, readable by the user that serves"
CERTIFICATE_CURE = "name PEM files that the user who serves may read"

TRIES = 2
FAILURES = 5
OPEN_S = 15.0

KeyHeader = Literal["authorization", "x-api-key", "api-key", "x-goog-api-key"]

Name = Annotated[str, StringConstraints(pattern=ID, max_length=64)]
Model = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class UpstreamDoc(Config):
    """One of several servers behind, and the models that it is asked for."""

    url: str = Field(examples=["http://127.0.0.1:8000/v1"])
    """Its base URL, as `upstream` has it."""
    models: list[Model] = Field(min_length=1, max_length=1_024, examples=[["llama-*"]])
    """The models that it is asked for: names, in which `*` stands for any text (`llama-*`; `*` alone is every model). Whoever
    names a model goes before those in whose pattern it lies; among either the order of the file counts. The next one is
    asked where one cannot be reached or has no room."""
    rename: dict[Model, Model] = Field(default_factory=dict, max_length=1_024)
    """Names that it knows others for: what a client asks for → what is sent. What is asked for must lie in `models`."""
    key_env: str | None = Field(default=None, pattern=VARIABLE)
    """The variable of the environment that holds the key sent to it; where that is not set nothing of the client's own
    authorization is sent either. Without a name here the client's own authorization passes through."""
    key_file: str | None = Field(default=None, min_length=1, examples=["/run/secrets/openai"])
    """The file that holds that key, as secrets are mounted, instead of a variable. It is read again when it changes."""
    key_header: KeyHeader | None = None
    """The one header in which the key is sent, whatever API is asked; by default the one of that API."""
    ca_file: str | None = Field(default=None, min_length=1, examples=["certs/internal-ca.pem"])
    """The authorities, in PEM, of which its certificate must be, in place of the system's."""
    cert_file: str | None = Field(default=None, min_length=1, examples=["certs/guard.pem"])
    """The certificate, in PEM, that is shown to it, with those above it. These files are read again when they change."""
    cert_key_file: str | None = Field(default=None, min_length=1, examples=["certs/guard.key"])
    """The key of that certificate, where it does not stand in the same file."""
    proxy: str | None = Field(default=None, examples=["http://proxy:3128"])
    """The URL of the HTTP proxy through which it is asked; `none` asks it directly. If not given, `HTTPS_PROXY`, `HTTP_PROXY`
    and `NO_PROXY` of the environment say so."""
    connect_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Time to reach it; the server's `connect_s` if not given."""
    idle_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Time between two of its bytes; the server's `idle_s` if not given."""
    total_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Time for all of an answer, from when the request was first sent to anybody; the server's `total_s` if not given."""
    tries: int = Field(default=TRIES, ge=1, le=10)
    """How often it is asked at most for one answer, as long as none has begun: again after it could not be reached, after
    502, 503, 504 and 529, and after 429 where it says for how long to wait. After another 5xx, and where it does not take the
    key of `key_env`, only the next one is asked."""
    first_byte_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Time until the first bytes of its answer after which the next one is asked instead, where there is one; `idle_s` if not
    given. What it does for the first request is broken off, and may be paid for all the same."""
    weight: int = Field(default=1, ge=1, le=1_000)
    """Its share of the requests among those that are preferred alike, where `balance` is not `order`."""
    priority: int = Field(default=0, ge=0, le=1_000)
    """Upstreams of a higher number are asked only after all of a lower one that serve the model."""
    retry_on_timeout: bool = False
    """Whether it is also asked again (or the next one is asked) where it may have begun to work: the request was sent, and no
    answer began in time, or the connection broke."""
    failures: int = Field(default=FAILURES, ge=1, le=1_000)
    """Failures in a row after which it counts as down: it is asked only where no other is left."""
    open_s: float = Field(default=OPEN_S, gt=0, allow_inf_nan=False)
    """Time after which one request of a client is sent to see whether it is up again."""
    check_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Time between requests for its models (`GET /models`), which are sent while it is down to see whether it is up again, with
    the key of `key_env`; any answer will do but 5xx, and 401 to that key. None are sent if not given."""

    @field_validator("url")
    @classmethod
    def _is_usable(cls, url: str) -> str:
        return check_url("url", url, "key_env")

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, proxy: str | None) -> str | None:
        return proxy if proxy is None or proxy == NONE else check_proxy(proxy, "proxy")

    @property
    def certificates(self) -> CertificateFiles:
        """The files of its certificates and ours."""
        return CertificateFiles(self.ca_file, self.cert_file, self.cert_key_file)


Upstreams = Annotated[dict[Name, UpstreamDoc], Field(max_length=256)]
Fallbacks = Annotated[
    dict[Model, Annotated[list[Model], Field(min_length=1, max_length=8)]], Field(max_length=1_024)
]


class UpstreamSettings(Protocol):
    """The part of the settings that tells of what is behind."""

    @property
    def upstream(self) -> str | None:
        """The server that serves what nobody else does."""
        ...

    @property
    def upstream_key_env(self) -> str:
        """Where its key is."""
        ...

    @property
    def upstream_key_file(self) -> str | None:
        """The file that holds it instead."""
        ...

    @property
    def upstreams(self) -> Mapping[str, UpstreamDoc]:
        """The others."""
        ...

    @property
    def fallbacks(self) -> Mapping[str, Sequence[str]]:
        """The models that are asked in place of others."""
        ...


def check_url(name: str, url: str, key: str) -> str:
    """Return a URL that requests can be sent below; raises `ValueError`, which names the field, and the one for keys."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} must be a URL such as http://127.0.0.1:8000/v1")
    if parts.username is not None:
        raise ValueError(f"{name} must not hold a name or password: {key} names where the key is")
    return url


def require_upstream(upstream: str | None, info: ValidationInfo) -> str | None:
    """Return `upstream`; raises what a missing field is where nobody else serves any model."""
    # Upstreams that are wrong are no longer among the data: they are there all the same.
    if upstream is None and info.data.get("upstreams", True) == {}:
        raise PydanticKnownError("missing")
    return upstream if upstream is None else check_url("upstream", upstream, "upstream_key_env")


def base_url(url: str) -> str:
    """Return the URL that paths are added to: with `/v1` where no path was given, without a slash at the end."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/v1'}"


def check_upstreams(doc: UpstreamSettings, marks: MarkSource, problems: Problems) -> None:
    """Keep what is wrong between upstreams: names that mean two, renames of what is not asked for, one server twice."""
    if doc.upstream is not None and ONLY in doc.upstreams:
        told = f"upstreams.{ONLY} has the name of the server that upstream gives"
        problems.add(marks.key_mark(("upstreams", ONLY)), "duplicate_name", told, "choose another")
    _check_fallbacks(doc, marks, problems)
    _check_files(doc, marks, problems)
    seen: dict[tuple[Any, ...], str] = {}
    for name, one in doc.upstreams.items():
        for asked in one.rename:
            if not is_claimed(asked, one.models):
                told = f"upstreams.{name}.rename has a model that is not among its models"
                problems.add(
                    marks.key_mark(("upstreams", name, "rename", asked)),
                    "unknown_model",
                    told,
                    "add it to models",
                )
        for nth, pattern in enumerate(one.models):
            other = seen.setdefault((base_url(one.url), one.key_env, pattern), name)
            if other != name or pattern in one.models[:nth]:
                told = f"upstreams.{other} is asked for this already, at the same URL with the same key"
                problems.add(
                    marks.mark(("upstreams", name, "models", nth)), "duplicate_model", told, "remove one"
                )


def _check_fallbacks(doc: UpstreamSettings, marks: MarkSource, problems: Problems) -> None:
    """Keep which models are to be asked in place of others that nobody serves."""
    patterns = [pattern for one in doc.upstreams.values() for pattern in one.models]
    for model, others in doc.fallbacks.items():
        for nth, other in enumerate(others):
            place = marks.mark(("fallbacks", model, nth))
            if other == model:
                problems.add(place, "same_model", "a model cannot stand in for itself", "remove it")
            elif doc.upstream is None and not is_claimed(other, patterns):
                told = "no upstream has this among its models"
                problems.add(place, "unknown_model", told, "add it to the models of one")


def _check_files(doc: UpstreamSettings, marks: MarkSource, problems: Problems) -> None:
    """Keep what is wrong with keys and certificates in files, and with proxies of the environment."""
    if doc.upstream is not None:
        _check_key(doc.upstream_key_file, ("upstream_key_file",), marks, problems)
        _check_environment(doc.upstream, None, ("upstream",), marks, problems)
    for name, one in doc.upstreams.items():
        at: tuple[str, ...] = ("upstreams", name)
        if one.key_env is not None and one.key_file is not None:
            told = f"upstreams.{name} has both key_env and key_file"
            problems.add(marks.key_mark((*at, "key_file")), "two_keys", told, "remove one")
        if one.cert_key_file is not None and one.cert_file is None:
            told = f"upstreams.{name}.cert_key_file needs cert_file"
            problems.add(marks.key_mark((*at, "cert_key_file")), "no_certificate", told, "add cert_file")
        _check_key(one.key_file, (*at, "key_file"), marks, problems)
        _check_environment(one.url, one.proxy, (*at, "url"), marks, problems)
        try:
            client_context(one.certificates)
        except ValueError as error:
            field = (
                "cert_file"
                if one.ca_file is None or str(error)[: len(one.ca_file)] != one.ca_file
                else "ca_file"
            )
            problems.add(marks.mark((*at, field)), "invalid_certificate", str(error), CERTIFICATE_CURE)


def _check_key(path: str | None, at: tuple[str, ...], marks: MarkSource, problems: Problems) -> None:
    if path is None:
        return
    try:
        read_key(path)
    except OSError as error:
        problems.add(marks.mark(at), "unreadable_file", f"{path}: {error.strerror or error}", KEY_CURE)
    except ValueError as error:
        problems.add(marks.mark(at), "invalid_key", str(error), KEY_CURE)


def _check_environment(
    url: str, own: str | None, at: tuple[str, ...], marks: MarkSource, problems: Problems
) -> None:
    try:
        choose_proxy(base_url(url), own, os.environ)
    except ValueError as error:
        problems.add(marks.mark(at), "invalid_proxy", str(error), "correct the variable, or set proxy: none")
