"""The program of a process for a film, run as it runs: by a server, a file and a pipe."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from guardrails.media.video.film_parts import Sampling, VideoLimits
from guardrails.media.video.processes.film_process import STARTED
from guardrails.media.video.processes.forked_process import get_processes

Reel = Callable[..., bytes]


def answers(path: Path, task: dict[str, Any], limits: VideoLimits | None = None) -> list[dict[str, Any]]:
    """Run a task; return the heads of what it sends."""
    whole = {
        "limits": asdict(limits or VideoLimits()),
        "seconds": 20,
        "reader": "mov",
        **task,
    }
    with path.open("rb") as file:
        process = get_processes().start(STARTED, whole, [file])
    rest = process.stdout.read()
    assert process.wait(60) == 0
    process.close()
    found = []
    while rest:
        line, _, rest = rest.partition(b"\n")
        found.append(json.loads(line))
        rest = rest[found[-1]["bytes"] :]
    return found


def test_answers_are_lines_with_bytes(calm: bytes, tmp_path: Path) -> None:
    """What a file says, what is seen of it, and an end."""
    path = tmp_path / "a.mp4"
    path.write_bytes(calm)
    told, end = answers(path, {"call": "probe"})
    assert (told["kind"], told["told"]["width"], end["kind"]) == ("told", 128, "end")
    found = answers(path, {"call": "watch", "sampling": asdict(Sampling(side=64))})
    samples = [head for head in found if head["kind"] == "sample"]  # accounts come between, if it takes long
    assert [head["why"] for head in samples] == ["first", "rate", "rate", "last"]
    assert [head["kind"] for head in found[-2:]] == ["seen", "end"]
    assert {(*map(tuple, head["shapes"]), head["bytes"]) for head in samples} == {((36, 64, 3), 36 * 64 * 3)}


def test_what_is_wrong_is_an_answer(tmp_path: Path) -> None:
    """With a code and a sentence."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"zqx" * 1_000)
    (error,) = answers(path, {"call": "probe"})
    assert (error["kind"], error["error"]) == ("error", "undecodable")
    assert "zqx" not in error["message"]


def test_a_film_that_takes_too_much_processor_time_is_ended(calm: bytes, tmp_path: Path) -> None:
    """By the system, whatever the clock of who asked says."""
    path = tmp_path / "a.mp4"
    path.write_bytes(calm)
    program = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from guardrails.media.video.processes import film_child\n"
        "from guardrails.media.video.film_parts import VideoLimits\n"
        "film_child.EARLY_S = 1\n"
        "film_child.bound_process(VideoLimits(), 0.0)\n"
        "while True: pass\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=False)
    assert done.returncode in (-24, -9)


def test_a_process_writes_no_file(tmp_path: Path) -> None:
    """Nor starts one that would."""
    path = tmp_path / "written"
    program = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from guardrails.media.video.processes.film_child import bound_process\n"
        "from guardrails.media.video.film_parts import VideoLimits\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "bound_process(VideoLimits(), 1.0)\n"
        f"from pathlib import Path; Path({str(path)!r}).write_text('zqx')\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=False)
    assert done.returncode == 1
    assert path.read_bytes() == b""
