"""Known pictures: pictures in, a finding for each list that a picture is on out, by its hash, with the entry that is nearest.

A picture is on a list by the SHA-256 of its file, or by the perceptual hash (PDQ) of a frame of it, mirrored or turned too,
within the list's distance: small changes do not hide it, a crop or a frame around it does. What is on an `allow` list is on no
other. The score is 1 for the same picture and less by 1/128 for each bit in which hashes differ, so that a rule can ask for near
ones alone.

Lists are files below the policy's folder (`guardrails/media/hashfile.py` says in which forms). No list comes with the package.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem, ConfigProblems, Files, Kind
from guardrails.detectors.config import Config
from guardrails.detectors.patterns import category_problem
from guardrails.errors import PolicyErrors
from guardrails.media.hashlist import HashList, HashLists
from guardrails.media.pdq import BITS, hashed
from guardrails.types import CLEAN, Content, Detection, Finding, Image, Listed

if TYPE_CHECKING:
    from guardrails.media.picture import Picture

HALF: Final = BITS // 2
"""Bits in which the hashes of two pictures differ that have nothing in common."""


LONGEST: Final = 200
"""Characters of an entry's id that are told."""


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


class ImageHashConfig(Config):
    """Known pictures, by lists of their hashes."""

    use: Literal["image_hash"]
    """The kind of detector."""
    deny: list[HashListDoc] = Field(min_length=1, examples=[[{"file": "lists/deny.csv", "distance": 24}]])
    """The lists of pictures that are findings."""
    allow: list[HashListDoc] = Field(default=[])
    """The lists of pictures that are none, whatever other lists say."""
    category: str = "custom.known_picture"
    """What a picture is that is on a list."""


class ImageHash:
    """The detector: by the file, and by each frame."""

    inline = False
    pixels = True

    def __init__(self, name: str, lists: HashLists, categories: Sequence[str], files: Sequence[str]) -> None:
        """Take lists; those that deny are named by their number, and have the category and the file of that number."""
        self._name = name
        self._lists = lists
        self._categories = categories
        self._files = files

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._one(content.source) if isinstance(content, Image) else CLEAN for content in batch]

    def _one(self, picture: Picture) -> Detection:
        views = [(frame, view) for frame in picture.frames for view in frame.views]
        best: dict[int, Finding] = {}
        for match in self._lists.find(picture.sha256, [hashed(view) for _, view in views]):
            at, score = int(match.list), round(1 - match.distance / HALF, 4)
            known = best.get(at)
            if known is None or known.score < score:
                clip = None
                if picture.animated and match.frame is not None:
                    clip = (views[match.frame][0].start_ms, views[match.frame][0].end_ms)
                listed = Listed(self._files[at], _shown(match.id), match.kind, match.distance, match.form)
                best[at] = Finding(self._categories[at], score, self._name, clip=clip, listed=listed)
        return Detection(tuple(sorted(best.values(), key=lambda each: -each.score))) if best else CLEAN


def _shown(id_: str) -> str:
    """Return an id, which strangers wrote, as it is told: one short line."""
    return "".join(each for each in id_ if each.isprintable())[:LONGEST]


def _categories(_name: str, config: ImageHashConfig) -> frozenset[str]:
    return frozenset(filter(taxonomy.is_valid, (each.category or config.category for each in config.deny)))


def _loaded(
    field: str, docs: Sequence[HashListDoc], files: Files, problems: list[ConfigProblem]
) -> Iterator[HashList]:
    """Yield the lists that can be read; the others are problems, line by line."""
    for at, doc in enumerate(docs):
        try:
            path = files.path(doc.file)
            yield HashList.load(path, name=str(at), kind=doc.kind, distance=doc.distance, quality=doc.quality)
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


def _build(name: str, config: ImageHashConfig, files: Files) -> ImageHash:
    places: list[tuple[str, tuple[str | int, ...]]] = [(config.category, ("category",))]
    places += [(doc.category, ("deny", at, "category")) for at, doc in enumerate(config.deny) if doc.category]
    problems = [problem for category, at in places if (problem := category_problem(category, at)) is not None]
    problems += [
        ConfigProblem(
            "unused_field", "a list that allows finds nothing", ("allow", at, "category"), hint="remove it"
        )
        for at, doc in enumerate(config.allow)
        if doc.category is not None
    ]
    deny = [*_loaded("deny", config.deny, files, problems)]
    allow = [*_loaded("allow", config.allow, files, problems)]
    if problems:
        raise ConfigProblems(problems)
    categories = [doc.category or config.category for doc in config.deny]
    return ImageHash(name, HashLists(deny, allow), categories, [doc.file for doc in config.deny])


KIND = Kind(
    name="image_hash",
    doc="Known pictures, by lists of their hashes: exact (SHA-256) and perceptual (PDQ).",
    config=ImageHashConfig,
    categories=_categories,
    build=_build,
    tier=0,
    contents=frozenset({"image"}),
    version=2,
)
