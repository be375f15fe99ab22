"""Models whose weights come in packages of others: found, compared, and never run."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardrails.detectors.speech.transcript import THIRD_PARTY
from guardrails.inference.media.third_party_model import ThirdPartyModel, read_third_party_model
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case

ROOT = Path(__file__).parents[3]
FILES = {"weights.bin": b"one and two", "config.json": b"{}"}
MANIFEST: dict[str, Any] = {
    "name": "acme",
    "version": "1",
    "licence": "MIT",
    "extra": "speech",
    "languages": ["en"],
    "knows": ["en", "de"],
    "parts": {
        "weights.bin": ["zqx_acme_one/data/weights.1", "zqx_acme_two/weights.2"],
        "config.json": ["zqx_acme_one/data/config.json"],
    },
    "files": {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()},
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of packages: two of them, with code that must not run."""
    for name, files in {
        "zqx_acme_one": {"data/weights.1": b"one and ", "data/config.json": b"{}"},
        "zqx_acme_two": {"weights.2": b"two"},
    }.items():
        for file, data in {"__init__.py": b"raise SystemExit('it runs')", **files}.items():
            (tmp_path / "site" / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "site" / name / file).write_bytes(data)
    monkeypatch.syspath_prepend(tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., ThirdPartyModel]:
    """A function that reads the manifest, with some fields changed."""

    def read(**changes: Any) -> ThirdPartyModel:
        (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST | changes))
        return read_third_party_model(tmp_path)

    return read


def test_parts_become_files(site: Path, model: Callable[..., ThirdPartyModel]) -> None:
    """In the order of the manifest; nothing of the packages is imported."""
    found = model()
    found.verify()
    assert found.read() == FILES
    assert found.locate()["weights.bin"][1] == site / "zqx_acme_two" / "weights.2"
    assert (found.languages, found.knows, found.licence) == (("en",), ("en", "de"), "MIT")


def test_what_is_not_installed_is_named(model: Callable[..., ThirdPartyModel]) -> None:
    """With the command that brings it."""
    for use in (model().verify, model().read, model().locate):
        with pytest.raises(
            ModelError, match="with the package 'zqx-acme-one', which is not installed"
        ) as caught:
            use()
        assert caught.value.code == "missing_extra"
        assert caught.value.hint == "pip install 'guardrails-middleware[speech]'"


@pytest.mark.parametrize("change", ["one byte", "a part that is gone"])
def test_other_files_are_refused(site: Path, model: Callable[..., ThirdPartyModel], change: str) -> None:
    """Whether they are looked at or read."""
    part = site / "zqx_acme_two" / "weights.2"
    if change == "one byte":
        part.write_bytes(b"twO")
    else:
        part.unlink()
    for use in (model().verify, model().read):
        with pytest.raises(ModelError, match=r"weights\.bin is not the file|is not installed"):
            use()


@each_case(
    ("changes", "said"),
    [
        ({"parts": {}}, "manifest.json names other files in 'parts' than in 'files'"),
        ({"files": []}, "manifest.json: "),
        ({"knows": 7}, "manifest.json: "),
    ],
)
def test_a_manifest_that_is_none_is_told(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """With what is wrong."""
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST | changes))
    with pytest.raises(ModelError, match=said):
        read_third_party_model(tmp_path)


def test_a_field_that_is_missing_is_named(tmp_path: Path) -> None:
    """Whichever it is."""
    for name in MANIFEST:
        (tmp_path / "manifest.json").write_text(json.dumps({k: v for k, v in MANIFEST.items() if k != name}))
        with pytest.raises(ModelError, match=f"manifest.json has no '{name}'"):
            read_third_party_model(tmp_path)


@each_case("name", THIRD_PARTY)
def test_those_that_policies_name_are_whole(name: str) -> None:
    """Their manifests are those that are pinned, and their extras bring the packages that hold the parts, in one version."""
    of = read_third_party_model(THIRD_PARTY[name])
    assert of.name == name
    assert {"model.bin", "config.json", "vocabulary.txt", "tokenizer.json"} == of.files.keys()
    assert {*of.languages} <= {*of.knows}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pinned = {match[1] for each in extras[of.extra] if (match := re.fullmatch(r"([\w-]+)==[\d.]+", each))}
    packages = {part.partition("/")[0].replace("_", "-") for parts in of.parts.values() for part in parts}
    assert packages == pinned
    assert any(each.startswith("ctranslate2") for each in extras[of.extra])
