"""Starts the judges of a scan, in as few processes as are needed.

Four judges share a process, as threads: by the default policy, 13 % of what a small picture takes and 20 % of what a text of
2,000 characters takes is Python (measured), which one thread does at a time; the rest is models and decoders, which let go of
its lock. A fifth would mostly wait, and a process for each would load the models that often (420 MB by the default policy).
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final

from guardrails.authoring.checked_files import FoundFile
from guardrails.authoring.scan.scan import Judge, Start, make_judge, policy_digests, unread_line
from guardrails.authoring.scan.verdict_file import Line, encode_line
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard

THREADS: Final = 4
"""Judges of one process."""


class LostJudgeError(GuardrailsError):
    """A process that judges is no more, or reads another policy."""


@contextmanager
def start_judges(
    policy: str, guard: Guard, stage: str, jobs: int, floor: str | None = None
) -> Iterator[list[Start]]:
    """Return so many judges by a guard, which was loaded from `policy`, with `floor` under it; those in other processes end with
    the block, and write to the same records.
    """
    own = make_judge(guard, stage)
    with ExitStack() as held:
        found: list[Start] = [lambda: own] * min(jobs, THREADS)
        while len(found) < jobs:
            threads = min(THREADS, jobs - len(found))
            loaded = {"policy": policy, "floor": floor, "records": guard.records and guard.records.doc}
            found += held.enter_context(_process(loaded, policy_digests(guard), stage, threads))
        yield found


@contextmanager
def _process(
    loaded: Mapping[str, Any], digests: tuple[str, str | None], stage: str, threads: int
) -> Iterator[list[Start]]:
    """Return judges that are the threads of a process."""
    context = get_context("spawn")
    pipes = [context.Pipe() for _ in range(threads)]
    process = context.Process(
        target=_serve, args=(loaded, stage, [theirs for _, theirs in pipes]), daemon=True
    )
    with _ignore_interrupts():
        process.start()
    try:
        for _, theirs in pipes:
            theirs.close()
        yield [partial(_start_judge, ours, digests) for ours, _ in pipes]
    finally:
        process.kill()
        process.join()
        process.close()


@contextmanager
def _ignore_interrupts() -> Iterator[None]:
    """Keep Ctrl-C, which a terminal sends to all processes, from those that are started here."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # to start it later would let Ctrl-C through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_judge(pipe: Connection, digests: tuple[str, str | None]) -> Judge:
    """Return a judge in another process, once its policy is there."""

    def asked(found: FoundFile) -> Line:
        if found.error is not None:
            return unread_line(found, found.error)
        line: Line = json.loads(_exchange(pipe, json.dumps([os.fspath(found.path), found.name])))
        return line

    if json.loads(_exchange(pipe)) != [*digests]:
        raise LostJudgeError(
            "the policy changed while it was loaded; the same command goes on by the new one"
        )
    return asked


def _exchange(pipe: Connection, said: str | None = None) -> str:
    try:
        if said is not None:
            pipe.send_bytes(said.encode())
        return pipe.recv_bytes().decode()
    except (EOFError, OSError):
        raise LostJudgeError(
            "a process that judges is no more; where memory is short use fewer --jobs, the same command goes on from here"
        ) from None


def _serve(loaded: Mapping[str, Any], stage: str, pipes: Sequence[Connection]) -> None:
    """Judge what comes through each pipe, as long as there is somebody who asks."""
    guard = Guard.load(**loaded)
    for pipe in pipes:
        threading.Thread(target=_answer, args=(pipe, guard, stage), daemon=True).start()
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(0)  # whatever is under way


def _answer(pipe: Connection, guard: Guard, stage: str) -> None:
    line_of = make_judge(guard, stage)
    with pipe, suppress(EOFError, OSError):
        pipe.send_bytes(json.dumps(policy_digests(guard)).encode())
        while True:
            path, name = json.loads(pipe.recv_bytes())
            pipe.send_bytes(encode_line(line_of(FoundFile(Path(path), name))))
