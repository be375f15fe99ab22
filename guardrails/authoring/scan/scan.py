"""Judges every file below a folder, writes a file of verdicts and counts them for people.

    folder, tally = FileTree(root), ScanTally()
    with open_verdicts(Path("verdicts.jsonl"), decide_fates(guard, folder, "input", tally)) as verdicts:
        Scan(folder, verdicts, tally).run([lambda: make_judge(guard, "input")] * 2)

As many files are judged at a time as there are judges (see `judges`). Whoever is stopped in the middle, by whatever, goes on from
there by doing the same again: what was judged by the same policy and did not change since is not judged again.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import stat
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from guardrails.authoring.checked_files import FileError, FileTree, FoundFile, content_kind, read_content
from guardrails.authoring.scan.verdict_file import (
    Asked,
    Line,
    LineFate,
    VerdictFile,
    decode_name,
    encode_name,
)
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload
from guardrails.errors import GuardUnavailable, RequestError, describe_unavailable
from guardrails.guard import Guard
from guardrails.types import Place, Stage, Verdict

Judge = Callable[[FoundFile], Line]
"""A file in, its line out; it never raises for what a file is."""

Start = Callable[[], Judge]
"""Returns a judge as soon as it can judge."""

SHOWN: Final = 10
"""Files of a sort that a tally names."""

WATCH_S: Final = 0.1
"""Seconds between two looks at how a scan goes on."""

UNKNOWN: Final = "unknown"
"""The kind of a file that is of none that is known."""

UNREAD: Final = {"unknown_kind": "part", "too_many_bytes": "limit"}
"""Why a file is not read → under which name the policy has an action for that."""

TIMEOUT, CLOCK = "timeout", "wall_clock"
"""How reasons begin, or end, by which something was not looked at for want of time (`MediaError`, `Stop`)."""

GUARDS: Final = ("overloaded", "unavailable")
"""Codes of errors that are the guard's own: no worker was free, or a detector failed."""

CURES: Final = {
    "unreadable": "let the user who scans read it, or leave it out (--exclude)",
    "vanished": "scan again if it should be there",
    "changed": "scan again when nothing writes to it",
    "overloaded": "scan again with fewer --jobs",
}


@dataclass(slots=True)
class ScanTally:
    """What a scan came to: verdicts by action, rules that fired, kinds of files, why some could not be judged; the first files
    that are blocked (with the rules) and that could not be judged (with the reason), and those that took longest (in ms).
    """

    judged: int = 0
    kept: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    blocked: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)

    def add(self, line: Line, *, kept: bool = False) -> None:
        """Count a file; `kept`: it was judged before."""
        self.kinds[line["kind"]] += 1
        self.kept += kept
        self.judged += not kept
        verdict = line["verdict"]
        if verdict is None:
            self.errors[line["error"]["code"]] += 1
            _note_first(self.failed, (line["path"], line["error"]["message"]))
            return
        self.actions[verdict["action"]] += 1
        fired = [rule["id"] for rule in verdict["rules"] if rule["mode"] == "enforce"]
        self.rules.update(dict.fromkeys(fired, 1))
        if verdict["action"] == "block":
            _note_first(self.blocked, (line["path"], ", ".join(dict.fromkeys(fired))))
        push = heapq.heappush if len(self.slowest) < SHOWN else heapq.heappushpop
        push(self.slowest, (verdict["timings_ms"]["total"], line["path"]))

    @property
    def clean(self) -> bool:
        """Whether nothing is blocked, and all could be judged."""
        return not self.actions["block"] and not self.errors

    @property
    def is_unavailable(self) -> bool:
        """Whether nothing is wrong with any file, but the guard could not judge some."""
        return not self.actions["block"] and 0 < self.errors.total() == sum(
            self.errors[code] for code in GUARDS
        )

    def to_dict(self) -> dict[str, object]:
        """Return the tally as plain JSON values."""
        return {
            "files": self.judged + self.kept,
            "judged": self.judged,
            "kept": self.kept,
            "actions": {name: self.actions[name] for name in ("allow", "flag", "redact", "block")},
            "rules": dict(self.rules.most_common()),
            "kinds": dict(self.kinds.most_common()),
            "errors": dict(self.errors.most_common()),
            "blocked": [{"path": path, "rules": rules} for path, rules in self.blocked],
            "failed": [{"path": path, "error": why} for path, why in self.failed],
            "slowest": [{"path": path, "ms": took} for took, path in sorted(self.slowest, reverse=True)],
        }


def _note_first(list_: list[tuple[str, str]], entry: tuple[str, str]) -> None:
    if len(list_) < SHOWN:
        list_.append(entry)


def decide_fates(guard: Guard, folder: FileTree, stage: str, tally: ScanTally) -> Asked:
    """Return who says which lines of an earlier scan hold: those by the same policy at the same stage, of files that are as they
    were by size and time, or by their digest. What could not be judged, or only in part for want of time, is judged again.
    """
    digests = policy_digests(guard)

    def fate(line: Line) -> LineFate:
        name = decode_name(line)
        path = folder.root / name
        try:
            state = path.stat(follow_symlinks=folder.follow)
            if line["verdict"] is None:
                return LineFate.STALE
            if not folder.choice.means(name):
                return LineFate.ASIDE
            if not stat.S_ISREG(state.st_mode) or not _is_below(name):
                return LineFate.GONE
            if not _holds(line, digests, stage) or line["size"] != state.st_size:
                return LineFate.STALE
            if line["mtime_ns"] != state.st_mtime_ns:
                if _read(path)[0] != line["sha256"]:
                    return LineFate.STALE
                line["mtime_ns"] = state.st_mtime_ns
            tally.add(line, kept=True)
        except (FileNotFoundError, NotADirectoryError):
            return LineFate.GONE
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return LineFate.STALE
        return LineFate.KEPT

    return fate


def _is_below(name: str) -> bool:
    return not name.startswith("/") and ".." not in name.split("/")


def policy_digests(guard: Guard) -> tuple[str, str | None]:
    """Return what tells by which policies a guard judges: the digest of its own, and of its floor, None without one."""
    return guard.policy.ref.digest, None if guard.floor is None else guard.floor.ref.digest


def _holds(line: Line, digests: tuple[str, str | None], stage: str) -> bool:
    verdict = line["verdict"]
    reasons = [entry["reason"] for entry in verdict["coverage"]["unchecked"]]
    late = any(reason.startswith(TIMEOUT) or reason.endswith(CLOCK) for reason in reasons)
    return (
        (verdict["policy"]["digest"], line.get("floor")) == digests
        and verdict["stage"] == stage
        and not verdict["errors"]
        and not late
    )


def make_judge(guard: Guard, stage: str) -> Judge:
    """Return what judges files by a guard; any number of threads may use it."""
    at, (_, under) = Stage(stage), policy_digests(guard)
    floor = {} if under is None else {"floor": under}

    def line_of(found: FoundFile) -> Line:
        if found.error is not None:
            return unread_line(found, found.error)
        line = _blank(found) | floor
        try:
            line["sha256"], before = _read(found.path)
            line |= {"size": before.st_size, "mtime_ns": before.st_mtime_ns}
            line["kind"], verdict = _verdict(guard, found.path, at)
            if _identity(found.path.stat()) != _identity(before):
                return line | {"error": _error("changed", "it changed while it was judged")}
        except OSError as error:
            return unread_line(found, error)
        except FileError as error:
            return line | {"error": _error(error.code, error.reason)}
        except GuardUnavailable as error:
            return line | {"error": _error("overloaded", str(error))}
        except Exception as error:  # a fault of ours, which must not end a scan of a million files
            return line | {"error": _error("failed", f"the guard failed over it ({type(error).__name__})")}
        if verdict.unavailable is not None:
            return line | {"error": _error("unavailable", describe_unavailable(verdict))}
        # The file itself is its content: what it says is written nowhere else.
        return line | {"verdict": {k: v for k, v in verdict.to_dict().items() if k != "content"}}

    return line_of


def unread_line(found: FoundFile, error: OSError) -> Line:
    """Return the line of a file, or of a folder, that cannot be read."""
    code = "vanished" if isinstance(error, FileNotFoundError) else "unreadable"
    return _blank(found) | {"error": _error(code, error.strerror)}


def _blank(found: FoundFile) -> Line:
    line = encode_name(found.name) | dict.fromkeys(("size", "mtime_ns", "sha256"))
    return line | {"kind": UNKNOWN, "verdict": None, "error": None}


def _error(code: str, reason: str | None) -> dict[str, str]:
    return {"code": code, "message": "; ".join(filter(None, (reason, CURES.get(code))))}


def _verdict(guard: Guard, path: Path, stage: Stage) -> tuple[str, Verdict]:
    """Return a file's kind and the verdict on it; what is of no known kind, or form, is what the policy says of such parts."""
    kind = UNKNOWN
    try:
        content = read_content(path, strict=False)
        kind = content_kind(content)
        return kind, guard.check(content, stage)
    except FileError as error:
        if error.code not in UNREAD:
            raise
        unread, reason = UNREAD[error.code], error.reason
    except RequestError as error:
        unread, reason = "part", f"{error.code}: it has no form that can be judged"
    tree = ContentTree()
    tree.cannot(unread, reason, (), Place(stage))
    return kind, guard.check(Payload(tree, lambda outcome: None), stage)


def _read(path: Path) -> tuple[str, os.stat_result]:
    """Return a file's digest, and its state when it was read."""
    # Should a pipe have taken its place, nobody waits for who writes to it.
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise OSError(0, "it is no file any more")
        return hashlib.file_digest(file, "sha256").hexdigest(), state


def _identity(state: os.stat_result) -> tuple[int, ...]:
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


class Scan:
    """One scan. `tally` grows with it."""

    def __init__(self, folder: FileTree, verdicts: VerdictFile, tally: ScanTally) -> None:
        self.tally = tally
        self._files, self._verdicts = iter(folder), verdicts
        self._walking, self._writing = threading.Lock(), threading.Lock()
        self._ended = threading.Event()
        self._under_way = 0
        self._over = False
        self._failure: BaseException | None = None

    def run(self, judges: Sequence[Start], watch: Callable[[ScanTally], None] = lambda tally: None) -> None:
        """Judge all files, by each judge one at a time; `watch` sees the tally now and then, on this thread.

        Whatever ends it, also an exception of this thread such as `KeyboardInterrupt`: what was written is whole, nothing
        more is written, and nobody waits for the files that are under way, nor for judges that cannot judge yet.

        Raises:
            UnusableVerdictsError: a verdict could not be written.
            Exception: what a judge raised.
        """
        for each in judges:
            threading.Thread(target=self._work, args=(each,), name="guardrails-scan", daemon=True).start()
        try:
            while not self._ended.wait(WATCH_S):
                watch(self.tally)
        finally:
            with self._writing:
                self._over = True
        if self._failure is not None:
            raise self._failure

    def _work(self, start: Start) -> None:
        try:
            judge = start()
            while (found := self._next()) is not None:
                self._write(judge(found))
        except BaseException as error:
            with self._writing:
                if not self._over:  # then a judge may well be gone
                    self._failure = self._failure or error
                    self._ended.set()

    def _next(self) -> FoundFile | None:
        """Return the next file that was not judged before; there is none any more once the scan is over."""
        with self._walking:
            while not self._over and self._failure is None:
                found = next(self._files, None)
                if found is None or found.name not in self._verdicts:
                    return self._take(found)
        return None

    def _take(self, found: FoundFile | None) -> FoundFile | None:
        with self._writing:
            self._under_way += found is not None
            if not self._under_way:
                self._ended.set()
        return found

    def _write(self, line: Line) -> None:
        with self._writing:
            if not self._over:
                self._verdicts.add(line)
                self.tally.add(line)
            self._under_way -= 1
