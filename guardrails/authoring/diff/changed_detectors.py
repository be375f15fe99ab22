"""Finds what differs between the detectors of two versions of a policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from guardrails.authoring.diff.change import PolicyChange, PolicyVersion, display_place, match_renamed
from guardrails.policy.loading.items import Policy, PolicyItem


@dataclass(frozen=True, slots=True)
class _DetectorState:
    """A detector: where it stands, its settings, and the digest of all that its findings depend on."""

    item: PolicyItem
    settings: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""


def _read_detectors(version: PolicyVersion) -> dict[str, _DetectorState]:
    digests = {bound.name: bound.declared_digest for bound in version.compiled.detectors}
    return {
        name: _DetectorState(
            each.item, each.config.model_dump(mode="json") if each.config else {}, digests.get(name, "")
        )
        for name, each in version.policy.detectors.items()
    }


def compare_detectors(old: PolicyVersion, new: PolicyVersion) -> Iterator[PolicyChange]:
    """Yield every difference between the detectors of two versions, and between the categories that they give."""
    olds, news = _read_detectors(old), _read_detectors(new)
    moved = match_renamed(
        {name: each.settings for name, each in olds.items() if name not in news},
        {name: each.settings for name, each in news.items() if name not in olds},
    )
    for name, each in olds.items():
        what, other = f"detector {name}", news.get(moved.get(name, name))
        if other is None:
            yield PolicyChange(
                "detector_removed", what, old=each.settings.get("use"), places=(display_place(each.item), "")
            )
            continue
        if name in moved:
            places = display_place(each.item), display_place(other.item)
            yield PolicyChange("detector_renamed", what, old=name, new=moved[name], places=places)
        elif each.digest != other.digest:
            yield from _compare_states(what, each, other, told=_limit_changed(old.policy, new.policy, name))
    for name, each in news.items():
        if name not in olds and name not in moved.values():
            what = f"detector {name}"
            yield PolicyChange(
                "detector_added", what, new=each.settings.get("use"), places=("", display_place(each.item))
            )
    before, after = (
        frozenset().union(*(bound.categories for bound in each.compiled.detectors)) for each in (old, new)
    )
    for category in sorted(before - after):
        yield PolicyChange("category_removed", f"category {category}", old=category)
    for category in sorted(after - before):
        yield PolicyChange("category_added", f"category {category}", new=category)


def _limit_changed(old: Policy, new: Policy, name: str) -> bool:
    """Tell whether a limit of the policy changed that the detector takes over."""
    of = new.detectors[name].kind
    return any(getattr(old.limits, each) != getattr(new.limits, each) for each in (of.limits if of else ()))


def _compare_states(
    what: str, old: _DetectorState, new: _DetectorState, *, told: bool
) -> Iterator[PolicyChange]:
    """Yield what differs between two versions of a detector; where nothing that is written does, and it is not `told` why, it is
    a file or model that it reads.
    """
    names = [
        name for name in {**old.settings, **new.settings} if old.settings.get(name) != new.settings.get(name)
    ]
    for name in names:
        kind = "detector_kind" if name == "use" else "finds_otherwise"
        places = display_place(old.item, (name,)), display_place(new.item, (name,))
        yield PolicyChange(kind, what, name, old.settings.get(name), new.settings.get(name), places)
    if not names and not told:
        places = display_place(old.item), display_place(new.item)
        yield PolicyChange(
            "finds_otherwise", what, "files", "a file or model that it reads", "another one", places
        )
