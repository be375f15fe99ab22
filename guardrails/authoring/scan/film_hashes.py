"""Makes lists of films for `use: image_hash` from films, folders of them and earlier lists.

    gathered = gather_films([Path("films"), Path("before.jsonl")])
    save(Path("lists/films.jsonl"), gathered.films)

A film is watched as any is that is judged, in a process that can be killed, and nothing of it is kept but the hashes of frames,
when these are shown, and the SHA-256 of the file. Eight frames a second are hashed at most: one who watches it once a second,
from another instant on, finds one of them near. Frames that say nothing, and those that repeat one before, are left out. A film
that is there twice, by its SHA-256, or by its id where it has none, is kept as it came last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Final

from guardrails.authoring.scan.hash_lists import UnusableListError, write_whole
from guardrails.errors import GuardrailsError, PolicyError, PolicyErrors
from guardrails.media.errors import MediaError
from guardrails.media.hashes.film_hash_file import (
    FilmEntry,
    HashedFrame,
    format_film_entries,
    read_film_entries,
)
from guardrails.media.hashes.film_lists import distinct_frames
from guardrails.media.hashes.hash_lists import QUALITY
from guardrails.media.hashes.pdq import hash_pixels
from guardrails.media.video import film_source
from guardrails.media.video.file_type import HEAD, NAMED, detect_file_type
from guardrails.media.video.film_source import Sampling, VideoLimits

FPS: Final = 8.0
"""Frames a second that are hashed."""

FRAMES: Final = 60_000
"""Frames of one film that are hashed at most."""

LIMITS: Final = VideoLimits(
    bytes=10_000_000_000, seconds=14_400, pixels=3_840 * 2_176, frames=1_000_000, memory=4 << 30
)
"""What may be spent on a film: one that is put on a list may be longer and larger than one that is judged."""

HOW: Final = Sampling(fps=FPS, budget=FRAMES)


@dataclass(slots=True)
class GatheredFilms:
    """What films and lists came to. `by_file` counts the films of which no frame says anything: those are known by their file
    alone. `malformed` says of each file what is wrong with it.
    """

    films: list[FilmEntry] = field(default_factory=list)
    duplicates: int = 0
    malformed: list[PolicyError] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """Return the counts as plain JSON values: nothing of what is on the list."""
        return {
            "films": len(self.films),
            "frames": sum(len(film.frames) for film in self.films),
            "by_file_alone": sum(not film.frames for film in self.films),
            "duplicates": self.duplicates,
            "malformed": len(self.malformed),
        }


def gather_films(
    paths: Iterable[Path],
    *,
    quality: int = QUALITY,
    limits: VideoLimits = LIMITS,
    went: Callable[[str], None] | None = None,
) -> GatheredFilms:
    """Return what films, folders and lists come to; hashes of less than `quality` are left out. `went` is told of each file.

    Raises:
        GuardrailsError: there is no such file, or no film in a folder.
        MissingExtra: `guardrails-middleware[video]` is not installed.
    """
    made = GatheredFilms()
    found: dict[object, FilmEntry] = {}
    for path, id_ in chain.from_iterable(map(_files, paths)):
        if went is not None:
            went(id_)
        try:
            films = [*_of(path, id_, quality, limits)]
        except PolicyErrors as errors:
            made.malformed += errors
            continue
        for film in films:
            key = film.sha256 or film.id
            made.duplicates += key in found
            found.pop(key, None)
            found[key] = film
    made.films += found.values()
    return made


def save(path: Path, films: list[FilmEntry]) -> None:
    """Write a list.

    Raises:
        UnusableListError: it has no film, or cannot be written there.
    """
    if not films:
        raise UnusableListError(f"{path}: nothing to write: no film was taken")
    write_whole(path, format_film_entries(films))


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of a path, each with its id: its name, in a folder from there on."""
    if not path.is_dir():
        if not path.exists():
            raise GuardrailsError(f"{path}: no such file or folder")
        yield path, path.name
        return
    found = sorted(each for each in path.rglob("*") if each.is_file() and each.suffix.lower()[1:] in NAMED)
    if not found:
        raise GuardrailsError(f"{path}: there is no film in this folder")
    for each in found:
        yield each, each.relative_to(path).as_posix()


def _of(path: Path, id_: str, quality: int, limits: VideoLimits) -> Iterator[FilmEntry]:
    """Yield the films of a file, which is one itself, or a list; raises `PolicyErrors`."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
        if detect_file_type(head) is None and path.suffix.lower()[1:] not in NAMED:
            for film in read_film_entries(path.read_bytes(), str(path)):
                yield replace(film, frames=tuple(distinct_frames(film.frames, quality)))
        else:
            yield _hash_film(path, id_, quality, limits)
    except OSError as error:
        said = error.strerror or str(error)
        raise PolicyErrors([PolicyError(str(path), 1, 1, "unreadable_film", said)]) from error
    except MediaError as error:
        said = f"{error.code}: {error}"
        raise PolicyErrors([PolicyError(str(path), 1, 1, "unreadable_film", said)]) from error


def _hash_film(path: Path, id_: str, quality: int, limits: VideoLimits) -> FilmEntry:
    """Return the entry of a film.

    Raises:
        MediaError: it cannot be watched to its end: of a part of it no share can be told.
    """
    looks: list[HashedFrame] = []
    with film_source.open_film(path, limits) as film:
        with film.watch(HOW) as watch:
            for sample in watch:
                made = hash_pixels(sample.pixels)
                looks.append(HashedFrame(made.hash, sample.start_ms, made.quality, sample.index))
        if watch.seen.stopped is not None:
            seconds = f"{watch.seen.seconds:.1f} s"
            raise MediaError("timeout", f"it was watched for {seconds}, then stopped: {watch.seen.stopped}")
        return FilmEntry(id_, tuple(distinct_frames(looks, quality)), bytes.fromhex(film.sha256))
