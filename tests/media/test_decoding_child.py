"""The process that decodes: what it answers, and what it may not do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from guardrails.media.limits import PictureLimits
from tests.cases import each_case

Make = Callable[..., bytes]

PROGRAM = f"import sys; sys.path[:] = {sys.path!r}; from guardrails.media.decoding_child import main; main()"


def answers(
    *tasks: tuple[dict[str, Any], bytes], program: str = PROGRAM
) -> list[tuple[dict[str, Any], bytes]]:
    """Return what a process answers to tasks."""
    given = b"".join(
        json.dumps({"limits": asdict(PictureLimits()), "orientation": 1, "bytes": len(data), **task}).encode()
        + b"\n"
        + data
        for task, data in tasks
    )
    out = subprocess.run(
        [sys.executable, "-c", program], input=given, stdout=subprocess.PIPE, check=True, timeout=60
    ).stdout
    found = []
    while out:
        line, _, out = out.partition(b"\n")
        head = json.loads(line)
        found.append((head, out[: head["bytes"]]))
        out = out[head["bytes"] :]
    return found


def test_tasks_are_answered_in_turn(draw: Callable[..., Image.Image], file_of: Make) -> None:
    """Pixels, an edited file, and what is wrong with one, after which it goes on."""
    data = file_of(draw(), "png")
    decode = {"call": "decode", "format": "png"}
    edit = {"call": "edit", "format": "png", "boxes": [[0, 0, 4, 4]], "how": "solid", "profile": ""}
    pixels, made, wrong, again = answers((decode, data), (edit, data), (decode, b"zqx"), (decode, data))
    assert pixels == again
    assert pixels[0] == {
        "ok": True,
        "width": 48,
        "height": 32,
        "alpha": False,
        "frames": [[0, [[48, 32]]]],
        "bytes": 4_608,
    }
    assert pixels[1] == draw().tobytes()
    assert (made[0]["ok"], made[0]["format"], made[1][:4]) == (True, "png", b"\x89PNG")
    assert (wrong[0]["error"], wrong[1]) == ("undecodable", b"")


def test_memory_ends(draw: Callable[..., Image.Image], file_of: Make) -> None:
    """A task that takes more than there may be is told so, and the next one is done."""
    data = file_of(draw(5_000, 5_000), "png")
    begun = "1024 * int(open('/proc/self/status').read().split('VmSize:')[1].split()[0])"
    greedy = PROGRAM.replace(
        "main()",
        "import PIL.Image, PIL.PngImagePlugin, numpy, guardrails.media.decoding_child as child; "
        f"child.SPARE, child.A_PIXEL = {begun} + (32 << 20), 0; main()",
    )
    task = {"call": "decode", "format": "png"}
    found = answers((task, data), (task, data), program=greedy)
    assert [head["error"] for head, _ in found] == ["too_much_memory"] * 2


@each_case(
    "deed",
    [
        "open('zqx', 'wb', buffering=0).write(b'x' * 9)",
        "__import__('os').close(0); [].append(bytearray(1 << 45))",
    ],
)
def test_it_may_neither_write_files_nor_take_all_memory(deed: str, tmp_path: Path) -> None:
    """Whoever takes over a decoder finds little to do."""
    program = f"import sys; sys.path[:] = {sys.path!r}; import guardrails.media.decoding_child as child; child._still(); from guardrails.media.limits import PictureLimits; child._bound_resources(PictureLimits()); {deed}"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, timeout=60, cwd=tmp_path
    )
    assert done.returncode != 0
    assert b"File too large" in done.stderr or b"MemoryError" in done.stderr


def test_ctrl_c_is_not_for_it(draw: Callable[..., Image.Image], file_of: Make) -> None:
    """A terminal sends it to all processes: one that stopped in the middle would make of a picture one that cannot be decoded."""
    data = file_of(draw(), "png")
    task = {
        "limits": asdict(PictureLimits()),
        "orientation": 1,
        "bytes": len(data),
        "call": "decode",
        "format": "png",
    }
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write(json.dumps(task).encode() + b"\n" + data)
            process.stdin.flush()
            head = json.loads(process.stdout.readline())
            assert head["ok"]
            process.stdout.read(head["bytes"])
            process.send_signal(signal.SIGINT)
        process.stdin.close()
        assert process.wait(timeout=60) == 0
