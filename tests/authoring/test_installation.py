"""What is installed, as a library says it."""

from __future__ import annotations

from guardrails import __version__
from guardrails.authoring.installation import inspect_installation
from guardrails.registry.sources import PluginSources
from tests.registry.conftest import Install, install

__all__ = ["install"]


def test_plugins_that_may_not_be_used_are_named_as_such(install: Install) -> None:
    """By the allow-list that is given; nothing of them is imported."""
    install("acme-one", "1.0", {"sinks": {"far": "acme_one:SINK"}}, "raise RuntimeError")
    for allowed, problem in ((["acme-one"], ""), ([], "is not among the plugins that may be used")):
        found = inspect_installation(PluginSources.read(allowed))
        [plugin] = found.plugins
        assert (plugin.group, plugin.name, plugin.problem) == ("sinks", "far", problem)
        assert found.sound is (not problem)
        assert found.to_dict()["version"] == __version__
