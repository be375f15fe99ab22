"""Builds the detectors of a policy, and learns which categories there are."""

from __future__ import annotations

import difflib

from pydantic import ValidationError

from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.binding import bind
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind, find_kind, kind_names
from guardrails.policy.compilation.compilation import Compilation
from guardrails.policy.loading.items import DetectorItem, Policy, PolicyItem
from guardrails.policy.loading.source import Mark
from guardrails.policy.names import ConditionNames
from guardrails.policy.schema import LimitsDoc
from guardrails.registry.sources import PluginError


def bind_detectors(work: Compilation) -> None:
    """Build each detector, and learn which categories there are."""
    given: dict[str, frozenset[str]] = {}
    for name, declared in work.policy.detectors.items():
        if declared.kind is None or declared.config is None:
            given[name] = _guess_categories(work.policy, name, declared.item)
            continue
        given[name] = declared.kind.gives(name, declared.config)
        try:
            config = _apply_limits(declared.kind, declared.config, work.policy.limits)
            family = _family(declared.item)
            work.detectors.append(bind(name, declared.kind, config, declared.item, family))
        except ConfigProblems as error:
            for problem in error.problems:
                if declared.partial and not problem.path:
                    continue  # may come from what was left out
                message = f"detector {name!r}: {problem.message}"
                work.problems.add(_place(declared, problem), problem.code, message, problem.hint)
    work.names = ConditionNames(given)


def _family(item: PolicyItem) -> str:
    """Return the file that has the last word on a detector."""
    return [item.source, *(source for source, *_ in item.overrides.values())][-1].file


def _apply_limits(of: Kind, config: Config, limits: LimitsDoc) -> Config:
    """Return a configuration with the policy's limits where it has none of its own."""
    left = {name: getattr(limits, name) for name in of.limits if name not in config.model_fields_set}
    return config.model_copy(update=left) if left else config


def _guess_categories(policy: Policy, name: str, item: PolicyItem) -> frozenset[str]:
    """Return what a detector that is wrong was most likely to give, so that rules are not blamed for it."""
    data = item.data
    patterns = data.get("patterns")
    parts = [
        data,
        *(part for part in (patterns if isinstance(patterns, list) else ()) if isinstance(part, dict)),
    ]
    written = frozenset(part["category"] for part in parts if isinstance(part.get("category"), str))
    for use in difflib.get_close_matches(str(data.get("use")), kind_names(policy.plugins), n=1):
        try:
            of = find_kind(use, policy.plugins)
        except PluginError:
            of = None
        if of is None:
            continue
        bare = {key: data[key] for key in ("category",) if isinstance(data.get(key), str)}
        try:
            return written | of.gives(name, of.config.model_validate({"use": use, **bare}))
        except ValidationError:
            continue  # a kind whose configuration cannot be left out
    return written


def _place(declared: DetectorItem, problem: ConfigProblem) -> Mark:
    if problem.place is not None:
        return Mark(*problem.place)
    if problem.offset is not None:
        return declared.item.inside(problem.path, problem.offset)
    return declared.item.mark(problem.path) if problem.path else declared.item.key_mark(())
