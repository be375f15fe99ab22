"""Model folders: what a manifest must say, and that every file is the one that it names."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardrails.inference.media.picture_model import verify_folder
from guardrails.inference.safety import folder as folders
from guardrails.inference.safety.folder import (
    FILES,
    PINNED,
    SHIPPED,
    TEXT_MODELS,
    ModelError,
    first_line,
    locate_file,
    locate_packaged_model,
    read_contents,
    read_manifest,
    read_manifest_file,
)
from tests.cases import each_case
from tests.larger_model import NAME, install_larger_model, remove_larger_model, save_larger_model


@pytest.fixture
def folder(text_folder: Callable[..., Path]) -> Path:
    """A sound model."""
    return text_folder({"a": {"toxic": 1.0}}, {})


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change the manifest of a folder."""
    path = folder / "manifest.json"
    read = json.loads(path.read_text())
    change(read)
    path.write_text(json.dumps(read))
    return folder


def test_a_manifest_names_everything(folder: Path) -> None:
    """Its identity is a digest of all, as it has those of the files."""
    found = read_manifest(folder)
    assert (found.name, found.version, found.window, found.languages) == ("tiny", "1", 16, ())
    assert found.heads[0] == "toxic"
    assert {*read_contents(folder, found)} == {*FILES}
    assert read_manifest(changed(folder, lambda read: read.update(version="2"))).identity != found.identity


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda read: read.pop("heads"), "has no 'heads'"),
        (lambda read: read["files"].pop("hashed.npz"), "has no 'hashed.npz'"),
        (lambda read: read["scores"].pop("toxic"), "has no 'toxic'"),
        (lambda read: read.update(heads=[]), "names no head"),
        (lambda read: read.update(window=4), r"a window of 4 tokens is not in 16\.\.512"),
        (lambda read: read.update(view="plain"), "view 'plain' is none of folded, normalized"),
        (lambda read: read.update(prompt_tokens=9), "from 1 to half of the window"),
        (lambda read: read.update(window="many"), "invalid literal"),
        (lambda read: read.update(scores=[]), "indices must be integers"),
        (lambda read: read.update(shares="text-safty"), "shares 'text-safty' is none of text-safety"),
        (lambda read: read.update(shares=["text-safety"]), "is none of text-safety"),
        (lambda read: read.update(grey=0.5), "not iterable"),
    ],
)
def test_what_a_manifest_lacks_is_said(folder: Path, change: Any, message: str) -> None:
    """By the name of the field."""
    with pytest.raises(ModelError, match=message):
        read_manifest(changed(folder, change))


@each_case(
    ("text", "message"), [(None, "no manifest.json"), ("{", "manifest.json: "), ("[]", "manifest.json: ")]
)
def test_a_manifest_that_cannot_be_read_is_an_error(tmp_path: Path, text: str | None, message: str) -> None:
    """It is JSON, and there."""
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ModelError, match=message):
        read_manifest(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_content_is_an_error(folder: Path, name: str) -> None:
    """One byte more is another model; the cure stands in the hint."""
    of = read_manifest(folder)
    with (folder / name).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(
        ModelError, match=f"{name} is not the file that manifest.json names: its sha256 is "
    ) as caught:
        read_contents(folder, of)
    assert "install the package again" in caught.value.hint


def test_a_file_that_is_missing_is_an_error(folder: Path) -> None:
    """It is named."""
    of = read_manifest(folder)
    (folder / "encoder.onnx").unlink()
    with pytest.raises(ModelError, match=r"encoder\.onnx: No such file"):
        read_contents(folder, of)


def test_a_model_may_share_files_of_a_shipped_one(tmp_path: Path) -> None:
    """The tokenizer and the fast tier: they are not shipped twice, and are compared as all others. Its own go first."""
    save_larger_model(tmp_path, 1.0)
    of = read_manifest(tmp_path)
    assert of.shares == "text-safety"
    assert {*read_contents(tmp_path, of)} == {*FILES}
    for name, place in (("tokenizer.json", TEXT_MODELS["text-safety"]), ("encoder.onnx", tmp_path)):
        assert locate_file(tmp_path, name, of.shares) == place / name
    shutil.copy(TEXT_MODELS["text-safety"] / "hashed.npz", tmp_path)
    assert locate_file(tmp_path, "hashed.npz", of.shares) == tmp_path / "hashed.npz"
    assert {*read_contents(tmp_path, of)} == {*FILES}


def test_files_of_another_release_are_not_shared(tmp_path: Path) -> None:
    """A model that goes with another release of the shipped one is refused, and what does not go together is named."""
    save_larger_model(tmp_path, 1.0)
    changed(tmp_path, lambda read: read["files"].update({"hashed.npz": "0" * 64}))
    with pytest.raises(
        ModelError, match=r"hashed\.npz of text-safety, which it shares, is not the file"
    ) as caught:
        read_contents(tmp_path, read_manifest(tmp_path))
    assert caught.value.hint == "install the releases that go together"


def test_an_encoder_is_not_shared(tmp_path: Path) -> None:
    """Without its own a model is none."""
    save_larger_model(tmp_path, 1.0)
    (tmp_path / "encoder.onnx").unlink()
    with pytest.raises(ModelError, match=r"encoder\.onnx: No such file"):
        read_contents(tmp_path, read_manifest(tmp_path))


def test_a_packaged_model_is_the_one_that_the_release_goes_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its manifest is pinned where it is installed; a package with another one is refused, with what to install."""
    remove_larger_model(monkeypatch)
    assert locate_packaged_model(NAME) is None
    folder = install_larger_model(tmp_path, monkeypatch, 1.0)
    assert locate_packaged_model(NAME) == folder.resolve()
    assert read_manifest(folder).name == NAME
    changed(folder, lambda read: read.update(version="1.0.1"))
    with pytest.raises(
        ModelError, match="guardrails-middleware-large is not the one that this release goes with"
    ) as caught:
        read_manifest(folder)
    assert "pip install --upgrade guardrails-middleware guardrails-middleware-large" in caught.value.hint


def test_a_packaged_model_in_the_sources_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its weights lie beside the shipped ones, as in a clone of this project; without weights the folder is none."""
    folder = install_larger_model(tmp_path, monkeypatch, 1.0)
    monkeypatch.setattr(folders, "SHIPPED", tmp_path / "models")
    own = tmp_path / "models" / "stand_in"
    own.mkdir(parents=True)
    shutil.copy(folder / "manifest.json", own)
    assert locate_packaged_model(NAME) == folder.resolve()
    shutil.copy(folder / "encoder.onnx", own)
    assert locate_packaged_model(NAME) == own
    assert read_manifest(own).name == NAME


def test_libraries_are_quoted_in_one_line() -> None:
    """Theirs may have many."""
    assert first_line(ValueError("one\ntwo")) == "ValueError: one"


def test_every_shipped_manifest_is_pinned() -> None:
    """By the digest of its bytes: a release with another model has another one in the code."""
    lying = {each.parent.name: each for each in SHIPPED.glob("*/manifest.json")}
    assert {name: hashlib.sha256(each.read_bytes()).hexdigest() for name, each in lying.items()} == PINNED


@each_case("name", PINNED)
def test_an_edited_manifest_of_a_shipped_model_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A threshold, or a file with its digest: whoever changes one changes the other; and no manifest is no way around."""
    monkeypatch.setattr(folders, "SHIPPED", tmp_path)
    (tmp_path / name).mkdir()
    manifest = tmp_path / name / "manifest.json"
    shutil.copy(SHIPPED / name / "manifest.json", manifest)
    read_manifest_file(manifest.parent)
    manifest.write_bytes(manifest.read_bytes().replace(b'"name"', b'"name" ', 1))
    for read in (read_manifest_file, read_manifest, verify_folder):
        with pytest.raises(ModelError, match="not the one that this release came with") as caught:
            read(manifest.parent)
        assert caught.value.hint.startswith("install the package again")
    manifest.unlink()
    with pytest.raises(ModelError, match=r"no manifest\.json"):
        verify_folder(manifest.parent)


def test_a_policy_pins_a_model_of_its_own(folder: Path) -> None:
    """By the digest of the manifest, in either case of letters; the message has both, to be compared."""
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert read_manifest(folder, digest.upper()) == read_manifest(folder, digest) == read_manifest(folder)
    changed(folder, lambda read: read.update(version="2"))
    with pytest.raises(ModelError, match=rf"was pinned: its sha256 is \w{{64}}, not {digest}") as caught:
        read_manifest(folder, digest)
    assert (caught.value.field, caught.value.hint != "") == ("sha256", True)
