"""`guardrails index`: lets an index of known texts (`use: similar`) grow, and shows what in it a text resembles."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from guardrails.detectors.semantic.known_texts import KnownText
    from guardrails.inference.hub.embedding import Embedder


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    to.add_argument(
        "do", choices=("add", "embed", "near"), help="add texts; embed what has no vector; show what is near"
    )
    to.add_argument("index", metavar="INDEX", help="the .jsonl file; made where it is not there")
    to.add_argument("--text", "-t", action="append", default=[], help="a text (may be given again)")
    to.add_argument(
        "--from", dest="source", metavar="FILE", help="reviewed texts: a .jsonl with 'text', or a text a line"
    )
    to.add_argument("--category", "-c", help="the category of texts that do not say it, such as jailbreak")
    to.add_argument("--note", help="where they were seen, or who reviewed them")
    to.add_argument("--model", default="text-safety", help="what embeds texts, as in the policy")
    to.add_argument("--revision", help="the revision of a model of the hub")
    to.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Change or read an index."""
    from guardrails.authoring.scan import known_text_index
    from guardrails.detectors.semantic.known_texts import KnownText

    path = Path(args.index)
    known = known_text_index.read_entries(path)
    encoder = known_text_index.load_encoder(args.model, args.revision)
    given = [KnownText(text.strip(), args.category, args.note) for text in args.text if text.strip()]
    if args.do == "near":
        return _near(known, given, encoder, as_json=args.json)
    if args.do == "add":
        if args.source is not None:
            given += known_text_index.read_reviewed(Path(args.source), args.category, args.note)
        if not given:
            raise GuardrailsError("nothing to add: give --text or --from")
    grown = known_text_index.add_entries(known, given) if args.do == "add" else known
    known_text_index.save(path, known_text_index.embed_missing(grown, encoder))
    told = {"index": str(path), "added": len(grown) - len(known), "entries": len(grown)}
    print(json.dumps(told) if args.json else f"{path}: {told['added']} added, {told['entries']} entries")
    return 0


def _near(known: Sequence[KnownText], given: Sequence[KnownText], encoder: Embedder, *, as_json: bool) -> int:
    from guardrails.authoring.scan import known_text_index

    if not known or len(given) != 1:
        raise GuardrailsError("near needs one --text, and an index with entries")
    found = known_text_index.find_nearest(known, given[0].text, encoder)
    if as_json:
        rows = [{"cosine": cosine, "category": each.category, "text": each.text} for cosine, each in found]
        print(json.dumps(rows, ensure_ascii=False))
    else:
        for cosine, each in found:
            print(f"{cosine:.3f}  {each.category or '-'}  {each.text}")
    return 0
