"""`guardrails hashes`: makes a list for `use: image_hash` of files that hash-sharing programmes exchange; counts a list."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from guardrails.errors import GuardrailsError, PolicyErrors

if TYPE_CHECKING:
    from guardrails.workshop.hashes import Gathered


def arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    to.add_argument(
        "do", choices=("import", "show"), help="make a list of exchanged files; count what is on a list"
    )
    to.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="JSON, JSON lines, CSV, XML or text as ThreatExchange, NCMEC, StopNCII, Tech Against Terrorism, "
        "Hasher-Matcher-Actioner and the package threatexchange give them, or a list of ours; later ones go over "
        "earlier ones; - is standard input",
    )
    to.add_argument("--out", "-o", metavar="LIST", help="import: the list that is written, such as deny.csv")
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
    """Import or show; raises `GuardrailsError`, with all malformed records located, where they are not to be left out."""
    return _import(args) if args.do == "import" else _show(args)


def _import(args: argparse.Namespace) -> int:
    from guardrails.workshop.hashes import gather, save

    if args.out is None:
        raise GuardrailsError("say where the list goes: --out LIST")
    gathered = gather(_read(args.files), kind=args.kind, quality=args.quality)
    if gathered.malformed and not args.keep_going:
        raise PolicyErrors(gathered.malformed)
    if gathered.malformed:
        print(PolicyErrors(gathered.malformed), file=sys.stderr)
    save(Path(args.out), gathered.entries)
    if args.json:
        print(json.dumps({"list": args.out, **gathered.to_dict()}, ensure_ascii=False))
    else:
        print("\n".join(_told(args.out, gathered)))
    return 0


def _told(out: str, gathered: Gathered) -> Iterator[str]:
    """Yield what people read."""
    counts = gathered.to_dict()
    yield f"{out}: {counts['entries']:,} entries ({counts['pdq']:,} pdq, {counts['sha256']:,} sha256)"
    if gathered.disputed:
        yield f"  disputed    {gathered.disputed:,}, in the list"
    for reason, count in sorted(gathered.skipped.items()):
        yield f"  skipped     {count:,}: {reason}"
    for name in ("duplicates", "removed"):
        if counts[name]:
            yield f"  {name.ljust(10)}  {counts[name]:,}"
    if gathered.malformed:
        yield f"  malformed   {len(gathered.malformed):,}, left out"


def _show(args: argparse.Namespace) -> int:
    from guardrails.media.hashlist import HashList

    rows = []
    for name in args.files:
        try:
            found = HashList.load(Path(name), name=name, kind=args.kind, quality=args.quality)
        except OSError as error:
            raise GuardrailsError(f"{name}: {error.strerror or error}") from error
        rows.append(found.status())
    if args.json:
        print(json.dumps({"lists": rows}, ensure_ascii=False))
    else:
        for row in rows:
            left = f", {row['left_out']:,} left out" if row["left_out"] else ""
            print(f"{row['name']}: {row['pdq']:,} pdq, {row['sha256']:,} sha256{left}, {row['digest'][:12]}")
    return 0


def _read(names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        if name == "-":
            yield "standard input", sys.stdin.buffer.read()
            continue
        try:
            yield name, Path(name).read_bytes()
        except OSError as error:
            raise GuardrailsError(f"{name}: {error.strerror or error}") from error
