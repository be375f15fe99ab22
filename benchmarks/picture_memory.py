"""What many large pictures in one request cost of memory: one-bit PNGs of ten megapixels, a kilobyte each, in a real guard.

    python benchmarks/picture_memory.py                     # 20 pictures, the shipped classifier, six requests
    python benchmarks/picture_memory.py --pictures 200 --requests 6 --without-budget

Each picture differs from the others by some pixels, so that none is known, and each request has others. Shown are the megabytes
of resident memory above those after a first small picture, of this process and of those that decode: the highest while the
request was judged, and what is left once it is answered.
"""

from __future__ import annotations

import argparse
import base64
import gc
import io
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from PIL import Image

from guardrails import Budget, Guard
from guardrails.errors import RequestError
from measure import machine, table

SIDES = (3_200, 3_125)
EVERY_S = 0.01
MB = 1 << 20
UNBOUNDED = Budget(*(10**12,) * 4)
POLICY = """
format: 1
name: pictures
detectors: {seen: {use: image_classifier}}
rules: [{id: seen, on: [input], when: sexual.explicit > 0.5, then: block}]
limits: {deadline_ms: %d}
"""


def guard_of(deadline_ms: int, budget: Budget) -> Guard:
    """Return a guard that looks at pictures by the shipped classifier."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures.yaml"
        path.write_text(POLICY % deadline_ms)
        return Guard.load(path, budget=budget)


def one_bit(number: int) -> bytes:
    """Return a one-bit PNG of ten megapixels that differs from that of any other number."""
    image = Image.new("1", SIDES)
    for bit in range(32):
        image.putpixel((bit, 0), number >> bit & 1)
    made = io.BytesIO()
    image.save(made, "PNG", compress_level=9)
    return made.getvalue()


def resident() -> tuple[int, int]:
    """Return the bytes of resident memory of this process, and of its children."""
    own = int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    children = 0
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # the thread, or the process, has ended
            for child in path.read_text().split():
                children += int(Path(f"/proc/{child}/statm").read_text().split()[1]) * 4096
    return own, children


class Watched:
    """Resident memory while something runs: the highest of this process, and of its children."""

    def __enter__(self) -> Watched:
        self.own = self.children = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_S):
            own, children = resident()
            self.own, self.children = max(self.own, own), max(self.children, children)

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def asking(pictures: list[bytes]) -> list[dict[str, object]]:
    """Return a message with pictures, as chat requests have them."""
    parts = [
        {
            "type": "image_url",
            "image_url": {"url": "data:image/png;base64," + base64.b64encode(each).decode()},
        }
        for each in pictures
    ]
    return [{"role": "user", "content": parts}]


def judged(guard: Guard, pictures: list[bytes]) -> str:
    """Return what became of one request."""
    try:
        verdict = guard.check(asking(pictures))
    except RequestError as error:
        return error.code
    unchecked = sum(each.kind == "image" for each in verdict.coverage.unchecked)
    return f"{verdict.action}, {unchecked} not judged" if unchecked else str(verdict.action)


def main() -> None:
    """Judge the requests, one after the other, and print a row for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--requests", type=int, default=6)
    parser.add_argument("--deadline", type=int, default=120_000, help="the policy's, in milliseconds")
    parser.add_argument("--without-budget", action="store_true", help="judge what the default budget refuses")
    args = parser.parse_args()
    if not sys.platform.startswith("linux"):
        parser.error("resident memory is read from /proc, which only Linux has")
    guard = guard_of(args.deadline, UNBOUNDED if args.without_budget else Budget())
    judged(guard, [one_bit(0)])
    before, _ = resident()
    rows = []
    for request in range(args.requests):
        pictures = [one_bit(1 + request * args.pictures + at) for at in range(args.pictures)]
        started = time.perf_counter()
        with Watched() as watched:
            came_to = judged(guard, pictures)
        took = time.perf_counter() - started
        gc.collect()
        time.sleep(0.5)
        rows.append(
            {
                "request": request + 1,
                "KB": sum(map(len, pictures)) // 1024,
                "came to": came_to,
                "s": round(took, 1),
                "peak MB": max(0, watched.own - before) // MB,
                "decoders MB": watched.children // MB,
                "settled MB": (resident()[0] - before) // MB,
            }
        )
    print(f"{args.pictures} pictures of {SIDES[0]} x {SIDES[1]} a request; {machine()}\n")
    print(table(rows))


if __name__ == "__main__":
    main()
