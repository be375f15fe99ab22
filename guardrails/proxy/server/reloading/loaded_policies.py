"""Loads a guard for each policy that settings name, and says which settings count while a server serves."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from guardrails.errors import PolicyErrors
from guardrails.guard import Guard, Origin
from guardrails.policy.loading.problems import NOWHERE, Problems
from guardrails.proxy.access.hosts import check_exposure as check_open
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.shadow.shadow_settings import shadow_policies
from guardrails.types import PolicyRef

LOG = logging.getLogger("guardrails.proxy")

HOT_SETTINGS = (
    "upstreams",
    "upstream",
    "upstream_key_file",
    "balance",
    "fallbacks",
    "connect_s",
    "idle_s",
    "total_s",
    "policy",
    "floor",
    "keys",
    "policies",
    "application_text",
    "shadow",
    "unknown_fields",
    "max_body_bytes",
    "max_bodies_bytes",
    "max_contents",
    "max_characters",
    "max_pictures",
    "max_pixels",
    "max_files",
    "max_windows",
    "max_choices",
    "max_concurrent",
    "max_wait_s",
)
"""Settings that count from the moment at which their file changes."""


@dataclass(frozen=True, slots=True)
class LoadedPolicies:
    """What a server judges by at one moment: its settings, and a guard for each policy that they name."""

    settings: Settings
    guards: Mapping[str, Guard]
    shadows: Mapping[str, Guard] = field(default_factory=dict)
    """What judges beside the guard of a policy, where something does."""

    @property
    def guard(self) -> Guard:
        """The guard of whom no other policy is for."""
        return self.guards[self.settings.policy]

    @property
    def refs(self) -> tuple[tuple[str, PolicyRef], ...]:
        """The policies of the guards, and the floor, each once, with which of these it is."""
        parts = (
            (part, policy.ref)
            for guard in self.guards.values()
            for part, policy in zip(("policy", "floor"), guard.pipeline.policies, strict=False)
        )
        beside = (("shadow", guard.policy.ref) for guard in self.shadows.values())
        return tuple(dict.fromkeys((*parts, *beside)))


def apply_hot_settings(served: Settings, read: Settings) -> Settings:
    """Return the settings as they may be from now on, of those that are served and those that a file has by now: some count
    from the next start only.

    Raises:
        PolicyErrors: the keys are gone while others reach the address that is still listened on.
    """
    later = [
        name
        for name in type(read).model_fields
        if name not in HOT_SETTINGS and getattr(read, name) != getattr(served, name)
    ]
    if later:
        LOG.warning("settings that count from the next start were changed: %s", ", ".join(later))
    now = served.model_copy(update={name: getattr(read, name) for name in HOT_SETTINGS})
    problems = Problems(quotes=False)
    check_open(now, NOWHERE, problems)
    if problems.errors:
        raise PolicyErrors(problems.errors)
    return now


def plugin_options(origin: Origin | None, settings: Settings) -> dict[str, Any]:
    """Return what `Guard.load` is told of plugins: what the settings allow, else what the guard before was loaded with."""
    if origin is None:
        return {}
    return (
        origin.extensions if settings.plugins is None else {**origin.extensions, "plugins": settings.plugins}
    )


def load_policies(
    settings: Settings, *, given: Guard | None = None, before: LoadedPolicies | None = None
) -> LoadedPolicies:
    """Return what settings name, each policy loaded once.

    Args:
        settings: which policies there are.
        given: a guard for `settings.policy` that is there already.
        before: what was served until now; a guard that settings do not name was given by the caller, and stays, with its budget.

    Raises:
        PolicyErrors: a policy is wrong.
    """
    main = given if before is None else before.guard
    origin = None if main is None else main.origin
    guards = {} if given is None else {settings.policy: given}
    if before is not None and (origin is None or origin.policy != before.settings.policy):
        guards[settings.policy] = before.guard.reload()
    options: dict[str, Any] = {
        **settings.guard_options,
        **plugin_options(origin, settings),
    }
    for policy in (settings.policy, *(row.policy for row in settings.policies)):
        if policy not in guards:
            guards[policy] = Guard.load(policy, **options)
    unrecorded = {**options, "records": None}  # what a policy in shadow would do decides nothing
    beside = {
        policy: Guard.load(shadow, cache=guards[policy].pipeline.cache, **unrecorded)
        for policy, shadow in shadow_policies(settings).items()
    }
    return LoadedPolicies(settings, guards, beside)
