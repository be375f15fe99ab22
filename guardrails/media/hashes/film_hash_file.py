"""Reads and writes files of films' hashes, with every error at its line.

A film is a line, a JSON object:

    {"id": "a.mp4", "type": "vpdq", "sha256": "9f86…", "frames": ["0,100,f8f8f0ce…,0.000", "31,98,87a1…,1.033"]}

A frame is written as vPDQ writes it (https://github.com/facebook/ThreatExchange/tree/main/vpdq): its number, the quality of its
hash, the hash in hexadecimal digits, and when it is shown, in seconds. `category` and `severity` may stand beside, and other
keys, which are left alone. A film without a frame that says anything is known by the SHA-256 of its file alone.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from guardrails.errors import PolicyError, PolicyErrors
from guardrails.media.hashes.hash_file import MOST_ERRORS

TYPE: Final = "vpdq"
"""What kind of hash an entry has."""

_HASH: Final = re.compile(r"[0-9a-fA-F]{64}")
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class HashedFrame:
    """A frame of a listed film: its PDQ hash (32 bytes), when it is shown, and how much the hash says, 0 to 100."""

    hash: bytes
    start_ms: int
    quality: int = 100
    number: int = 0


@dataclass(frozen=True, slots=True)
class FilmEntry:
    """A film of a list. `sha256` is that of its file, 32 bytes, or nothing."""

    id: str
    frames: tuple[HashedFrame, ...]
    sha256: bytes = b""
    category: str = ""
    severity: str = ""


def read_film_entries(data: bytes, file: str) -> list[FilmEntry]:
    """Return the films of a file.

    Raises:
        PolicyErrors: what is wrong, line by line.
    """
    found: list[FilmEntry] = []
    wrong: list[PolicyError] = []
    for line, raw in enumerate(re.split(b"\r\n|\r|\n", data.removeprefix(b"\xef\xbb\xbf")), 1):
        if not raw.strip() or raw.lstrip().startswith(b"#"):
            continue
        try:
            found.append(_entry(json.loads(raw), f"line {line}"))
        except RecursionError:
            wrong.append(PolicyError(file, line, 1, "malformed_film", "it is too deep"))
        except ValueError as error:
            said = (
                "the line is no JSON"
                if isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
                else str(error)
            )
            wrong.append(PolicyError(file, line, 1, "malformed_film", said))
        if len(wrong) >= MOST_ERRORS:
            break
    if wrong:
        raise PolicyErrors(wrong)
    if not found:
        raise PolicyErrors([PolicyError(file, 1, 1, "empty_list", "the file has no film in it")])
    return found


def format_film_entries(films: Sequence[FilmEntry]) -> str:
    """Return films as the text of a file."""
    return "".join(f"{json.dumps(_film_json(film), ensure_ascii=False)}\n" for film in films)


def _film_json(film: FilmEntry) -> Mapping[str, Any]:
    more = {"sha256": film.sha256.hex(), "category": film.category, "severity": film.severity}
    frames = [
        f"{look.number},{look.quality},{look.hash.hex()},{look.start_ms / 1000:.3f}" for look in film.frames
    ]
    return {
        "id": film.id,
        "type": TYPE,
        **{name: text for name, text in more.items() if text},
        "frames": frames,
    }


def _entry(row: Any, name: str) -> FilmEntry:
    """Return the entry of a line; `name` is the id of one that says none. Raises `ValueError`."""
    if not isinstance(row, Mapping):
        raise ValueError("the line is no JSON object")
    if str(row.get("type", TYPE)).lower() not in (TYPE, f"video_{TYPE}"):
        raise ValueError(f"type is not {TYPE}")
    frames, digest = row.get("frames"), _text(row, "sha256")
    if not isinstance(frames, list):
        raise ValueError("frames is no list")
    if digest and _HASH.fullmatch(digest) is None:
        raise ValueError("sha256 has no 64 hexadecimal digits")
    looks = tuple(_looks(frames))
    if not looks and not digest:
        raise ValueError("it has neither a frame nor a sha256")
    return FilmEntry(
        _text(row, "id") or name,
        looks,
        bytes.fromhex(digest),
        _text(row, "category"),
        _text(row, "severity"),
    )


def _looks(frames: Sequence[Any]) -> Iterator[HashedFrame]:
    for at, frame in enumerate(frames):
        parts = frame.split(",") if isinstance(frame, str) else ()
        if len(parts) != 4:
            raise ValueError(f"frame {at} is not 'number,quality,hash,seconds'")
        number, quality, digest, seconds = (part.strip() for part in parts)
        if _HASH.fullmatch(digest) is None:
            raise ValueError(f"the hash of frame {at} has no 64 hexadecimal digits")
        if _WHOLE.fullmatch(number) is None or _WHOLE.fullmatch(quality) is None or int(quality) > 100:
            raise ValueError(f"number or quality of frame {at} is none")
        if _SECONDS.fullmatch(seconds) is None:
            raise ValueError(f"the seconds of frame {at} are no number")
        yield HashedFrame(
            bytes.fromhex(digest), math.floor(float(seconds) * 1000 + 0.5), int(quality), int(number)
        )


def _text(row: Mapping[str, Any], name: str) -> str:
    """Return a field as one line of text that can be printed."""
    value = row.get(name)
    said = "" if value is None else str(value)
    return " ".join("".join(each if each.isprintable() else " " for each in said).split())
