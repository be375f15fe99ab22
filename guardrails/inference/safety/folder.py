"""Reads a shipped model's folder: its manifest and the bytes of its files, each with the sha256 it must have.

`manifest.json` names everything: `name`, `version`, `files` (file → sha256), `heads` in the order of the scores,
`window` and `prompt_tokens` (how much is read at once, and how much of a prompt beside its reply), `view` (what the encoder
reads: `folded` or `normalized`), `languages` (those that it was validated on) and `scores`: for each head the calibrations
`hashed: [a, b]` and `both: [encoder, hashed, bias]`, and the limits `clear` and `sure` (`scores.py`). It may have `few_words`:
up to how many `words` both tiers have to find something, the least that the fast tier must say (`agreement`), and what a score is
at most where it does not (`doubted`).

A manifest is itself pinned, as whoever changes a file could change its digest there: that of a shipped model in `PINNED`, that of
another where a policy says so (`sha256`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SHIPPED: Final = Path(__file__).resolve().parents[2] / "models"
"""The folder of the models that come with the package."""

PINNED: Final[Mapping[str, str]] = {
    "centerface": "051924a0e6e03ea0999086d73e34e6658015f7909928ac92e04a75ee81de69ed",
    "nsfw_mid": "eb52f6ae3700e2a650b099b13cc7d7aaf01e37acc9d1cc6e4ff655a9b3b4a03d",
    "silero_vad": "c8f3975a0afea5dbf1f99d53ec33bd43723186478e2b85a9388331d794057839",
    "text_safety": "1a6a5450e18404802033a06b1deb4a1e499bccb13957e0b1aae5c09f84bd9b6d",
}
"""Folder of a shipped model → the sha256 of its manifest. A release with another model has another line here."""

FILES: Final = ("encoder.onnx", "tokenizer.json", "hashed.npz")
"""What a model is made of."""

WINDOWS: Final = (16, 512)
"""The least and the most tokens of a window."""

VIEWS: Final = ("folded", "normalized")
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
    identity: str


def first_line(error: Exception) -> str:
    """Return what a library says, in one line."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"


def is_shipped(folder: Path) -> bool:
    """Tell whether a folder is that of a model that comes with the package."""
    return folder.resolve().parent == SHIPPED


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
            identity=hashlib.sha256(data).hexdigest(),
        )
    except KeyError as error:
        raise ModelError(f"manifest.json has no {error.args[0]!r}") from error
    except (TypeError, ValueError) as error:
        raise ModelError(f"manifest.json: {error}") from error
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
    found = {}
    for name, digest in of.files.items():
        try:
            found[name] = (folder / name).read_bytes()
        except OSError as error:
            raise ModelError(f"{name}: {error.strerror}", "copy the model's whole folder") from error
        seen = hashlib.sha256(found[name]).hexdigest()
        if seen != digest:
            raise ModelError(
                f"{name} is not the file that manifest.json names: its sha256 is {seen[:12]}…, not {digest[:12]}…",
                "copy the folder again; for a model of this package, install the package again",
            )
    return found
