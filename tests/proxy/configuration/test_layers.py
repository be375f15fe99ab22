"""Settings from a file, variables and flags: which counts, and where it stands. Mistakes are tested with what reads them."""

from __future__ import annotations

import pytest

from guardrails.detectors.file_watch import record_files
from guardrails.errors import PolicyErrors
from guardrails.policy.loading.problems import Problems
from guardrails.proxy.configuration.layers import SettingsLayers


def test_what_comes_later_counts_and_has_its_own_place(tmp_path) -> None:
    """A file's settings have line and column, a flag its name; what was not given changes nothing. The file is noted."""
    path = tmp_path / "s.yaml"
    path.write_text(
        "a: 1\nb: 2\npolicy: own.yaml\npolicies: [{policy: strict}, {policy: x.yaml, keys: [a]}, 7]\n"
    )
    layers = SettingsLayers()

    with record_files() as files:
        layers.read(path, ("policy",), "a: 1", Problems())
    layers.flag("b", 3)
    layers.flag("c", False)
    layers.flag("a", None)

    own, other = str(tmp_path / "own.yaml"), str(tmp_path / "x.yaml")
    rows = [{"policy": "strict"}, {"policy": other, "keys": ["a"]}, 7]
    assert layers.data == {"a": 1, "b": 3, "policy": own, "policies": rows, "c": False}
    places = [(mark.file, mark.line) for mark in (layers.mark((name,)) for name in "abc")]
    assert places == [(str(path), 1), ("--b", 1), ("--no-c", 1)]
    assert [*files] == [path]


def test_an_empty_file_gives_nothing_and_a_list_is_an_error(tmp_path) -> None:
    """With how to begin."""
    path = tmp_path / "s.yaml"
    path.write_text("# nothing yet\n")
    layers = SettingsLayers()
    layers.read(path, (), "a: 1", Problems())
    assert layers.data == {}
    path.write_text("- a\n")
    with pytest.raises(PolicyErrors, match="must be a mapping, not a list - begin with 'a: 1'"):
        layers.read(path, (), "a: 1", Problems())
