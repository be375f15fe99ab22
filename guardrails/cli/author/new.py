"""`guardrails new`: writes a starter policy with its tests, to be changed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from guardrails.errors import GuardrailsError


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from guardrails.policy.shipped import starter_names

    to.add_argument("--from", dest="starter", metavar="NAME", help=f"a starter: {', '.join(starter_names())}")
    to.add_argument(
        "--output",
        "-o",
        metavar="FILE",
        help="the file to write, NAME.yaml here by default; one that is there already is never overwritten",
    )
    to.add_argument("--list", action="store_true", help="say what the starters are for, and write nothing")
    to.add_argument(
        "--json", action="store_true", help="print what was done, or the list, as one JSON object"
    )


def run(args: argparse.Namespace) -> int:
    """Write the starter, or list all."""
    from guardrails.policy.shipped import starter_names
    from guardrails.spelling import suggest_name

    known = starter_names()
    if args.list:
        _print_list(as_json=args.json)
        return 0
    if args.starter is None:
        raise GuardrailsError(f"say which starter to write: --from {known[0]} (of: {', '.join(known)})")
    if args.starter not in known:
        hint = suggest_name(args.starter, known)
        raise GuardrailsError(f"{args.starter!r} is not a starter" + (f" - {hint}" if hint else ""))
    path = Path(args.output or f"{args.starter}.yaml")
    _write(args.starter, path)
    if args.json:
        print(json.dumps({"starter": args.starter, "file": str(path)}))
    else:
        print(f"{path}: written\nnext: guardrails test {path}")
    return 0


def _write(starter: str, path: Path) -> None:
    """Write a starter to a new file."""
    from guardrails.policy.shipped import read_starter

    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(read_starter(starter))
    except FileExistsError as error:
        raise GuardrailsError(
            f"{path}: is there already, and is not overwritten - name another file by --output"
        ) from error
    except OSError as error:
        raise GuardrailsError(f"{path}: {error.strerror}") from error


def _print_list(*, as_json: bool) -> None:
    """Print each starter with what its policy says of itself."""
    from guardrails.policy.loading.source import read_yaml
    from guardrails.policy.shipped import read_starter, starter_names

    about: dict[str, str] = {}
    for name in starter_names():
        policy = read_yaml(read_starter(name).encode(), f"{name}.yaml").data
        about[name] = str(policy["description"]) if isinstance(policy, dict) else ""
    if as_json:
        print(json.dumps({"starters": about}, ensure_ascii=False))
        return
    width = max(map(len, about))
    for name, description in about.items():
        print(f"{name:<{width}}  {description}")
