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
        if not file.endswith(FILE) or not Path(file).is_file() or "," in file:
            raise GuardrailsError(
                f"--plugin {file}: no Python file of that name (it ends in .py, without a comma)"
            )
    before = os.environ.get(VARIABLE)
    allowed = [ALL if before is None else before, *(str(Path(file).absolute()) for file in files)]
    os.environ[VARIABLE] = ",".join(filter(None, allowed))
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
