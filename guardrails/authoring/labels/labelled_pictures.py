"""Lists the pictures of a folder whose folders are their labels: `pictures/weapons/a.jpg`, `pictures/benign/b.png`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from guardrails.errors import GuardrailsError
from guardrails.media.limits import FORMATS

SUFFIXES: Final = frozenset((*FORMATS, "jpg", "heif"))
"""Endings of the names of pictures."""

FORM: Final = "give each label a folder, such as weapons/a.jpg and benign/b.jpg"


def list_labelled_pictures(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each picture below a folder, in order of their paths, with the name of the folder in it that holds the picture.

    Raises:
        GuardrailsError: a picture lies in no folder, a file is no picture by its name, or there is none.
    """
    count = 0
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") for part in parts):
            continue
        if path.suffix.lower()[1:] not in SUFFIXES:
            raise GuardrailsError(
                f"{path}: is no picture by its name ({', '.join(sorted(SUFFIXES))}); take it away"
            )
        if len(parts) < 2:
            raise GuardrailsError(f"{path}: has no label; {FORM}")
        count += 1
        yield path, parts[0]
    if not count:
        raise GuardrailsError(f"{folder}: has no pictures; {FORM}")
