"""`guardrails models`."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from guardrails.cli import main

COMMIT = "a" * 40
FILES = {"config.json": b"{}", "model.safetensors": b"weights", "README.md": b"---\nlicense: mit\n---\n"}
POLICY = """format: 1
name: small
detectors:
  a: {use: classifier, model: org/name}
  b: {use: classifier, model: org/name, min_score: 0.5}
rules: []
"""


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A policy that needs one model of the hub twice; the cache is empty."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("GUARDRAILS_MODELS", raising=False)
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return str(path)


def blob_of(name: str, data: bytes) -> str:
    """Return the digest that the hub gives a file."""
    large = name.endswith(".safetensors")
    return (hashlib.sha256(data) if large else hashlib.sha1(b"blob %d\0%s" % (len(data), data))).hexdigest()


def put(home: Path) -> Path:
    """Put the model into the cache, and return its folder."""
    of = home / "models--org--name"
    folder = of / "snapshots" / COMMIT
    for each in (folder, of / "blobs", of / "refs"):
        each.mkdir(parents=True)
    (of / "refs" / "main").write_text(COMMIT)
    for file, data in FILES.items():
        (of / "blobs" / blob_of(file, data)).write_bytes(data)
        (folder / file).symlink_to(Path("../../blobs") / blob_of(file, data))
    return folder


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, which reads the hub's address when it starts, through pipes."""
    return subprocess.run(
        [sys.executable, "-m", "guardrails", "models", *arguments],
        env={**os.environ, "HF_HUB_DISABLE_XET": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_the_default_policy_works_offline(capsys: pytest.CaptureFixture[str]) -> None:
    """All that it needs is in the package; people read what and where, and that it verifies."""
    assert main(["models", "--verify"]) == 0
    out = capsys.readouterr().out
    for line in (
        *("verified  text-safety", "detector  safety (classifier)", "from      shipped"),
        *("licence   Apache-2.0", " MB"),
    ):
        assert line in out


def test_a_policy_without_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That nothing is needed is said."""
    path = tmp_path / "p.yaml"
    path.write_text("format: 1\nname: p\ndetectors: {s: {use: secrets}}\nrules: []\n")
    assert main(["models", "--policy", str(path)]) == 0
    assert capsys.readouterr().out == "needs no models\n"


def test_what_is_missing_is_status_1(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that is not here is listed with what brings it, though the policy does not compile; nothing is fetched."""
    assert main(["models", "--policy", policy]) == 1
    out = capsys.readouterr().out
    assert "missing  org/name" in out
    assert "guardrails models --fetch" in out


def test_models_as_json(policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` gives one object to programs."""
    put(tmp_path / "hub")
    assert main(["models", "--policy", policy, "--json", "--verify"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["sound"] is True
    assert [row["detector"] for row in report["models"]] == ["a", "b"]
    (row, _) = report["models"]
    assert (row["source"], row["revision"], row["licence"], row["verified"]) == (
        *("hub cache", COMMIT, "mit"),
        True,
    )


def test_what_does_not_verify_is_status_1(
    policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A changed file is named; without `--verify` files are not read."""
    (put(tmp_path / "hub") / "model.safetensors").resolve().write_bytes(b"changed")
    assert main(["models", "--policy", policy]) == 0
    assert "present  org/name" in capsys.readouterr().out
    assert main(["models", "--policy", policy, "--verify"]) == 1
    out = capsys.readouterr().out
    assert "WRONG  org/name" in out
    assert "model.safetensors: its digest is" in out


def test_a_folder_without_digests_is_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is present, and cannot be verified; it has a digest to compare by hand."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    path = tmp_path / "p.yaml"
    path.write_text(POLICY.replace("org/name", "own"))
    assert main(["models", "--policy", str(path), "--verify"]) == 0
    out = capsys.readouterr().out
    assert "present, has no digests to verify by  own" in out
    assert "sha256" in out


def test_mistakes_of_a_policy_are_status_2(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    """They go to standard error with their place."""
    Path(policy).write_text(POLICY.replace("min_score: 0.5", "min_score: high"))
    assert main(["models", "--policy", policy]) == 2
    assert f"{policy}:5:52: wrong_type" in capsys.readouterr().err


class Hub(BaseHTTPRequestHandler):
    """A hub on this machine, with one model."""

    def log_message(self, format: str, *_: object) -> None:
        """Say nothing."""

    def answer(self, data: bytes, **headers: str) -> None:
        """Send an answer, without its body where only the head was asked for."""
        self.send_response(200)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_GET(self) -> None:
        """Answer what the hub's library asks: what there is, and each file."""
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/org/name/tree/"):
            rows: object = [
                {"type": "file", "path": name, "size": len(data), "oid": blob_of("x", data)}
                for name, data in FILES.items()
            ]
            self.answer(json.dumps(rows).encode(), Content_Type="application/json")
        elif path.startswith("/api/models/org/name"):
            files = [{"rfilename": name} for name in FILES]
            rows = {"id": "org/name", "modelId": "org/name", "sha": COMMIT, "siblings": files, "tags": []}
            self.answer(json.dumps(rows).encode(), Content_Type="application/json")
        elif (name := path.partition(f"/org/name/resolve/{COMMIT}/")[2]) in FILES:
            self.answer(FILES[name], ETag=f'"{blob_of(name, FILES[name])}"', X_Repo_Commit=COMMIT)
        else:
            self.send_error(404)

    do_HEAD = do_GET


@pytest.fixture
def hub() -> Iterator[str]:
    """The address of a hub on the loopback interface."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_models_are_fetched_when_told(policy: str, hub: str) -> None:
    """`--fetch` is the operator's leave: afterwards all is here and verifies. No progress bar goes into a pipe."""
    done = command("--policy", policy, "--fetch", "--verify", "--json", HF_ENDPOINT=hub)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [(row["present"], row["verified"], row["revision"]) for row in report["models"]] == [
        (True, True, COMMIT)
    ] * 2
    assert done.stderr == "fetching org/name\n"


def test_without_a_network_nothing_is_fetched(policy: str) -> None:
    """Then each model says why not, once, and the status is 1."""
    done = command("--policy", policy, "--fetch", HF_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stderr.count("'org/name' was not downloaded") == 1
    assert "Traceback" not in done.stderr
    assert done.stdout.count("missing  org/name") == 2
