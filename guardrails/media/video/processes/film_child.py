"""The process for one film: it takes a task and the film through a socket, and sends what is seen as it is seen.

Each answer is a line of JSON (`kind`, what belongs to it, and `bytes`) and so many bytes. The pipe holds some pictures at
most: a process that is not listened to waits, so that memory is flat however long a film is. It has limits of memory and
processor time, may write no file but one that it was given and start no process, knows no secret of the environment, and does
one task: a film that took it over can lie about itself, and about nothing else.
"""

from __future__ import annotations

import gc
import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from guardrails.media.audio import audio_opening
from guardrails.media.errors import MediaError
from guardrails.media.video.file_end import count_trailing_bytes
from guardrails.media.video.film_opening import DescriptorFile, describe_film, open_container
from guardrails.media.video.film_parts import Sampling, VideoLimits
from guardrails.media.video.processes.task_channel import receive_task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from guardrails.media.video.film_opening import Fits

LOADED: Final = (
    *("av", "numpy", "guardrails.media.video.frames.frame_watch", "guardrails.media.video.soundtrack"),
    *("guardrails.media.rewrite.recode_child", "av.subtitles.stream", "PIL.Image"),
)
"""Modules of which tasks need most: a server that forks processes has loaded them."""

EARLY_S: Final = 5
"""Seconds of processor time that a process has besides, to start."""


class AnswerChannel:
    """Where answers go."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def send(self, head: Mapping[str, Any], parts: list[NDArray[Any]]) -> None:
        """Send an answer; the sizes of what follows stand in it as `shapes`."""
        sizes = {"shapes": [part.shape for part in parts], "bytes": sum(part.nbytes for part in parts)}
        self._write(json.dumps({**head, **sizes}).encode() + b"\n")
        for part in parts:
            self._write(part.tobytes())

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]


def main() -> None:
    """Do the task of this process."""
    out = AnswerChannel(os.dup(1))
    os.dup2(2, 1)  # nothing that a library prints gets between answers
    with socket.socket(fileno=os.dup(0)) as line:
        os.dup2(2, 0)
        came = receive_task(line)
    if came is None:
        return
    task, (film, *target) = came
    limits = VideoLimits(**task["limits"])
    bound_process(limits, task["seconds"], writes=bool(target))
    run_task({**task, "target": target[0] if target else None}, limits, out, film)


def run_task(task: Mapping[str, Any], limits: VideoLimits, out: AnswerChannel, film: int) -> None:
    """Do a task with the film of a descriptor, whatever comes of it."""
    file = DescriptorFile(film)
    try:
        CALLS[task["call"]](task, file, limits, out)
        out.send({"kind": "end"}, [])
    except MediaError as error:
        out.send({"kind": "error", "error": error.code, "message": str(error)}, [])
    except MemoryError:
        out.send(
            {
                "kind": "error",
                "error": "too_much_memory",
                "message": "it takes more memory than there may be",
            },
            [],
        )
    except BrokenPipeError:
        return  # who asked is gone


def _probe(task: Mapping[str, Any], file: DescriptorFile, limits: VideoLimits, out: AnswerChannel) -> None:
    with open_container(file, task["reader"], limits, fits=_fits(task)) as container:
        say = audio_opening.describe_sound if task.get("alone") else describe_film
        found = replace(say(container), behind=count_trailing_bytes(file, task["reader"]))
        out.send({"kind": "told", "told": asdict(found)}, [])


def _watch(task: Mapping[str, Any], file: DescriptorFile, limits: VideoLimits, out: AnswerChannel) -> None:
    from guardrails.media.video.frames.frame_watch import FrameWatch

    for name in ("av", "numpy"):
        import_module(name)
    gc.freeze()  # what is there now stays, and need not be gone through with each sample
    clip = task["sampling"].pop("clip")
    sampling = Sampling(**task["sampling"], clip=clip and (clip[0], clip[1]))
    FrameWatch(file, task["reader"], limits, sampling, out.send).run()


class _Enough(Exception):
    """A still is there."""


def _stills(task: Mapping[str, Any], file: DescriptorFile, limits: VideoLimits, out: AnswerChannel) -> None:
    from guardrails.media.video.frames.frame_watch import FrameWatch

    def first(at: int, head: dict[str, Any], views: list[NDArray[Any]]) -> None:
        if head["kind"] == "sample":
            head["seen"]["seconds"] = at / 1000  # how far it went, in all
            out.send(head, views)
            raise _Enough

    for at in task["times"]:
        sampling = Sampling(side=task["side"], clip=(at, at + 1))
        with suppress(_Enough):
            FrameWatch(file, task["reader"], limits, sampling, partial(first, at)).run()


def _captions(task: Mapping[str, Any], file: DescriptorFile, limits: VideoLimits, out: AnswerChannel) -> None:
    from guardrails.media.video.soundtrack import send_captions

    send_captions(file, task["reader"], limits, out.send)


def _sound(task: Mapping[str, Any], file: DescriptorFile, limits: VideoLimits, out: AnswerChannel) -> None:
    from guardrails.media.video.soundtrack import send_sound

    what = (task["rate"], task["track"], task["channel"])
    send_sound(file, task["reader"], limits, what, out.send, _fits(task))


def _covers(task: Mapping[str, Any], file: DescriptorFile, limits: VideoLimits, out: AnswerChannel) -> None:
    audio_opening.send_covers(file, task["reader"], limits, out.send)


def _fits(task: Mapping[str, Any]) -> Fits | None:
    """Return what says whether a file is what it should be: sound alone, or a film."""
    return audio_opening.check_sound if task.get("alone") else None


def _recode(task: Mapping[str, Any], file: DescriptorFile, limits: VideoLimits, out: AnswerChannel) -> None:
    from guardrails.media.rewrite.recode_child import recode

    recode(file, task["target"], (task["reader"], task["family"]), limits, out.send)


CALLS: Final[
    Mapping[str, Callable[[Mapping[str, Any], DescriptorFile, VideoLimits, AnswerChannel], None]]
] = {
    "probe": _probe,
    "watch": _watch,
    "stills": _stills,
    "captions": _captions,
    "sound": _sound,
    "covers": _covers,
    "recode": _recode,
}
"""What may be asked."""


def bound_process(limits: VideoLimits, seconds: float, *, writes: bool = False) -> None:
    """Take from this process what it does not need, and bound what it does: files that it `writes`, too."""
    try:
        import resource
    except ImportError:  # no such limits on this system: the clock remains
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * limits.bytes * writes,) * 2)
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    most = EARLY_S + int(seconds * max(1, min(limits.threads, os.cpu_count() or 1)))
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))


if __name__ == "__main__":
    main()
