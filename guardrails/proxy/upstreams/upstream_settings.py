"""The settings that declare the servers behind, and their checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Protocol
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from guardrails.detectors.config import Config
from guardrails.policy.loading.problems import MarkSource, Problems
from guardrails.policy.schema import ID
from guardrails.proxy.upstreams.routing_choice import is_claimed

VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"

ONLY = "default"
"""The name of the server that `upstream` gives, in headers, counters and states."""

TRIES = 2
FAILURES = 5
OPEN_S = 15.0

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
    connect_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Time to reach it; the server's `connect_s` if not given."""
    idle_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Time between two of its bytes; the server's `idle_s` if not given."""
    total_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Time for all of an answer, from when the request was first sent to anybody; the server's `total_s` if not given."""
    tries: int = Field(default=TRIES, ge=1, le=10)
    """How often it is asked at most for one answer, as long as none has begun: again after it could not be reached, after
    502, 503, 504 and 529, and after 429 where it says for how long to wait."""
    retry_on_timeout: bool = False
    """Whether it is also asked again (or the next one is asked) where it may have begun to work: the request was sent, and no
    answer began in time, or the connection broke."""
    failures: int = Field(default=FAILURES, ge=1, le=1_000)
    """Failures in a row after which it counts as down: it is asked only where no other is left."""
    open_s: float = Field(default=OPEN_S, gt=0, allow_inf_nan=False)
    """Time after which one request of a client is sent to see whether it is up again."""
    check_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Time between requests for its models (`GET /models`), which are sent while it is down to see whether it is up again, with
    the key of `key_env`; any answer but 5xx will do. None are sent if not given."""

    @field_validator("url")
    @classmethod
    def _is_usable(cls, url: str) -> str:
        return check_url("url", url, "key_env")


Upstreams = Annotated[dict[Name, UpstreamDoc], Field(max_length=256)]


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
    def upstreams(self) -> Mapping[str, UpstreamDoc]:
        """The others."""
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
