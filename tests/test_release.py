"""What is released, and what it is made of: licences, versions with hashes, vulnerabilities, an SBOM, and builds that can be repeated."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.licenses import canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.cases import each_case
from tests.larger_model import save_larger_model

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "deploy/requirements.lock"
INSIDE = ROOT / "guardrails"
LARGE = INSIDE / "models/text_safety_large"
OWN_DATA = frozenset(
    {
        *(
            "py.typed",
            "authoring/reports/tables.js",
            "models/THIRD_PARTY.md",
            "detectors/patterns/_prefixes.json.gz",
            "detectors/patterns/_rows.jsonl",
            "detectors/semantic/ordinary.txt",
        ),
        *(
            "models/language_id/common_words.txt",
            "models/nsfw_mid/config.json",
            "models/nsfw_mid/preprocessor_config.json",
            "models/text_safety/observed.json",
        ),
        *(f"models/text_safety_large/{name}" for name in ("README.md", "THIRD_PARTY.md", "pyproject.toml")),
    }
)
"""Files that are no code, and ours."""

BESIDE_MODELS = frozenset({"CARD.md", "LICENSE", "manifest.json"})


def script(name: str) -> ModuleType:
    """Return a script of `.ci`."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f".ci/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LICENCES, AUDIT, SBOM = script("licences"), script("audit"), script("sbom")


@each_case(
    ("licences", "extra", "allowed", "wrong"),
    [
        (("MIT",), "", {}, None),
        (("Apache-2.0 AND MIT",), "", {}, None),
        (("MPL-2.0",), "", {}, None),
        (("GPL-3.0-or-later OR MIT",), "", {}, None),
        (("GPL-3.0-or-later",), "", {}, "take another package"),
        (("GPL-3.0-or-later",), "", {"x": "a reason"}, "take another package"),
        (("GPL-3.0-or-later",), "pii", {}, "[tool.licences]"),
        (("GPL-3.0-or-later",), "pii", {"x": "a reason"}, None),
        (("AGPL-3.0-only",), "", {}, "take another package"),
        (("MIT AND GPL-2.0-only",), "", {}, "take another package"),
        (("GNU Affero General Public License v3",), "", {}, "take another package"),
        (("GNU General Public License v2 (GPLv2)",), "pii", {}, "[tool.licences]"),
        (("SSPL-1.0",), "", {}, "take another package"),
        (("LGPL-3.0-only",), "", {}, "[tool.licences]"),
        (("LGPL-3.0-only",), "", {"x": "a reason"}, None),
        (("BSD-3-Clause", "GNU Lesser General Public License v3 (LGPLv3)"), "heic", {}, "[tool.licences]"),
        ((), "", {}, "names no licence"),
        ((), "", {"x": "MIT, as its LICENSE says"}, None),
    ],
)
def test_licences(licences: tuple[str, ...], extra: str, allowed: dict[str, str], wrong: str | None) -> None:
    """What the core may not have is named with the way by which it came, and the cure."""
    problem = LICENCES.judge(LICENCES.Found("x", extra, ("y",), licences), allowed)
    if wrong is None:
        assert problem is None
    else:
        assert wrong in problem
        assert " → y → x: " in problem


def test_what_is_installed_may_be() -> None:
    """The script finds the core's dependencies, and nothing wrong."""
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/licences.py"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    names = {found.name for found in LICENCES.walk("guardrails-middleware")}
    assert {"pydantic-core", "numpy", "uvicorn", "spacy", "pi-heif"} <= names


def test_reasons_are_of_packages_that_are_there() -> None:
    """A row of a package that went goes too."""
    name, allowed = LICENCES.read_project()
    assert name == "guardrails-middleware"
    locked = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert allowed.keys() <= {*map(canonicalize_name, locked)}


def pins() -> dict[str, list[tuple[Requirement, int]]]:
    """Return the lines of the lock file by package, each with how many hashes it has."""
    found: dict[str, list[tuple[Requirement, int]]] = {}
    for entry in re.split(r"\n(?=[A-Za-z0-9])", LOCK.read_text(encoding="utf-8")):
        if entry[0] != "#":
            requirement = Requirement(entry.split(" \\\n")[0])
            hashes = len(re.findall(r"^ {4}--hash=sha256:[0-9a-f]{64}\b", entry, re.MULTILINE))
            found.setdefault(canonicalize_name(requirement.name), []).append((requirement, hashes))
    return found


def test_the_lock_pins_what_pyproject_allows() -> None:
    """Every dependency of the core stands there in one version that fits, for each platform, with hashes."""
    locked = pins()
    assert len(locked) > 40
    for lines in locked.values():
        for requirement, hashes in lines:
            assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), requirement
            assert hashes > 0, requirement
    for text in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]:
        wanted = Requirement(text)
        lines = locked.get(canonicalize_name(wanted.name), [])
        assert lines, f"{text}: run .ci/lock"
        for requirement, _ in lines:
            [pin] = requirement.specifier
            assert wanted.specifier.contains(pin.version), f"{text}: run .ci/lock"


def test_the_lock_names_all_that_its_packages_need() -> None:
    """As far as they are installed here: pip installs nothing that has no hash."""
    locked = pins()
    for name in locked:
        for text in _requires(name):
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in locked, f"{name} needs {needed}: run .ci/lock"


def _requires(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # of another platform
        return []


def test_the_lock_says_nothing_of_an_index() -> None:
    """Where packages come from is for who installs them to say."""
    text = LOCK.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^--(?!hash)", text, re.MULTILINE)


@each_case(
    ("report", "said", "status", "words"),
    [
        (None, "no route to host", 0, "skipped: known vulnerabilities; the database cannot be reached (no route to host)"),
        ({"dependencies": [{"name": "a", "skip_reason": "not found"}]}, "", 0, "skipped: known vulnerabilities"),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}, "", 0, "audit: 1 packages looked up"),
        (
            {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "V-1", "fix_versions": ["1.1"]}]}]},
            "", 1, "a 1: V-1; fixed in 1.1: write the lock anew",
        ),
        (
            {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "V-1", "fix_versions": []}]}]},
            "", 0, "a 1: V-1; not fixed in any release yet",
        ),
        (
            {"dependencies": [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "unknown"}]},
            "", 0, "skipped: 1 of 2 packages",
        ),
    ],
)  # fmt: skip
def test_audit(report: Any, said: str, status: int, words: str) -> None:
    """A vulnerability with a fix fails; a database that cannot be reached is said, and fails nothing."""
    found, lines = AUDIT.judge(report, said)
    assert found == status
    assert words in "\n".join(lines)


def test_files_of_others_are_those_of_the_notice() -> None:
    """Each has its row, with the hash of the file; what is no code and not ours has one as well."""
    rows = {
        each.file: each
        for each in SBOM.third_party_files((INSIDE / "models/THIRD_PARTY.md").read_text(encoding="utf-8"))
    }
    assert len(rows) > 5
    for file, row in rows.items():
        assert canonicalize_license_expression(row.licence) == row.licence, f"{file}: what the SBOM can say"
        seen = hashlib.sha256((INSIDE / file).read_bytes()).hexdigest()
        assert row.sha256 == seen, (
            f"{file} is now {seen}: say in guardrails/models/THIRD_PARTY.md where that is from"
        )
    data = {
        path.relative_to(INSIDE).as_posix()
        for path in INSIDE.rglob("*")
        if path.is_file()
        and path.suffix not in (".py", ".pyc", ".sql")
        and path.name not in BESIDE_MODELS
        and path != LARGE / "encoder.onnx"  # which is in a distribution of its own, and in the notice of that
    }
    assert data - OWN_DATA - rows.keys() == set(), "files without a row in guardrails/models/THIRD_PARTY.md"
    assert data >= OWN_DATA


def test_files_of_others_in_the_large_model_are_those_of_its_notice() -> None:
    """A distribution of its own has a notice of its own, and the licence of this one; so far as its weights are here."""
    rows = {
        each.file: each.sha256
        for each in SBOM.third_party_files((LARGE / "THIRD_PARTY.md").read_text(encoding="utf-8"))
    }
    weights = [each for each in (LARGE / "encoder.onnx",) if each.exists()]
    assert rows == {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in weights}
    assert (LARGE / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def build_large(folder: Path, logit: float) -> tuple[Path, str]:
    """Build the wheel of the large model with other weights; return it, and the digest of its manifest."""
    shutil.copytree(LARGE, folder / "source")
    sha256 = save_larger_model(folder / "source", logit)
    (folder / "source" / "CARD.md").write_text("# A card\n")
    build(folder / "source", "wheel", folder / "dist")
    [wheel] = (folder / "dist").iterdir()
    return wheel, sha256


def test_the_large_model_is_a_distribution_of_its_own(tmp_path: Path) -> None:
    """Its wheel brings a folder beside `guardrails`, which a policy finds by its name; nothing in it is imported."""
    wheel, sha256 = build_large(tmp_path, 6.0)
    assert wheel.name.startswith("guardrails_middleware_large-1.0.0-")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(tmp_path / "site")
        [path] = [name for name in files.namelist() if name.endswith("/METADATA")]
        told = files.read(path).decode()
    tops = {name.name for name in (tmp_path / "site").iterdir()}
    assert tops == {"guardrails_large", "guardrails_middleware_large-1.0.0.dist-info"}
    assert "Requires-Dist: guardrails-middleware\n" in told
    assert "License-Expression: Apache-2.0\n" in told
    script = f"""
import sys
from guardrails import Guard
from guardrails.inference.safety import folder, packages
package = packages.PACKAGES["text-safety-large"]._replace(folder="stand_in")  # whether or not its weights lie in the sources
packages.PACKAGES["text-safety-large"] = package
folder.PINNED = {{**folder.PINNED, "stand_in": {sha256!r}}}
guard = Guard.load({{
    "format": 1,
    "name": "large",
    "detectors": {{"s": {{"use": "classifier", "categories": ["unsafe"], "escalate_to": "text-safety-large"}}}},
    "rules": [{{"id": "a", "on": "input", "when": "unsafe >= 0.99", "then": "block"}}],
}})
assert "guardrails_large" not in sys.modules
print(guard.check("How do I beat my wife").action)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path / "site"), str(ROOT)))},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "block\n"), done.stderr


def test_the_large_model_is_not_built_without_its_weights(tmp_path: Path) -> None:
    """A distribution that brought no model would be one that does nothing."""
    shutil.copytree(LARGE, tmp_path / "source")
    (tmp_path / "source" / "encoder.onnx").unlink(missing_ok=True)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        build(tmp_path / "source", "wheel", tmp_path / "dist")
    assert b"Forced include not found" in caught.value.stderr


@each_case("kind", ["wheel", "sdist"])
def test_the_core_is_released_without_the_large_model(tmp_path: Path, kind: str) -> None:
    """Its weights are in neither; of the rest the sources keep what builds it, and the wheel nothing."""
    source = copy_sources(tmp_path / "core", 1_700_000_000)
    large = source / LARGE.relative_to(ROOT)
    shutil.copytree(LARGE, large, dirs_exist_ok=True)
    (large / "encoder.onnx").write_bytes(b"weights")
    (large / "manifest.json").write_text("{}")
    build(source, kind, tmp_path / "dist")
    [path] = (tmp_path / "dist").iterdir()
    if kind == "wheel":
        with zipfile.ZipFile(path) as wheel:
            names = wheel.namelist()
    else:
        with tarfile.open(path) as sdist:
            names = sdist.getnames()
    found = {Path(name).name for name in names if large.name in name}
    assert "encoder.onnx" not in found
    assert ("pyproject.toml" in found) is (kind == "sdist")
    assert found == set() or kind == "sdist"
    assert any(name.endswith("guardrails/__init__.py") for name in names)


def test_the_sbom_has_a_graph_and_the_files_of_others() -> None:
    """What cyclonedx-bom reads of a lock file gets what the lock says besides: who needs what, for all versions of a package."""
    lock = "a==1 \\\n    --hash=sha256:00\n    # via guardrails-middleware (pyproject.toml)\nb==1 ; x \\\n    # via\n    #   a\n    #   c\nb==2 \\\n    # via a\nc==3\n    # via guardrails-middleware (pyproject.toml)\n"
    purls = [f"pkg:pypi/{each}" for each in ("a@1", "b@1", "b@2", "c@3")]
    components = [
        {"name": purl[9], "bom-ref": f"line {at}", "purl": purl, "description": lock}
        for at, purl in enumerate(purls)
    ]
    bom = {"components": components, "metadata": {"component": {"bom-ref": "root"}}}
    row = SBOM.ThirdPartyFile("models/m.onnx", "a model", "1", "MIT", "0" * 64)
    both = row._replace(file="models/n.onnx", licence="Apache-2.0 AND MIT")
    assert SBOM.describe_file(row)["licenses"] == [{"license": {"id": "MIT"}}]
    assert SBOM.describe_file(both)["licenses"] == [{"expression": "Apache-2.0 AND MIT"}]
    made = SBOM.complete(bom, lock, [row])
    graph = {each["ref"]: each.get("dependsOn", []) for each in made["dependencies"]}
    assert graph == {
        "root": ["file:guardrails/models/m.onnx", "pkg:pypi/a@1", "pkg:pypi/c@3"],
        "pkg:pypi/a@1": ["pkg:pypi/b@1", "pkg:pypi/b@2"],
        "pkg:pypi/b@1": [],
        "pkg:pypi/b@2": [],
        "pkg:pypi/c@3": ["pkg:pypi/b@1"],
        "file:guardrails/models/m.onnx": [],
    }
    assert [each["type"] for each in made["components"] if "type" in each] == ["machine-learning-model"]
    assert all("description" not in each for each in made["components"] if "purl" in each)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Create files so while the block runs."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@each_case("kind", ["wheel", "sdist"])
def test_a_build_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The same sources give the same bytes, whatever their folder, their times and the umask; `.ci/release` does so with all files."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    built = []
    for folder, mask, time in (("one", 0o022, 1_700_000_000), ("another/further/down", 0o077, 1_600_000_000)):
        with umask(mask):
            source = copy_sources(tmp_path / folder, time)
            build(source, kind, source.parent / "dist")
        [path] = (source.parent / "dist").iterdir()
        built.append((path.name, hashlib.sha256(path.read_bytes()).hexdigest()))
    assert built[0] == built[1]


def build(source: Path, kind: str, out: Path) -> None:
    """Build what pip installs of a folder."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", out],
        cwd=source, check=True, capture_output=True, timeout=300,
    )  # fmt: skip


def copy_sources(folder: Path, time: int) -> Path:
    """Copy what is built, without weights and but for a few modules, in a folder; return it."""
    source = folder / "source"
    (source / "guardrails").mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "policies", ".ci", "deploy"):
        path = ROOT / name
        (shutil.copytree if path.is_dir() else shutil.copyfile)(path, source / name)
    kept = [
        *INSIDE.glob("*.py"),
        *INSIDE.glob("models/*.md"),
        *INSIDE.glob("models/*/LICENSE"),
        *INSIDE.glob("wire/*.py"),
    ]
    for path in kept:
        new = source / path.relative_to(ROOT)
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, new)
    for path in source.rglob("*"):
        os.utime(path, (time, time))
    return source
