"""The plugins that the environment allows, for this process and those that it starts. Imports nothing heavy."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from guardrails.errors import GuardrailsError

VARIABLE: Final = "GUARDRAILS_PLUGINS"
"""The environment's name for what an operator allows."""

FILES_VARIABLE: Final = "GUARDRAILS_PLUGIN_FILES"
"""The environment's name for the files that a command line allows besides, separated as paths are, for its own processes."""

ALL: Final = "*"
"""Stands in a list for every package that is installed."""

FILE: Final = ".py"
"""How an entry of a list ends that is the path of a file."""


@contextmanager
def allow_files(files: Sequence[str]) -> Iterator[None]:
    """Allow the plugins of some Python files inside the block, besides those that are allowed.

    Raises:
        GuardrailsError: one is no such file.
    """
    if not files:
        yield
        return
    for file in files:
        if not file.endswith(FILE) or not Path(file).is_file() or os.pathsep in file:
            raise GuardrailsError(
                f"--plugin {file}: no Python file of that name (it ends in .py, without {os.pathsep!r})"
            )
    before = os.environ.get(FILES_VARIABLE)
    os.environ[FILES_VARIABLE] = os.pathsep.join(str(Path(file).absolute()) for file in files)
    try:
        yield
    finally:
        if before is None:
            del os.environ[FILES_VARIABLE]
        else:
            os.environ[FILES_VARIABLE] = before


def files_of_command_line() -> list[Path]:
    """Return the files that a command line allows."""
    return [Path(file) for file in os.environ.get(FILES_VARIABLE, "").split(os.pathsep) if file]
