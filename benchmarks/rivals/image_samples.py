"""Harmless sample pictures of scikit-image and scikit-learn: a folder is named, PNG and JPEG files in it come out.

Runs in an environment that has both packages, none of which is needed elsewhere. Nothing is downloaded.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def main(folder: Path) -> None:
    """Write the pictures that come inside the packages; what needs a download is left out."""
    image: Any = import_module("PIL.Image")
    packages: tuple[Any, ...] = (import_module("skimage.data"), import_module("sklearn.datasets"))
    for package in packages:
        for path in sorted(Path(package.__file__).parent.rglob("*.*")):
            if path.suffix in {".png", ".jpg", ".jpeg"}:
                found = image.open(path)
                if found.mode not in {"RGB", "L"}:
                    found = found.convert("RGB")
                found.save(folder / f"{path.stem}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
