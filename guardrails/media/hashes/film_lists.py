"""Searches lists of films by the hashes of the frames that are watched, as vPDQ does.

    sighting = FilmSearch(FilmList.load(Path("films.jsonl"), name="films.jsonl"))
    sighting.see([hashed(frame)], 1_000)            # for each frame that is looked at
    sighting.matches(MatchThresholds(), closed=True)         # closed: no frame comes any more

After vPDQ (Meta, 2019; https://github.com/facebook/ThreatExchange/tree/main/vpdq): two films are the same where enough of the
frames of one are within a distance of some frame of the other. What counts differs in three points, each against a way around:

* Shares are of seconds, not of frames: a film is looked at more often where it is cut, and a list is made of more frames a
  second than a film is looked at, so that it does not matter when these are taken.
* What a film shows over and over (a still, a talking head) is one look, in the second in which it came first, so that neither a
  frozen frame nor a title makes a match, nor dilutes one. A frame is such a look if it is within half of the distance of it.
* A film may be mirrored or turned, but then all of it in the same way.

A hash that says little (black, blank, a slope) is no look at all: a film of those is on no list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from guardrails.media.hashes.film_hash_file import FilmEntry, HashedFrame, read_film_entries
from guardrails.media.hashes.hash_index import build_tables, search_tables
from guardrails.media.hashes.hash_lists import DISTANCE, QUALITY
from guardrails.media.hashes.pdq import FORMS, PdqHashes, split_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECOND_MS: Final = 1_000
"""Milliseconds of a second."""

SAME: Final = DISTANCE // 2
"""Bits in which two frames of one film differ at most where they are one look: what is near to one is then near enough to the
other to be found by it.
"""


@dataclass(frozen=True, slots=True)
class MatchThresholds:
    """How much makes a match: the share of the seconds of the film that is watched (`query`), and of the listed one (`target`); 0
    asks for none. One of them is enough, unless `both` are asked for. At least so many `seconds` must match, or all that the
    listed film has.
    """

    query: float = 0.8
    target: float = 0.8
    both: bool = False
    seconds: int = 3

    def holds(self, query: float, target: float, *, closed: bool) -> bool:
        """Tell whether shares are enough; unless `closed`, that of the film that is watched may still fall."""
        asked = [(query, self.query, closed), (target, self.target, True)]
        held = [known and share >= wanted for share, wanted, known in asked if wanted > 0]
        return all(held) if self.both else any(held)


@dataclass(frozen=True, slots=True)
class FilmMatch:
    """A listed film that is shown: by how much of the one that is watched and of itself, how near the nearest frame is, in which
    form, and from when until when.
    """

    film: FilmEntry
    query: float
    target: float
    distance: int
    form: str
    clip: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class FilmList:
    """One list, ready to be searched by several threads; nothing changes it. Of each row: a hash, whose film it is of, and of
    which second of that; of each film how many seconds it has.
    """

    name: str
    digest: str
    distance: int
    quality: int
    films: tuple[FilmEntry, ...]
    rows: NDArray[Any]
    of: Mapping[str, NDArray[Any]]
    film_of: tuple[int, ...]
    second_of: tuple[int, ...]
    seconds: tuple[int, ...]
    by_file: Mapping[bytes, int]

    @classmethod
    def load(cls, path: Path, *, name: str, distance: int = DISTANCE, quality: int = QUALITY) -> FilmList:
        """Read a file.

        Raises:
            PolicyErrors: what is wrong with the file, line by line.
            OSError: it cannot be read.
        """
        data = path.read_bytes()
        films = tuple(read_film_entries(data, str(path)))
        digest = hashlib.sha256(data).hexdigest()
        kept = [
            (at, look) for at, film in enumerate(films) for look in film.frames if look.quality >= quality
        ]
        seconds = [look.start_ms // SECOND_MS for _, look in kept]
        count: dict[int, set[int]] = {}
        for (at, _), second in zip(kept, seconds, strict=True):
            count.setdefault(at, set()).add(second)
        rows = split_words([look.hash for _, look in kept])
        return cls(
            name,
            digest,
            distance,
            quality,
            tuple(replace(film, frames=()) for film in films),
            rows,
            build_tables(rows),
            tuple(at for at, _ in kept),
            tuple(seconds),
            tuple(len(count.get(at, ())) for at in range(len(films))),
            {film.sha256: at for at, film in reversed([*enumerate(films)]) if film.sha256},
        )

    def __len__(self) -> int:
        return len(self.films)

    def exact(self, sha256: str) -> FilmEntry | None:
        """Return the film with the SHA-256 of a file."""
        at = self.by_file.get(bytes.fromhex(sha256))
        return None if at is None else self.films[at]

    def status(self) -> dict[str, Any]:
        """Return what is known of the list, for people who watch it: not what is on it."""
        by_file = sum(1 for each in self.seconds if not each)
        return {
            "name": self.name,
            "digest": self.digest,
            "films": len(self.films),
            "frames": len(self.rows),
            "by_file_alone": by_file,
        }


def distinct_frames(looks: Iterable[HashedFrame], quality: int = QUALITY) -> list[HashedFrame]:
    """Return the looks of a film that say enough, each once, in the order of time: for who makes a list."""
    found: list[HashedFrame] = []
    known = NumberedFrames()
    for look in sorted(looks, key=lambda each: each.start_ms):
        if look.quality >= quality and known.number(look.hash) == len(found):
            found.append(look)
    return found


class NumberedFrames:
    """The looks of a film so far, each with a number."""

    def __init__(self) -> None:
        self._hashes: list[int] = []

    def number(self, hash_: bytes) -> int:
        """Return the number of the look that a hash is of; a new one gets the next."""
        own = int.from_bytes(hash_, "big")
        for at, each in enumerate(self._hashes):
            if (each ^ own).bit_count() <= SAME:
                return at
        self._hashes.append(own)
        return len(self._hashes) - 1


@dataclass(slots=True)
class _FilmSighting:
    """What was seen of one listed film, in one form."""

    clip: tuple[int, int]
    distance: int
    query: set[int] = field(default_factory=set)
    target: set[int] = field(default_factory=set)


class FilmSearch:
    """What is seen of the films of a list in one film."""

    def __init__(self, of: FilmList) -> None:
        self._of = of
        self._known = NumberedFrames()
        self._seconds: list[int] = []  # of each look
        self._shown: dict[tuple[int, int], _FilmSighting] = {}  # by film and form

    def add_frame(self, views: Sequence[PdqHashes], start_ms: int, end_ms: int) -> None:
        """Look at a frame, in each way in which somebody may see it."""
        views = [view for view in views if view.quality >= self._of.quality]
        if not views:
            return
        number = self._known.number(views[0].hash)
        if number == len(self._seconds):
            self._seconds.append(start_ms // SECOND_MS)
        second = self._seconds[number]
        for view in views:
            for form, row, far in zip(*self._near(view), strict=True):
                self._take(int(form), int(row), int(far), second, (start_ms, end_ms))

    def _near(self, view: PdqHashes) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        if not len(self._of.rows):
            return (), (), ()
        form, row, far = search_tables(self._of.rows, self._of.of, split_words(view.forms), self._of.distance)
        return form.tolist(), row.tolist(), far.tolist()

    def _take(self, form: int, row: int, far: int, second: int, clip: tuple[int, int]) -> None:
        key = (self._of.film_of[row], form)
        shown = self._shown.get(key)
        if shown is None:
            shown = self._shown[key] = _FilmSighting(clip, far)
        shown.query.add(second)
        shown.target.add(self._of.second_of[row])
        shown.distance = min(shown.distance, far)
        shown.clip = min(shown.clip[0], clip[0]), max(shown.clip[1], clip[1])

    def matches(self, enough: MatchThresholds, *, closed: bool) -> list[FilmMatch]:
        """Return the films that are shown, each once, the surest first; unless `closed`, only those that no later frame can take
        back.
        """
        best: dict[int, FilmMatch] = {}
        seconds = len(set(self._seconds))
        for (at, form), shown in self._shown.items():
            least = min(enough.seconds, self._of.seconds[at])
            query, target = len(shown.query) / seconds, len(shown.target) / self._of.seconds[at]
            if min(len(shown.query), len(shown.target)) < least:
                continue
            if enough.holds(query, target, closed=closed):
                film = self._of.films[at]
                made = FilmMatch(film, query, target, shown.distance, FORMS[form], shown.clip)
                if at not in best or _sureness(made) > _sureness(best[at]):
                    best[at] = made
        return sorted(best.values(), key=_sureness, reverse=True)


def _sureness(match: FilmMatch) -> tuple[float, float, int]:
    """Return by what of two matches the surer one is told."""
    return max(match.query, match.target), match.query + match.target, -match.distance
