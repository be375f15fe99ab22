"""Lists the models that a policy's detectors need and where they are, downloads them and verifies their files.

The policy is not compiled, which it could not be without its models. A block of a detector's configuration that has a field
`model`, or `endpoint`, needs one. Nothing is asked of the network but by `fetch_model`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

from guardrails.detectors import MODELS_VARIABLE, ConfigProblems
from guardrails.detectors.classifier.known_models import find_known_model
from guardrails.detectors.classifier.shipped_classifier import SHIPPED
from guardrails.detectors.config import Config
from guardrails.detectors.images.image_faces import SHIPPED as FACES
from guardrails.detectors.images.known_image_models import KNOWN_IMAGE_MODELS
from guardrails.detectors.pii.pii_detector import SHIPPED as NAMES
from guardrails.detectors.speech.transcript import THIRD_PARTY
from guardrails.errors import PolicyErrors
from guardrails.inference.hub import hub_cache
from guardrails.inference.media.third_party_model import read_third_party_model
from guardrails.inference.safety.folder import (
    ModelError,
    locate_file,
    locate_packaged_model,
    read_contents,
    read_manifest,
)
from guardrails.inference.safety.packages import PACKAGES
from guardrails.policy.loading.items import Policy, PolicyItem

FOLDERS: Final = {
    **SHIPPED,
    **FACES,
    **NAMES,
    **{name: of.folder for name, of in KNOWN_IMAGE_MODELS.items() if of.folder is not None},
}
"""The models that come with the package, by name."""

Source = Literal[
    "shipped", "package", "policy folder", "GUARDRAILS_MODELS", "hub cache", "hub", "endpoint", "nowhere"
]
"""Where a model comes from; `package` is one of its own or of others, `hub` would be downloaded, `nowhere` is no folder that is
there.
"""

UNKNOWN: Final = "unknown"
"""The licence of a model that does not say."""

LONGEST: Final = 80
"""Characters of a licence that are shown, and that are looked for in a line."""

MOST: Final = 64 << 10
"""Bytes of a card or licence that are read."""

_FRONT: Final = re.compile(r"---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD: Final = r"^{}:[ \t]*[\"']?([^\"'\n#\[{{]+)"
_CARD: Final = re.compile(r"[Ll]icence:.*?\b([A-Z][A-Za-z]*-\d[\w.]*|MIT)\b")


@dataclass(frozen=True, slots=True)
class ModelNeed:
    """A model that a detector needs. `name` is as the policy has it, "" where an endpoint alone is named; `missing` says what
    is not there and `hint` how it comes there; `wrong` is what `verify_model` found, None where nothing was compared.
    """

    detector: str
    kind: str
    name: str
    source: Source
    endpoint: str | None = None
    folder: Path | None = None
    size: int | None = None
    licence: str = UNKNOWN
    revision: str | None = None
    missing: str = ""
    hint: str = ""
    sha256: str | None = None
    wrong: tuple[str, ...] | None = None

    @property
    def present(self) -> bool:
        """Whether it can be used: all of it is on this machine, or its endpoint is declared."""
        return not self.missing

    @property
    def sound(self) -> bool:
        """Whether it is present, and is what its digests say where they were compared."""
        return self.present and not self.wrong

    @property
    def fetchable(self) -> bool:
        """Whether `fetch_model` could bring what is missing."""
        return not self.present and self.source in {"hub", "hub cache"}

    def to_dict(self) -> dict[str, object]:
        """Return the need as plain JSON values; `verified` is null where nothing was compared."""
        return {
            "detector": self.detector,
            "kind": self.kind,
            "model": self.name or None,
            "source": self.source,
            "endpoint": self.endpoint,
            "folder": None if self.folder is None else str(self.folder),
            "bytes": self.size,
            "licence": self.licence,
            "present": self.present,
            "revision": self.revision,
            "missing": self.missing or None,
            "sha256": self.sha256,
            "verified": None if self.wrong is None else not self.wrong,
            "wrong": [*(self.wrong or ())],
        }


def list_needs(policy: Policy) -> list[ModelNeed]:
    """Return what the detectors of a policy need, in its order.

    Raises:
        PolicyErrors: the policy is wrong in something that tells what it needs.
    """
    if policy.problems.errors:
        raise PolicyErrors(policy.problems.errors)
    return [
        need
        for name, declared in policy.detectors.items()
        if declared.kind is not None and declared.config is not None
        for block in _blocks(declared.config)
        for need in _needs(name, declared.kind.name, block, declared.item)
    ]


def fetch_model(need: ModelNeed, *, progress: bool) -> None:
    """Download what is missing of a model of the hub; `list_needs` tells afterwards what is there.

    Raises:
        ModelError: it was not downloaded, and why.
    """
    if not progress:
        with suppress(ModuleNotFoundError):  # `hub.fetch` says so
            import_module("huggingface_hub.utils").disable_progress_bars()
    hub_cache.fetch_model(need.name, need.revision)


def verify_model(need: ModelNeed) -> ModelNeed:
    """Return a model with what is wrong with its files, and one digest of them all; as it is where there are none."""
    if need.folder is None:
        return need
    rows = hub_cache.file_digests(need.folder)
    seen = replace(need, sha256=hashlib.sha256("\n".join(rows).encode()).hexdigest())
    if need.source == "hub cache":
        return replace(seen, wrong=hub_cache.verify_files(need.folder))
    if not (need.folder / "manifest.json").is_file():
        return seen
    try:
        if need.folder in THIRD_PARTY.values():
            read_third_party_model(need.folder).verify()
        elif need.kind in ("image_classifier", "image_faces", "pii"):
            import_module("guardrails.inference.media.picture_model").verify_folder(need.folder)
        else:
            read_contents(need.folder, read_manifest(need.folder))
    except ModelError as error:
        return replace(seen, wrong=(str(error),))
    return replace(seen, wrong=())


def _blocks(config: Config) -> Iterator[Config]:
    """Yield the blocks of a configuration that name a model or an endpoint."""
    fields = {name: getattr(config, name) for name in type(config).model_fields}
    if any(isinstance(fields.get(name), str) for name in ("model", "endpoint")):
        yield config
    for value in fields.values():
        if isinstance(value, Config):
            yield from _blocks(value)


def _needs(detector: str, kind: str, block: Config, item: PolicyItem) -> Iterator[ModelNeed]:
    """Yield the model of a block, and the larger one that judges what that is not sure of."""
    yield _need(detector, kind, block, item)
    if isinstance(larger := getattr(block, "escalate_to", None), str):
        yield _find_model(ModelNeed(detector, kind, larger, "nowhere"), item)


def _need(detector: str, kind: str, block: Config, item: PolicyItem) -> ModelNeed:
    model, endpoint, revision = (
        value if isinstance(value := getattr(block, name, None), str) else None
        for name in ("model", "endpoint", "revision")
    )
    name = model or ""
    if endpoint is not None:
        need = ModelNeed(detector, kind, name, "endpoint", endpoint, licence=_find_known_licence(name))
        try:
            item.endpoint(endpoint)
        except ConfigProblems as error:
            return replace(need, missing=str(error), hint=error.problems[0].hint)
        return need
    return _find_model(ModelNeed(detector, kind, name, "nowhere", revision=revision), item)


def _find_model(need: ModelNeed, item: PolicyItem) -> ModelNeed:
    """Find a model by its name, as the detector will."""
    if need.kind == "transcript" and need.name in THIRD_PARTY:
        return _describe_third_party(replace(need, source="package", revision=None), THIRD_PARTY[need.name])
    if (shipped := FOLDERS.get(need.name)) is not None:
        return _describe_folder(replace(need, source="shipped", revision=None), shipped)
    if (package := PACKAGES.get(need.name)) is None:
        return _locate_folder(need, item)
    need, folder = replace(need, source="package", revision=None), locate_packaged_model(need.name)
    if folder is None:
        return replace(need, missing=f"{package.distribution} is not installed", hint=package.cure)
    return _describe_folder(need, folder)


def _locate_folder(need: ModelNeed, item: PolicyItem) -> ModelNeed:
    """Find a model's folder, as the detector will."""
    try:
        folder = item.model_folder(need.name, need.revision)
    except OSError as error:
        of_hub = error.__cause__
        reason = str(error.strerror or error)
        if isinstance(of_hub, ModelError):
            hint = of_hub.hint
            return replace(
                need, source="hub", licence=_find_known_licence(need.name), missing=str(of_hub), hint=hint
            )
        return replace(need, missing=reason, hint=f"put the folder there, or into that of {MODELS_VARIABLE}")
    return _describe_folder(replace(need, source=_source(need.name, folder)), folder)


def _source(name: str, folder: Path) -> Source:
    if hub_cache.is_name(name) and folder.resolve().is_relative_to(hub_cache.model_root(name).resolve()):
        return "hub cache"
    models = os.environ.get(MODELS_VARIABLE)
    return "GUARDRAILS_MODELS" if models and folder == (Path(models) / name).resolve() else "policy folder"


def _describe_folder(need: ModelNeed, folder: Path) -> ModelNeed:
    """Return a model with what its folder tells."""
    files = [each for each in folder.rglob("*") if each.is_file()]
    named = _manifest(folder)
    lost = (
        [
            each
            for each in map(str, named["files"])
            if not locate_file(folder, each, named.get("shares")).is_file()
        ]
        if isinstance(named.get("files"), dict)
        else [*hub_cache.find_missing_files(folder)]
    )
    return replace(
        need,
        folder=folder,
        size=sum(each.stat().st_size for each in files),
        licence=_licence(folder, need.name),
        revision=folder.name if need.source == "hub cache" else _word(named.get("version")),
        missing=f"the folder has no {', '.join(lost)}" if lost else "",
        hint="" if not lost else "fetch it by --fetch" if need.source == "hub cache" else "copy it again",
    )


def _describe_third_party(need: ModelNeed, folder: Path) -> ModelNeed:
    """Return a model whose weights come in packages of others, with what its manifest tells; `folder` is where that lies."""
    try:
        of = read_third_party_model(folder)
        need = replace(need, licence=of.licence, revision=of.version)
        parts = [part for parts in of.locate().values() for part in parts]
    except ModelError as error:
        return replace(need, missing=str(error), hint=error.hint)
    return replace(need, folder=folder, size=sum(part.stat().st_size for part in parts))


def _manifest(folder: Path) -> dict[str, Any]:
    """Return what a folder's manifest says; `verify_model` tells what is wrong with it."""
    try:
        found = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _licence(folder: Path, name: str) -> str:
    """Return the licence that a folder names: in its manifest, its card, the head of its README, or a file of its own."""
    front = match[1] if (match := _FRONT.match(_text(folder / "README.md"))) else ""
    field = {
        key: (match[1] if (match := re.search(_FIELD.format(key), front, re.MULTILINE)) else None)
        for key in ("license", "license_name")
    }
    of_card = _CARD.search(_text(folder / "CARD.md"))
    files = sorted(folder.glob("LICENSE*"))
    own = next((line for line in _text(files[0]).splitlines() if line.strip()), None) if files else None
    told = (
        _manifest(folder).get("licence"),
        of_card[1] if of_card else None,
        field["license_name"] or field["license"],
        own,
    )
    return next((word for each in told if (word := _word(each))), None) or _find_known_licence(name)


def _find_known_licence(name: str) -> str:
    found = find_known_model(name)
    return UNKNOWN if found is None else found.licence


def _word(value: object) -> str | None:
    """Return what may be shown of a text from a model's folder, which strangers wrote: one short line."""
    if not isinstance(value, str):
        return None
    return "".join(each for each in value if each.isprintable()).strip()[:LONGEST] or None


def _text(file: Path) -> str:
    try:
        with file.open("rb") as data:
            return data.read(MOST).decode("utf-8", "replace").replace("\r\n", "\n")
    except OSError:
        return ""
