"""Checks settings and every policy that they name, and says all that is wrong at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.errors import GuardrailsError, PolicyError, PolicyErrors
from guardrails.guard import Guard
from guardrails.proxy.configuration.sources import LoadedSettings, load_settings, read_layers
from guardrails.proxy.server.reloading.reload import check_redaction_key
from guardrails.proxy.server.state import State


def preflight(
    file: str | None, flags: Mapping[str, object], environment: Mapping[str, str]
) -> tuple[LoadedSettings, State]:
    """Return the settings of a server, and what it would serve.

    Args:
        file: a settings file, if there is one.
        flags: what was given on the command line, by the setting's name.
        environment: the process's variables.

    Raises:
        PolicyErrors: everything that is wrong with settings and policies, each with its place; a policy is looked at also where
            the settings are wrong.
    """
    errors: list[PolicyError] = []
    found: LoadedSettings | None = None
    try:
        found = load_settings(file, flags, environment, on_record=True)
    except PolicyErrors as error:
        errors += error
    options = {} if found is None else {**found.settings.guard_options, "floor": None}
    given = _given(file, flags, environment) if found is None else found.settings.model_dump()
    for policy in _policies(given):
        try:
            Guard.load(policy, **options)
        except PolicyErrors as error:
            errors += error
        except GuardrailsError as error:
            errors.append(PolicyError(policy, 0, 0, "unusable_policy", str(error)))
    if found is None or errors:
        raise PolicyErrors(errors)
    settings = found.settings
    state = State(settings, Guard.load(settings.policy, **settings.guard_options))
    for guard in state.guards:
        check_redaction_key(settings, guard)
    return found, state


def _given(
    file: str | None, flags: Mapping[str, object], environment: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return what was given, right or wrong; nothing where the file cannot be read."""
    try:
        return read_layers(file, flags, environment)[0].data
    except PolicyErrors:
        return {}


def _policies(given: Mapping[str, Any]) -> Iterable[str]:
    """Return the policies that settings name, each once; what is no name is an error of the settings."""
    rows = [row for row in given.get("policies") or () if isinstance(row, Mapping)]
    shadow = given.get("shadow")
    named = [
        given.get("policy", "default"),
        given.get("floor"),
        shadow.get("policy") if isinstance(shadow, Mapping) else shadow,
        *(row.get(name) for row in rows for name in ("policy", "shadow")),
    ]
    return dict.fromkeys(each for each in named if isinstance(each, str) and each)
