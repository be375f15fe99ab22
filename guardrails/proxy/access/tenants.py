"""The settings that declare the clients of a server and the policies for some of them, and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal, Protocol

from pydantic import Field, field_validator

from guardrails.detectors.config import Config
from guardrails.policy.loading.problems import MarkSource, Problems
from guardrails.policy.schema import DATE, ID
from guardrails.spelling import suggest_name

Word = str | int | float | bool


class ClientDoc(Config):
    """One client's key. Of the key itself there is only its hash: `guardrails key` makes both."""

    id: str = Field(pattern=ID, max_length=64, examples=["shop-web"])
    """How it is called in settings, logs and metrics."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """The SHA-256 of the key, as `guardrails key` prints it."""
    team: str = Field(default="", max_length=64)
    """Whom it belongs to: what rules read as `request.tenant`, which is the key's id where it has no team."""
    user: dict[str, Word] = Field(default_factory=dict, max_length=32)
    """What rules read as `request.user.*`, such as `{tier: trusted}`."""
    not_after: str | None = Field(default=None, pattern=DATE, examples=["2027-01-31"])
    """The last day (UTC) on which it is taken."""

    @field_validator("not_after")
    @classmethod
    def _is_a_day(cls, day: str | None) -> str | None:
        if day is not None:
            try:
                date.fromisoformat(day)
            except ValueError:
                raise ValueError("not_after must be a day such as 2027-01-31") from None
        return day

    @property
    def tenant(self) -> str:
        """Whom rules and policies know it by."""
        return self.team or self.id


class KeyDoc(ClientDoc):
    """One client's key at the proxy."""

    trusted: bool = False
    """Whether what it says of users and tenants counts: for a backend or gateway that has authenticated them itself and asks
    `/v1/check` or a hook."""
    system: Literal["judged", "trusted"] = "judged"
    """Whether the system and developer messages of its requests are the application's own (`message.declared`), so that jailbreak
    rules leave them alone: `trusted` is for a backend that writes them itself, never for a key that an app on somebody's device
    has."""
    models: list[str] = Field(default_factory=list, max_length=256)
    """The models that it may ask, as patterns with `*`; all, where none is named."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    """Requests that it has in a minute; as many may come at once after a minute's rest."""
    max_concurrent: int | None = Field(default=None, ge=1)
    """Requests of it at a time."""
    max_body_bytes: int | None = Field(default=None, ge=1)
    """Size of its requests, where it is less than the server's."""

    @property
    def counts(self) -> bool:
        """Whether its requests are counted."""
        return self.requests_per_minute is not None or self.max_concurrent is not None


class PolicyDoc(Config):
    """One policy for some of the requests: those that fit everything which is named. The first row that fits judges, and
    `policy` where none does; the floor holds under all of them.
    """

    policy: str = Field(min_length=1, examples=["policies/retail.yaml"])
    """A shipped policy by name, any other by path, relative to the settings file's folder."""
    shadow: str | None = Field(default=None, min_length=1, examples=["policies/retail-next.yaml"])
    """A policy that judges beside it, likewise (the setting `shadow` says what is written of that)."""
    keys: list[str] = Field(default_factory=list, max_length=4_096)
    """The ids of keys."""
    teams: list[str] = Field(default_factory=list, max_length=4_096)
    """The teams of keys, or the tenants that a trusted key speaks for."""
    models: list[str] = Field(default_factory=list, max_length=256)
    """The models that are asked, as patterns with `*`. A client chooses how it writes a model: rather name the models
    for which less is stopped than those for which more is."""
    paths: list[str] = Field(default_factory=list, max_length=256)
    """The routes that are asked, as patterns with `*`, such as `/v1/chat/*`. A client chooses its route as it does its model."""

    @property
    def selects(self) -> bool:
        """Whether it is for some requests only."""
        return bool(self.keys or self.teams or self.models or self.paths)


class ClientSettings(Protocol):
    """Settings with clients."""

    @property
    def keys(self) -> Sequence[KeyDoc]: ...

    @property
    def policies(self) -> Sequence[PolicyDoc]: ...

    @property
    def workers(self) -> int: ...


def check_clients(declared: ClientSettings, marks: MarkSource, problems: Problems) -> None:
    """Add what is wrong between rows: ids and keys that stand twice, names that nobody has, counts that several workers
    would each keep for themselves.
    """
    for name in ("id", "sha256"):
        seen: set[str] = set()
        for index, key in enumerate(declared.keys):
            value = getattr(key, name)
            if value in seen:
                problems.add(
                    marks.mark(("keys", index, name)),
                    "duplicate_key",
                    f"another key has the same {name}",
                    "every key has an id and a secret of its own",
                )
            seen.add(value)
    ids = [key.id for key in declared.keys]
    teams = sorted({key.team for key in declared.keys if key.team})
    open_teams = any(key.trusted for key in declared.keys) or not declared.keys
    for index, row in enumerate(declared.policies):
        if not row.selects:
            problems.add(
                marks.mark(("policies", index)),
                "selects_nothing",
                "a policy here needs keys, teams, models or paths",
                "the policy for all others is the setting 'policy'",
            )
        for name, known in (("keys", ids), ("teams", None if open_teams else [*teams, *ids])):
            for at, word in enumerate(getattr(row, name)):
                if known is not None and word not in known:
                    place = marks.mark(("policies", index, name, at))
                    problems.add(
                        place, "unknown_name", f"no key has this {name[:-1]}", suggest_name(word, known)
                    )
    counted = next((index for index, key in enumerate(declared.keys) if key.counts), None)
    if declared.workers > 1 and counted is not None:
        problems.add(
            marks.mark(("keys", counted)),
            "counts_in_memory",
            f"its requests are counted in memory, and each of {declared.workers} workers would count by itself",
            "set workers to 1, or leave requests_per_minute and max_concurrent to what stands in front",
        )
