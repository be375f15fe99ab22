"""The process that decodes: it reads tasks from standard input and answers on standard output.

A task is a line of JSON (`call`, `bytes`, and the arguments of `decode_image` or `edit_file`) and so many bytes of a file; an
answer is a line of JSON (`ok` and what describes the pixels, or `error` and `message`) and the bytes that it says. No pickle goes
either way: a decoder that a file took over can lie about pixels, and nothing else.

Each task has its own limits of memory and processor time, on top of the clock of who asked, and the process may neither write
files of any size nor start others.
"""

from __future__ import annotations

import json
import signal
import sys
import warnings
from collections.abc import Mapping
from typing import Any

from guardrails.media.errors import MediaError
from guardrails.media.images.decode import decode_image
from guardrails.media.images.edit import edit_file
from guardrails.media.limits import PictureLimits

SPARE = 768 << 20
"""Bytes of memory that a task may take besides those for its pixels: libraries, threads, what the file itself needs."""

A_PIXEL = 24
"""Bytes of memory for each pixel that may be: its views, and their copies on the way out."""


def main() -> None:
    """Do tasks until there are no more."""
    warnings.simplefilter("ignore")
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for who asked: no picture is undecodable because of it
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # this process's own: the limits of a task come with it
    _still()
    source, out = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing that a library prints gets between answers
    while line := source.readline():
        task = json.loads(line)
        head, parts = run_task(task, source.read(task["bytes"]))
        out.write(json.dumps(head | {"bytes": sum(map(len, parts))}).encode() + b"\n")
        out.writelines(parts)
        out.flush()


def run_task(task: Mapping[str, Any], data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Return the head of the answer to a task, and the bytes that follow it."""
    limits = PictureLimits(**task["limits"])
    _bound_resources(limits)
    try:
        if task["call"] == "edit":
            boxes = [(x, y, width, height) for x, y, width, height in task["boxes"]]
            how, profile = task["how"], bytes.fromhex(task["profile"])
            format_, made = edit_file(data, task["format"], task["orientation"], limits, boxes, how, profile)
            return {"ok": True, "format": format_}, [made]
        found = decode_image(data, task["format"], task["orientation"], limits)
    except MediaError as error:
        return {"ok": False, "error": error.code, "message": str(error)}, []
    except MemoryError:
        return {
            "ok": False,
            "error": "too_much_memory",
            "message": "it takes more memory than there may be",
        }, []
    frames = [[shown, [[wide, high] for wide, high, _ in views]] for shown, views in found.frames]
    head = {"ok": True, "width": found.width, "height": found.height, "alpha": found.alpha, "frames": frames}
    return head, [pixels for _, views in found.frames for _, _, pixels in views]


def _still() -> None:
    """Take from this process what decoding does not need."""
    try:
        import resource
    except ImportError:  # no such limits on this system: the clock remains
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _bound_resources(limits: PictureLimits) -> None:
    """Set the memory and the processor time that the next task may take."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (SPARE + A_PIXEL * limits.pixels, resource.RLIM_INFINITY))
    spent = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(spent.ru_utime + spent.ru_stime + limits.seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
