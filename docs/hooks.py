"""Adds the generated pages to the site while it is built (`hooks:` of mkdocs.yml)."""

from __future__ import annotations

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

from generated_pages import PAGES


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add each page that is made from the code, or from a file at the top of the repository."""
    for name, write in PAGES.items():
        files.append(File.generated(config, name, content=write()))
    return files
