"""Puts pictures on a list of hashes for `use: image_hash`.

    gathered = add_pictures(Path("lists/deny.csv"), [Path("found.jpg"), Path("folder")])
    save(Path("lists/deny.csv"), gathered.entries, gathered.comments)

A picture has an entry by the SHA-256 of its file, and one by the PDQ hash of what it shows; of what moves, one for each frame
that differs. What shows too little to be told by is known by its file alone. What was on the list stays on it, with its lines of
comment, such as whose it is and who may use it; those stand at its head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from guardrails.authoring.labels.labelled_pictures import SUFFIXES
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.media.errors import MediaError
from guardrails.media.hashes.exchange_record import clean_entry
from guardrails.media.hashes.film_hash_file import HashedFrame
from guardrails.media.hashes.film_lists import distinct_frames
from guardrails.media.hashes.hash_file import HashEntry, read_hash_entries
from guardrails.media.hashes.hash_lists import QUALITY
from guardrails.media.hashes.pdq import hash_pixels
from guardrails.media.images.picture import open_picture


@dataclass(slots=True)
class AddedPictures:
    """What a list is with pictures: its lines of comment, and its entries. `by_file` counts the pictures that show too little to
    be known by anything but their file, `known` those that were on it. `malformed` says of each file what is wrong with it.
    """

    entries: list[HashEntry] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    added: int = 0
    known: int = 0
    by_file: int = 0
    malformed: list[PolicyError] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """Return the counts as plain JSON values: nothing of what is on the list."""
        return {
            "entries": len(self.entries),
            "added": self.added,
            "known": self.known,
            "by_file_alone": self.by_file,
            "malformed": len(self.malformed),
        }


def add_pictures(
    to: Path,
    paths: Iterable[Path],
    *,
    kind: str = "pdq",
    quality: int = QUALITY,
    category: str = "",
    went: Callable[[str], None] | None = None,
) -> AddedPictures:
    """Return a list with the pictures of files and folders; `kind` is that of its hashes that say none, and `went` is told of
    each file.

    Raises:
        PolicyErrors: what is wrong with the list, line by line.
        GuardrailsError: the list cannot be read, or there is no such file, or no picture in a folder.
    """
    made = _read_list(to, kind)
    entries = {(entry.kind, entry.hash): entry for entry in made.entries}
    for path, id_ in chain.from_iterable(map(_list_files, paths)):
        if went is not None:
            went(id_)
        try:
            found = _hash_picture(path, quality)
        except (MediaError, OSError) as error:
            why = f"{error.code}: {error}" if isinstance(error, MediaError) else error.strerror or str(error)
            made.malformed.append(PolicyError(str(path), 1, 1, "unreadable_picture", why))
            continue
        new = {key: shown for key, shown in found.items() if key not in entries}
        made.added += bool(new)
        made.known += not new
        made.by_file += len(found) == 1
        for (said, digest), shown in new.items():
            entry = HashEntry(digest, said, id_, category, quality=shown)
            entries[said, digest] = clean_entry(entry)
    made.entries = sorted(entries.values(), key=lambda entry: (entry.kind, entry.hash))
    return made


def _read_list(path: Path, kind: str) -> AddedPictures:
    """Return a list as it is; one that is not there yet is empty."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return AddedPictures()
    except OSError as error:
        raise GuardrailsError(f"{path}: {error.strerror or error}") from error
    lines = [line.strip() for line in data.decode("utf-8-sig", "replace").splitlines()]
    comments = [line for line in lines if line.startswith("#")]
    if not any(line and not line.startswith("#") for line in lines):
        return AddedPictures(comments=comments)
    found = read_hash_entries(data, str(path), kind)
    return AddedPictures([replace(entry, id=entry.id or entry.hash.hex()) for entry in found], comments)


def _list_files(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of a path, each with its id: its name, in a folder from there on."""
    if not path.is_dir():
        if not path.exists():
            raise GuardrailsError(f"{path}: no such file or folder")
        yield path, path.name
        return
    found = sorted(each for each in path.rglob("*") if each.is_file() and each.suffix.lower()[1:] in SUFFIXES)
    if not found:
        raise GuardrailsError(f"{path}: there is no picture in this folder")
    for each in found:
        yield each, each.relative_to(path).as_posix()


def _hash_picture(path: Path, quality: int) -> dict[tuple[str, bytes], int]:
    """Return the hashes of a picture by their kind, each with its quality."""
    picture = open_picture(path)
    looks = []
    for frame in picture.frames:
        for view in frame.views:
            found = hash_pixels(view)
            looks.append(HashedFrame(found.hash, frame.start_ms, found.quality))
    shown = {("pdq", each.hash): each.quality for each in distinct_frames(looks, quality)}
    return {("sha256", bytes.fromhex(picture.sha256)): 100, **shown}
