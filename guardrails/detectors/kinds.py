"""Kinds of detectors: what `use:` names in a policy. The built-in ones and those of plugins are registered alike."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Final

from guardrails import taxonomy
from guardrails.detectors import PolicyFiles
from guardrails.detectors.capabilities import CAPABILITIES, find_mistaken
from guardrails.detectors.config import Config, with_use
from guardrails.registry.registered import Registry
from guardrails.registry.sources import PluginError, PluginOrigin, PluginSources
from guardrails.types import Detector

BUILTIN: Final[dict[str, str]] = {
    "terms": "guardrails.detectors.terms.terms_detector:KIND",
    "profanity": "guardrails.detectors.terms.profanity.profanity_detector:KIND",
    "patterns": "guardrails.detectors.patterns.patterns_detector:KIND",
    "pii": "guardrails.detectors.pii.pii_detector:KIND",
    "secrets": "guardrails.detectors.secrets.secrets_detector:KIND",
    "invisible": "guardrails.detectors.encodings.invisible:KIND",
    "length": "guardrails.detectors.formats.length:KIND",
    "format": "guardrails.detectors.formats.formats_detector:KIND",
    "prompt_leak": "guardrails.detectors.prompt_leak.prompt_leak_detector:KIND",
    "urls": "guardrails.detectors.urls.urls_detector:KIND",
    "commands": "guardrails.detectors.commands.commands_detector:KIND",
    "language": "guardrails.detectors.language.language_detector:KIND",
    "gibberish": "guardrails.detectors.language.gibberish:KIND",
    "code": "guardrails.detectors.formats.code:KIND",
    "classifier": "guardrails.detectors.classifier.shipped_classifier:KIND",
    "guard_model": "guardrails.detectors.llm.guard_model:KIND",
    "judge": "guardrails.detectors.llm.judge:KIND",
    "remote": "guardrails.detectors.services.services_detector:KIND",
    "topic": "guardrails.detectors.semantic.topic:KIND",
    "similar": "guardrails.detectors.semantic.similar:KIND",
    "grounded": "guardrails.detectors.semantic.grounded:KIND",
    "image_classifier": "guardrails.detectors.images.image_classifier:KIND",
    "image_hash": "guardrails.detectors.images.image_hashes:KIND",
    "image_text": "guardrails.detectors.images.image_text:KIND",
    "image_faces": "guardrails.detectors.images.image_faces:KIND",
    "transcript": "guardrails.detectors.speech.transcript:KIND",
}
"""Name in `use:` → the `Kind` that describes it, as `module:attribute` (imported when a policy uses it)."""

CategoriesOf = Callable[[str, Any], Collection[str]]
"""The name of a detector in a policy and its configuration → the categories of what it can find."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What `use:` names.

    Attributes:
        name: what `use:` calls it.
        doc: what it finds, in one sentence; editors show it.
        config: the fields of its configuration.
        categories: of what it can find, known before it is built: names, or what tells them from the name that a policy gives
            the detector and its configuration.
        build: makes a detector of `name` (in the policy), `config` and `files` (`PolicyFiles`): by position, or of those of the
            three that its parameters name. May raise `ConfigProblems`. It reads files through `files` alone, as what it builds
            is shared by policies (`shared_builds.py`).
        spans: whether findings say where, so that they can be redacted.
        tier: 0 costs microseconds, 1 milliseconds (a model), 2 a network call; a detector's own `tier` comes before it.
        contents: the kinds of content that it judges.
        reads: the context that it declares that it reads: `system`, `prompt`, `sources`, `borders`; `stage` where it judges by
            that.
        decoded: whether it also judges what was encoded in a text (a limit of length does not).
        limits: fields of its configuration that the policy's `limits:` of the same name fill where they are left out.
        version: enters digests: raise it when findings change.
        origin: where it comes from; None: built in, or the caller's own.
    """

    name: str
    doc: str
    config: type[Config]
    categories: CategoriesOf | Collection[str]
    build: Callable[..., Detector]
    spans: bool = True
    tier: int = 0
    contents: frozenset[str] = frozenset({"text"})
    reads: tuple[str, ...] = ()
    decoded: bool = True
    limits: tuple[str, ...] = ()
    version: int = 1
    origin: PluginOrigin | None = None

    def gives(self, name: str, config: Any) -> frozenset[str]:
        """Return the categories of what a detector of this name and configuration can find."""
        found = self.categories(name, config) if callable(self.categories) else self.categories
        return frozenset(found)

    def make(self, name: str, config: Any, files: PolicyFiles) -> Detector:
        """Build a detector; raises `ConfigProblems`."""
        given = {"name": name, "config": config, "files": files}
        wanted = _parameters(self.build)
        if wanted is None or not given.keys() >= {*wanted}:
            return self.build(*given.values())
        return self.build(**{each: given[each] for each in wanted})


def _parameters(function: Callable[..., object]) -> list[str] | None:
    """Return the names of the parameters that a function takes; None where they are not known, or any number is taken."""
    try:
        found = inspect.signature(function).parameters.values()
    except ValueError:
        return None
    if any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY) for each in found):
        return None
    return [each.name for each in found]


DetectorLike = Kind | type[Detector] | Detector
"""What may be registered as a detector: its kind, its class, or itself."""


class NoSettings(Config):
    """Nothing to be set."""


READ: Final = ("system", "prompt", "sources", "borders", "stage")
"""What a content may be judged beside, where it is joined, and where it stands."""

DERIVED: Final = ("spans", "tier", "contents", "reads", "decoded", "limits", "version")
"""Fields of a `Kind` that a class of detectors may have as attributes."""


def read_kind(name: str, given: object, origin: PluginOrigin | None) -> Kind:
    """Return the kind that was registered under a name.

    Args:
        name: what policies call it.
        given: a `Kind`, a class of detectors, or a detector. A class says by attributes of its own what a `Kind` has fields
            for, above all `config` and `categories` (without which it gives `custom.` and the name); its constructor takes
            those of `name`, `config` and `files` that it names.
        origin: where it comes from.

    Raises:
        PluginError: it is none of these, or cannot be used as it is.
    """
    if not isinstance(given, Kind):
        given = _derive(name, given)
    if not (isinstance(given.config, type) and issubclass(given.config, Config)):
        raise PluginError(
            "invalid_plugin",
            f"the config of {name!r} is no class of guardrails.plugins.Config",
            "derive it from that",
        )
    if not callable(given.categories):
        if isinstance(given.categories, str):
            given = replace(given, categories=(given.categories,))
        for category in given.categories if not callable(given.categories) else ():
            if not taxonomy.is_valid(category):
                raise PluginError(
                    "unknown_category",
                    f"{name!r} gives {category!r}, which is not a category",
                    "use a category of the taxonomy, or 'custom.' and a name in lower case",
                )
    if problem := _find_problem(given):
        raise PluginError("invalid_plugin", f"the kind of {name!r}: {problem}")
    return replace(given, name=name, config=with_use(name, given.config, "Plugin"), origin=origin)


def default_category(name: str) -> str:
    """Return the category of a detector that names none: `custom.` and its name, made a valid leaf."""
    leaf = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "match"
    return f"custom.{leaf}"


def _find_problem(kind: Kind) -> str:
    """Return what is wrong with the fields of a kind, "" where nothing is."""
    for field in ("contents", "tier"):
        if problem := CAPABILITIES[field].problem(getattr(kind, field)):
            return f"{field} {problem}"
    for field, known in (("reads", READ), ("limits", (*kind.config.model_fields,))):
        given = getattr(kind, field)
        if isinstance(given, str) or not {*given} <= {*known}:
            return f"{field} must be a tuple of {', '.join(known) or 'nothing'}"
    return ""


def _derive(name: str, given: object) -> Kind:
    """Return the kind of a class of detectors, or of a detector."""
    of = given if isinstance(given, type) else type(given)
    if not hasattr(of, "detect"):
        shown = f"the class {of.__name__}" if isinstance(given, type) else f"of type {of.__name__}"
        raise PluginError(
            "invalid_plugin",
            f"{name!r} is {shown}, which has no method 'detect'",
            "give a guardrails.plugins.Kind, or a class with detect(self, batch) -> list[Detection]",
        )
    doc = (inspect.getdoc(of) or "").partition("\n\n")[0].replace("\n", " ") or f"The detector {name}."
    if problem := find_mistaken(of, ("config", "categories", *DERIVED)):
        raise PluginError(
            "invalid_plugin",
            f"{name!r}: {of.__name__}.{problem[0]} is nothing that a detector has",
            f"did you mean {problem[1]!r}?",
        )
    fields = {field: getattr(of, field) for field in DERIVED if hasattr(of, field)}
    if "contents" in fields:
        fields["contents"] = frozenset(fields["contents"])
    build: Any = given if isinstance(given, type) else lambda name, config, files: given
    return Kind(
        name,
        doc,
        getattr(of, "config", NoSettings),
        getattr(given, "categories", (default_category(name),)),
        build,
        **fields,
    )


DETECTORS: Final = Registry("detectors", Kind, BUILTIN, read_kind)
"""The kinds of detectors by name."""


def find_kind(name: str, sources: PluginSources | None = None) -> Kind | None:
    """Return the kind that `use: name` means, or None; raises `PluginError` as `Registry.find` does."""
    return DETECTORS.find(name, sources)


def kind_names(sources: PluginSources | None = None) -> list[str]:
    """Return every name that `use:` may take, for messages and the schema."""
    return DETECTORS.names(sources)
