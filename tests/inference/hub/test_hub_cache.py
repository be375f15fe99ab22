"""The hub's cache: what lies in it is found without the network, what is changed in it is seen, nothing comes unasked."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from guardrails.inference.hub import hub_cache
from guardrails.inference.hub.hub_cache import (
    DOWNLOAD,
    fetch_model,
    file_digests,
    find_missing_files,
    is_name,
    locate_model,
    model_root,
    verify_files,
)
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case

COMMIT = "a" * 40
FILES = {"config.json": b"{}", "onnx/model.onnx": b"weights", "model.safetensors": b"more weights"}
LARGE = (".onnx", ".safetensors")
Put = Callable[..., Path]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv(DOWNLOAD, raising=False)
    return tmp_path / "hub"


def blob_of(name: str, data: bytes) -> str:
    """Return the digest that the hub gives a file."""
    if name.endswith(LARGE):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0%s" % (len(data), data)).hexdigest()


def put(home: Path, name: str, files: dict[str, bytes], *, ref: str = "main", commit: str = COMMIT) -> Path:
    """Put a model into the cache as the hub's library does, and return its folder."""
    of = home / f"models--{name.replace('/', '--')}"
    folder = of / "snapshots" / commit
    for file, data in files.items():
        blob = of / "blobs" / blob_of(file, data)
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(data)
        link = folder / file
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    (of / "refs" / ref).parent.mkdir(parents=True, exist_ok=True)
    (of / "refs" / ref).write_text(commit)
    return folder


@each_case(
    ("name", "expected"),
    [
        ("org/name", True),
        ("meta-llama/Llama-Prompt-Guard-2-86M", True),
        ("name", False),
        ("a/b/c", False),
        ("../name", False),
        ("org/..", False),
        ("org/a..b", False),
        ("org/a--b", False),
        ("/name", False),
        ("org/", False),
        ("org/n\0", False),
        ("\u00f6rg/name", False),
    ],
)
def test_names_of_the_hub_are_an_organization_and_a_name(name: str, expected: bool) -> None:
    """Nothing else is looked up, and no name leads out of the cache."""
    assert is_name(name) is expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HF_HUB_CACHE": "/c/hub", "HF_HOME": "/h"}, "/c/hub"),
        ({"HF_HOME": "/h", "XDG_CACHE_HOME": "/x"}, "/h/hub"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"),
        ({"HOME": "/u"}, "/u/.cache/huggingface/hub"),
    ],
)
def test_the_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    """As for the hub's own library."""
    for name, _ in hub_cache.CACHES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert str(hub_cache.cache_folder()) == expected


def test_what_is_in_the_cache_is_found(home: Path) -> None:
    """By the main revision, by a tag, by a pull request and by the commit; an empty machine has none."""
    first = put(home, "org/name", FILES)
    other = put(home, "org/name", FILES, ref="refs/pr/1", commit="b" * 40)
    assert (
        locate_model("org/name")
        == locate_model("org/name", "main")
        == locate_model("org/name", COMMIT)
        == first
    )
    assert locate_model("org/name", "refs/pr/1") == locate_model("org/name", "b" * 40) == other
    for name, revision in (("org/other", None), ("org/name", "v2"), ("org/name", "c" * 40)):
        with pytest.raises(ModelError, match=f"the hub's cache on this machine has no '{name}'"):
            locate_model(name, revision)


def test_it_is_where_the_hubs_own_library_finds_it(home: Path) -> None:
    """Both read the same folders."""
    from huggingface_hub import try_to_load_from_cache

    folder = put(home, "org/name", FILES)
    assert try_to_load_from_cache("org/name", "config.json", cache_dir=str(home)) == str(
        folder / "config.json"
    )
    assert model_root("org/name") == folder.parents[1]


@each_case(
    ("name", "revision", "message"),
    [
        ("name", None, "is no name of a model"),
        ("org/name", "../x", "is no revision"),
        ("org/name", "", "is no revision"),
    ],
)
def test_other_names_and_revisions_are_refused(name: str, revision: str | None, message: str) -> None:
    """Before anything is looked up, also where there is leave to download."""
    for ask in (locate_model, fetch_model):
        with pytest.raises(ModelError, match=message):
            ask(name, revision)


@pytest.mark.parametrize(
    ("download", "allowed", "wanting"),
    [
        (False, None, ["'download: true'", f"{DOWNLOAD}=1"]),
        (True, None, [f"{DOWNLOAD}=1"]),
        (True, "yes", [f"{DOWNLOAD}=1"]),
        (False, "1", ["'download: true'"]),
    ],
)
def test_nothing_is_downloaded_without_both_leaves(
    monkeypatch: pytest.MonkeyPatch, download: bool, allowed: str | None, wanting: list[str]
) -> None:
    """The hint names the command that fetches, and those of the two that are wanting."""
    if allowed is not None:
        monkeypatch.setenv(DOWNLOAD, allowed)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelError) as caught:
        locate_model("org/name", download=download)
    assert "guardrails models --fetch" in caught.value.hint
    assert [each for each in ("'download: true'", f"{DOWNLOAD}=1") if each in caught.value.hint] == wanting


def test_a_missing_library_is_named() -> None:
    """With both leaves and without the hub's library, the error says what to install."""
    code = (
        "import sys; sys.modules['huggingface_hub'] = None\n"
        "from guardrails.inference.hub.hub_cache import locate_model\n"
        "try: locate_model('org/name', download=True)\nexcept Exception as error: print(error.hint)"
    )
    environment = {**os.environ, DOWNLOAD: "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "pip install huggingface_hub\n"


def test_a_link_out_of_the_cache_is_refused(home: Path, tmp_path: Path) -> None:
    """Nothing but the model's own part of the cache is read."""
    folder = put(home, "org/name", FILES)
    (tmp_path / "secret.txt").write_text("x")
    (folder / "notes.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(ModelError, match=r"notes\.txt in the hub's cache is a link to outside"):
        locate_model("org/name")


@pytest.mark.parametrize(
    ("file", "data", "message"),
    [
        ("config.json", b'{"a": 1}', "config.json: its digest is"),
        ("onnx/model.onnx", b"w", "onnx/model.onnx: its digest is"),
        ("model.safetensors", None, "model.safetensors: is a link to a blob that is not there"),
    ],
)
def test_a_changed_file_is_seen(home: Path, file: str, data: bytes | None, message: str) -> None:
    """Each file is what the name of its blob says, by sha256 or as git counts it."""
    folder = put(home, "org/name", FILES)
    assert verify_files(folder) == ()
    blob = (folder / file).resolve()
    if data is None:
        blob.unlink()
    else:
        blob.write_bytes(data)
    [found] = verify_files(folder)
    assert found.startswith(message)


def test_what_is_no_link_cannot_be_verified(tmp_path: Path) -> None:
    """That a folder has no digests is said, and not taken for sound."""
    (tmp_path / "config.json").write_text("{}")
    assert verify_files(tmp_path) == (
        "config.json: is no link to a blob of the hub's cache, so there is no digest to compare",
    )


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (FILES, ()),
        ({"config.json": b"{}"}, ("model.safetensors",)),
        (
            {
                "model.safetensors.index.json": json.dumps(
                    {"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}
                ).encode(),
                "a.safetensors": b"1",
            },
            ("b.safetensors",),
        ),
        (
            {"model.safetensors.index.json": b"[]", "a.safetensors": b"1"},
            (),
        ),
    ],
)
def test_what_a_download_left_out_is_seen(
    home: Path, files: dict[str, bytes], expected: tuple[str, ...]
) -> None:
    """Weights that are not there, and parts of those that are."""
    assert find_missing_files(put(home, "org/name", files)) == expected


def test_digests_are_those_of_the_blobs(home: Path, tmp_path: Path) -> None:
    """Blobs are not read for them; other files are, and read again when they change."""
    folder = put(home, "org/name", FILES)
    for file in FILES:
        (folder / file).resolve().chmod(0)
    assert file_digests(folder) == tuple(f"{name} {blob_of(name, FILES[name])}" for name in sorted(FILES))
    own = tmp_path / "own"
    own.mkdir()
    seen = []
    for text in ("one", "three"):
        (own / "a.txt").write_text(text)
        seen.append(file_digests(own))
        assert file_digests(own) == seen[-1] == (f"a.txt {hashlib.sha256(text.encode()).hexdigest()}",)


class Hub(BaseHTTPRequestHandler):
    """A hub on this machine, with one model; it remembers which files were asked for."""

    asked: list[str]
    files: dict[str, bytes]

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
            rows = [
                {"type": "file", "path": name, "size": len(data), "oid": blob_of("x", data)}
                for name, data in self.files.items()
            ]
            self.answer(json.dumps(rows).encode(), Content_Type="application/json")
        elif path.startswith("/api/models/org/name"):
            rows = [{"rfilename": name} for name in self.files]
            model = {"id": "org/name", "modelId": "org/name", "sha": COMMIT, "siblings": rows, "tags": []}
            self.answer(json.dumps(model).encode(), Content_Type="application/json")
        elif (name := path.partition(f"/org/name/resolve/{COMMIT}/")[2]) in self.files:
            self.asked.append(name)
            data = self.files[name]
            self.answer(data, ETag=f'"{blob_of(name, data)}"', X_Repo_Commit=COMMIT)
        else:
            self.send_error(404)

    do_HEAD = do_GET


@pytest.fixture
def served() -> Iterator[tuple[str, list[str]]]:
    """A hub on the loopback interface: its address, and the files that were asked for."""
    asked: list[str] = []
    kind = type(
        "Served", (Hub,), {"asked": asked, "files": {**FILES, "pytorch_model.bin": b"pickle", "own.py": b"x"}}
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("there", [{}, {"config.json": b"{}"}])
def test_with_both_leaves_a_model_is_downloaded(
    home: Path, served: tuple[str, list[str]], there: dict[str, bytes]
) -> None:
    """All of it but pickles and code, also where a part is here; then it is here, and whole."""
    if there:
        put(home, "org/name", there)
    code = (
        "from guardrails.inference.hub.hub_cache import locate_model, verify_files\n"
        "folder = locate_model('org/name', download=True)\nprint(folder)\nassert verify_files(folder) == ()"
    )
    environment = {
        **os.environ,
        "HF_ENDPOINT": served[0],
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        DOWNLOAD: "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    assert folder == locate_model("org/name")
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert not {"pytorch_model.bin", "own.py"} & {*served[1]}


def test_a_download_that_fails_says_why(home: Path, served: tuple[str, list[str]]) -> None:
    """In one line, with what to look at."""
    code = (
        "from guardrails.inference.hub.hub_cache import locate_model\n"
        "try: locate_model('org/none', download=True)\nexcept Exception as error: print(type(error).__name__, error, error.hint)"
    )
    environment = {**os.environ, "HF_ENDPOINT": served[0], DOWNLOAD: "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("ModelError 'org/none' was not downloaded: ")
    assert "see the model's page" in done.stdout
