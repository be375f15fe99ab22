"""A file of verdicts, which grows by a line of JSON for each judged file and is whole after each of them.

    with open_verdicts(Path("verdicts.jsonl"), fate_of) as verdicts:
        if "a.png" not in verdicts:
            verdicts.add({"path": "a.png", "size": 3, "mtime_ns": 1, "sha256": "…", …})

A file that is there is gone on with: each line of it is asked about (`Asked`), and those that hold no more are taken out at once,
so that nothing ever has two lines. A last line that was being written when its writer was killed is cut off. Two processes do
not write to one file (where the system has locks).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, Final

from guardrails.errors import GuardrailsError

Line = dict[str, Any]
"""What is said of one file: `path` (see `decode_name`), `size`, `mtime_ns`, `sha256`, `kind`, and `verdict` or `error`; where
there was a floor, `floor` is its digest.
"""

BEGIN: Final = b'{"path": '
"""How each line begins."""

FIELDS: Final = frozenset(("path", "size", "mtime_ns", "sha256", "kind", "verdict", "error"))

KEY: Final = os.urandom(16)
"""What is done is kept as digests of names, by a key that nobody knows who chooses names."""

CHUNK: Final = 1 << 16


class UnusableVerdictsError(GuardrailsError):
    """A file of verdicts that cannot be gone on with, or written to."""


class LineFate(Enum):
    """What becomes of a line that is there already."""

    KEPT = "it holds, and its file is not judged again"
    ASIDE = "it is of a file that is not asked for, and stays"
    STALE = "it holds no more, and its file is judged again"
    GONE = "there is no such file any more"


Asked = Callable[[Line], LineFate]
"""Says what becomes of a line; may bring its `mtime_ns` up to date."""


def encode_name(name: str) -> Line:
    """Return how a file's name stands in a line; one that is no UTF-8 is there for people, and by its bytes in hexadecimal."""
    raw = os.fsencode(name)
    path = raw.decode("utf-8", "backslashreplace")
    return {"path": path} if path == name else {"path": path, "path_bytes": raw.hex()}


def decode_name(line: Line) -> str:
    """Return the name of a line's file, as the system has it."""
    raw = line.get("path_bytes")
    return os.fsdecode(bytes.fromhex(raw)) if isinstance(raw, str) else str(line["path"])


def encode_line(line: Line) -> bytes:
    """Return a line as it is written. Half a character, which JSON can name and UTF-8 cannot, stays named."""
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


class VerdictFile:
    """A file of verdicts that is open; `fates` counts what became of the lines that it had. Not to be shared by threads."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path = path
        self.fates = dict.fromkeys(LineFate, 0)
        self._file = file
        self._done: set[bytes] = set()

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._done

    @property
    def identity(self) -> tuple[int, int]:
        """The file's device and number."""
        state = os.fstat(self._file.fileno())
        return state.st_dev, state.st_ino

    def add(self, line: Line) -> None:
        """Write a line, whole.

        Raises:
            UnusableVerdictsError: it cannot be written, as where the disk is full.
        """
        rest = memoryview(encode_line(line))
        try:
            while rest:  # past the buffer, which would try again what failed
                rest = rest[os.write(self._file.fileno(), rest) :]
        except OSError as error:
            raise UnusableVerdictsError(
                f"{self.path}: {error.strerror}; what was judged before is in it, and the same command goes on from there"
            ) from error

    def sift(self, into: IO[bytes], asked: Asked) -> bool:
        """Write the lines that stay into another file; return whether that differs."""
        differs = False
        self._file.seek(0)
        for number, raw in enumerate(self._file, 1):
            line = self._parse_lines(raw, number)
            modified, key = line["mtime_ns"], _key(decode_name(line))
            fate = LineFate.STALE if key in self._done else asked(line)
            self.fates[fate] += 1
            if fate is LineFate.KEPT:
                self._done.add(key)
            if fate in (LineFate.STALE, LineFate.GONE):
                differs = True
                continue
            differs = differs or line["mtime_ns"] != modified
            into.write(raw if line["mtime_ns"] == modified else encode_line(line))
        into.flush()
        return differs

    def _parse_lines(self, raw: bytes, number: int) -> Line:
        try:
            line = json.loads(raw)
            if isinstance(line, dict) and line.keys() >= FIELDS and decode_name(line):
                return line
        except (ValueError, RecursionError):
            pass
        raise UnusableVerdictsError(
            f"{self.path}:{number}:1: this is no line of a scan; name another file, or mend or remove this one"
        )

    def mend(self) -> None:
        """Cut off a last line that was not written to its end."""
        size = at = self._file.seek(0, os.SEEK_END)
        tail = b""
        while at and b"\n" not in tail:
            step = min(CHUNK, at)
            at = self._file.seek(at - step)
            tail = self._file.read(step) + tail
        half = tail.rpartition(b"\n")[2]
        if half and not (half.startswith(BEGIN) or BEGIN.startswith(half)):
            raise UnusableVerdictsError(f"{self.path}: its end is no line of a scan; name another file")
        self._file.truncate(size - len(half))

    def empty(self) -> None:
        """Take everything out, where the file is one of verdicts."""
        self._file.seek(0)
        begin = self._file.read(len(BEGIN))
        if not BEGIN.startswith(begin):
            raise UnusableVerdictsError(f"{self.path}: this is no file of verdicts; name another one")
        self._file.truncate(0)

    def go_on_in(self, file: IO[bytes]) -> None:
        """Write to another file from now on, which has its lines."""
        self._file = file


def _key(name: str) -> bytes:
    return blake2b(os.fsencode(name), digest_size=16, key=KEY).digest()


@contextmanager
def open_verdicts(path: Path, asked: Asked, *, fresh: bool = False) -> Iterator[VerdictFile]:
    """Open a file of verdicts, or make one; `fresh` begins it anew.

    Raises:
        UnusableVerdictsError: it is something else, it is of another folder, or another process writes to it.
    """
    real = Path(os.path.realpath(path))
    with ExitStack() as held:
        try:
            verdicts = VerdictFile(path, held.enter_context(_open_locked(real, path)))
            if fresh:
                verdicts.empty()
            verdicts.mend()
            new = _sift_file(verdicts, real, asked)
            if new is not None:
                verdicts.go_on_in(held.enter_context(new))
        except OSError as error:
            raise UnusableVerdictsError(f"{path}: {error.strerror}") from error
        yield verdicts


def _sift_file(verdicts: VerdictFile, real: Path, asked: Asked) -> IO[bytes] | None:
    """Return the file that took the place of the one before, which stays locked, or None where all of that stays."""
    beside = real.with_name(f".{real.name}.new")  # nobody else writes it: the lock is ours
    beside.unlink(missing_ok=True)
    new = beside.open("a+b")
    try:
        if not verdicts.sift(new, asked):
            new.close()
            return None
        fates = verdicts.fates
        if fates[LineFate.GONE] == sum(fates.values()) > 0:
            raise UnusableVerdictsError(
                f"{verdicts.path}: none of its {fates[LineFate.GONE]} files is in this folder; "
                "name another file, or begin it anew (--fresh)"
            )
        beside.chmod(real.stat().st_mode & 0o777)
        _lock(new, verdicts.path)
        beside.replace(real)
        return new
    except BaseException:
        new.close()
        raise
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _open_locked(real: Path, path: Path) -> Iterator[IO[bytes]]:
    """Open a file that no other process writes to meanwhile."""
    if real.exists() and not real.is_file():
        raise UnusableVerdictsError(f"{path}: this is no file that can grow; name a file for the verdicts")
    while True:
        with real.open("a+b") as file:
            _lock(file, path)
            state = os.fstat(file.fileno())
            try:
                now = real.stat()
            except FileNotFoundError:
                continue
            if (state.st_dev, state.st_ino) == (now.st_dev, now.st_ino):  # it was not replaced meanwhile
                yield file
                return


def _lock(file: IO[bytes], path: Path) -> None:
    if os.name != "posix":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UnusableVerdictsError(
            f"{path}: another scan is writing to it; wait for its end, or name another file"
        ) from None
