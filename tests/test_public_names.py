"""What `from guardrails import …` offers, and the refusal of a folder that two packages share."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import guardrails
from tests.cases import each_case

NAMES = [
    "Action",
    "Audio",
    "BackendError",
    "Blocked",
    "Budget",
    "Content",
    "Coverage",
    "Detection",
    "Detector",
    "Finding",
    "Guard",
    "GuardUnavailable",
    "GuardrailsError",
    "Image",
    "InvalidAnswer",
    "MissingExtra",
    "Overloaded",
    "PolicyError",
    "PolicyErrors",
    "RequestError",
    "Severity",
    "Stage",
    "Text",
    "ToolCall",
    "Unavailable",
    "Unchecked",
    "Verdict",
    "Video",
]


def test_the_public_names_are_these() -> None:
    """A name that goes breaks its users, one that comes is a promise: both are changed here too."""
    assert guardrails.__all__ == NAMES
    assert list(guardrails._PUBLIC) == NAMES
    assert set(NAMES) <= set(dir(guardrails))


@each_case("name", NAMES)
def test_each_public_name_is_what_its_module_has(name: str) -> None:
    """It resolves at first use, to the very object."""
    assert getattr(guardrails, name) is getattr(import_module(guardrails._PUBLIC[name]), name)


def test_other_names_are_attribute_errors() -> None:
    """As for any module."""
    with pytest.raises(AttributeError, match="no attribute 'Guardrails'"):
        guardrails.Guardrails  # noqa: B018 - asking is the test


def imported(tmp_path: Path, *extra: str) -> subprocess.CompletedProcess[str]:
    """Import a copy of the package, less the models, that has some more files."""
    folder = tmp_path / "guardrails"
    left_out = shutil.ignore_patterns("__pycache__", "*.onnx", "*.npz")
    shutil.copytree(Path(guardrails.__file__).parent, folder, ignore=left_out)
    for name in extra:
        (folder / name).write_text("")
    command = [sys.executable, "-c", "import guardrails; print(guardrails.__version__)"]
    return subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )


@each_case("name", ["hub.py", "guardrails_agents", "rail_spec.json"])
def test_a_foreign_file_in_the_folder_is_an_import_error(tmp_path: Path, name: str) -> None:
    """Two other projects install this name: the error says which file, which projects, and what to do."""
    done = imported(tmp_path, name)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: another package is mixed into")
    assert all(
        part in last for part in (name, "guardrails-ai", "openai-guardrails", "guardrails-middleware alone")
    )


def test_the_package_itself_imports(tmp_path: Path) -> None:
    """All that lies in the folder is our own, and files that a desktop leaves behind do not matter."""
    done = imported(tmp_path, ".DS_Store", ".hidden")
    assert (done.returncode, done.stdout.strip()) == (0, guardrails.__version__), done.stderr
