"""Reads files and folders as contents that `Guard.check` takes.

What a file is taken for is said here, once, so that `guardrails check FILE` and `guardrails scan FOLDER/` judge it alike. Where
its ending is that of a picture, a film or a sound it is one (its bytes have to agree), else it is what its bytes are: text, a
conversation or body (`.json`), or one of those that nobody said it was. All else is of no kind that is known, and that is said.
"""

from __future__ import annotations

import json
import os
import re
from codecs import getincrementaldecoder
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path
from typing import Any, Final

from guardrails.engine.values.media_types import MEDIA, begins_as_medium, medium
from guardrails.errors import GuardrailsError
from guardrails.media.video.file_type import HEAD

TEXTS: Final = (".txt", ".md", ".json", ".jsonl", ".yaml", ".yml", ".csv", ".log", ".html")
"""Endings of texts: a file that has one is never a picture."""

LONGEST_TEXT: Final = 50_000_000
"""Bytes of a text that is read."""

SCRIPT: Final = ".ts"
"""The ending of films that are broadcast, and of TypeScript."""

CONVERSATION: Final = "conversation"
"""What a `.json` file holds that is judged as messages, a request or a response are."""


class FileError(GuardrailsError):
    """A file that is not judged; `code` says why: `unreadable`, `not_json`, `unknown_kind` or `too_many_bytes`."""

    def __init__(self, code: str, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.code = code
        self.reason = reason


def read_content(path: Path, *, strict: bool = True) -> Any:
    """Return what a file holds, as `Guard.check` takes it: its path for pictures, films and sounds, else a text or a body.

    Args:
        path: where the file is.
        strict: whether a `.json` file that is no JSON is an error; else it is a text.

    Raises:
        FileError: it cannot be read, or is of no known kind.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in MEDIA and suffix != SCRIPT:
            return path
        with path.open("rb") as file:
            head = file.read(HEAD)
            if suffix not in TEXTS and not _is_text(head) and (suffix in MEDIA or begins_as_medium(head)):
                return path
            if os.fstat(file.fileno()).st_size > LONGEST_TEXT:
                raise FileError(
                    "too_many_bytes",
                    str(path),
                    f"more than {LONGEST_TEXT} bytes are not read as a text; split it",
                )
            data = head + file.read()
    except OSError as error:
        raise FileError("unreadable", str(path), f"{error.strerror}") from error
    text = decode_text(data, str(path))
    return _parse_json(text, path, strict) if suffix == ".json" else text


def decode_text(data: bytes, name: str) -> str:
    """Return the text that bytes are; `name` is for the error.

    Raises:
        FileError: they are none.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            "unknown_kind",
            name,
            f"not UTF-8 text (byte {error.start}); a picture has an ending such as .png",
        ) from error


def _is_text(head: bytes) -> bool:
    """Tell whether a file begins as a text, wherever its beginning was cut off."""
    try:
        return b"\0" not in head and bool(getincrementaldecoder("utf-8")().decode(head))
    except UnicodeDecodeError:
        return False


def _parse_json(text: str, path: Path, strict: bool) -> Any:
    """Return the conversation or body that a `.json` file holds, or its text if it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        if strict:
            raise FileError("not_json", str(path), f"not JSON: {error}") from error
        return text
    is_messages = (
        isinstance(value, list) and bool(value) and all(isinstance(e, dict) and "role" in e for e in value)
    )
    is_body = isinstance(value, dict) and not {"messages", "choices", "role"}.isdisjoint(value)
    return value if is_messages or is_body else text


def content_kind(content: object) -> str:
    """Return the kind of what `read_content` returned: `text`, `conversation`, `image`, `video` or `audio`."""
    if isinstance(content, Path):
        by_name = MEDIA.get(content.suffix.lower())
        return (by_name or medium(_head(content))).kind
    return CONVERSATION if isinstance(content, Mapping | list) else "text"


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def display_name(name: str) -> str:
    """Return a file's name as a terminal may show it: on one line, and nothing in it does anything."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in name
    )


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file below a folder, by its name there (with `/`); or what is not one, with the `error` of who tried to read it."""

    path: Path
    name: str
    error: OSError | None = None


class FilePatterns:
    """Which files are meant, by patterns (`*`, `?`, `[…]`): one with a `/` is for names below the folder, one without for the
    name of a file alone, or of a folder that it is in. Those of `include` are meant (none: all), less those of `exclude`.
    """

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self._include = _patterns(include)
        self._exclude = _patterns(exclude)

    def leaves_out(self, name: str) -> bool:
        """Tell whether a file or folder, with all that is in it, is left out; the folders that it is in are not asked for."""
        return _matches(self._exclude, name)

    def means(self, name: str) -> bool:
        """Tell whether a file is meant, by its whole name."""
        parts = [name, *(name[:at] for at, char in enumerate(name) if char == "/")]
        if any(_matches(self._exclude, each) for each in parts):
            return False
        return self._include is None or any(_matches(self._include, each) for each in parts)


Patterns = tuple[re.Pattern[str], re.Pattern[str]]
"""What matches whole names, and what matches their last parts."""

NEVER: Final = "(?!)"


def _patterns(given: Sequence[str]) -> Patterns | None:
    trimmed = [each.removeprefix("./").rstrip("/") for each in given]
    whole = [translate(each) for each in trimmed if "/" in each]
    last = [translate(each) for each in trimmed if "/" not in each]
    return (re.compile("|".join(whole) or NEVER), re.compile("|".join(last) or NEVER)) if given else None


def _matches(patterns: Patterns | None, name: str) -> bool:
    if patterns is None:
        return False
    whole, last = patterns
    return bool(whole.match(name) or last.match(name.rpartition("/")[2]))


class FileTree:
    """The files below a folder, each once, in no order that is promised; walked while they are asked for, in bounded memory.

    Links are not followed, unless `follow`: then the folders that they lead to come last, and no folder comes twice. `left_out`
    counts what was met and does not come: `excluded`, `links`, and `special` (pipes, sockets, devices: reading them may never
    end).
    """

    def __init__(
        self,
        root: Path,
        choice: FilePatterns | None = None,
        *,
        follow: bool = False,
    ) -> None:
        self.root = root
        self.choice = choice or FilePatterns()
        self.follow = follow
        self.left_out: Counter[str] = Counter()
        self._but: set[tuple[int, int]] = set()
        self._folders: deque[tuple[Path, str]] = deque()
        self._linked: deque[tuple[Path, str]] = deque()
        self._seen: set[tuple[int, int]] = set()

    def pass_over(self, identity: tuple[int, int]) -> None:
        """Do not give a file out, which is known by its device and number."""
        self._but.add(identity)

    def copy(self) -> FileTree:
        """Return the same for another walk."""
        made = FileTree(self.root, self.choice, follow=self.follow)
        made._but = self._but
        return made

    def __iter__(self) -> Iterator[FoundFile]:
        """Walk it, once."""
        self._folders.append((self.root, ""))
        while self._folders or self._linked:
            path, name = self._folders.pop() if self._folders else self._linked.popleft()
            try:
                if self.follow and self._is_known(path):
                    continue
                with os.scandir(path) as entries:
                    for entry in entries:
                        found = self._visit(entry, f"{name}{entry.name}")
                        if found is not None:
                            yield found
            except OSError as error:
                yield FoundFile(path, name.rstrip("/") or ".", error)

    def _is_known(self, path: Path) -> bool:
        """Tell whether a folder came already, perhaps by another name."""
        state = path.stat()
        known = (state.st_dev, state.st_ino) in self._seen
        self._seen.add((state.st_dev, state.st_ino))
        return known

    def _visit(self, entry: os.DirEntry[str], name: str) -> FoundFile | None:
        """Return a file to judge; note folders, and what is left out."""
        if self.choice.leaves_out(name):
            self.left_out["excluded"] += 1
            return None
        path = Path(entry.path)
        try:
            if entry.is_symlink() and not self.follow:
                self.left_out["links"] += 1
            elif entry.is_dir():
                (self._linked if entry.is_symlink() else self._folders).append((path, f"{name}/"))
            elif not self.choice.means(name):
                self.left_out["excluded"] += 1
            elif entry.is_symlink() and not path.exists():
                return FoundFile(path, name, FileNotFoundError(2, "the link leads nowhere"))
            elif not entry.is_file():
                self.left_out["special"] += 1
            elif not self._is_passed(entry):
                return FoundFile(path, name)
        except OSError as error:  # a loop of links, or it vanished
            return FoundFile(path, name, error)
        return None

    def _is_passed(self, entry: os.DirEntry[str]) -> bool:
        """Tell whether a file is one of those that are passed over; most are known by their number alone."""
        if not entry.is_symlink() and all(entry.inode() != number for _, number in self._but):
            return False
        state = entry.stat()
        return (state.st_dev, state.st_ino) in self._but
