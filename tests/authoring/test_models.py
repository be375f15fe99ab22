"""The models of a policy: where each would come from, what it is, and whether it is what it should be, without the network."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardrails import PolicyErrors
from guardrails.authoring.models import ModelNeed, list_needs, verify_model
from guardrails.policy.loading.load import load
from tests.larger_model import install_larger_model, remove_larger_model

COMMIT = "a" * 40
CARD = b"---\nlicense: apache-2.0\n---\n# A model\n"
FILES = {"config.json": b"{}", "model.safetensors": b"weights", "README.md": CARD}


def put(home: Path, name: str, files: dict[str, bytes], commit: str = COMMIT, ref: str = "main") -> Path:
    """Put a model into the hub's cache as its library does: links to blobs that bear their digests."""
    of = home / f"models--{name.replace('/', '--')}"
    folder = of / "snapshots" / commit
    for file, data in files.items():
        large = file.endswith(".safetensors")
        digest = hashlib.sha256(data) if large else hashlib.sha1(b"blob %d\0%s" % (len(data), data))
        blob = of / "blobs" / digest.hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(data)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).symlink_to(os.path.relpath(blob, folder))
    (of / "refs").mkdir(exist_ok=True)
    (of / "refs" / ref).write_text(commit)
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own; the operator has no folder of models and no endpoints."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("GUARDRAILS_MODELS", raising=False)
    monkeypatch.delenv("GUARDRAILS_ENDPOINTS", raising=False)
    return tmp_path / "hub"


@pytest.fixture
def needed(tmp_path: Path) -> Callable[[str], list[ModelNeed]]:
    """Return a function: detectors in, what they need out."""

    def find(detectors: str) -> list[ModelNeed]:
        path = tmp_path / "policy" / "policy.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"format: 1\nname: tested\ndetectors:\n{detectors}\nrules: []\n")
        return list_needs(load(path))

    return find


def test_the_shipped_policy_needs_the_shipped_models() -> None:
    """They are in the package, with their licences, and are what their manifests say."""
    found_ = list_needs(load("default"))
    assert {(need.name, need.licence) for need in found_} == {("text-safety", "Apache-2.0"), ("nsfw", "MIT")}
    for need in found_:
        assert (need.source, need.present) == ("shipped", True)
        assert need.size is not None
        assert need.size > 1_000_000
        found = verify_model(need)
        assert (found.wrong, found.sound) == ((), True)


def test_every_shipped_model_is_known_by_its_name(needed: Callable[[str], list[ModelNeed]]) -> None:
    """That of faces as well, which no shipped policy uses."""
    [need] = needed("  f: {use: image_faces}")
    assert (need.name, need.source, need.licence) == ("centerface", "shipped", "MIT")
    assert verify_model(need).sound


def test_a_larger_model_is_needed_as_well(
    needed: Callable[[str], list[ModelNeed]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the one that it judges again for: from its package, with what pip installs where that is not here."""
    rows = "  a: {use: classifier, escalate_to: text-safety-large}\n  b: {use: classifier, model: text-safety-large}"
    remove_larger_model(monkeypatch)
    first, larger, alone = needed(rows)
    assert (first.name, first.source) == ("text-safety", "shipped")
    for need in (larger, alone):
        assert (need.name, need.source, need.present, need.fetchable) == (
            "text-safety-large",
            "package",
            False,
            False,
        )
        assert need.missing == "guardrails-middleware-large is not installed"
        assert need.hint == "pip install guardrails-middleware-large"
        assert verify_model(need) == need

    folder = install_larger_model(tmp_path / "site", monkeypatch, 1.0)
    _, larger, _ = needed(rows)
    assert (larger.source, larger.folder, larger.revision, larger.present) == (
        "package",
        folder,
        "1.0.0",
        True,
    )
    assert verify_model(larger).wrong == ()  # with the files that it shares
    (folder / "encoder.onnx").write_bytes(b"")
    assert [each.partition(" is not")[0] for each in verify_model(larger).wrong or ()] == ["encoder.onnx"]
    (folder / "encoder.onnx").unlink()
    assert needed(rows)[1].missing == "the folder has no encoder.onnx"


def test_a_larger_model_of_ones_own(
    needed: Callable[[str], list[ModelNeed]], text_folder: Callable[..., Path], tmp_path: Path
) -> None:
    """A folder, as the smaller one is."""
    (tmp_path / "policy").mkdir()
    folder = text_folder({}, {}).rename(tmp_path / "policy" / "larger")
    _, need = needed("  a: {use: classifier, model: own, escalate_to: larger}")
    assert (need.name, need.source, need.folder) == ("larger", "policy folder", folder)


def test_models_of_parents_count(needed: Callable[[str], list[ModelNeed]], tmp_path: Path) -> None:
    """What a policy inherits it needs too."""
    path = tmp_path / "child.yaml"
    path.write_text("format: 1\nname: child\nextends: [default]\nrules: []\n")
    assert [need.detector for need in list_needs(load(path))] == [
        "safety",
        "distress",
        "claims",
        "attacks",
        "explicit_pictures",
    ]


def test_detectors_without_a_model_need_none(needed: Callable[[str], list[ModelNeed]]) -> None:
    """Patterns and lists are nothing to fetch."""
    assert needed("  a: {use: pii, entities: [email]}\n  b: {use: secrets}") == []


def test_a_model_of_the_hub_that_is_here(needed: Callable[[str], list[ModelNeed]], home: Path) -> None:
    """The cache tells its revision, its size and its licence."""
    folder = put(home, "org/name", FILES)
    (need,) = needed("  a: {use: classifier, model: org/name}")
    assert (need.source, need.folder, need.revision, need.licence, need.present) == (
        *("hub cache", folder, COMMIT, "apache-2.0"),
        True,
    )
    assert need.size == sum(map(len, FILES.values()))
    assert verify_model(need).wrong == ()


def test_a_revision_of_the_policy_is_looked_for(needed: Callable[[str], list[ModelNeed]], home: Path) -> None:
    """Another revision in the cache is another model."""
    put(home, "org/name", FILES)
    put(home, "org/name", {**FILES, "config.json": b"[]"}, commit="b" * 40, ref="v2")
    rows = "\n".join(
        f"  {at}: {{use: classifier, model: org/name, revision: {at}}}" for at in ("main", "v2", "v3")
    )
    found = needed(rows)
    assert [need.revision for need in found] == [COMMIT, "b" * 40, "v3"]
    assert [need.present for need in found] == [True, True, False]


def test_a_model_of_the_hub_that_is_not_here(needed: Callable[[str], list[ModelNeed]]) -> None:
    """It would come from the hub; its licence is told beforehand where it is known."""
    first, second = needed(
        "  a: {use: classifier, model: org/name}\n  b: {use: classifier, model: unitary/toxic-bert}"
    )
    assert (first.source, first.present, first.fetchable, first.licence) == ("hub", False, True, "unknown")
    assert "guardrails models --fetch" in first.hint
    assert second.licence == "Apache-2.0"
    assert verify_model(first) == first


def test_half_a_model_is_missing(needed: Callable[[str], list[ModelNeed]], home: Path) -> None:
    """A download that broke off left a folder, and no model."""
    put(home, "org/name", {"config.json": b"{}"})
    (need,) = needed("  a: {use: classifier, model: org/name}")
    assert (need.source, need.present, need.fetchable) == ("hub cache", False, True)
    assert need.missing == "the folder has no model.safetensors"


def test_a_changed_file_of_the_cache_is_wrong(needed: Callable[[str], list[ModelNeed]], home: Path) -> None:
    """Its digest is no longer that of its blob."""
    folder = put(home, "org/name", FILES)
    (folder / "model.safetensors").resolve().write_bytes(b"others!")
    (need,) = needed("  a: {use: classifier, model: org/name}")
    found = verify_model(need)
    assert (need.sound, found.sound) == (True, False)
    assert found.wrong is not None
    assert found.wrong[0].startswith("model.safetensors: its digest is")
    assert found.to_dict()["verified"] is False


@pytest.mark.parametrize("place", ["policy folder", "GUARDRAILS_MODELS"])
def test_folders_of_the_policy_and_of_the_operator(
    needed: Callable[[str], list[ModelNeed]],
    text_folder: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    """A folder with a manifest is verified by it; one file changed and it is wrong, one gone and it is missing."""
    root = tmp_path / ("policy" if place == "policy folder" else "models")
    root.mkdir()
    monkeypatch.setenv("GUARDRAILS_MODELS", str(tmp_path / "models"))
    folder = text_folder({}, {}).rename(root / "own")
    rows = "  a: {use: classifier, model: own}"
    (need,) = needed(rows)
    assert (need.source, need.folder, need.revision, need.present) == (place, folder, "1", True)
    assert verify_model(need).wrong == ()

    (folder / "tokenizer.json").write_text("{}")
    (wrong,) = verify_model(needed(rows)[0]).wrong or ()
    assert wrong.startswith("tokenizer.json is not the file that manifest.json names")
    (folder / "tokenizer.json").unlink()
    assert needed(rows)[0].missing == "the folder has no tokenizer.json"


def test_a_folder_without_digests_has_nothing_to_compare(
    needed: Callable[[str], list[ModelNeed]], ner_folder: Callable[..., Path], tmp_path: Path
) -> None:
    """It is said to be neither right nor wrong, and has a digest to compare by hand; a block within a detector counts."""
    (tmp_path / "policy").mkdir()
    folder = ner_folder({"a": "O"}).rename(tmp_path / "policy" / "ner")
    (need,) = needed("  a: {use: pii, entities: [person], ner: {model: ner}}")
    found = verify_model(need)
    assert (need.kind, found.source, found.wrong, found.present) == ("pii", "policy folder", None, True)
    assert found.sha256
    (folder / "config.json").write_text("{}")
    assert verify_model(need).sha256 != found.sha256


def test_a_folder_that_is_not_there(needed: Callable[[str], list[ModelNeed]]) -> None:
    """What is no name of the hub's can only be put there by hand."""
    (need,) = needed("  a: {use: classifier, model: own}")
    assert (need.source, need.present, need.fetchable) == ("nowhere", False, False)


def test_endpoints_are_declared_or_not(
    needed: Callable[[str], list[ModelNeed]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model behind an endpoint is not on this machine; that the operator declares it is all there is to see."""
    rows = "  a: {use: judge, endpoint: vllm, model: m, question: Is it?}"
    assert (needed(rows)[0].source, needed(rows)[0].present) == ("endpoint", False)
    (tmp_path / "e.yaml").write_text("endpoints: {vllm: {url: 'http://127.0.0.1:9/v1'}}")
    monkeypatch.setenv("GUARDRAILS_ENDPOINTS", str(tmp_path / "e.yaml"))
    (need,) = needed(rows)
    assert (need.endpoint, need.name, need.present, need.size) == ("vllm", "m", True, None)
    assert verify_model(need) == need


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"README.md": b"---\nlicense: mit\n---\n"}, "mit"),
        ({"README.md": b"---\r\ntags: [a]\r\nlicense: 'mit'  # so\r\n---\r\n"}, "mit"),
        ({"README.md": b"---\nlicense: other\nlicense_name: llama4\n---\n"}, "llama4"),
        ({"README.md": b"# A\n\nlicense: mit\n", "LICENSE": b"\n  Own License 1\nText"}, "Own License 1"),
        ({"README.md": b"---\nlicense:\n- mit\n---\n", "LICENSE.txt": b"MIT License\n"}, "MIT License"),
        ({"CARD.md": b"# Card\n\nWho made it, licence: us, Apache-2.0. Seed\n"}, "Apache-2.0"),
        ({"LICENSE": b"\x1b[31mred\x07\xff " + b"x" * 500}, "[31mred\ufffd " + "x" * 71),
        ({"README.md": b"---\nlicense: mit"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_a_folder_tells_its_licence(
    needed: Callable[[str], list[ModelNeed]], tmp_path: Path, files: dict[str, bytes], expected: str
) -> None:
    """In the head of its README, its card, or a file; what strangers wrote is one short line without control characters."""
    folder = tmp_path / "policy" / "own"
    folder.mkdir(parents=True)
    for name, data in {"config.json": b"{}", "model.safetensors": b"", **files}.items():
        (folder / name).write_bytes(data)
    assert needed("  a: {use: classifier, model: own}")[0].licence == expected


def test_a_need_is_plain_json(needed: Callable[[str], list[ModelNeed]]) -> None:
    """Programs read every field; nothing compared is null, not false."""
    row: dict[str, Any] = json.loads(json.dumps(needed("  a: {use: classifier}")[0].to_dict()))
    assert (row["model"], row["source"], row["present"], row["verified"]) == (
        *("text-safety", "shipped", True),
        None,
    )


def test_a_policy_that_is_wrong_tells_so(needed: Callable[[str], list[ModelNeed]]) -> None:
    """What it would need cannot be told from mistakes."""
    with pytest.raises(PolicyErrors, match="did you mean 'model'"):
        needed("  a: {use: classifier, modell: org/name}")
