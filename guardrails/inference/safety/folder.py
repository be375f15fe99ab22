"""Reads a shipped model's folder: its manifest and the bytes of its files, each with the sha256 it must have.

`manifest.json` names everything: `name`, `version`, `files` (file → sha256), `heads` in the order of the scores, `window` and
`prompt_tokens` (how much is read at once, and how much of a prompt beside its reply), `view` (what the encoder reads:
`folded`, `normalized` or `scripts`), `languages` (those that it was validated on) and `scores`: for each head the
calibrations `hashed: [a, b]` and `both: [encoder, hashed, bias]`, and the limits `clear`, `sure` and maybe `calm`
(`scores.py`). It may have `few_words`: up to how many `words` both tiers have to find something, the least that the fast
tier must say (`agreement`), and what a score is at most where it does not (`doubted`).

That of a model which judges again what another is not sure of may have `grey`, see `escalation.py`; and `shares`, the name of
a model of this package whose `tokenizer.json` and `hashed.npz` are its own as well, so that they are not shipped twice.

A manifest is itself pinned, as whoever changes a file could change its digest there: that of a shipped model, or of one in a
package of its own (`packages.py`), in `PINNED`, that of another where a policy says so (`sha256`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from guardrails.inference.safety.packages import PACKAGES, ModelPackage

SHIPPED: Final = Path(__file__).resolve().parents[2] / "models"
"""The folder of the models that come with the package."""

PINNED: Final[Mapping[str, str]] = {
    "centerface": "051924a0e6e03ea0999086d73e34e6658015f7909928ac92e04a75ee81de69ed",
    "nsfw_mid": "eb52f6ae3700e2a650b099b13cc7d7aaf01e37acc9d1cc6e4ff655a9b3b4a03d",
    "pii_names": "f02d41b9310df2a18a08e36a32225bab6babae656fd55a609a0a28dd0a33ceb4",
    "silero_vad": "c8f3975a0afea5dbf1f99d53ec33bd43723186478e2b85a9388331d794057839",
    "text_safety": "5c44ddd7bde4f26edbb19270984880d134b7b3b4a43e94ccfb3b15f7500ecb4f",
    "whisper_base": "549a0fca936b934caa7f9e539de284a16cb6a069798911ecde116e73c8d6fef4",
    "whisper_tiny_en": "3daa96a1e528874b4f312ad296f57fc21d8eccbe1674daa8ba0ce1af05cb73ba",
}
"""Folder of a shipped model → the sha256 of its manifest. A release with another model has another line here."""

TEXT_MODELS: Final[Mapping[str, Path]] = {"text-safety": SHIPPED / "text_safety"}
"""The models of texts that come with the package, by name."""

FILES: Final = ("encoder.onnx", "tokenizer.json", "hashed.npz")
"""What a model is made of."""

SHARED: Final = ("tokenizer.json", "hashed.npz")
"""Files that a model may have of another."""

GREY: Final = (0.3, 0.97)
"""The scores that are judged again where a manifest has no `grey`: on either side of the thresholds of the shipped policies, and
above what the fast tier of the shipped model finds clear (`clear`), of which ordinary texts are full.
"""

WINDOWS: Final = (16, 512)
"""The least and the most tokens of a window."""

VIEWS: Final = ("folded", "normalized", "scripts")
"""What an encoder may read of a text; the fast tier reads the folded view."""


class ModelError(Exception):
    """A model that cannot be used: the cause, and the cure in `hint`; `field` is what of the caller's wishes it comes from,
    and `code` the kind of problem.
    """

    def __init__(
        self, message: str, hint: str = "", *, field: str = "model", code: str = "unreadable_model"
    ) -> None:
        super().__init__(message)
        self.hint, self.field, self.code = hint, field, code


@dataclass(frozen=True, slots=True)
class FewWords:
    """Windows of so few `words` that one tier by itself is easily wrong: with less than `agreement` in the fast tier a score is
    at most `doubted`.
    """

    words: int = 0
    agreement: float = 0.0
    doubted: float = 1.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder says of its model. `scores` are the rows of `scores.py` by head; `identity` is a digest of all."""

    name: str
    version: str
    files: Mapping[str, str]
    heads: tuple[str, ...]
    window: int
    prompt_tokens: int
    view: str
    languages: tuple[str, ...]
    scores: Mapping[str, Mapping[str, Any]]
    few_words: FewWords
    shares: str | None
    grey: tuple[float, ...]
    identity: str


def first_line(error: Exception) -> str:
    """Return what a library says, in one line."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"


def is_shipped(folder: Path) -> bool:
    """Tell whether a folder is that of a model that comes with the package."""
    return folder.resolve().parent == SHIPPED


def locate_packaged_model(name: str) -> Path | None:
    """Return the folder of a model that comes in a package of its own: in the sources of this project, or where it is installed.

    Args:
        name: one of `PACKAGES`.

    Returns:
        the folder; None where the package is not installed.
    """
    package = PACKAGES[name]
    own = SHIPPED / package.folder
    return own if (own / "encoder.onnx").is_file() else package.locate()


def _find_package(folder: Path) -> ModelPackage | None:
    """Return the package that is installed in a folder."""
    place = folder.resolve()
    return next((each for each in PACKAGES.values() if place == each.locate()), None)


def locate_file(folder: Path, name: str, shares: object = None) -> Path:
    """Return where a file of a model lies: in its folder, else in that of the model which it `shares` files with, if it may."""
    own = folder / name
    other = TEXT_MODELS.get(shares) if isinstance(shares, str) and name in SHARED else None
    return own if other is None or own.is_file() else other / name


def read_manifest_file(folder: Path, sha256: str | None = None) -> bytes:
    """Return the manifest of a folder as it lies there.

    Args:
        folder: of the model.
        sha256: the digest that it must have, beside that of a shipped model.

    Raises:
        ModelError: it cannot be read, or is another than the one that was pinned.
    """
    try:
        data = (folder / "manifest.json").read_bytes()
    except FileNotFoundError as error:
        raise ModelError("the folder has no manifest.json") from error
    except OSError as error:
        raise ModelError(f"manifest.json: {error}") from error
    seen = hashlib.sha256(data).hexdigest()
    package = _find_package(folder)
    if package is not None and seen != PINNED.get(package.folder):
        raise ModelError(
            f"manifest.json of {package.distribution} is not the one that this release goes with: its sha256 is {seen[:12]}…",
            f"install both as they were released together: pip install --upgrade guardrails-middleware {package.distribution}",
        )
    if is_shipped(folder) and seen != PINNED.get(folder.resolve().name):
        raise ModelError(
            f"manifest.json is not the one that this release came with: its sha256 is {seen[:12]}\u2026",
            "install the package again; for a model of your own, copy the folder elsewhere and name it in the policy",
        )
    if sha256 is not None and seen != sha256.lower():
        raise ModelError(
            f"manifest.json is not the one that was pinned: its sha256 is {seen}, not {sha256}",
            "copy the model's folder again; if it was changed on purpose, write its new digest",
            field="sha256",
        )
    return data


def read_manifest(folder: Path, sha256: str | None = None) -> Manifest:
    """Read the manifest of a folder, which must have the digest where one is given; raises `ModelError`."""
    data = read_manifest_file(folder, sha256)
    try:
        read = json.loads(data)
    except ValueError as error:
        raise ModelError(f"manifest.json: {error}") from error
    try:
        found = Manifest(
            name=str(read["name"]),
            version=str(read["version"]),
            files={name: str(read["files"][name]) for name in FILES},
            heads=tuple(map(str, read["heads"])),
            window=int(read["window"]),
            prompt_tokens=int(read["prompt_tokens"]),
            view=str(read["view"]),
            languages=tuple(map(str, read["languages"])),
            scores={head: dict(read["scores"][head]) for head in read["heads"]},
            few_words=FewWords(**read.get("few_words", {})),
            shares=read.get("shares"),
            grey=tuple(map(float, read.get("grey", GREY))),
            identity=hashlib.sha256(data).hexdigest(),
        )
    except KeyError as error:
        raise ModelError(f"manifest.json has no {error.args[0]!r}") from error
    except (TypeError, ValueError) as error:
        raise ModelError(f"manifest.json: {error}") from error
    if found.shares is not None and str(found.shares) not in TEXT_MODELS:
        raise ModelError(f"manifest.json: shares {found.shares!r} is none of {', '.join(TEXT_MODELS)}")
    if not found.heads:
        raise ModelError("manifest.json names no head")
    if found.view not in VIEWS:
        raise ModelError(f"manifest.json: view {found.view!r} is none of {', '.join(VIEWS)}")
    if not WINDOWS[0] <= found.window <= WINDOWS[1]:
        least, most = WINDOWS
        raise ModelError(f"manifest.json: a window of {found.window} tokens is not in {least}..{most}")
    if not 0 < found.prompt_tokens <= found.window // 2:
        raise ModelError("manifest.json: prompt_tokens must be from 1 to half of the window")
    return found


def read_contents(folder: Path, of: Manifest) -> dict[str, bytes]:
    """Return the bytes of the files of a model, which are those that its manifest names; raises `ModelError`."""
    return read_files(folder, of.files, of.shares)


def read_files(folder: Path, files: Mapping[str, str], shares: str | None = None) -> dict[str, bytes]:
    """Return the bytes of files of a model.

    Args:
        folder: of the model.
        files: name → the sha256 that it must have.
        shares: the name of the model whose files are its own as well.

    Raises:
        ModelError: one cannot be read, or is another.
    """
    found = {}
    for name, digest in files.items():
        path = locate_file(folder, name, shares)
        try:
            found[name] = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{name}: {error.strerror}", "copy the model's whole folder") from error
        seen = hashlib.sha256(found[name]).hexdigest()
        if seen != digest:
            whose = "" if path.parent == folder else f" of {shares}, which it shares,"
            raise ModelError(
                f"{name}{whose} is not the file that manifest.json names: its sha256 is {seen[:12]}…, not {digest[:12]}…",
                "install the releases that go together"
                if whose
                else "copy the folder again; for a model of this package, install the package again",
            )
    return found
