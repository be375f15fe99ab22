"""How many files of the package a plain text enters: what somebody has to read who wants to follow one check.

    python benchmarks/entered_files.py            # the counts, beside their aims
    python benchmarks/entered_files.py --files    # and the files

Counted are the files of which a function is run on any thread: by the first `Guard.check` of a plain text after a policy was
loaded, and by the first chat request through a server that is ready, from the first byte of the request to the last of the
answer. The upstream is a server of the standard library, so that none of its files count. Each is done under the shipped default
without its model, to which the aims belong, and under the shipped default, where the model's files come on top.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType

import guardrails
from guardrails import Guard
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running
from lexical_ours import WITHOUT_MODEL
from measure import table

PACKAGE = str(Path(guardrails.__file__).parent) + "/"
TEXT = "Could you tell me how long it takes to boil an egg?"
AIMS = {"Guard.check": 12, "chat request": 25}
"""Files that may be entered without a model."""

LEXICAL = {"format": 1, "name": "lexical", "extends": ["default"], **WITHOUT_MODEL}


class Recorder:
    """Takes note of the files of the package that are entered while it records."""

    def __init__(self) -> None:
        self._found: set[str] = set()
        self._recording = False

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Take what the interpreter tells of a thread."""
        if self._recording and event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            self._found.add(frame.f_code.co_filename.removeprefix(PACKAGE))

    @contextmanager
    def watch(self) -> Iterator[set[str]]:
        """Record in this block; yield the files, which are complete at its end."""
        self._found = set()
        self._recording = True
        try:
            yield self._found
        finally:
            self._recording = False


class Upstream(BaseHTTPRequestHandler):
    """Answers each chat request with one text."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": "About eight minutes, from cold water."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """Run the upstream; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


def entered_by_check(recorder: Recorder, policy: str) -> set[str]:
    """Return the files that the first check of a plain text enters."""
    guard = Guard.load(policy)
    with recorder.watch() as found:
        verdict = guard.check(TEXT)
    assert str(verdict.action) == "allow"
    return found


def entered_by_request(recorder: Recorder, policy: str) -> set[str]:
    """Return the files that the first chat request enters."""
    body = {"model": "m", "messages": [{"role": "user", "content": TEXT}]}
    with serving() as upstream, running(Settings(upstream, port=0, policy=policy)) as proxy:
        request = urllib.request.Request(
            f"{proxy}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with recorder.watch() as found:
            answer = json.load(urllib.request.urlopen(request))
    assert answer["choices"][0]["message"]["content"].startswith("About eight minutes")
    return found


def main() -> int:
    """Count and print; 0 if all aims are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", action="store_true", help="print the files, too")
    given = parser.parse_args()
    recorder = Recorder()
    threading.setprofile(recorder)
    sys.setprofile(recorder)
    counted: dict[tuple[str, str], set[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        lexical = Path(folder) / "lexical.yaml"
        lexical.write_text(json.dumps(LEXICAL))
        for name, policy in (("without its model", str(lexical)), ("default", "default")):
            counted["Guard.check", name] = entered_by_check(recorder, policy)
            counted["chat request", name] = entered_by_request(recorder, policy)
    sys.setprofile(None)
    threading.setprofile(None)
    aims = {key: AIMS[key[0]] if key[1] != "default" else None for key in counted}
    rows = [
        {"entered by": entry, "policy": name, "files": len(found), "aim": aims[entry, name]}
        for (entry, name), found in counted.items()
    ]
    print(table(rows))
    if given.files:
        for (entry, name), found in counted.items():
            print(f"\n{entry}, {name}:", *sorted(found), sep="\n    ")
    return int(any(aim is not None and len(counted[key]) > aim for key, aim in aims.items()))


if __name__ == "__main__":
    sys.exit(main())
