"""The digest of a policy: what makes it judge as it does, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import astuple

from guardrails.detectors.binding import BoundDetector
from guardrails.policy.compiled import Rule
from guardrails.policy.loading.items import Policy
from guardrails.policy.schema import (
    ExceptionDoc,
    FilmsDoc,
    LimitsDoc,
    MediaDoc,
    PolicyRecordsDoc,
    RuleDoc,
    UncheckedDoc,
)
from guardrails.policy.tools import ToolLists

ENGINE = 1
"""The version of what policies mean; raised when the same policy would judge otherwise."""


def _digested(doc: RuleDoc) -> dict[str, object]:
    """Return what of a rule counts; digests of those without a word on what fails stay what they were."""
    exclude = {name for name in ("on_fail", "reask") if getattr(doc, name) is None}
    return doc.model_dump(mode="json", by_alias=True, exclude=exclude)


def _digested_exception(doc: ExceptionDoc) -> dict[str, object]:
    """Return what of an exception counts; digests of those without a word on what is near stay what they were."""
    return doc.model_dump(mode="json", exclude={"near"} if doc.near is None else None)


def digest_policy(
    policy: Policy, detectors: Iterable[BoundDetector], tools: ToolLists, rules: Iterable[Rule]
) -> str:
    """Return the digest of all that a policy says, as `sha256:` and hexadecimal digits; what judges alike has the same."""
    plugins = {
        each.replacement.name: astuple(each.replacement.origin)
        for each in rules
        if each.replacement.origin is not None
    }
    lines = {name: doc.model_dump() for name, doc in policy.helplines.items()}
    resolved = {
        "engine": ENGINE,
        "name": policy.name,
        "version": policy.version,
        "detectors": {bound.name: bound.digest for bound in detectors},
        "rules": [_digested(rule.doc) for rule in policy.rules if rule.doc is not None],
        "exceptions": [_digested_exception(doc) for _, doc in policy.exceptions],
        # Digests without a word on pictures, films, latents and objects stay what they were.
        "unchecked": {
            name: value
            for name, value in policy.unchecked.model_dump().items()
            if name not in ("image", "video", "latent", "object")
            or value != UncheckedDoc.model_fields[name].default
        },
        "limits": {
            name: value
            for name, value in policy.limits.model_dump().items()
            if not name.startswith(("picture_", "film_")) or value != LimitsDoc.model_fields[name].default
        },
        **({} if policy.films == FilmsDoc() else {"films": policy.films.model_dump()}),
        **({} if policy.media == MediaDoc() else {"media": policy.media.model_dump()}),
        # No verdict depends on it, but what is kept of people does.
        **({} if policy.records == PolicyRecordsDoc() else {"records": policy.records.model_dump()}),
        **({} if not lines else {"helplines": lines}),
        "history": policy.history,
        # No verdict depends on it, but what a provider has seen does; digests without it stay what they were.
        **({} if policy.parallel is None else {"parallel": True}),
        **({} if not tools.digest else {"tools": tools.digest}),
        **({} if not plugins else {"redactions": plugins}),
    }
    return "sha256:" + hashlib.sha256(json.dumps(resolved, sort_keys=True).encode()).hexdigest()
