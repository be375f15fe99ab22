"""Detectors: contents in, detections out. They know no policy and no stage.

The primitives of this floor:

* `kinds.Kind`: what `use:` names in a policy: its configuration, its categories, and how to build it.
* `kinds.DETECTORS`: the registry of kinds; `kinds.BUILTIN` has a line for each that comes with this package.
* `capabilities`: what a detector may do besides `detect`.
* `binding.BoundDetector`: a detector built for one policy: its name there, what it gives and what it needs.
* `ConfigProblem`, `ConfigProblems`: what is wrong with a configuration, and where in it.

Adding one here takes a file with a `KIND`, a line in `kinds.BUILTIN`, and a twin test file; from outside: `guardrails.plugins`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from guardrails.detectors.file_watch import note_file
from guardrails.inference.hub import hub_cache
from guardrails.inference.safety.folder import ModelError
from guardrails.remote.endpoint import Endpoint

MAX_FILE_BYTES = 32 << 20
"""Bytes of a file that a policy names: some 1,500,000 terms, or twice the tokenizer of a large model."""

NO_FOLDER = "a policy that lies in no file names none: put it into one"
"""Why a policy that is given as a text or a mapping names no files: where they would be looked for depends on who runs it."""

MODELS_VARIABLE = "GUARDRAILS_MODELS"
"""The environment's name for the operator's folder of model folders, which policies may name as if it were their own."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """Something wrong with a detector's configuration.

    `path` leads to the value inside the detector's mapping; `offset` counts characters into that
    string. `place` is `(file, line, col)` when the problem lies in a file that the configuration names.
    """

    code: str
    message: str
    path: tuple[str | int, ...] = ()
    offset: int | None = None
    hint: str = ""
    place: tuple[str, int, int] | None = None


class ConfigProblems(Exception):
    """All problems of one detector's configuration."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


class ModelFolders(Protocol):
    """Finds the folders of models."""

    def model_folder(self, name: str, revision: str | None = None, *, download: bool = False) -> Path:
        """Return the folder of a model; raise `OSError` with the reason if it may not be read.

        The name may be that of a model of the hub, which may then be at a revision, and downloaded where the operator
        allows it.
        """
        ...


class PolicyFiles(ModelFolders, Protocol):
    """Reads what a policy names: files below its own root, models and endpoints; remembers them for the digest."""

    def read(self, name: str) -> tuple[str, str]:
        """Return the file's text and its name for messages; raise `OSError` with the reason if it may not be read."""
        ...

    def path(self, name: str) -> Path:
        """Return where a file lies that is too large to be read as a text; raise `OSError` as `read` does."""
        ...

    def endpoint(self, name: str) -> Endpoint:
        """Return the service that the operator declares under a name; raise `ConfigProblems` where there is none."""
        ...


BESIDE: Final = "put the file into the policy's folder, or below it, and name it from there: terms/words.txt"
"""What to do about a file that is not to be read."""


def read_list_file(files: PolicyFiles, name: str) -> list[tuple[tuple[str, int, int], str]]:
    """Return the entries of a list file with their places: one a line, `#` starts a comment line.

    Raises `ConfigProblems` at the field `file` when it cannot be read.
    """
    try:
        text, shown = files.read(name)
    except OSError as error:
        named = name if len(name) <= 60 else f"{name[:59]}…"
        reason = str(error.strerror or error)
        hint = BESIDE if "folder" in reason else ""
        problem = ConfigProblem("unreadable_file", f"file {named!r}: {reason}", ("file",), hint=hint)
        raise ConfigProblems([problem]) from error
    entries = []
    # Not splitlines(), which breaks lines where no editor does.
    for number, line in enumerate(re.split("\r\n|\r|\n", text), 1):
        entry = line.strip()
        if entry and not entry.startswith("#"):
            entries.append(((shown, number, line.index(entry) + 1), entry))
    return entries


class PolicyFolder:
    """Files below one folder, nothing outside it, also not through symbolic links. None: no files at all."""

    def __init__(self, root: Path | None) -> None:
        self._root = None if root is None else root.resolve()

    def read(self, name: str) -> tuple[str, str]:
        """Return the text of `name` (relative to the folder) and the path to show."""
        path = self.path(name)
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise OSError(f"larger than {MAX_FILE_BYTES >> 20} MiB; split it over several detectors")
        try:
            return data.decode("utf-8-sig"), display_path(path)
        except UnicodeDecodeError as error:
            raise OSError(f"not UTF-8 (byte {error.start})") from error

    def path(self, name: str) -> Path:
        """Return where `name` lies, which is a file inside the folder."""
        path = self._inside(name)
        note_file(path)
        if not path.is_file():
            raise FileNotFoundError("no such file below the policy's folder")
        return path

    def model_folder(self, name: str, revision: str | None = None, *, download: bool = False) -> Path:
        """Return the folder `name`: relative to this one, else to that of the operator's models, else from the hub's cache.

        Where the cache has no `org/name` either, the error's cause is the `ModelError` that tells what would bring it.
        """
        models = os.environ.get(MODELS_VARIABLE)
        places = [*([] if self._root is None else [self]), *([PolicyFolder(Path(models))] if models else [])]
        for place in places:
            path = place._inside(name)
            if path.is_dir():
                for each in path.rglob("*"):
                    note_file(place._inside(str(each)))
                return path
        nowhere = f"no such folder below the policy's folder or that of {MODELS_VARIABLE}"
        if not hub_cache.is_name(name):
            raise FileNotFoundError(nowhere)
        try:
            return hub_cache.locate_model(name, revision, download=download)
        except ModelError as error:
            raise FileNotFoundError(f"{nowhere}, and {error}") from error

    def _inside(self, name: str) -> Path:
        if self._root is None:
            raise PermissionError(NO_FOLDER)
        named = Path(os.path.normpath(self._root / name))
        if named.is_relative_to(self._root):
            note_file(named)  # where it is a link, it may lead elsewhere later
        try:
            path = (self._root / name).resolve()
        except (RuntimeError, ValueError) as error:  # a link to itself, a NUL
            raise OSError("is no name of a file") from error
        if not path.is_relative_to(self._root):
            raise PermissionError("lies outside the policy's own folder")
        return path


def display_path(path: Path) -> str:
    """Return a path as messages show it: relative where it lies below the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
