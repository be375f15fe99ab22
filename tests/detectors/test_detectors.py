"""The floor's primitives: kinds by name, files below a folder and no others."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from guardrails.detectors import (
    MAX_FILE_BYTES,
    MODELS_VARIABLE,
    ConfigProblems,
    PolicyFolder,
    display_path,
    read_list_file,
)
from guardrails.detectors.file_watch import have_changed, record_files
from guardrails.detectors.terms.terms_detector import KIND as TERMS
from guardrails.detectors.terms.terms_detector import TermsConfig
from guardrails.inference.safety.folder import ModelError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with files, links and neighbours that are none of its business."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("inside")
    (root / "sub" / "b.txt").write_bytes(b"\xef\xbb\xbfbelow")
    (root / "latin.txt").write_bytes(b"caf\xe9")
    (root / "huge.txt").touch()
    os.truncate(root / "huge.txt", MAX_FILE_BYTES + 1)  # it takes no room
    (tmp_path / "secret.txt").write_text("outside")
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2" / "c.txt").write_text("beside")
    os.symlink(tmp_path / "secret.txt", root / "link.txt")
    os.symlink(tmp_path, root / "up")
    os.symlink(root / "a.txt", root / "own.txt")
    os.symlink(root / "loop.txt", root / "loop.txt")
    os.mkfifo(root / "pipe")
    return root


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "inside"),
        ("sub/b.txt", "below"),
        ("sub/../a.txt", "inside"),
        ("own.txt", "inside"),
        ("./a.txt", "inside"),
    ],
)
def test_files_below_the_folder_are_read(root: Path, name: str, text: str) -> None:
    """Names count from the folder; links may lead to files within."""
    assert PolicyFolder(root).read(name) == (text, str((root / name).resolve()))


@pytest.mark.parametrize("name", ["own.txt", "link.txt", "loop.txt", "sub/../link.txt"])
def test_a_link_that_leads_elsewhere_is_a_change(root: Path, name: str) -> None:
    """Also of one that led nowhere, or out of the folder, which is an error until then."""
    with record_files() as files, suppress(OSError):
        PolicyFolder(root).read(name)
    assert not have_changed(files)

    (root / name).unlink()
    (root / name).write_text("new")

    assert have_changed(files)


@pytest.mark.parametrize("name", ["../secret.txt", "sub/../../secret.txt", "/etc/hostname"])
def test_what_lies_outside_is_not_even_looked_at(root: Path, name: str) -> None:
    """Its name says so already."""
    with record_files() as files, pytest.raises(OSError, match="outside"):
        PolicyFolder(root).read(name)

    assert dict(files) == {}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../secret.txt", "outside"),
        ("/etc/passwd", "outside"),
        ("link.txt", "outside"),
        ("up/secret.txt", "outside"),
        ("../root2/c.txt", "outside"),
        ("nope.txt", "no such file"),
        ("sub", "no such file"),
        ("", "no such file"),
        ("pipe", "no such file"),
        ("a\0b", "no name"),
        ("a" * 5000, "too long"),
        ("latin.txt", "not UTF-8 (byte 3)"),
        ("huge.txt", "larger than 32 MiB"),
    ],
)
def test_other_files_are_refused_with_the_reason(root: Path, name: str, reason: str) -> None:
    """Nothing outside is read, also not through links; what cannot be read says why."""
    with pytest.raises(OSError, match=reason.replace("(", r"\(").replace(")", r"\)")):
        PolicyFolder(root).read(name)


def test_a_models_folder_lies_below_the_policys_or_the_operators(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy's own comes first; neither leads outside, nor does a link within."""
    (tmp_path / "models" / "m").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=MODELS_VARIABLE):
        PolicyFolder(root).model_folder("m")
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
    assert PolicyFolder(root).model_folder("m") == (tmp_path / "models" / "m").resolve()
    (root / "m").mkdir()
    assert PolicyFolder(root).model_folder("m") == (root / "m").resolve()
    os.symlink(tmp_path / "secret.txt", root / "m" / "model.onnx")
    for name in ("m", "../root2", "/etc", "up"):
        with pytest.raises(PermissionError, match="outside"):
            PolicyFolder(root).model_folder(name)


def test_a_model_of_the_hub_is_looked_for_last(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the policy's folder and the operator's; without the network, and with what would bring it."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("GUARDRAILS_DOWNLOAD", raising=False)
    with pytest.raises(
        FileNotFoundError, match=rf"{MODELS_VARIABLE}, and the hub's cache .* no 'org/m'"
    ) as caught:
        PolicyFolder(root).model_folder("org/m")
    assert isinstance(caught.value.__cause__, ModelError)
    assert "guardrails models --fetch" in caught.value.__cause__.hint
    snapshot = tmp_path / "hub" / "models--org--m" / "snapshots" / ("a" * 40)
    (snapshot.parents[1] / "refs").mkdir(parents=True)
    (snapshot.parents[1] / "refs" / "main").write_text("a" * 40)
    snapshot.mkdir(parents=True)
    blob = snapshot.parents[1] / "blobs" / ("b" * 64)
    blob.parent.mkdir()
    blob.write_text("weights")
    (snapshot / "model.safetensors").symlink_to(blob)
    assert (
        PolicyFolder(root).model_folder("org/m")
        == PolicyFolder(root).model_folder("org/m", "a" * 40)
        == snapshot
    )
    with pytest.raises(FileNotFoundError, match="at revision 'v2'"):
        PolicyFolder(root).model_folder("org/m", "v2")
    for place in (tmp_path / "models", root):
        (place / "org" / "m").mkdir(parents=True)
        monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
        assert PolicyFolder(root).model_folder("org/m") == (place / "org" / "m").resolve()


def test_a_file_at_the_limit_is_read(root: Path) -> None:
    """The limit counts bytes, itself included."""
    (root / "full.txt").write_bytes(b"a" * MAX_FILE_BYTES)
    assert len(PolicyFolder(root).read("full.txt")[0]) == MAX_FILE_BYTES


def test_a_link_to_itself_is_refused(root: Path) -> None:
    """A link that leads nowhere is an error of the configuration, not a crash."""
    with pytest.raises(ConfigProblems) as caught:
        read_list_file(PolicyFolder(root), "loop.txt")
    assert [problem.code for problem in caught.value.problems] == ["unreadable_file"]


def test_lines_know_their_places(root: Path) -> None:
    """Entries come with file, line and column; only line ends end a line; comments and blanks are skipped."""
    (root / "l.txt").write_bytes("one\r\n\r\n  # no\n\ttwo\u2028three \rfour".encode())
    file = str(root / "l.txt")
    assert read_list_file(PolicyFolder(root), "l.txt") == [
        ((file, 1, 1), "one"), ((file, 4, 2), "two\u2028three"), ((file, 5, 1), "four"),
    ]  # fmt: skip


def test_an_unreadable_list_is_a_problem_of_the_field(root: Path) -> None:
    """The problem stands at `file`, and a name of any length is shown shortly."""
    with pytest.raises(ConfigProblems) as caught:
        read_list_file(PolicyFolder(root), "x" * 5000)
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("unreadable_file", ("file",))
    assert len(problem.message) < 120


def test_paths_are_shown_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path below the current folder is shown relative to it, another whole."""
    monkeypatch.chdir(tmp_path)
    assert display_path(Path.cwd() / "sub" / "p.yaml") == str(Path("sub", "p.yaml"))
    assert display_path(Path("/elsewhere/p.yaml")) == "/elsewhere/p.yaml"


def test_terms_config_is_the_config_of_terms() -> None:
    """A kind names the model that reads its configuration."""
    assert TERMS.config is TermsConfig
