"""Where plugins may come from: lists of packages with versions, and files."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from guardrails.registry.environment import VARIABLE
from guardrails.registry.sources import PluginError, PluginOrigin, PluginSources
from tests.cases import each_case


@each_case(
    ("entries", "package", "version", "allowed"),
    [
        (["acme-detectors==1.*"], "acme-detectors", "1.4.2", True),
        (["acme-detectors==1.*"], "Acme_Detectors", "1.4.2", True),
        (["acme-detectors==1.*"], "acme-detectors", "2.0", False),
        (["acme-detectors"], "acme-detectors", "2.0rc1", True),
        (["acme-detectors>=1,<3", "other"], "acme-detectors", "2.0", True),
        (["other"], "acme-detectors", "2.0", False),
        ([], "acme-detectors", "2.0", False),
        (["./mine.py"], "acme-detectors", "2.0", False),
        (["*"], "acme-detectors", "2.0", True),
        (["other==1", "*"], "acme-detectors", "2.0", True),
    ],
)
def test_a_list_allows_packages_by_name_and_version(
    entries: list[str], package: str, version: str, allowed: bool
) -> None:
    """A package may be used where an entry names it at its version, or `*` stands for all; a file allows no package."""
    assert PluginSources.read(entries).allows(package, version) is allowed


@each_case(
    ("entry", "message"),
    [
        ("acme detectors", "names no package and no file"),
        ("acme==", "names no package and no file"),
        ("mine.txt/x", "names no package and no file"),
        ("acme[extra]==1", "has more than a package and its versions"),
        ("acme @ https://example.com/acme.whl", "has more than a package and its versions"),
        ("acme; python_version > '3'", "has more than a package and its versions"),
    ],
)
def test_what_is_no_package_is_an_error(entry: str, message: str) -> None:
    """The error says what an entry may be."""
    with pytest.raises(PluginError, match=message) as caught:
        PluginSources.read([entry])
    assert caught.value.code == "invalid_plugin"


@each_case(
    ("value", "everything", "files"),
    [
        (None, True, []),
        ("", False, []),
        ("acme==1.*, ./mine.py", False, ["mine.py"]),
        ("*,./a.py,./b.py", True, ["a.py", "b.py"]),
    ],
)
def test_the_environment_says_what_an_operator_allows(
    value: str | None, everything: bool, files: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the variable every package may be used, with an empty one none; paths are made absolute."""
    monkeypatch.chdir(tmp_path)
    if value is None:
        monkeypatch.delenv(VARIABLE, raising=False)
    else:
        monkeypatch.setenv(VARIABLE, value)

    sources = PluginSources.of_environment()

    assert sources.allows("anything", "1") is everything
    assert sources.files == tuple(tmp_path / file for file in files)


def test_objects_of_the_caller_join_what_is_allowed() -> None:
    """None, or nothing, changes nothing; objects are kept by group."""
    sources = PluginSources.read(["acme"])
    assert sources.with_own("detectors", None) is sources
    assert sources.with_own("detectors", {"a": 1}).with_own("sinks", {"b": 2}).own == {
        "detectors": {"a": 1}, "sinks": {"b": 2},
    }  # fmt: skip


def test_errors_and_origins_are_values() -> None:
    """An error survives pickling with all that it says; an origin reads as people write it."""
    error = pickle.loads(pickle.dumps(PluginError("code", "message", "hint")))
    assert (str(error), error.code, error.message, error.hint) == (
        "message - hint",
        "code",
        "message",
        "hint",
    )
    assert str(PluginError("code", "message")) == "message"
    assert str(PluginOrigin("acme", "1.0", "acme:KIND")) == "acme 1.0 (acme:KIND)"
