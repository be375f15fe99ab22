"""Locates, downloads and verifies models in the Hugging Face Hub's cache on this machine.

Nothing is downloaded unless the policy says `download: true` and the operator's environment `GUARDRAILS_DOWNLOAD=1`; pickled
weights never are. A file of the cache is a link to a blob that bears its digest: the sha256 of what is large, git's sha1 of
the rest (`verify_files`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from guardrails.inference.safety.folder import ModelError, first_line

DOWNLOAD: Final = "GUARDRAILS_DOWNLOAD"
"""The environment's name for the operator's leave to download; the value that gives it is 1."""

CACHES: Final = (
    ("HF_HUB_CACHE", ""),
    ("HUGGINGFACE_HUB_CACHE", ""),
    ("HF_HOME", "hub"),
    ("XDG_CACHE_HOME", "huggingface/hub"),
)
"""The environment's names for the cache, or for what it lies in and where; the first that is set holds."""

FETCHED: Final = (
    *("*.json", "*.txt", "*.model", "*.safetensors", "*.onnx", "*.onnx_data", "*.jinja", "*.md"),
    "LICENSE*",
)
"""What is downloaded of a model; nothing in it runs code."""

MAIN: Final = "main"
"""The revision that is meant where none is named."""

_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_REVISION: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95}){0,3}", re.ASCII)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_BLOB: Final = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
_CHUNK: Final = 1 << 20


def is_name(name: str) -> bool:
    """Tell whether a name has the form of the hub's, `org/name`."""
    return _NAME.fullmatch(name) is not None and ".." not in name and "--" not in name


def cache_folder() -> Path:
    """Return where the hub's libraries keep what they download, as the environment says."""
    for variable, below in CACHES:
        if value := os.environ.get(variable):
            return Path(value).expanduser() / below
    return Path.home() / ".cache" / "huggingface" / "hub"


def model_root(name: str) -> Path:
    """Return the folder of the cache that holds all revisions of a model, whether it is there or not."""
    return cache_folder() / f"models--{name.replace('/', '--')}"


def locate_model(name: str, revision: str | None = None, *, download: bool = False) -> Path:
    """Return the folder of a model's files, without the network unless `download` and the environment both allow it.

    Raises:
        ModelError: it is not there, with what would bring it.
    """
    _check(name, revision)
    found = _snapshot(model_root(name), revision or MAIN)
    if found is not None and not find_missing_files(found):
        return _inside(found, model_root(name))
    allowed = os.environ.get(DOWNLOAD) == "1"
    if download and allowed:
        return fetch_model(name, revision)
    if found is not None:  # what reads it says what it lacks
        return _inside(found, model_root(name))
    wanting = [
        *(() if download else ("'download: true' beside it in the policy",)),
        *(() if allowed else (f"{DOWNLOAD}=1 in the environment of the operator",)),
    ]
    at = "" if revision is None else f" at revision {revision!r}"
    raise ModelError(
        f"the hub's cache on this machine has no {name!r}{at}",
        f"fetch it by 'guardrails models --fetch'; to download it at load there must be {' and '.join(wanting)}",
    )


def fetch_model(name: str, revision: str | None = None) -> Path:
    """Download what is not here yet of a model, and return its folder; whoever calls this has the leave to.

    Raises:
        ModelError: with what the hub's library says.
    """
    _check(name, revision)
    try:
        hub: Any = import_module("huggingface_hub")
    except ModuleNotFoundError as error:
        raise ModelError(
            "downloads need huggingface_hub, which is not installed", "pip install huggingface_hub"
        ) from error
    try:
        found = hub.snapshot_download(
            name, revision=revision, cache_dir=str(cache_folder()), allow_patterns=[*FETCHED]
        )
    except Exception as error:
        hint = (
            "see the model's page on the hub: its name, whether it asks for a licence (HF_TOKEN), the network"
        )
        raise ModelError(f"{name!r} was not downloaded: {first_line(error)}", hint) from error
    return _inside(Path(found), model_root(name))


def find_missing_files(folder: Path) -> tuple[str, ...]:
    """Return the files that a folder names and does not hold: links to nothing, and parts of split weights."""
    lost = [each for each in folder.rglob("*") if each.is_symlink() and not each.exists()]
    for index in folder.glob("*.safetensors.index.json"):
        try:
            parts = {*json.loads(index.read_bytes())["weight_map"].values()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            parts = {index.name}
        lost += [folder / str(part) for part in parts if not (folder / str(part)).is_file()]
    if not [*folder.rglob("*.safetensors"), *folder.rglob("*.onnx")]:
        lost.append(folder / "model.safetensors")
    return tuple(sorted({each.relative_to(folder).as_posix() for each in lost}))


def verify_files(folder: Path) -> tuple[str, ...]:
    """Return what is wrong with the files of a folder of the cache, one line each: none where all are what their
    digests say.
    """
    wrong = []
    for file in _files(folder):
        name, blob = file.relative_to(folder).as_posix(), _blob(file)
        if blob is None:
            wrong.append(f"{name}: is no link to a blob of the hub's cache, so there is no digest to compare")
        elif not file.is_file():
            wrong.append(f"{name}: is a link to a blob that is not there")
        elif (seen := _digest(file.resolve(), git=len(blob) == 40)) != blob:
            wrong.append(f"{name}: its digest is {seen[:12]}…, not {blob[:12]}…")
    return tuple(wrong)


def file_digests(folder: Path) -> tuple[str, ...]:
    """Return the digest of each file of any folder, with its name; a blob of the hub's cache is known by its own."""
    return tuple(
        f"{file.relative_to(folder).as_posix()} {_blob(file) or _sha256(file)}"
        for file in _files(folder)
        if file.is_file()
    )


def _check(name: str, revision: str | None) -> None:
    if not is_name(name):
        raise ModelError(f"{name!r} is no name of a model on the hub", "write org/name")
    if revision is not None and not _REVISION.fullmatch(revision):
        raise ModelError(f"{revision!r} is no revision", "write a branch, a tag or the whole commit")


def _snapshot(of: Path, revision: str) -> Path | None:
    """Return the folder of a revision in the cache, if it is there."""
    commit = revision
    if not _COMMIT.fullmatch(revision):
        try:
            commit = (of / "refs" / revision).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
    found = of / "snapshots" / commit
    return found if _COMMIT.fullmatch(commit) and found.is_dir() else None


def _inside(folder: Path, within: Path) -> Path:
    """Return a folder of which no file lies outside the model's part of the cache."""
    end = within.resolve()
    for each in [folder, *folder.rglob("*")]:
        if not each.resolve().is_relative_to(end):
            raise ModelError(f"{each.name} in the hub's cache is a link to outside of it", "remove it")
    return folder


def _files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_symlink() or each.is_file())


def _blob(file: Path) -> str | None:
    """Return the digest that the blob behind a file is named by, or None where it is no blob."""
    if not file.is_symlink():
        return None
    target = file.resolve()
    return target.name if target.parent.name == "blobs" and _BLOB.fullmatch(target.name) else None


def _sha256(file: Path) -> str:
    seen = file.stat()
    return _cached_digest(str(file.resolve()), seen.st_ino, seen.st_size, seen.st_mtime_ns)


@lru_cache(maxsize=1024)
def _cached_digest(file: str, _inode: int, _size: int, _changed: int) -> str:
    """Return the digest of a file, which is read again when it has changed: a policy may load gigabytes often."""
    return _digest(Path(file), git=False)


def _digest(file: Path, *, git: bool) -> str:
    """Return the sha256 of a file, or the sha1 that git knows it by."""
    with file.open("rb") as data:
        if not git:
            return hashlib.file_digest(data, "sha256").hexdigest()
        found = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
        while chunk := data.read(_CHUNK):
            found.update(chunk)
        return found.hexdigest()
