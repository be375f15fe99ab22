"""The server that forks processes: what it has loaded, and what it does with requests."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from guardrails.media.video.film_parts import VideoLimits
from guardrails.media.video.processes.film_process import STARTED
from guardrails.media.video.processes.fork_server import NUMBER, REQUEST
from guardrails.media.video.processes.forked_process import ForkedProcesses


@pytest.fixture
def own() -> Iterator[ForkedProcesses]:
    """Processes of a test's own."""
    made = ForkedProcesses()
    yield made
    made.end()


def run(own: ForkedProcesses, program: str, task: dict[str, Any], data: bytes = b"") -> bytes:
    """Return what a process of a server sends for a task with a file."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        process = own.start(program, task, [file])
    found = process.stdout.read()
    assert process.wait(60) == 0
    process.close()
    return found


def test_a_server_has_loaded_what_films_need_and_no_more(own: ForkedProcesses) -> None:
    """It has one thread, so that nobody holds a lock when it forks."""
    told = "lambda: print(json.dumps([os.getppid(), sorted(sys.modules)]), flush=True)"
    program = STARTED.replace("serve(main,", f"import json, os\nserve({told},")
    server, modules = json.loads(run(own, program, {}))
    assert {"av", "numpy", "guardrails.media.video.frames.frame_watch"} <= {*modules}
    roots = {name.partition(".")[0] for name in modules}
    assert not roots & {"torch", "onnxruntime", "fastapi", "pydantic", "aiohttp", "regex", "tokenizers"}
    assert len([*Path(f"/proc/{server}/task").iterdir()]) == 1


@pytest.mark.parametrize("forks", [True, False])
def test_a_process_is_forked_or_started_anew(calm: bytes, own: ForkedProcesses, forks: bool) -> None:
    """It does the same either way."""
    program = STARTED.replace("LOADED)", f"LOADED, forks={forks})")
    task = {"call": "probe", "reader": "mov", "seconds": 20, "limits": asdict(VideoLimits())}
    told, end = map(json.loads, run(own, program, task, calm).splitlines())
    assert (told["told"]["width"], end["kind"]) == (128, "end")


def test_a_request_without_its_files_is_none(own: ForkedProcesses) -> None:
    """As descriptors that the server has no place for get lost; who asked sees that nothing was started."""
    program = "import sys; sys.path[:] = {paths!r}\nfrom guardrails.media.video.processes.fork_server import serve\n"
    run(own, f"{program}serve(lambda: None)", {})
    assert own._server is not None
    requests = own._server._requests
    status, theirs = socket.socketpair()
    with status, theirs:
        socket.send_fds(requests, [REQUEST], [theirs.fileno()])
        theirs.close()
        assert status.recv(NUMBER.size) == b""
    first = own._server.process.pid
    run(own, f"{program}serve(lambda: None)", {})
    assert own._server.process.pid == first
    assert os.path.isdir(f"/proc/{first}")
