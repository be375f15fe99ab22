"""Models in packages of their own are found where they are installed, and nothing of them is run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from guardrails.inference.safety.packages import PACKAGES, ModelPackage


def test_a_package_is_found_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder is, wherever on the path; its code, if it has any, is left alone."""
    package = ModelPackage("acme-large", "acme_large", "none")
    assert package.locate() is None
    (tmp_path / "acme_large").mkdir()
    (tmp_path / "acme_large" / "__init__.py").write_text("raise RuntimeError('run')")
    monkeypatch.syspath_prepend(tmp_path)
    assert package.locate() == (tmp_path / "acme_large").resolve()
    assert "acme_large" not in sys.modules


def test_a_file_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of that name has no folder."""
    (tmp_path / "acme_file.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert ModelPackage("acme-file", "acme_file", "none").locate() is None


def test_the_cure_is_what_pip_takes() -> None:
    """And the package lies beside `guardrails`, which refuses files of others."""
    package = PACKAGES["text-safety-large"]
    assert package.cure == "pip install guardrails-middleware-large"
    assert package.module != "guardrails"
