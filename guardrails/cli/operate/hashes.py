"""`guardrails hashes`: makes a list for `use: image_hash` of files that hash-sharing programmes exchange, or of films; adds
pictures to a list; counts a list.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guardrails.errors import GuardrailsError, PolicyError, PolicyErrors

if TYPE_CHECKING:
    from guardrails.authoring.scan.film_hashes import GatheredFilms as Films
    from guardrails.authoring.scan.hash_lists import GatheredHashes
    from guardrails.authoring.scan.picture_hashes import AddedPictures


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    to.add_argument(
        "do",
        choices=("import", "add", "show"),
        help="make a list of exchanged files; put pictures on a list; count what is on a list",
    )
    to.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="JSON, JSON lines, CSV, XML or text as ThreatExchange, NCMEC, StopNCII, Tech Against Terrorism, "
        "Hasher-Matcher-Actioner and the package threatexchange give them, or a list of ours; later ones go over "
        "earlier ones; - is standard input. add: pictures, and folders of them",
    )
    to.add_argument(
        "--films",
        action="store_true",
        help="FILEs are films, folders of films, and lists of films: import one list of what they show; show such lists",
    )
    to.add_argument(
        "--out",
        "-o",
        metavar="LIST",
        help="import, add: the list that is written, such as deny.csv or films.jsonl; add keeps what is on it",
    )
    to.add_argument(
        "--category",
        default="",
        metavar="TEXT",
        help="add: what the list says that the pictures are (nothing)",
    )
    to.add_argument(
        "--kind", choices=("pdq", "sha256"), default="pdq", help="what hashes are that do not say it (pdq)"
    )
    to.add_argument(
        "--quality", type=int, default=50, metavar="N", help="leave out hashes of less quality, 0 to 100 (50)"
    )
    to.add_argument(
        "--keep-going", action="store_true", help="leave out what is malformed, and write the rest"
    )
    to.add_argument("--json", action="store_true", help="print what was done as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Import, add or show; raises `GuardrailsError`, with all malformed records located, where they are not to be left out."""
    if args.do == "show":
        return _show(args)
    if args.out is None:
        raise GuardrailsError("say where the list goes: --out LIST")
    if args.do == "add":
        return _add(args)
    return _import_films(args) if args.films else _import(args)


def _import(args: argparse.Namespace) -> int:
    from guardrails.authoring.scan.hash_lists import gather_hashes, save

    gathered = gather_hashes(_read(args.files), kind=args.kind, quality=args.quality)
    _refuse(gathered.malformed, keep_going=args.keep_going)
    save(Path(args.out), gathered.entries)
    return _say(args, gathered.to_dict(), _render_summary(args.out, gathered))


def _import_films(args: argparse.Namespace) -> int:
    from guardrails.authoring.scan.film_hashes import gather_films, save
    from guardrails.cli.progress import Progress

    with Progress(sys.stderr) as progress:
        numbers = itertools.count(1)
        gathered = gather_films(
            [Path(each) for each in args.files],
            quality=args.quality,
            went=lambda id_: progress.draw(next(numbers), None, id_),
        )
    _refuse(gathered.malformed, keep_going=args.keep_going)
    save(Path(args.out), gathered.films)
    return _say(args, gathered.to_dict(), _render_film_summary(args.out, gathered))


def _add(args: argparse.Namespace) -> int:
    from guardrails.authoring.scan.hash_lists import save
    from guardrails.authoring.scan.picture_hashes import add_pictures
    from guardrails.cli.progress import Progress

    if args.films:
        raise GuardrailsError(
            "add takes pictures: films are put on a list by: hashes import --films LIST FILM -o LIST"
        )
    with Progress(sys.stderr) as progress:
        numbers = itertools.count(1)
        gathered = add_pictures(
            Path(args.out),
            [Path(each) for each in args.files],
            kind=args.kind,
            quality=args.quality,
            category=args.category,
            went=lambda id_: progress.draw(next(numbers), None, id_),
        )
    _refuse(gathered.malformed, keep_going=args.keep_going)
    save(Path(args.out), gathered.entries, gathered.comments)
    return _say(args, gathered.to_dict(), _render_added(args.out, gathered))


def _refuse(malformed: Sequence[PolicyError], *, keep_going: bool) -> None:
    """Raise what is malformed, or print it where the rest is to be written."""
    if malformed and not keep_going:
        raise PolicyErrors(malformed)
    if malformed:
        print(PolicyErrors(malformed), file=sys.stderr)


def _say(args: argparse.Namespace, counts: dict[str, object], lines: Iterable[str]) -> int:
    print(json.dumps({"list": args.out, **counts}, ensure_ascii=False) if args.json else "\n".join(lines))
    return 0


def _render_added(out: str, gathered: AddedPictures) -> Iterator[str]:
    """Yield what people read of pictures."""
    counts = gathered.to_dict()
    yield f"{out}: {counts['entries']:,} entries, {counts['added']:,} pictures added"
    if gathered.known:
        yield f"  known       {gathered.known:,}, on the list before"
    if gathered.by_file:
        yield f"  by file     {gathered.by_file:,}, which show too little to be told by"
    yield from _render_left_out(counts)


def _render_film_summary(out: str, gathered: Films) -> Iterator[str]:
    """Yield what people read of films."""
    counts = gathered.to_dict()
    yield f"{out}: {counts['films']:,} films ({counts['frames']:,} frames)"
    if counts["by_file_alone"]:
        yield f"  by file     {counts['by_file_alone']:,}, of which no frame says anything"
    yield from _render_left_out(counts)


def _render_summary(out: str, gathered: GatheredHashes) -> Iterator[str]:
    """Yield what people read."""
    counts = gathered.to_dict()
    yield f"{out}: {counts['entries']:,} entries ({counts['pdq']:,} pdq, {counts['sha256']:,} sha256)"
    if gathered.disputed:
        yield f"  disputed    {gathered.disputed:,}, in the list"
    for reason, count in sorted(gathered.skipped.items()):
        yield f"  skipped     {count:,}: {reason}"
    yield from _render_left_out(counts)


def _render_left_out(counts: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not in a list, and why."""
    for name in ("duplicates", "removed"):
        if counts.get(name):
            yield f"  {name.ljust(10)}  {counts[name]:,}"
    if counts["malformed"]:
        yield f"  malformed   {counts['malformed']:,}, left out"


def _show(args: argparse.Namespace) -> int:
    rows = []
    for name in args.files:
        try:
            rows.append(_status(name, args))
        except OSError as error:
            raise GuardrailsError(f"{name}: {error.strerror or error}") from error
    if args.json:
        print(json.dumps({"lists": rows}, ensure_ascii=False))
    else:
        print("\n".join(map(_format_count, rows)))
    return 0


def _status(name: str, args: argparse.Namespace) -> dict[str, Any]:
    from guardrails.media.hashes.film_lists import FilmList
    from guardrails.media.hashes.hash_lists import HashList

    if args.films:
        return FilmList.load(Path(name), name=name, quality=args.quality).status()
    return HashList.load(Path(name), name=name, kind=args.kind, quality=args.quality).status()


def _format_count(row: Mapping[str, Any]) -> str:
    if "films" in row:
        what = f"{row['films']:,} films, {row['frames']:,} frames"
    else:
        left = f", {row['left_out']:,} left out" if row["left_out"] else ""
        what = f"{row['pdq']:,} pdq, {row['sha256']:,} sha256{left}"
    return f"{row['name']}: {what}, {row['digest'][:12]}"


def _read(names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        if name == "-":
            yield "standard input", sys.stdin.buffer.read()
            continue
        try:
            yield name, Path(name).read_bytes()
        except OSError as error:
            raise GuardrailsError(f"{name}: {error.strerror or error}") from error
