"""What is installed, as a library says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails import __version__
from guardrails.authoring.installation import inspect_installation
from guardrails.registry.sources import PluginSources
from tests.larger_model import install_larger_model, remove_larger_model
from tests.registry.conftest import Install, install

__all__ = ["install"]


def test_models_in_packages_of_their_own_are_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which there are, with the version of those that are installed; one with another file than it should have is wrong."""
    remove_larger_model(monkeypatch)
    found = inspect_installation()
    [model] = found.models
    assert (model.name, model.version, model.problem) == ("text-safety-large", "", "")
    assert found.sound
    folder = install_larger_model(tmp_path, monkeypatch, 1.0)
    [model] = inspect_installation().models
    assert (model.package, model.version, model.problem) == ("guardrails-middleware-large", "1.0.0", "")
    (folder / "encoder.onnx").write_bytes(b"")
    found = inspect_installation()
    assert found.models[0].problem.startswith("encoder.onnx is not the file that manifest.json names")
    assert not found.sound


def test_plugins_that_may_not_be_used_are_named_as_such(install: Install) -> None:
    """By the allow-list that is given; nothing of them is imported."""
    install("acme-one", "1.0", {"sinks": {"far": "acme_one:SINK"}}, "raise RuntimeError")
    for allowed, problem in ((["acme-one"], ""), ([], "is not among the plugins that may be used")):
        found = inspect_installation(PluginSources.read(allowed))
        [plugin] = found.plugins
        assert (plugin.group, plugin.name, plugin.problem) == ("sinks", "far", problem)
        assert found.sound is (not problem)
        assert found.to_dict()["version"] == __version__
