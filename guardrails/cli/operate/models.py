"""`guardrails models`: lists the models that a policy needs; exit status 1 if one is missing or does not verify."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from guardrails.authoring.terminal import Style
from guardrails.cli import add_policy

if TYPE_CHECKING:
    from guardrails.authoring.models import ModelNeed

UNITS: Final = ("B", "kB", "MB", "GB", "TB")


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_policy(to)
    to.add_argument(
        "--fetch",
        action="store_true",
        help="download what is missing from the Hugging Face Hub, into its cache",
    )
    to.add_argument(
        "--verify", action="store_true", help="read all files and compare them with their digests"
    )
    to.add_argument("--json", action="store_true", help="print the models as one JSON object")


def run(args: argparse.Namespace) -> int:
    """List, fetch and verify; return 1 if a model is missing or wrong."""
    from guardrails.authoring import models
    from guardrails.policy.loading.load import load

    policy = load(args.policy)
    found = models.list_needs(policy)
    if args.fetch:
        _fetch(found)
        found = models.list_needs(policy)
    if args.verify:
        seen = {
            need.folder: models.verify_model(need) for need in {each.folder: each for each in found}.values()
        }
        found = [
            replace(need, sha256=seen[need.folder].sha256, wrong=seen[need.folder].wrong) for need in found
        ]
    sound = all(need.sound for need in found)
    if args.json:
        rows = [need.to_dict() for need in found]
        print(json.dumps({"policy": args.policy, "sound": sound, "models": rows}, ensure_ascii=False))
    else:
        _print(found, Style(sys.stdout), verify=args.verify)
    return 0 if sound else 1


def _fetch(found: list[ModelNeed]) -> None:
    """Download each model that can be; what goes wrong with one is said on standard error."""
    from guardrails.authoring import models
    from guardrails.inference.safety.folder import ModelError

    for need in {(need.name, need.revision): need for need in found if need.fetchable}.values():
        print(f"fetching {need.name}", file=sys.stderr)
        try:
            models.fetch_model(need, progress=sys.stderr.isatty())
        except ModelError as error:
            print(f"{need.detector}: {error}; {error.hint}", file=sys.stderr)


def _print(found: list[ModelNeed], style: Style, *, verify: bool) -> None:
    """Print a paragraph for each model."""
    if not found:
        print("needs no models")
    for need in found:
        state = _state(need, verify=verify)
        print(f"{style.good(state) if need.sound else style.bad(state)}  {style.bold(need.name or '-')}")
        rows = {
            "detector": f"{need.detector} ({need.kind})",
            "from": need.source if need.endpoint is None else f"endpoint {need.endpoint}",
            "folder": "" if need.folder is None else str(need.folder),
            "size": "" if need.size is None else _size(need.size),
            "revision": need.revision or "",
            "licence": need.licence,
            "sha256": need.sha256 or "",
            "missing": "; ".join(filter(None, (need.missing, need.hint))),
            "wrong": "\n            ".join(need.wrong or ()),
        }
        for name, value in rows.items():
            if value:
                print(f"  {style.dim(name.ljust(8))}  {value}")


def _state(need: ModelNeed, *, verify: bool) -> str:
    """Return in a word or two how a model is."""
    if not need.present:
        return "missing"
    if need.endpoint is not None:
        return "declared"
    if not verify:
        return "present"
    if need.wrong is None:
        return "present, has no digests to verify by"
    return "WRONG" if need.wrong else "verified"


def _size(size: int) -> str:
    """Return a number of bytes as people read it."""
    amount, unit = float(size), 0
    while amount >= 1000 and unit < len(UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{size} B" if unit == 0 else f"{amount:.1f} {UNITS[unit]}"
