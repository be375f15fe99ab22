"""Packages that offer plugins, installed for one test: a folder with their metadata on the path of imports."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

SHOUTING = '''
    from guardrails.plugins import CLEAN, Config, Detection, Finding, Kind, Text

    class ShoutingConfig(Config):
        """Texts in capitals."""

        share: float = 0.7
        """The share of capitals, in 0..1."""

    class Shouting:
        def __init__(self, name, config):
            self._name, self._share = name, config.share

        def detect(self, batch):
            return [self._judge(each.text) if isinstance(each, Text) else CLEAN for each in batch]

        def _judge(self, text):
            letters = [char for char in text if char.isalpha()]
            if len(letters) < 8 or sum(map(str.isupper, letters)) < self._share * len(letters):
                return CLEAN
            return Detection((Finding("custom.shouting", 1.0, self._name, (0, len(text))),))

    KIND = Kind("shouting", "Texts in capitals.", ShoutingConfig, ("custom.shouting",), Shouting)
'''
"""A module with a detector."""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that installs a package: its name, version, entry points by group, and the text of its one module."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    modules: list[str] = []

    def make(name: str, version: str, points: Mapping[str, Mapping[str, str]], text: str = SHOUTING) -> None:
        module = name.replace("-", "_")
        modules.append(module)
        (site / f"{module}.py").write_text(dedent(text))
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [
            line
            for group, some in points.items()
            for line in (f"[guardrails.{group}]", *(f"{key} = {value}" for key, value in some.items()))
        ]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        importlib.invalidate_caches()

    yield make
    for module in modules:
        sys.modules.pop(module, None)
