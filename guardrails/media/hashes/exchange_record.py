"""Interprets a hash-sharing programme's record of one hash: add it, remove it or skip it.

Known by their fields: ThreatExchange's indicators and descriptors, entries of NCMEC's hash sharing, records of StopNCII and of
Tech Against Terrorism, contents of a bank of Hasher-Matcher-Actioner, rows of the package `threatexchange` (`dataset -P --csv`),
what the PDQ tools print, and rows of our own lists. A record is taken, taken back (`RemovedHash`), or skipped with a reason; one
that is broken raises `ValueError`.

What is matched here is PDQ and SHA-256. A record of another kind (MD5, PhotoDNA, films, texts, addresses) is skipped by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from guardrails.media.hashes.hash_file import HashEntry, read_hash_entry

Row = Mapping[str, Any]

HARMLESS: Final = "said to be harmless"
"""Why what its owners call a mistake is skipped."""

OFF: Final = "disabled by its bank"

TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"pdq": "pdq", "hash_pdq": "pdq", "imagepdq": "pdq", "sha256": "sha256", "hash_sha256": "sha256"}
)
"""What types of hashes are called → ours."""

HASHES: Final = ("hash", "value", "signal_str", "hash_value", "indicator", "raw_indicator")
"""Fields of plain rows that hold a hash, of a kind that the row says or that is asked for."""

NAMED: Final[Mapping[str, str]] = MappingProxyType({"pdq": "pdq", "pdq_hash": "pdq", "sha256": "sha256"})
"""Fields of plain rows that hold a hash of the kind that they are named after."""

SAID: Final = ("type", "signal_type", "hash_type", "algorithm")

SHORT: Final = 16
"""Digits of a hash that are the id of a record which has none."""

_BLANK: Final = frozenset((bytes(32), b"\xff" * 32))


@dataclass(frozen=True, slots=True)
class AddedHash:
    """A record with a hash to keep. `disputed`: somebody says that it is a mistake."""

    entry: HashEntry
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class RemovedHash:
    """A record that takes back earlier ones: those of an id, or those of a hash."""

    id: str = ""
    hash: bytes = b""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class SkippedRecord:
    """A record that is left out, and why."""

    reason: str


Said = AddedHash | RemovedHash | SkippedRecord


def read_record(row: Any, kind: str = "pdq") -> Iterator[Said]:
    """Yield what is to be done with a record; `kind` is that of hashes whose record says none. Raises `ValueError`."""
    if not isinstance(row, Mapping):
        raise ValueError("the record is no JSON object")
    for field, form in _FORMS:
        if field in row:
            return form(row, kind)
    return _plain(row, kind)


def _make_record(row: Row, digest: object, kind: str, disputed: bool = False) -> Said:
    """Return a record with a hash of a known kind: of few bits one is of a blank picture, which is like all others."""
    text = digest.strip() if isinstance(digest, str) else digest
    made = read_hash_entry({**row, "hash": text, "type": kind}, str(text)[:SHORT], kind)
    if made.kind == "pdq" and made.hash in _BLANK:
        return SkippedRecord("the hash of a blank picture")
    return AddedHash(made, disputed)


def _kind(said: object, default: str) -> str | SkippedRecord:
    """Return the kind of hash that a record says, or why it is skipped."""
    name = " ".join(str(said).split()) if said else default
    return TYPES.get(name.lower()) or SkippedRecord(f"signal type {name[:40]}")


def _plain(row: Row, kind: str) -> Iterator[Said]:
    """A row of a table."""
    given = {str(name).strip().lower(): value for name, value in row.items()}
    if str(given.get("category", "")).upper() in ("NEGATIVE_CLASS", "NON_MALICIOUS"):
        yield SkippedRecord(HARMLESS)
        return
    tags = given.get("tags")
    listed = " ".join(map(str, tags)) if isinstance(tags, Sequence) and not isinstance(tags, str) else tags
    base: dict[str, Any] = {
        name: given[name] for name in ("id", "severity", "distance", "quality") if name in given
    }
    base["category"] = listed if tags is not None else given.get("category")
    if "id" not in base and "filename" in given:
        base["id"] = str(given["filename"]).replace("\\", "/").rpartition("/")[2]
    disputed = str(given.get("category", "")).upper() == "DISPUTED"
    columns = {name: given[name] for name in NAMED if given.get(name)}
    for name, digest in columns.items():
        yield _make_record(base, digest, NAMED[name], disputed)
    digest = next((given[name] for name in HASHES if given.get(name)), None)
    if digest is not None:
        said = _kind(next((given[name] for name in SAID if given.get(name)), None), kind)
        yield said if isinstance(said, SkippedRecord) else _make_record(base, digest, said, disputed)
    elif not columns:
        raise ValueError("the record has no hash that is known by its field")


def _threatexchange(row: Row, kind: str) -> Iterator[Said]:
    """An indicator of ThreatExchange (with its descriptors), or a descriptor (whose indicator is one, or its text)."""
    digest, said = row.get("raw_indicator") or row.get("indicator"), row.get("type")
    if isinstance(digest, Mapping):
        said = digest.get("type", said)
        digest = digest.get("indicator")
    known = _kind(said, kind)
    if isinstance(known, SkippedRecord):
        yield known
        return
    descriptors = [row] if "status" in row else _graph_entries(row.get("descriptors"))
    tags = sorted({tag for each in descriptors for tag in _tags(each)})
    severity = row.get("severity") or next(
        (each["severity"] for each in descriptors if "severity" in each), ""
    )
    base = {"id": row.get("id"), "category": " ".join(tags), "severity": str(severity).lower()}
    mistakes = [each.get("status") == "NON_MALICIOUS" for each in descriptors]
    made = _make_record(base, digest, known, any(mistakes))
    if row.get("should_delete") and isinstance(made, AddedHash):
        yield RemovedHash(hash=made.entry.hash, kind=made.entry.kind)
    else:
        yield SkippedRecord(HARMLESS) if mistakes and all(mistakes) else made


def _graph_entries(value: Any) -> list[Row]:
    """Return the entries of a list of the Graph API, which holds them in `data`."""
    data = value.get("data") if isinstance(value, Mapping) else value
    return [each for each in data if isinstance(each, Mapping)] if isinstance(data, Sequence) else []


def _tags(descriptor: Row) -> Iterator[str]:
    tags = descriptor.get("tags")
    data = tags.get("data") if isinstance(tags, Mapping) else tags
    for tag in data if isinstance(data, Sequence) and not isinstance(data, str) else ():
        yield str(tag.get("text", "")) if isinstance(tag, Mapping) else str(tag)


def _ncmec(row: Row, _kind_: str) -> Iterator[Said]:
    """An entry of NCMEC's hash sharing: a picture or a film of one member, with all its fingerprints. One takes back what the
    same member said before under the same id.
    """
    if not row.get("id"):
        raise ValueError("the entry has no id")
    id_ = f"{row.get('member_id', '')}-{row['id']}"
    yield RemovedHash(id=id_)
    if row.get("deleted"):
        return
    prints = row["fingerprints"]
    if not isinstance(prints, Mapping):
        raise ValueError("fingerprints is no JSON object")
    feedback = row.get("feedback")
    if str(row.get("entry_type", "image")).lower() != "image":
        yield SkippedRecord("film")
        return
    base = {"id": id_, "category": row.get("classification")}
    for name, digest in prints.items():
        known = _kind(name, "")
        yield (
            known
            if isinstance(known, SkippedRecord)
            else _make_record(base, digest, known, name.lower() in _disputed_fingerprints(feedback))
        )


def _disputed_fingerprints(feedback: Any) -> frozenset[str]:
    """Return the fingerprints that some member says are mistakes."""
    of = feedback if isinstance(feedback, Mapping) else {}
    return frozenset(
        str(name).lower()
        for name, said in of.items()
        if isinstance(said, Sequence)
        and any(isinstance(each, Mapping) and each.get("feedback_type") == "downvote" for each in said)
    )


def _stopncii(row: Row, _: str) -> Iterator[Said]:
    """A record of StopNCII, which has no id but its hash: case numbers stay out of it."""
    known = _kind(row.get("signalType"), "")
    if isinstance(known, SkippedRecord):
        yield known
        return
    given = [each for each in row.get("CSPFeedbacks") or () if isinstance(each, Mapping)]
    tags = sorted({str(tag) for each in given for tag in each.get("tags") or ()})
    refused = any(each.get("feedbackValue") == "NotBlocked" for each in given)
    made = _make_record({"category": " ".join(tags)}, row["hashValue"], known, refused)
    if row.get("hashStatus") in ("Withdrawn", "Deleted") and isinstance(made, AddedHash):
        yield RemovedHash(hash=made.entry.hash, kind=made.entry.kind)
    else:
        yield made


def _tat(row: Row, _: str) -> Iterator[Said]:
    """A record of Tech Against Terrorism."""
    known = _kind(row.get("algorithm"), "")
    if isinstance(known, SkippedRecord):
        yield known
        return
    made = _make_record({"id": row.get("id"), "category": row.get("ideology")}, row["hash_digest"], known)
    if row.get("deleted") and isinstance(made, AddedHash):
        yield RemovedHash(hash=made.entry.hash, kind=made.entry.kind)
    else:
        yield made


def _read_bank_content(row: Row, _: str) -> Iterator[Said]:
    """A content of a bank of Hasher-Matcher-Actioner, by its signals."""
    signals, bank = row["signals"], row.get("bank")
    if not isinstance(signals, Mapping):
        raise ValueError("signals is no JSON object")
    name = bank.get("name") if isinstance(bank, Mapping) else bank
    base = {"id": row.get("id"), "category": name}
    for type_, digest in signals.items():
        known = _kind(type_, "")
        if isinstance(known, SkippedRecord):
            yield known
        else:
            yield (
                SkippedRecord(OFF) if row.get("disable_until_ts") == 0 else _make_record(base, digest, known)
            )


_FORMS: Final[tuple[tuple[str, Callable[[Row, str], Iterator[Said]]], ...]] = (
    ("fingerprints", _ncmec),
    ("hashValue", _stopncii),
    ("hash_digest", _tat),
    ("signals", _read_bank_content),
    ("raw_indicator", _threatexchange),
    ("indicator", _threatexchange),
)
"""Which field tells a form, the first that a record has."""


def clean_entry(of: HashEntry) -> HashEntry:
    """Return an entry as lists hold it: texts without what cannot be printed."""
    if of.id.isprintable() and of.category.isprintable() and of.severity.isprintable():
        return of
    id_, category, severity = (
        " ".join("".join(each if each.isprintable() else " " for each in text).split())
        for text in (of.id, of.category, of.severity)
    )
    return replace(of, id=id_ or of.hash.hex()[:SHORT], category=category, severity=severity)
