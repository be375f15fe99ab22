"""Loads lists of hashes and finds the entries that a picture is on.

    lists = HashLists(deny=[HashList.load(Path("deny.csv"), name="deny")], allow=[HashList.load(Path("ok.csv"), name="ok")])
    matches = lists.find(picture.sha256, [hashed(frame.views[0]) for frame in picture.frames])
    lists = lists.reload()              # those whose files have changed are read again; the old ones stay as they are

A picture is on a list by the SHA-256 of its file, or by the PDQ hash of any of its forms within a distance: an entry's own,
or the list's. A hash of less quality than the list asks for says nothing, and is not looked up; nor is such an entry kept.
What is on a list that allows is on no other: a frame by its own hash, all of them by the file's. Where a frame is on none, its
other looks may be asked for (`media/hashes/cropped_looks.py`): as it may have been before it was cut or framed. Lists of more
than a few thousand hashes are kept as files of numbers that are mapped into memory, made once for each content of the list and
shared by processes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from guardrails.media.hashes.cropped_looks import CroppedLook
from guardrails.media.hashes.hash_file import FARTHEST, HashEntry, read_hash_entries
from guardrails.media.hashes.hash_index import FEW, REACH, build_tables, search_tables
from guardrails.media.hashes.pdq import FORMS, PdqHashes, split_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from guardrails.media.hashes.hash_index import Found, Rows

    Arrays = Mapping[str, NDArray[Any]]

DISTANCE: Final = 31
"""Bits in which PDQ hashes of the same picture may differ, as lists are made."""

LooksOf = Callable[[int], Iterable[CroppedLook]]
"""Returns the other looks of a frame, by its number."""

QUALITY: Final = 50
"""The least quality of a hash that is looked up."""

VERSION: Final = 1
"""Of the files of numbers."""

ARRAYS: Final = ("pdq", "pdq_at", "wide", "order", "starts", "sha", "sha_at", "distance", "text", "ends")
"""What a list is made of: hashes in rows, and the number of each one's entry; the rows that reach farther than the tables, which
come next; and of each entry its distance, and where its texts end.
"""


@dataclass(frozen=True, slots=True)
class HashMatch:
    """An entry that a picture is on: which list's, how far away, by which form, and of which frame (None: by its file)."""

    list: str
    id: str
    category: str
    severity: str
    kind: str
    distance: int = 0
    form: str = "original"
    frame: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class HashList:
    """One list, ready to be searched by several threads; nothing changes it."""

    name: str
    path: Path
    kind: str
    distance: int
    quality: int
    cache: Path | None
    digest: str
    stamp: tuple[int, int, int]
    arrays: Arrays

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        name: str,
        kind: Literal["pdq", "sha256"] = "pdq",
        distance: int = DISTANCE,
        quality: int = QUALITY,
        cache: Path | None = None,
    ) -> HashList:
        """Read a file; `kind` is that of rows that say none, and `cache` the folder for files of numbers.

        Raises:
            PolicyErrors: what is wrong with the file, line by line.
            OSError: it cannot be read.
        """
        data, seen = path.read_bytes(), _file_stamp(path)
        digest = hashlib.sha256(f"{VERSION} {kind} {quality}\n".encode() + data).hexdigest()
        place = (cache or default_cache()) / f"{_short(str(path.resolve()))}-{digest[:32]}"
        arrays = _map_arrays(place)
        if arrays is None:
            arrays = _build_arrays(read_hash_entries(data, str(path), kind), quality)
            if len(arrays["distance"]) > FEW and _save_arrays(arrays, place):
                arrays = _map_arrays(place) or arrays
        return cls(name, path, kind, distance, quality, cache, digest, seen, arrays)

    def __len__(self) -> int:
        return len(self.arrays["pdq"]) + len(self.arrays["sha"])

    def reload(self) -> HashList:
        """Return the same list where its file has not changed, else a new one; raises what `load` raises."""
        if _file_stamp(self.path) == self.stamp:
            return self
        kind: Any = self.kind
        return HashList.load(
            self.path,
            name=self.name,
            kind=kind,
            distance=self.distance,
            quality=self.quality,
            cache=self.cache,
        )

    def exact(self, sha256: str) -> HashMatch | None:
        """Return the entry with the SHA-256 of a file."""
        rows, key = self.arrays["sha"], split_words([bytes.fromhex(sha256)])[0]
        at = int(rows[:, 0].searchsorted(key[0]))
        while at < len(rows) and rows[at, 0] == key[0]:
            if (rows[at] == key).all():
                return self._match(int(self.arrays["sha_at"][at]), "sha256", 0, FORMS[0], None)
            at += 1
        return None

    def near(self, hashed: PdqHashes, frame: int | None = None, look: str = "") -> tuple[HashMatch, ...]:
        """Return the entries that a picture's hash, or that of another form of it, is near to: the nearest first, each once.
        `look` says what was done to the picture before.
        """
        rows = self.arrays["pdq"]
        if hashed.quality < self.quality or not len(rows):
            return ()
        own, asked, wide = self.arrays["distance"], split_words(hashed.forms), self.arrays["wide"]
        of = {name: self.arrays[name] for name in ("order", "starts") if len(self.arrays[name])}
        pairs = [*zip(*self._search(of, asked, thorough=not look), strict=True)]
        if len(wide):
            pairs += [
                (form, wide[at], far)
                for form, at, far in zip(*search_tables(rows[wide], {}, asked, FARTHEST), strict=True)
            ]
        found: dict[int, tuple[int, int]] = {}
        for form, row, far in pairs:
            at = int(self.arrays["pdq_at"][row])
            within = int(own[at]) if own[at] >= 0 else self.distance
            if far <= within and (at not in found or far < found[at][0]):
                found[at] = int(far), int(form)
        nearest = sorted(found.items(), key=lambda each: (each[1], each[0]))
        return tuple(
            self._match(at, "pdq", far, _name_form(look, FORMS[form]), frame) for at, (far, form) in nearest
        )

    def _search(self, of: Arrays, asked: Rows, *, thorough: bool) -> Found:
        """Return what is within the list's distance; what was done to a picture is a guess, and looked up less thoroughly."""
        reach = max(self.distance, REACH)
        return search_tables(self.arrays["pdq"], of, asked, reach, thorough=thorough)

    def status(self) -> dict[str, Any]:
        """Return what is known of the list, for people who watch it: not what is on it."""
        pdq, sha, kept = len(self.arrays["pdq"]), len(self.arrays["sha"]), len(self.arrays["distance"])
        return {
            "name": self.name,
            "digest": self.digest,
            "pdq": pdq,
            "sha256": sha,
            "left_out": kept - pdq - sha,
            "changed_ns": self.stamp[2],
        }

    def _match(self, at: int, kind: str, far: int, form: str, frame: int | None) -> HashMatch:
        ends = self.arrays["ends"]
        start = int(ends[at - 1]) if at else 0
        texts = self.arrays["text"][start : int(ends[at])].tobytes().decode().split("\n")
        return HashMatch(self.name, texts[0], texts[1], texts[2], kind, far, form, frame)


@dataclass(frozen=True, slots=True)
class HashLists:
    """Several lists that are searched together; those that allow win over those that deny."""

    deny: Sequence[HashList]
    allow: Sequence[HashList] = ()

    def find(
        self, sha256: str, frames: Sequence[PdqHashes] = (), looks: LooksOf | None = None
    ) -> tuple[HashMatch, ...]:
        """Return what a picture is on, by its file and by its frames, and by their `looks` those that are on nothing."""
        if self.allows(sha256):
            return ()
        found = [match for each in self.deny if (match := each.exact(sha256)) is not None]
        for number, hashed in enumerate(frames):
            matches = self._near(hashed, number)
            if not matches and looks is not None and not self._passes(hashed):
                matches = [
                    match for look in looks(number) for match in self._near(look.hashes, number, look.form)
                ]
            found += matches
        return tuple(found)

    def _near(self, hashed: PdqHashes, number: int, look: str = "") -> list[HashMatch]:
        """Return what a frame is on by these hashes; nothing where a list allows that."""
        matches = [match for each in self.deny for match in each.near(hashed, number, look)]
        return [] if matches and self._passes(hashed) else matches

    def _passes(self, hashed: PdqHashes) -> bool:
        return any(each.near(hashed) for each in self.allow)

    def allows(self, sha256: str) -> bool:
        """Tell whether a file is on a list that allows."""
        return any(each.exact(sha256) for each in self.allow)

    def reload(self) -> HashLists:
        """Return lists of which those whose files have changed are new; itself where none has. Raises what `load` raises."""
        deny, allow = [each.reload() for each in self.deny], [each.reload() for each in self.allow]
        if all(new is old for new, old in zip([*deny, *allow], [*self.deny, *self.allow], strict=True)):
            return self
        return HashLists(deny, allow)


def default_cache() -> Path:
    """Return where files of numbers are kept when nobody says."""
    kept = os.environ.get("XDG_CACHE_HOME")
    return (Path(kept) if kept else Path.home() / ".cache") / "guardrails" / "hashlists"


def _name_form(look: str, form: str) -> str:
    """Return what was done to a picture to have it as it is on a list."""
    return form if not look else look if form == FORMS[0] else f"{look}_{form}"


def _file_stamp(path: Path) -> tuple[int, int, int]:
    """Return what tells that a file is another one."""
    now = path.stat()
    return now.st_ino, now.st_size, now.st_mtime_ns


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _build_arrays(found: Sequence[HashEntry], quality: int) -> Arrays:
    """Return the arrays of a list. Of equal hashes the first entry is kept, with the greatest distance of all of them."""
    import numpy as np

    texts = [f"{entry.id}\n{entry.category}\n{entry.severity}".encode() for entry in found]
    distance = np.array([entry.distance for entry in found], dtype=np.int16)
    pdq = [at for at, each in enumerate(found) if each.kind == "pdq" and each.quality >= quality]
    sha = [at for at, each in enumerate(found) if each.kind == "sha256"]
    rows, firsts = _deduplicate([found[at].hash for at in pdq], pdq, distance)
    exact, exact_at = _deduplicate([found[at].hash for at in sha], sha, distance)
    order = np.argsort(exact[:, 0], kind="stable")
    made = build_tables(rows)
    return {
        "pdq": rows,
        "pdq_at": firsts,
        "wide": np.nonzero(distance[firsts] > REACH)[0],
        "order": made.get("order", np.zeros((0, 0), np.uint32)),
        "starts": made.get("starts", np.zeros((0, 0), np.uint32)),
        "sha": exact[order],
        "sha_at": exact_at[order],
        "distance": distance,
        "text": np.frombuffer(b"".join(texts), dtype=np.uint8),
        "ends": np.cumsum([len(text) for text in texts], dtype=np.uint64),
    }


def _deduplicate(
    hashes: Sequence[bytes], numbers: Sequence[int], distance: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return each hash once, and the number of its first entry, which gets the greatest distance of all of them."""
    import numpy as np

    at = np.array(numbers, dtype=np.uint32)
    rows = split_words(hashes)
    if not len(rows):
        return rows, at
    _, first, inverse = np.unique(rows.view("V32").ravel(), return_index=True, return_inverse=True)
    np.maximum.at(distance, at[first[inverse]], distance[at])
    kept = np.sort(first)
    return rows[kept], at[kept]


def _save_arrays(arrays: Arrays, place: Path) -> bool:
    """Write arrays to a folder, all of them or none; False where that cannot be done."""
    import numpy as np

    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".making-") as making:
            inside = Path(making) / "all"
            inside.mkdir()
            for name in ARRAYS:
                np.save(inside / f"{name}.npy", arrays[name])
            shutil.rmtree(place, ignore_errors=True)  # it is there only where it is not whole
            inside.rename(place)
    except OSError:
        return place.is_dir()  # another process was faster; else nothing can be written there
    for other in place.parent.glob(f"{place.name.partition('-')[0]}-*"):
        if other != place:
            shutil.rmtree(other, ignore_errors=True)
    return True


def _map_arrays(place: Path) -> Arrays | None:
    """Return the arrays of a folder, mapped into memory; None where they are not there, or not whole."""
    import numpy as np

    try:
        return {
            name: np.asarray(np.load(place / f"{name}.npy", mmap_mode="r", allow_pickle=False))
            for name in ARRAYS
        }
    except (OSError, ValueError, EOFError):
        return None
