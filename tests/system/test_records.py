"""Records of a real server that is killed under load: whoever was answered finds the decision, once, and nobody else's is lost."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest

from tests.records.records_kit import stored, verified
from tests.system.serve_kit import Model, Server, serving
from tests.waiting import wait_until

CHAT = "/v1/chat/completions"
CLIENTS = 4
KILLS = int(os.environ.get("GUARDRAILS_KILLS", "3"))
"""How often a server is killed; `.ci/full soak` has a hundred."""

VERDICT = "x-guardrails-verdict-id"


class Clients:
    """Clients that ask one question after the other until the server is gone, and keep the ids of what they were answered."""

    def __init__(self, port: int, *, stream: bool) -> None:
        self._port, self._stream = port, stream
        self.ids: list[str] = []
        self.statuses: Counter[int] = Counter()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _ask(self, client: int) -> None:
        number = 0
        while not self._ended.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            try:
                while not self._ended.is_set():
                    number += 1
                    text = f"client {client} asks {number}{' zqxbomb' if number % 3 == 0 else ''}"
                    body = {
                        "model": "m",
                        "stream": self._stream,
                        "messages": [{"role": "user", "content": text}],
                    }
                    connection.request("POST", CHAT, json.dumps(body), {"content-type": "application/json"})
                    answer = connection.getresponse()
                    # A worker that has just begun, or ends, may refuse: of that there is no verdict.
                    self.ids += filter(None, answer.headers.get(VERDICT, "").split(","))
                    self.statuses[answer.status] += 1
                    answer.read()
            except (OSError, http.client.HTTPException):
                pass  # it was killed: of this one nobody was answered
            finally:
                connection.close()

    def wait_for(self, count: int) -> None:
        """Return once so many more verdicts were told."""
        enough = len(self.ids) + count
        wait_until(lambda: len(self.ids) >= enough)

    def end(self) -> None:
        """Stop asking."""
        self._ended.set()
        for thread in self._threads:
            thread.join()


def kill(server: Server) -> None:
    """Kill the server and its workers at once, as the system does where memory is out."""
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


@pytest.mark.parametrize("workers", [1, 2])
def test_who_was_answered_is_on_record(tmp_path: Path, workers: int) -> None:
    """Killed again and again under load, with a start after each: every answer's verdict is there, no record twice, the chain fits."""
    records = {"path": str(tmp_path / "records"), "on_error": "block"}
    ids: list[str] = []
    for number in range(KILLS):
        with serving(tmp_path, workers, {"records": records}) as server:
            Model.go.set()
            clients = Clients(server.port, stream=True)
            clients.wait_for(60 + number * 7 % 50)  # at other moments of whoever moves the records
            kill(server)
            clients.end()
            assert clients.statuses.keys() >= {200, 400}
            ids += clients.ids
    with serving(tmp_path, workers, {"records": records}) as server:
        Model.go.set()
        assert (
            server.read(CHAT, {"model": "m", "messages": [{"role": "user", "content": "hi zqxbomb"}]})[0]
            == 400
        )
        wait_until(lambda: not ({*ids} - {record.id for record in stored(tmp_path / "records")}))
        wait_until(lambda: verified(tmp_path / "records").waiting == 0)  # the last answer's too

    counts = Counter(record.id for record in stored(tmp_path / "records"))
    assert [id_ for id_ in ids if counts[id_] != 1] == []
    assert max(counts.values()) == 1
    assert verified(tmp_path / "records").problems == []


def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    """Another is begun in its place, and what it had written is moved."""
    records = {"path": str(tmp_path / "records")}
    with serving(tmp_path, 2, {"records": records}) as server:
        Model.go.set()
        clients = Clients(server.port, stream=True)
        for _ in range(2):
            clients.wait_for(20)
            os.kill(server.workers()[0], signal.SIGKILL)
        clients.wait_for(50)
        clients.end()
        server.process.send_signal(signal.SIGTERM)
        status, output = server.end()
        assert status == 0, output
    counts = Counter(record.id for record in stored(tmp_path / "records"))
    assert [id_ for id_ in clients.ids if counts[id_] != 1] == []
    assert verified(tmp_path / "records").problems == []


def test_records_name_the_request(tmp_path: Path) -> None:
    """By the id that the client got, its trace, route and policy; both the request's and the answer's decision."""
    with serving(tmp_path, 1, {"records": str(tmp_path / "records")}) as server:
        Model.go.set()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        trace = "0af7651916cd43dd8448eb211c80319c"
        headers = {
            "content-type": "application/json",
            "x-request-id": "mine-1",
            "traceparent": f"00-{trace}-b7ad6b7169203331-01",
        }
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        connection.request("POST", CHAT, json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.headers["x-request-id"] == "mine-1"
        wait_until(lambda: len(stored(tmp_path / "records")) == 2)
        for line in (
            'guardrails_records_total{result="written"} 2.0',
            "guardrails_records_waiting_bytes 0.0",
        ):
            wait_until(lambda line=line: line in server.read("/metrics")[1])
    asked, answered = stored(tmp_path / "records")
    assert (asked.stage, answered.stage) == ("input", "output")
    assert [asked.id, answered.id] == answer.headers[VERDICT].split(",")
    for record in (asked, answered):
        told = json.loads(record.record)
        assert record.request_id == "mine-1"
        assert (told["trace_id"], told["route"], told["model"], told["policy"]["name"]) == (
            trace,
            CHAT,
            "m",
            "p",
        )
    assert json.loads(answered.record)["upstream"]
