"""Tasks go through a socket whole, with their files, or not at all."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from typing import Any

import pytest

from guardrails.media.video.processes import task_channel
from guardrails.media.video.processes.task_channel import receive_task, send_task
from tests.cases import each_case


@each_case("size", [0, 10, 3_000_000])
def test_a_task_and_its_files_come_as_they_were_sent(size: int) -> None:
    """However long it is, with one file or two."""
    with tempfile.TemporaryFile() as one, tempfile.TemporaryFile() as two:
        for file, text in ((one, b"one"), (two, b"two")):
            file.write(text)
            file.flush()
        for files in ([one], [one, two], [two]):
            ours, theirs = socket.socketpair()
            with ours, theirs:
                sender = threading.Thread(target=send_task, args=(ours, {"text": "x" * size}, files))
                sender.start()
                came = receive_task(theirs)
                sender.join()
            assert came is not None
            assert came[0] == {"text": "x" * size}
            assert [os.pread(each, 9, 0) for each in came[1]] == [
                {one: b"one", two: b"two"}[file] for file in files
            ]
            for each in came[1]:
                os.close(each)


@each_case("data", [b"", b"\0", b"\0\0\0\x09{}", b"\0\0\0\0"])
def test_what_is_no_whole_task_is_none(data: bytes) -> None:
    """Who sent it is gone."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        ours.close()
        assert receive_task(theirs) is None


def test_one_that_has_its_task_already_is_not_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have closed its end before the next line of ours runs."""
    ours, theirs = socket.socketpair()
    send = socket.send_fds
    got = []

    def sent(line: socket.socket, data: Any, files: Any) -> int:
        count = send(line, data, files)
        got.append(receive_task(theirs))
        theirs.close()
        return count

    monkeypatch.setattr(task_channel.socket, "send_fds", sent)
    with ours, tempfile.TemporaryFile() as file:
        send_task(ours, {"text": "a"}, [file])

    assert [each[0] for each in got if each] == [{"text": "a"}]
    for each in got[0][1] if got[0] else ():
        os.close(each)
