"""Films, in one run: how fast a check is beside decoding alone and beside one frame a second, and what each of them finds.

    python benchmarks/video.py                # about six minutes; --sizes 360p for less

The films are made up: shots of a picture with grain that pans, three to five seconds each, H.264. `decode` is PyAV reading every
frame with all cores and looking at none; `1 fps` is what one would write by hand: the same, with one frame a second made small
and shown to the detector; ours is a whole `guard.check(…, "output")`, in which every frame is looked at for cuts, by processes of
its own, which take some 0.2 s to start. All three are asked in turn, medians are shown. Once with `green_square`, which costs
next to nothing, and once with the shipped classifier, as the default policy has it: most of that is the classifier's own time.

What is found is asked of films with one odd frame of 1,800, at each of `--places` places, of films with half a second of it, and
of a strobe. Memory is the highest of a process that decodes, for a film and for one that is eight times as long. RECALL OF THE
CLASSIFIER IS NOT MEASURED: no explicit film was sought.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import av
import numpy as np

from guardrails import Guard
from guardrails.media.images.picture import open_picture as picture
from guardrails.media.video.film_source import WatchRun, open_film
from guardrails.types import Image
from measure import machine, table
from tests.green_square import KIND as GREEN_SQUARE  # what costs next to nothing

SIZES = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080)}
SECONDS = {"360p": 60, "720p": 30, "1080p": 20}
FPS = 30
GRAIN = 22
AIM = 0.6
DETECTORS = {
    "green_square": ("{use: green_square}", "custom.green_square > 0.5"),
    "nsfw_mid": ("{use: image_classifier}", "sexual.explicit > 0.85"),
}
Row = dict[str, object]
Pixels = np.ndarray[Any, Any]


def guard_of(detector: str) -> Guard:
    """Return the guard of a policy of one detector."""
    use, when = DETECTORS[detector]
    lines = ["format: 1", "name: films", "detectors:", f"  seen: {use}", "rules:"]
    lines.append(f"  - {{id: seen, on: [output], when: {when}, then: block}}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "films.yaml"
        path.write_text("\n".join([*lines, ""]))
        return Guard.load(path, detectors={"green_square": GREEN_SQUARE})


def texture(size: tuple[int, int], seed: int) -> Pixels:
    """Return a smooth picture of colours, wider than the frame, to pan over; nothing in it is green."""
    rng = np.random.default_rng(seed)
    small = rng.integers(30, 226, (size[1] // 40 + 2, size[0] // 20 + 2, 3), dtype=np.uint8)
    from PIL import Image as Pillow

    small[:, :, 1] = np.minimum(small[:, :, 1], small[:, :, 0])
    return np.asarray(Pillow.fromarray(small).resize((2 * size[0], size[1]), Pillow.Resampling.BICUBIC))


def panned(size: tuple[int, int], count: int, seed: int = 0) -> Iterator[Pixels]:
    """Yield frames: shots of three to five seconds with the grain of a camera, without any green square."""
    rng = np.random.default_rng(seed)
    grain = [rng.integers(0, GRAIN, (size[1], size[0], 1), dtype=np.uint8) for _ in range(8)]
    given = 0
    while given < count:
        wide, shot = texture(size, int(rng.integers(1 << 30))), int(rng.integers(3 * FPS, 5 * FPS))
        for at in range(min(shot, count - given)):
            shown = wide[:, (4 * at) % size[0] : (4 * at) % size[0] + size[0]]
            yield shown + np.minimum(255 - shown, grain[int(rng.integers(8))])
        given += shot


def odd(size: tuple[int, int]) -> Pixels:
    """Return a grey frame with a green square."""
    made = np.full((size[1], size[0], 3), 110, np.uint8)
    made[size[1] // 4 : 3 * size[1] // 4, size[0] // 3 : size[0] // 3 + size[1] // 2] = (0, 255, 0)
    return made


def film(frames: Iterator[Pixels], size: tuple[int, int]) -> bytes:
    """Return a film of frames."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as made:
        stream: Any = made.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "23"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for pixels in frames:
            made.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
        made.mux(stream.encode())
    return out.getvalue()


def replaced(frames: Iterator[Pixels], new: Pixels, first: int, count: int) -> Iterator[Pixels]:
    """Yield frames with another one in the place of some."""
    for at, pixels in enumerate(frames):
        yield new if first <= at < first + count else pixels


def decoded(data: bytes) -> int:
    """Return how many frames a film has, by decoding all."""
    with av.open(io.BytesIO(data)) as found:
        found.streams.video[0].thread_type = "AUTO"
        return sum(1 for _ in found.decode(video=0))


def each_second(data: bytes, judge: Callable[[Pixels], bool]) -> bool:
    """Tell whether the detector finds anything in a frame a second."""
    found, due = False, 0.0
    with av.open(io.BytesIO(data)) as found_in:
        found_in.streams.video[0].thread_type = "AUTO"
        for frame in found_in.decode(video=0):
            if float(frame.time) >= due:
                due += 1.0
                found = judge(frame.to_ndarray(width=512, height=288, format="rgb24")) or found
    return found


def judged_by(guard: Guard) -> Callable[[Pixels], bool]:
    """Return the guard's detector as a function of one frame."""
    (bound,) = guard.pipeline.bounds()

    def judge(pixels: Pixels) -> bool:
        (answer,) = bound.detector.detect([Image(source=picture(pixels))])
        return any(each.score > 0.5 for each in answer.findings)

    return judge


def speeds(sizes: list[str], rounds: int) -> list[Row]:
    """Return how fast each is, by size and detector."""
    rows: list[Row] = []
    for name in sizes:
        data = film(panned(SIZES[name], SECONDS[name] * FPS), SIZES[name])
        for detector in DETECTORS:
            guard = guard_of(detector)
            judge = judged_by(guard)
            asked: list[Callable[[bytes], object]] = [
                decoded,
                lambda data, judge=judge: each_second(data, judge),
                lambda data, guard=guard: guard.check(data, "output"),
            ]
            times: list[list[float]] = [[] for _ in asked]
            for number in range(rounds + 1):
                for at, ask in enumerate(asked):
                    start = perf_counter()
                    ask(data + bytes(number))  # another file each time: what is known is not watched again
                    if number:
                        times[at].append(perf_counter() - start)
            bare, second, ours = (statistics.median(each) for each in times)
            coverage = guard.check(data, "output").coverage.films[0]  # which is known by now
            rows.append(
                {
                    "film": name,
                    "Mbit/s": len(data) / SECONDS[name] / 125_000,
                    "detector": detector,
                    "decode x": SECONDS[name] / bare,
                }
                | {"1 fps x": SECONDS[name] / second, "ours x": SECONDS[name] / ours}
                | {"ours / decode": f"{bare / ours:.2f}", "ours / 1 fps": f"{second / ours:.2f}"}
                | {"frames": coverage.frames, "judged": coverage.judged, "cuts": coverage.cuts}
            )
    return rows


def finds(places: int) -> list[Row]:
    """Return in how many films each finds what is in them."""
    size, count, guard = SIZES["360p"], 1_800, guard_of("green_square")
    judge, new = judged_by(guard), odd(SIZES["360p"])
    starts = [int(at) for at in np.linspace(37, count - 61, places)]
    rows: list[Row] = []
    for what, length in (("one odd frame of 1,800", 1), ("half a second", 15)):
        hits, seconds, exact = 0, 0, 0
        for start in starts:
            data = film(replaced(panned(size, count, 1), new, start, length), size)
            verdict = guard.check(data, "output", complete=True)
            hits += verdict.blocked
            seconds += each_second(data, judge)
            clip = (round(1_000 * start / FPS), round(1_000 * (start + length) / FPS))
            exact += any(
                each.clip is not None and max(abs(each.clip[0] - clip[0]), abs(each.clip[1] - clip[1])) <= 40
                for each in verdict.findings
            )
        rows.append(
            {
                "in the film": what,
                "films": places,
                "ours": hits,
                "1 fps": seconds,
                "ours, time within a frame": exact,
            }
        )
    strobe = film(iter([texture(size, seed)[:, : size[0]] for seed in range(40)] * 60), size)
    verdict = guard.check(strobe, "output")
    said = verdict.coverage.films[0].stopped
    rows.append(
        {"in the film": f"strobe of 2,400 cuts: {verdict.action}, {said}", "films": 1, "ours": 1, "1 fps": 0}
    )
    return rows


def highest(watch: WatchRun) -> float:
    """Return the most memory in megabytes that the process of a watch had so far."""
    status = Path(f"/proc/{watch._process._process.pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []  # it may have ended
    return max([int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")], default=0.0)


def memory() -> list[Row]:
    """Return the highest memory of the process that decodes, for a film and for one that is eight times as long (Linux alone)."""
    rows: list[Row] = []
    for seconds in (30, 240):
        data = film(panned(SIZES["360p"], seconds * FPS), SIZES["360p"])
        with open_film(data) as watched, watched.watch() as watch:
            peak = max(highest(watch) for _ in watch)
        rows.append({"seconds": seconds, "file MB": len(data) / 1e6, "decoding process MB": peak})
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", choices=[*SIZES], default=[*SIZES])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--places", type=int, default=8)
    args = parser.parse_args()
    print(machine())
    print(f"\nspeed as a multiple of real time (aim: ours / decode at 720p >= {AIM})\n")
    print(table(speeds(args.sizes, args.rounds)))
    print("\nwhat is found\n")
    print(table(finds(args.places)))
    print("\nmemory\n")
    print(table(memory()))


if __name__ == "__main__":
    main()
