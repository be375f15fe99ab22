"""Makes lists of hashes for `use: image_hash` from files that hash-sharing programmes exchange.

    gathered = gather_hashes([("stopncii.json", data)])
    save(Path("lists/deny.csv"), gathered.entries)

Later files go over earlier ones: what a record takes back (a deleted entry, a withdrawn case) is taken out of what came before,
so that a list and an update of it make the list of today. Of equal hashes the first one is kept. The list is in the order of its
hashes, so that the same records always make the same file, and what changed can be seen line by line.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from guardrails.errors import GuardrailsError, PolicyError
from guardrails.media.hashes.exchange_files import read_records
from guardrails.media.hashes.exchange_record import RemovedHash, SkippedRecord, clean_entry
from guardrails.media.hashes.hash_file import HashEntry
from guardrails.media.hashes.hash_lists import QUALITY

HEAD: Final = ("hash", "type", "id", "category", "severity", "distance", "quality")


class UnusableListError(GuardrailsError):
    """A list that cannot be made or written."""


@dataclass(slots=True)
class GatheredHashes:
    """What files came to. `skipped` counts records by the reason why they are left out; `removed` are entries that a later record
    takes back, `disputed` those in the list of which somebody says that they are mistakes.
    """

    entries: list[HashEntry] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    removed: int = 0
    disputed: int = 0
    malformed: list[PolicyError] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """Return the counts as plain JSON values: nothing of what is on the list."""
        kinds = Counter(entry.kind for entry in self.entries)
        return {
            "entries": len(self.entries),
            "pdq": kinds["pdq"],
            "sha256": kinds["sha256"],
            "skipped": dict(sorted(self.skipped.items())),
            "duplicates": self.duplicates,
            "removed": self.removed,
            "disputed": self.disputed,
            "malformed": len(self.malformed),
        }


def gather_hashes(
    files: Iterable[tuple[str, bytes]], *, kind: str = "pdq", quality: int = QUALITY
) -> GatheredHashes:
    """Return what files came to; `kind` is that of hashes that say none, and those of less than `quality` are left out.

    Raises:
        PolicyErrors: a file as a whole cannot be read. What is wrong with single records stands in the result.
    """
    made = GatheredHashes()
    taken: list[tuple[int, HashEntry, bool]] = []
    gone: dict[object, int] = {}
    for file, data in files:
        for record in read_records(data, file, kind):
            said = record.outcome
            if isinstance(said, str):
                made.malformed.append(PolicyError(file, record.line, 1, "malformed_hash", said))
            elif isinstance(said, SkippedRecord):
                made.skipped[said.reason] += 1
            elif isinstance(said, RemovedHash):
                gone[said.id or (said.kind, said.hash)] = len(taken)
            elif said.entry.quality < quality:
                made.skipped[f"quality below {quality}"] += 1
            else:
                taken.append((len(taken), clean_entry(said.entry), said.disputed))
    _settle(made, taken, gone)
    return made


def _settle(
    made: GatheredHashes, taken: Iterable[tuple[int, HashEntry, bool]], gone: dict[object, int]
) -> None:
    """Keep what no later record takes back, each hash once."""
    seen: set[tuple[str, bytes]] = set()
    for at, entry, disputed in taken:
        key = (entry.kind, entry.hash)
        if at < max(gone.get(entry.id, 0), gone.get(key, 0)):
            made.removed += 1
        elif key in seen:
            made.duplicates += 1
        else:
            seen.add(key)
            made.entries.append(entry)
            made.disputed += disputed
    made.entries.sort(key=lambda entry: (entry.kind, entry.hash))


def format_hash_list(entries: Sequence[HashEntry]) -> str:
    """Return a list as the text of its file (`guardrails/media/hashes/hash_file.py`)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(
        (
            *(entry.hash.hex(), entry.kind, entry.id, entry.category, entry.severity),
            *("" if entry.distance < 0 else entry.distance, entry.quality),
        )
        for entry in entries
    )
    return out.getvalue()


def save(path: Path, entries: Sequence[HashEntry], comments: Sequence[str] = ()) -> None:
    """Write a list, below lines of comment.

    Raises:
        UnusableListError: it has no entry, or cannot be written there.
    """
    if not entries:
        raise UnusableListError(f"{path}: nothing to write: no hash was taken")
    write_whole(path, "".join(f"{line}\n" for line in comments) + format_hash_list(entries))


def write_whole(path: Path, text: str) -> None:
    """Write the text of a list: it is made beside its place, and takes it at once when it is whole, so that no reader sees a part
    of one.

    Raises:
        UnusableListError: it cannot be written there.
    """
    place = Path(os.path.realpath(path))
    beside = place.with_name(f".{secrets.token_hex(8)}.list")
    try:
        with beside.open("x", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        with suppress(OSError):  # it is a new one
            beside.chmod(place.stat().st_mode & 0o777)
        beside.replace(place)
    except OSError as error:
        raise UnusableListError(f"{path}: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
