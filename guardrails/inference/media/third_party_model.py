"""Finds models whose weights come in packages of others, which an extra installs: each file with the sha256 that it must have.

    of = read_third_party_model(folder)                 # what the manifest of a folder of this package says
    of.verify()                                         # raises ModelError: not installed, or other files than these
    contents = of.read()                                # {"model.bin": b"…", …}, checked as they were read

Nothing is downloaded, and no code of such a package is run: its folder is found, and its files are read. A manifest is that of a
shipped model (`folder.py`) with some fields more. `extra` is what installs the packages. `parts` says of what each file is put
together, as `package/path`, since a large one may come in several packages. `languages` are those that the model was tried with,
and `knows` all that it was made for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from guardrails.inference.safety.folder import ModelError, read_manifest_file

CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ThirdPartyModel:
    """A model that packages of others bring. `files` are the digests by name; `identity` is a digest of all that it says."""

    name: str
    version: str
    licence: str
    extra: str
    languages: tuple[str, ...]
    knows: tuple[str, ...]
    files: Mapping[str, str]
    parts: Mapping[str, tuple[str, ...]]
    identity: str

    @property
    def cure(self) -> str:
        """What installs it."""
        return f"pip install 'guardrails-middleware[{self.extra}]'"

    def locate(self) -> dict[str, tuple[Path, ...]]:
        """Return where the parts of each file lie; raises `ModelError` where one is not installed."""
        return {name: tuple(map(self._locate_part, parts)) for name, parts in self.parts.items()}

    def verify(self) -> None:
        """Raise `ModelError` where it is not installed, or a file is another than the manifest names."""
        for name, parts in self.locate().items():
            seen = hashlib.sha256()
            for chunk in _chunks(name, parts):
                seen.update(chunk)
            self._compare(name, seen.hexdigest())

    def read(self) -> dict[str, bytes]:
        """Return the bytes of its files, which are those that the manifest names; raises `ModelError`."""
        found = {}
        for name, parts in self.locate().items():
            found[name] = b"".join(_chunks(name, parts))
            self._compare(name, hashlib.sha256(found[name]).hexdigest())
        return found

    def _locate_part(self, part: str) -> Path:
        package, _, path = part.partition("/")
        spec = find_spec(package)  # of a package that stands in no other: nothing of it is run
        folders = () if spec is None else spec.submodule_search_locations or ()
        found = next((file for folder in folders if (file := Path(folder) / path).is_file()), None)
        if found is None:
            message = (
                f"its weights come with the package {package.replace('_', '-')!r}, which is not installed"
            )
            raise ModelError(message, self.cure, code="missing_extra")
        return found

    def _compare(self, name: str, seen: str) -> None:
        if seen != self.files[name]:
            raise ModelError(
                f"{name} is not the file that this release knows: its sha256 is {seen[:12]}…, not {self.files[name][:12]}…",
                f"install it again: {self.cure}",
            )


def read_third_party_model(folder: Path) -> ThirdPartyModel:
    """Return what the manifest of a folder says, the one that was pinned where it is shipped; raises `ModelError`."""
    data = read_manifest_file(folder)
    try:
        read = json.loads(data)
        found = ThirdPartyModel(
            name=str(read["name"]),
            version=str(read["version"]),
            licence=str(read["licence"]),
            extra=str(read["extra"]),
            languages=tuple(map(str, read["languages"])),
            knows=tuple(map(str, read["knows"])),
            files={str(name): str(digest) for name, digest in read["files"].items()},
            parts={str(name): tuple(map(str, parts)) for name, parts in read["parts"].items()},
            identity=hashlib.sha256(data).hexdigest(),
        )
    except KeyError as error:
        raise ModelError(f"manifest.json has no {error.args[0]!r}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelError(f"manifest.json: {error}") from error
    if found.files.keys() != found.parts.keys():
        raise ModelError("manifest.json names other files in 'parts' than in 'files'")
    return found


def _chunks(name: str, parts: tuple[Path, ...]) -> Iterator[bytes]:
    for part in parts:
        try:
            with part.open("rb") as data:
                while chunk := data.read(CHUNK):
                    yield chunk
        except OSError as error:
            raise ModelError(f"{name}: {error.strerror}", "install its package again") from error
