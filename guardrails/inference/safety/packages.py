"""Models that come in packages of their own, as they are too large for this one: which there are, and where they are installed.

Such a package holds a folder of files and no code: it is looked for, and never imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple


class ModelPackage(NamedTuple):
    """A package with one model.

    Attributes:
        distribution: what pip calls it.
        module: the name of its folder where packages are installed; the model's files lie in it.
        folder: the name of the same beside the shipped models, in the sources of this project.
    """

    distribution: str
    module: str
    folder: str

    @property
    def cure(self) -> str:
        """What brings it."""
        return f"pip install {self.distribution}"

    def locate(self) -> Path | None:
        """Return the folder in which it is installed; None where it is not."""
        spec = find_spec(self.module)
        places = None if spec is None else spec.submodule_search_locations
        return Path(places[0]).resolve() if places else None


PACKAGES: Final[Mapping[str, ModelPackage]] = {
    "text-safety-large": ModelPackage("guardrails-middleware-large", "guardrails_large", "text_safety_large"),
}
"""What policies call a model → its package."""
