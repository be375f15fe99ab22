"""What a check judged, and what not: by kind of content, by film, and by name where something was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from guardrails.verdicts.frozen_records import quick_init
from guardrails.verdicts.unavailable import UnavailableReason


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that was not judged. `kind` is one of the keys of a policy's `unchecked:` table. `failure` is the kind of failure
    where the guard is to blame, not what was sent.
    """

    kind: str
    reason: str
    path: str = ""
    span: tuple[int, int] | None = None
    failure: UnavailableReason | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the entry in the JSON shape of a verdict's coverage."""
        span = None if self.span is None else list(self.span)
        return {"kind": self.kind, "reason": self.reason, "path": self.path, "span": span}


@quick_init
@dataclass(frozen=True, slots=True)
class KindCoverage:
    """How much of one kind of content was there (`parts`) and was judged (`checked`): of texts so many `characters`, of
    pictures so many `frames` with so many `pixels`.
    """

    parts: int = 0
    checked: int = 0
    characters: int = 0
    frames: int = 0
    pixels: int = 0

    def to_dict(self) -> dict[str, int]:
        """Return the counts in the JSON shape of a verdict."""
        size = (
            {"frames": self.frames, "pixels": self.pixels} if self.frames else {"characters": self.characters}
        )
        return {"parts": self.parts, "checked": self.checked, **size}


@dataclass(frozen=True, slots=True)
class FilmCoverage:
    """How much of one film or sound was looked at and listened to.

    `seconds` of it were decoded, `frames` looked at for cuts (of which there are `cuts`), of these `judged` by detectors and
    `read` for what is written in them; `largest_gap_ms` is the longest time without a frame. `sound` is `absent`, `silent` (no
    speech in it), `checked` (what is said was judged) or `not_checked`. `stopped` says why it was not watched to its end.
    """

    path: str = ""
    seconds: float = 0.0
    frames: int = 0
    judged: int = 0
    cuts: int = 0
    read: int = 0
    largest_gap_ms: int = 0
    sound: str = "absent"
    stopped: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the counts in the JSON shape of a verdict."""
        return asdict(self)


@quick_init
@dataclass(frozen=True, slots=True)
class Coverage:
    """What was judged, by kind of content, what was not, and which fields were unknown to the field table; of each film how
    much of it. `declared` are the paths of texts that were taken as the application's own. `not_seen` are the categories of what
    pictures and films can show (`taxonomy.VISIBLE`) that no detector which judged one of them looks for.
    """

    kinds: Mapping[str, KindCoverage] = field(default_factory=dict)
    unchecked: tuple[Unchecked, ...] = ()
    unknown_fields: tuple[str, ...] = ()
    films: tuple[FilmCoverage, ...] = ()
    declared: tuple[str, ...] = ()
    not_seen: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the coverage in the JSON shape of a verdict."""
        out: dict[str, object] = {kind: count.to_dict() for kind, count in self.kinds.items()}
        out["unchecked"] = [entry.to_dict() for entry in self.unchecked]
        if self.unknown_fields:
            out["unknown_fields"] = list(self.unknown_fields)
        if self.films:
            out["films"] = [film.to_dict() for film in self.films]
        if self.declared:
            out["declared"] = list(self.declared)
        if self.not_seen:
            out["not_seen"] = list(self.not_seen)
        return out


NO_COVERAGE: Final = Coverage()
"""Of a check that has nothing to say of it."""
