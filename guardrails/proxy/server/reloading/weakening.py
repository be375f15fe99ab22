"""Where the settings and policies that a server would load judge less than those that it serves.

A request is judged by the policy that its client, model and route choose. So each policy from before is compared with each that
may judge the same request from now on, and the floors under both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.policy.weakening import Weakening, find_weakenings
from guardrails.proxy.access.admission import Client
from guardrails.proxy.access.tenants import KeyDoc, PolicyDoc
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.reloading.loaded_policies import LoadedPolicies
from guardrails.proxy.upstreams.routing_choice import matches

UNNAMED = "\0"
"""A tenant that no row names."""


class WeakerPolicy(GuardrailsError):
    """A policy was not loaded because it is weaker than the one that is served."""

    def __init__(self, weakenings: Sequence[Weakening]) -> None:
        super().__init__(
            "it is weaker; send SIGHUP to the server to take it (or start it anew), or put back what is missing: "
            + "; ".join(map(str, weakenings))
        )
        self.weakenings = tuple(weakenings)


def served_weakenings(before: LoadedPolicies, after: LoadedPolicies) -> list[Weakening]:
    """Return every way in which `after` judges less than `before`, each once. Policies that judge in shadow do not count."""
    found = dict.fromkeys(_settings_weakenings(before.settings, after.settings))
    for old, new in sorted(possible_choices(before.settings, after.settings)):
        found.update(dict.fromkeys(_guard_weakenings(before.guards[old], after.guards[new])))
    return [*found]


def _settings_weakenings(before: Settings, after: Settings) -> Iterator[Weakening]:
    if before.keys and not after.keys:
        yield Weakening("settings", "keys", "keys_removed")
    if before.unknown_fields == "refuse" != after.unknown_fields:
        yield Weakening("settings", "unknown_fields", "weaker_unknown_fields", "refuse", after.unknown_fields)


def _guard_weakenings(old: Guard, new: Guard) -> Iterator[Weakening]:
    yield from find_weakenings(old.policy, new.policy)
    if old.floor is not None:
        if new.floor is None:
            yield Weakening(old.floor.ref.name, "floor", "floor_removed")
        else:
            yield from find_weakenings(old.floor, new.floor)


# Which policies may judge the same request before and after


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of `policies` for one client: the policy, and the models and paths that it is for; all, where there is none."""

    policy: str
    models: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()

    def covers(self, other: _Row) -> bool:
        """Tell whether every request for the other row fits this one; False where that is not certain."""
        return _includes(self.models, other.models) and _includes(self.paths, other.paths)

    def overlaps(self, other: _Row) -> bool:
        """Tell whether a request may fit both; True where that is not certain."""
        return _may_meet(self.models, other.models) and _may_meet(self.paths, other.paths)


def possible_choices(before: Settings, after: Settings) -> set[tuple[str, str]]:
    """Return pairs of policies that may judge the same request before and after; none that does is left out."""
    if before.keys == after.keys and _selectors(before) == _selectors(after):
        rows = zip(before.policies, after.policies, strict=True)
        return {(before.policy, after.policy), *((old.policy, new.policy) for old, new in rows)}
    tables = {
        (_rows(before, old, tenant), _rows(after, new, tenant))
        for old, new in _clients(before.keys, after.keys)
        for tenant in _tenants(before, after, old, new)
    }
    return {pair for olds, news in tables for pair in _pairs(olds, news)}


def _selectors(settings: Settings) -> list[dict[str, object]]:
    return [row.model_dump(exclude={"policy", "shadow"}) for row in settings.policies]


def _clients(before: Sequence[KeyDoc], after: Sequence[KeyDoc]) -> list[tuple[KeyDoc | None, KeyDoc | None]]:
    """Return each client that may ask before and after, with its key in both; None is anybody. Whoever was refused before, or is
    from now on, is none of them.
    """
    if before and after:
        news = {key.sha256: key for key in after}
        return [(key, news[key.sha256]) for key in before if key.sha256 in news]
    anybody: list[KeyDoc | None] = [None]
    return [*product([*before] or anybody, [*after] or anybody)]


def _tenants(
    before: Settings, after: Settings, old: KeyDoc | None, new: KeyDoc | None
) -> Iterator[str | None]:
    """Yield what a request of a client may name as its tenant, as far as it makes a difference."""
    yield None
    if any(key is None or key.trusted for key in (old, new)):
        yield UNNAMED
        yield from {team for row in (*before.policies, *after.policies) for team in row.teams}


def _rows(settings: Settings, key: KeyDoc | None, tenant: str | None) -> tuple[_Row, ...]:
    """Return the rows that may choose for a client, and last the policy for whom none does."""
    whose: str | None = Client(key).resolve_identity({"tenant": tenant})["tenant"]
    name = None if key is None else key.id
    return (*(_row(row) for row in settings.policies if _is_for(row, name, whose)), _Row(settings.policy))


def _is_for(row: PolicyDoc, key: str | None, tenant: str | None) -> bool:
    return (not row.keys or key in row.keys) and (not row.teams or tenant in row.teams)


def _row(row: PolicyDoc) -> _Row:
    models, paths = (frozenset(map(str.casefold, patterns)) for patterns in (row.models, row.paths))
    return _Row(row.policy, models, paths)


def _pairs(olds: Sequence[_Row], news: Sequence[_Row]) -> Iterator[tuple[str, str]]:
    """Yield the policies of rows that may be the first to fit the same request. A request for an old row is chosen for by the
    first new row that covers that at the latest, and the other way round.
    """
    latest = [next(at for at, new in enumerate(news) if new.covers(old)) for old in olds]
    earliest = [next(at for at, old in enumerate(olds) if old.covers(new)) for new in news]
    for at, old in enumerate(olds):
        for place, new in enumerate(news[: latest[at] + 1]):
            if at <= earliest[place] and old.overlaps(new):
                yield old.policy, new.policy


def _includes(patterns: frozenset[str], others: frozenset[str]) -> bool:
    return not patterns or (bool(others) and others <= patterns)


def _may_meet(patterns: frozenset[str], others: frozenset[str]) -> bool:
    return not patterns or not others or any(_may_both_fit(one, two) for one in patterns for two in others)


def _may_both_fit(one: str, two: str) -> bool:
    """Tell whether a text may have the form of both patterns, by what stands before their first `*` and after the last."""
    if "*" not in one or "*" not in two:
        return matches(one, two) or matches(two, one)
    ends = ((one.split("*")[0], two.split("*")[0]), (one.split("*")[-1][::-1], two.split("*")[-1][::-1]))
    return all(a.startswith(b) or b.startswith(a) for a, b in ends)
