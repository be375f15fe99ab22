"""What installed packages offer by entry points."""

from __future__ import annotations

import sys

import pytest

from guardrails.registry.installed import choose_offer, find_offers
from guardrails.registry.sources import PluginError, PluginSources
from tests.registry.conftest import Install

DETECTOR = {"detectors": {"shouting": "acme_one:KIND"}}


def test_offers_are_listed_without_being_imported(install: Install) -> None:
    """With package, version and entry point; of the group and the name that are asked for."""
    install("acme-one", "1.2.0", {**DETECTOR, "sinks": {"file": "acme_one:SINK"}})

    [offer] = [each for each in find_offers("detectors") if each.name == "shouting"]

    assert str(offer.origin) == "acme-one 1.2.0 (acme_one:KIND)"
    assert "acme_one" not in sys.modules
    assert [*find_offers("detectors", "other")] == []
    assert [each.name for each in find_offers("sinks", "file")] == ["file"]


def test_an_offer_that_cannot_be_imported_names_the_package(install: Install) -> None:
    """With what it raised, and how to look at it."""
    install("acme-one", "1.2.0", DETECTOR, "raise RuntimeError('broken')")
    offer = choose_offer("detectors", "shouting", PluginSources())
    assert offer is not None
    with pytest.raises(
        PluginError, match=r"acme-one 1.2.0 .*RuntimeError: broken.*import acme_one"
    ) as caught:
        offer.load()
    assert caught.value.code == "plugin_failed"


def test_a_package_that_is_not_allowed_is_an_error_that_says_how(install: Install) -> None:
    """At another version it may not be used either."""
    install("acme-one", "1.2.0", DETECTOR)
    for allowed in ([], ["acme-one==2.*"]):
        with pytest.raises(PluginError, match=r"add acme-one==1\.2\.0 to 'plugins'") as caught:
            choose_offer("detectors", "shouting", PluginSources.read(allowed))
        assert caught.value.code == "plugin_not_allowed"
    assert choose_offer("detectors", "shouting", PluginSources.read(["acme-one==1.*"])) is not None


def test_a_name_that_several_packages_offer_is_an_error_unless_one_is_allowed(install: Install) -> None:
    """Neither is chosen; an allow-list decides."""
    install("acme-one", "1.2.0", DETECTOR)
    install("acme-two", "3.0", {"detectors": {"shouting": "acme_two:KIND"}})
    with pytest.raises(PluginError, match=r"acme-one 1.2.0 .*, acme-two 3.0") as caught:
        choose_offer("detectors", "shouting", PluginSources())
    assert caught.value.code == "duplicate_plugin"
    offer = choose_offer("detectors", "shouting", PluginSources.read(["acme-two"]))
    assert offer is not None
    assert offer.origin.package == "acme-two"
