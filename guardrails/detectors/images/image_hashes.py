"""The `image_hash` detector: finds pictures and films that are on lists of known hashes.

A picture is on a list by the SHA-256 of its file, or by the perceptual hash (PDQ) of a frame of it, mirrored or turned too,
within the list's distance. Small changes do not hide it; nor, with `crops`, do a frame or a screen around it, or a few percent
that are cut off its sides: a still picture that is on no list, and the frames of an animation that differ most, are looked up as
they may have been before. What is on an `allow` list is on no other. The score is 1 for the same picture and less by 1/128 for
each bit in which hashes differ, so that a rule can ask for near ones alone.

Frames of a film are pictures. A film as a whole is on a list by the SHA-256 of its file, or, of a list of films, by what it
shows, second by second (`media/hashes/film_lists.py`): told with the clip in which it does, and with both shares. The score
is then the greater share. An `allow` list with its file's SHA-256 lets a film pass.

Lists are files below the policy's folder (`media/hashes/hash_file.py` and `film_hash_file.py` say in which forms). No list comes
with the package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from pydantic import Field

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.images.reading.distinct_frames import pick_distinct_frames
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.errors import PolicyErrors
from guardrails.media.hashes.cropped_looks import CroppedLook, hash_cropped_looks
from guardrails.media.hashes.film_hash_file import TYPE
from guardrails.media.hashes.film_lists import FilmList, FilmSearch, MatchThresholds
from guardrails.media.hashes.hash_lists import HashList, HashLists, HashMatch, LooksOf
from guardrails.media.hashes.pdq import BITS, PdqHashes, hash_pixels
from guardrails.types import CLEAN, Content, Detection, Finding, Image, Listed

if TYPE_CHECKING:
    from guardrails.media.images.picture import Picture

HALF: Final = BITS // 2
"""Bits in which the hashes of two pictures differ that have nothing in common."""


LONGEST: Final = 200
"""Characters of an entry's id that are told."""

LOOKED: Final = 8
"""Frames of an animation that are looked up as they may have been before."""

Made = TypeVar("Made")


class HashListDoc(Config):
    """A list of hashes."""

    file: str = Field(examples=["lists/deny.csv"])
    """The file, relative to the policy: a hash a line, or CSV or JSON lines with `hash`, `type` and `id`."""
    kind: Literal["pdq", "sha256"] = "pdq"
    """What hashes of rows are that do not say it."""
    distance: int = Field(default=31, ge=0, le=HALF)
    """Bits in which a picture's hash may differ from one of the list, of 256. 31 is what lists are made for."""
    quality: int = Field(default=50, ge=0, le=100)
    """How much a hash must say, to be looked up: those of blank pictures are of chance."""
    category: str | None = None
    """What a picture of this list is; by default the detector's category."""


class FilmListDoc(Config):
    """A list of films, as `guardrails hashes import --films` makes it."""

    file: str = Field(examples=["lists/films.jsonl"])
    """The file, relative to the policy: a film a line, in JSON, with the hashes of its frames as vPDQ writes them."""
    distance: int = Field(default=31, ge=0, le=HALF)
    """Bits in which the hash of a frame may differ from one of the list, of 256."""
    quality: int = Field(default=50, ge=0, le=100)
    """How much the hash of a frame must say, to count: those of black and blank frames are of chance."""
    query: float = Field(default=0.8, ge=0, le=1)
    """The share of the seconds of a film that must be of one listed film: finds what was cut out of that. 0 asks for none."""
    target: float = Field(default=0.8, ge=0, le=1)
    """The share of the seconds of a listed film that a film must have: finds it inside of a longer one. 0 asks for none."""
    need: Literal["either", "both"] = "either"
    """Whether one of these shares is enough; vPDQ's own rule is `both` with 0.8 and 0."""
    seconds: int = Field(default=3, ge=1, le=3_600)
    """Seconds that must match at least, or all that the listed film has; what a film shows over and over is one of them."""
    category: str | None = None
    """What a film of this list is; by default the detector's category."""


Doc = TypeVar("Doc", HashListDoc, FilmListDoc)


class ImageHashConfig(Config):
    """Known pictures and films, by lists of their hashes."""

    use: Literal["image_hash"]
    """The kind of detector."""
    deny: list[HashListDoc] = Field(default=[], examples=[[{"file": "lists/deny.csv", "distance": 24}]])
    """The lists of pictures that are findings; a SHA-256 is also of a film's file."""
    films: list[FilmListDoc] = Field(default=[], examples=[[{"file": "lists/films.jsonl", "target": 0.5}]])
    """The lists of films that are findings. One of `deny` and `films` has a list."""
    allow: list[HashListDoc] = Field(default=[])
    """The lists of pictures that are none, whatever other lists say; a SHA-256 is also of a film's file."""
    crops: bool = True
    """Whether a picture is also looked up without a frame or a screen around it, and as though its sides had been cut."""
    category: str = "custom.known_picture"
    """What a picture or a film is that is on a list."""


@dataclass(frozen=True, slots=True)
class HashListSource:
    """What a list is for people: its file, and the category of what is on it."""

    file: str
    category: str


@dataclass(frozen=True, slots=True)
class FilmMatcher:
    """A list of films, what it is, and what makes a match."""

    list: FilmList
    what: HashListSource
    thresholds: MatchThresholds


class ImageHashDetector:
    """The detector: by the file, and by each frame."""

    inline = False
    pixels = True
    sees: frozenset[str] = frozenset()
    """It knows pictures, and judges none."""

    def __init__(
        self,
        name: str,
        lists: HashLists,
        denied: Sequence[HashListSource],
        films: Sequence[FilmMatcher] = (),
        *,
        crops: bool = True,
    ) -> None:
        """Take lists; those that deny are named by their number, and are what is `denied` of that number."""
        self.name = name
        self._crops = crops
        self.lists = lists
        self.films = films
        self._denied = denied

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [
            self.detect_picture(content.source) if isinstance(content, Image) else CLEAN for content in batch
        ]

    def detect_picture(self, picture: Picture) -> Detection:
        """Judge a picture."""
        looks = looks_of(picture) if self._crops else None
        return self.detect_by_hashes(picture, picture.sha256, hash_views(picture), looks)

    def detect_by_hashes(
        self, picture: Picture, sha256: str, hashed: Sequence[PdqHashes], looks: LooksOf | None = None
    ) -> Detection:
        """Judge a picture by its file's digest, and the hashes and the other looks of its views."""
        best: dict[int, Finding] = {}
        for match in self.lists.find(sha256, hashed, looks):
            at, score = int(match.list), round(1 - match.distance / HALF, 4)
            known = best.get(at)
            if known is None or known.score < score:
                clip = None
                if picture.animated and match.frame is not None:
                    views = [frame for frame in picture.frames for _ in frame.views]
                    clip = (views[match.frame].start_ms, views[match.frame].end_ms)
                best[at] = self._finding(match, score, clip)
        return Detection(tuple(sorted(best.values(), key=lambda each: -each.score))) if best else CLEAN

    def file(self, sha256: str) -> list[Finding]:
        """Return what a film is by its file."""
        denied = [self._finding(match, 1.0, None) for match in self.lists.find(sha256)]
        return denied + [
            Finding(
                each.what.category,
                1.0,
                self.name,
                listed=Listed(each.what.file, _display_id(film.id), "sha256"),
            )
            for each in self.films
            if (film := each.list.exact(sha256)) is not None
        ]

    def film(self, sha256: str) -> HashedFilmTrack:
        """Begin to look at a track of a film with a file of that digest, or of none."""
        return HashedFilmTrack(self, sha256)

    def _finding(self, match: HashMatch, score: float, clip: tuple[int, int] | None) -> Finding:
        what = self._denied[int(match.list)]
        listed = Listed(what.file, _display_id(match.id), match.kind, match.distance, match.form)
        return Finding(what.category, score, self.name, clip=clip, listed=listed)


class HashedFilmTrack:
    """A track of a film: its frames are judged as pictures, and together as what films of lists show."""

    def __init__(self, of: ImageHashDetector, sha256: str) -> None:
        self._of = of
        self._passes = bool(sha256) and of.lists.allows(sha256)
        self._by_file = of.file(sha256) if sha256 and not self._passes else []
        self._sightings = [(each, FilmSearch(each.list)) for each in of.films]

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [
            self._detect_one(content.source) if isinstance(content, Image) and not self._passes else CLEAN
            for content in batch
        ]

    def _detect_one(self, picture: Picture) -> Detection:
        found, (frame,) = hash_views(picture), picture.frames
        for _, sighting in self._sightings:
            sighting.add_frame(found, frame.start_ms, frame.end_ms)
        return self._of.detect_by_hashes(picture, picture.sha256, found)

    def findings(self, *, closed: bool) -> list[Finding]:
        """Return what the film is by its file, and by what it shows; of one list what is surest."""
        found = [*self._by_file]
        for films, sighting in self._sightings:
            for match in sighting.matches(films.thresholds, closed=closed)[:1]:
                query, target = round(match.query, 4), round(match.target, 4)
                film = Listed(
                    films.what.file,
                    _display_id(match.film.id),
                    TYPE,
                    match.distance,
                    match.form,
                    query,
                    target,
                )
                score = max(query, target) if closed else target
                found.append(Finding(films.what.category, score, self._of.name, clip=match.clip, listed=film))
        return found


def hash_views(picture: Picture) -> list[PdqHashes]:
    """Return the hashes of all views of a picture, frame by frame."""
    return [hash_pixels(view) for frame in picture.frames for view in frame.views]


def looks_of(picture: Picture) -> LooksOf:
    """Return what makes the other looks of a view, by its number: of those frames alone that differ most."""
    kept = {id(frame) for frame in pick_distinct_frames(picture.frames, LOOKED)}
    views = [(view, id(frame) in kept) for frame in picture.frames for view in frame.views]

    def make(number: int) -> Iterator[CroppedLook]:
        view, looked = views[number]
        return hash_cropped_looks(view) if looked else iter(())

    return make


def _display_id(id_: str) -> str:
    """Return an id, which strangers wrote, as it is told: one short line."""
    return "".join(each for each in id_ if each.isprintable())[:LONGEST]


def _categories(_name: str, config: ImageHashConfig) -> frozenset[str]:
    own = [*(each.category for each in config.deny), *(each.category for each in config.films)]
    given = (each or config.category for each in own)
    return frozenset(filter(taxonomy.is_valid, given))


def _load_lists(
    field: str, docs: Sequence[Doc], load: Callable[[int, Doc], Made], problems: list[ConfigProblem]
) -> Iterator[Made]:
    """Yield the lists that can be read; the others are problems, line by line."""
    for at, doc in enumerate(docs):
        try:
            yield load(at, doc)
        except PolicyErrors as errors:
            problems += [
                ConfigProblem(
                    each.code,
                    each.message,
                    (field, at),
                    hint=each.hint,
                    place=(each.file, each.line, each.col),
                )
                for each in errors
            ]
        except OSError as error:
            message = f"file {doc.file[:60]!r}: {error.strerror or error}"
            problems.append(ConfigProblem("unreadable_file", message, (field, at, "file")))


def _problems(config: ImageHashConfig) -> Iterator[ConfigProblem]:
    """Yield what is wrong with a configuration before anything is read."""
    places: list[tuple[str, tuple[str | int, ...]]] = [(config.category, ("category",))]
    places += [(doc.category, ("deny", at, "category")) for at, doc in enumerate(config.deny) if doc.category]
    places += [
        (doc.category, ("films", at, "category")) for at, doc in enumerate(config.films) if doc.category
    ]
    found = (category_problem(category, at) for category, at in places)
    yield from (problem for problem in found if problem is not None)
    if not config.deny and not config.films:
        yield ConfigProblem("invalid_value", "there is no list in it", hint="name one under deny or films")
    for at, film in enumerate(config.films):
        if not film.query and not film.target:
            message = "with query and target both 0 nothing is asked for"
            yield ConfigProblem("invalid_value", message, ("films", at, "query"), hint="raise one of them")
    for at, doc in enumerate(config.allow):
        if doc.category is not None:
            message = "a list that allows finds nothing"
            yield ConfigProblem("unused_field", message, ("allow", at, "category"), hint="remove it")


def _build(name: str, config: ImageHashConfig, files: PolicyFiles) -> ImageHashDetector:
    problems = [*_problems(config)]

    def pictures(at: int, doc: HashListDoc) -> HashList:
        path = files.path(doc.file)
        return HashList.load(path, name=str(at), kind=doc.kind, distance=doc.distance, quality=doc.quality)

    def films(_: int, doc: FilmListDoc) -> FilmMatcher:
        found = FilmList.load(files.path(doc.file), name=doc.file, distance=doc.distance, quality=doc.quality)
        what = HashListSource(doc.file, doc.category or config.category)
        return FilmMatcher(
            found, what, MatchThresholds(doc.query, doc.target, doc.need == "both", doc.seconds)
        )

    deny = [*_load_lists("deny", config.deny, pictures, problems)]
    allow = [*_load_lists("allow", config.allow, pictures, problems)]
    shown = [*_load_lists("films", config.films, films, problems)]
    if problems:
        raise ConfigProblems(problems)
    denied = [HashListSource(doc.file, doc.category or config.category) for doc in config.deny]
    return ImageHashDetector(name, HashLists(deny, allow), denied, shown, crops=config.crops)


KIND = Kind(
    name="image_hash",
    doc="Known pictures and films, by lists of their hashes: exact (SHA-256) and perceptual (PDQ, vPDQ).",
    config=ImageHashConfig,
    categories=_categories,
    build=_build,
    tier=0,
    contents=frozenset({"image"}),
    version=4,
)
