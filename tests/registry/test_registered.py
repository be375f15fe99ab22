"""A registry finds by name what is built in, the caller's own, and what files and packages offer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from guardrails.detectors.kinds import DETECTORS
from guardrails.detectors.terms.terms_detector import KIND as TERMS
from guardrails.registry.sources import PluginError, PluginSources
from tests.registry.conftest import SHOUTING, Install


def test_things_are_found_wherever_they_come_from(install: Install, tmp_path: Path) -> None:
    """What is built in knows no origin, nor has what the caller gives; the others say where they come from."""
    install("acme-one", "1.2.0", {"detectors": {"loud": "acme_one:KIND"}})
    file = tmp_path / "mine.py"
    file.write_text(dedent(SHOUTING))
    sources = PluginSources(files=(file,)).with_own("detectors", {"mine": replace(TERMS, version=9)})

    found = {name: DETECTORS.find(name, sources) for name in ("terms", "mine", "shouting", "loud", "none")}

    assert found["terms"] is TERMS
    assert found["none"] is None
    assert [kind and kind.name for kind in found.values()] == ["terms", "mine", "shouting", "loud", None]
    origins = [
        None if kind is None or kind.origin is None else kind.origin.package for kind in found.values()
    ]
    assert origins == [None, None, "mine.py", "acme-one", None]
    assert {"terms", "mine", "shouting", "loud"} <= {*DETECTORS.names(sources)}


def test_built_in_names_cannot_be_taken(install: Install, tmp_path: Path) -> None:
    """Not by the caller, not by a file; a package's is never used. The built-in one itself may be given."""
    install("acme-one", "1.2.0", {"detectors": {"terms": "acme_one:KIND"}})
    assert DETECTORS.find("terms", PluginSources()) is TERMS
    assert DETECTORS.find("terms", PluginSources().with_own("detectors", {"terms": TERMS})) is TERMS

    file = tmp_path / "mine.py"
    file.write_text(dedent(SHOUTING).replace('Kind("shouting"', 'Kind("terms"'))
    own = PluginSources().with_own("detectors", {"terms": replace(TERMS, version=9)})
    for sources in (own, PluginSources(files=(file,))):
        with pytest.raises(PluginError, match="'terms' of your own has the name of a built-in one") as caught:
            DETECTORS.find("terms", sources)
        assert caught.value.code == "plugin_name_taken"


def test_packages_that_are_not_allowed_are_not_listed(install: Install) -> None:
    """Nor is anything of them imported."""
    install("acme-one", "1.2.0", {"detectors": {"loud": "acme_one:KIND"}}, "raise RuntimeError")
    assert "loud" in DETECTORS.names(PluginSources())
    assert "loud" not in DETECTORS.names(PluginSources.read([]))
