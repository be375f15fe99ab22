"""Workers: processes that decode and can be killed. A task goes in, what came of it comes out, in time or not at all.

What is **risky** goes there (`needs_process`), measured on a 2-core box, Pillow 13, as what can be waited for without a way out:

* AVIF and HEIC: the largest and youngest decoders, with threads and memory of their own (1024²: 30 ms, 2048²: 165 ms);
* what says unusual things of its colours (`colours`): a library in C has to read that;
* what moves: a megabyte can hold minutes of work (300 frames of 2000²: 7 s);
* more than 8 million pixels (PNG 3000²: 0.4 s, 6000²: 2.3 s; WebP 4000²: 0.4 s);
* a JPEG of more than 80 million pixels over all its passes: a camera's has one (6000²: 0.25 s, half of that at half the size),
  others have about ten, and one that was made to take long has thousands.

All else takes well under a second by what its outline says, in C code that lets go of Python's lock, and is decoded where it
is asked for: a JPEG of 1024² takes 4 ms there, and a trip to a process that runs takes 2 ms more (the first one 150 ms: it is
started then). A process does one task at a time and is kept for the next; there are at most as many as cores, and who finds none
free waits for as long as a task may take. One that ran out of time, crashed or lied is killed; the next task starts another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final

from guardrails.errors import GuardUnavailable
from guardrails.fork_safety import call_at_exit, fork_safe_lock
from guardrails.media.errors import CODES, MediaError
from guardrails.media.images.decode import DecodedImage, View
from guardrails.media.images.outline_parts import FileOutline
from guardrails.media.limits import PictureLimits

RISKY_PIXELS: Final = 8_000_000
RISKY_JPEG: Final = 80_000_000
"""Above these a file is decoded in a process: pixels, and of a JPEG those of each pass."""

RISKY_FORMATS: Final = frozenset(("avif", "heic"))

TASKS: Final = 500
"""Tasks that a process does before it makes place for a new one."""

ENVIRONMENT: Final = (
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SYSTEMROOT",
    "PYTHONHOME",
    "LANG",
    "TMPDIR",
)
"""What a process gets of the environment: no secret is where hostile bytes are read."""

STARTED: Final = (
    "import sys; sys.path[:] = {paths!r}; from guardrails.media.decoding_child import main; main()"
)
"""The program of a process: it finds modules where this one does."""

EXTRA_SECONDS: Final = 5.0
"""Time that a process has besides, to start."""


def needs_process(outline: FileOutline) -> bool:
    """Tell whether a file is decoded in a process that can be killed."""
    pixels = outline.width * outline.height * outline.scans
    most = RISKY_JPEG if outline.format == "jpeg" else RISKY_PIXELS
    return outline.format in RISKY_FORMATS or outline.frames != 1 or outline.coloured or pixels > most


class DecodingWorker:
    """One process; not to be shared by threads."""

    def __init__(self) -> None:
        paths = [str(Path(path).resolve()) for path in sys.path]
        self.left = TASKS
        self._process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
            [sys.executable, "-I", "-c", STARTED.format(paths=paths)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: value for name in ENVIRONMENT if (value := os.environ.get(name)) is not None},
        )

    @property
    def alive(self) -> bool:
        """Whether it can take another task."""
        return self.left > 0 and self._process.poll() is None

    def do(self, task: Mapping[str, Any], data: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Return the head of the answer and its bytes; raises `MediaError` where there is none, and then it is dead."""
        more = EXTRA_SECONDS if self.left == TASKS else 0.0
        self.left -= 1
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        clock = threading.Timer(seconds + more, stop)
        clock.daemon = True
        clock.start()
        try:
            return self._request(task, data)
        except (OSError, ValueError) as error:
            self.end()
            if late.is_set() or self._process.returncode == -24:  # SIGXCPU
                raise MediaError("timeout", f"decoding it took more than {seconds:g} seconds") from error
            raise MediaError("undecodable", "the decoder broke down over it") from error
        finally:
            clock.cancel()

    def _request(self, task: Mapping[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        source, out = self._pipes()
        source.write(json.dumps({**task, "bytes": len(data)}).encode() + b"\n")
        source.write(data)
        source.flush()
        line = out.readline(1 << 20)
        head = json.loads(line)
        if not isinstance(head, dict) or not isinstance(size := head.get("bytes"), int):
            raise ValueError("no answer")
        body = out.read(size)
        if len(body) != size:
            raise ValueError("no whole answer")
        return head, body

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def end(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes():
            try:
                pipe.close()
            except OSError:  # it was being written to
                continue


class DecodingWorkers:
    """At most so many processes, started when they are needed; safe to share by threads."""

    def __init__(self, most: int) -> None:
        self._places = threading.BoundedSemaphore(most)
        self._free: list[DecodingWorker] = []
        self._lock = fork_safe_lock()

    def do(self, task: Mapping[str, Any], data: bytes, limits: PictureLimits) -> tuple[dict[str, Any], bytes]:
        """Return the head of the answer and its bytes.

        Raises:
            MediaError: what is wrong with the picture.
            GuardUnavailable: all processes are busy, for as long as a task may take, or the system has no room for one.
        """
        if not self._places.acquire(timeout=limits.seconds):
            raise GuardUnavailable("all decoders of pictures are busy")
        try:
            head, body = self._done({**task, "limits": asdict(limits)}, data, limits.seconds)
        finally:
            self._places.release()
        if head.get("ok") is not True:
            code, message = head.get("error"), str(head.get("message"))[:200]
            raise MediaError(code if code in CODES else "undecodable", message)
        return head, body

    def _done(self, task: Mapping[str, Any], data: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            worker = self._free.pop() if self._free else None
        if worker is not None and not worker.alive:
            worker.end()
            worker = None
        worker = worker or _start_worker()
        try:
            return worker.do(task, data, seconds)
        finally:
            if worker.alive:
                with self._lock:
                    self._free.append(worker)
            else:
                worker.end()

    def end(self) -> None:
        """Kill all processes that are free."""
        with self._lock:
            free, self._free = self._free, []
        for worker in free:
            worker.end()


def _start_worker() -> DecodingWorker:
    try:
        return DecodingWorker()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise GuardUnavailable(
            f"the system has no room for a process that decodes a picture: {why}"
        ) from error


def unpack_pixels(head: Mapping[str, Any], body: bytes) -> DecodedImage:
    """Return the pixels of an answer; raises `MediaError` where its sizes are not those of its bytes."""
    try:
        found = DecodedImage(int(head["width"]), int(head["height"]), bool(head["alpha"]))
        at = 0
        for shown, sizes in head["frames"]:
            views: list[View] = []
            for wide, high in sizes:
                end = at + 3 * wide * high
                if wide < 1 or high < 1 or end > len(body):
                    raise ValueError("no such view")
                views.append((wide, high, body[at:end]))
                at = end
            found.frames.append((int(shown), views))
        if at != len(body) or not all(views for _, views in found.frames) or not found.frames:
            raise ValueError("not as many bytes as pixels")
    except (KeyError, TypeError, ValueError) as error:
        raise MediaError("undecodable", "the decoder broke down over it") from error
    return found


_SHARED: dict[int, DecodingWorkers] = {}
_SHARING = fork_safe_lock()


def get_workers() -> DecodingWorkers:
    """Return the processes that all who decode share; a process that was forked has its own."""
    with _SHARING:
        found = _SHARED.get(os.getpid())
        if found is None:
            found = _SHARED[os.getpid()] = DecodingWorkers(max(2, os.cpu_count() or 1))
            call_at_exit(found.end)
        return found


def make_task(
    call: str, outline: FileOutline, boxes: Sequence[Sequence[int]] = (), how: str = ""
) -> dict[str, Any]:
    """Return the task for a file: `decode`, or `edit` with boxes."""
    task = {"call": call, "format": outline.format, "orientation": outline.orientation}
    if call == "decode":
        return task
    return task | {"boxes": [*map(list, boxes)], "how": how, "profile": outline.profile.hex()}
