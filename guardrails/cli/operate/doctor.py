"""`guardrails doctor`: says what is installed here, what can be used, and what is wrong; exit status 1 if something is."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from guardrails.authoring.terminal import Style
from guardrails.cli import add_plugins

if TYPE_CHECKING:
    from guardrails.authoring.installation import Installation


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_plugins(to)
    to.add_argument(
        "--load",
        action="store_true",
        help="import each plugin that may be used, and check that it is what it says",
    )
    to.add_argument("--json", action="store_true", help="print it as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print what is installed; return 1 if something is wrong with it."""
    from guardrails.authoring.installation import inspect_installation

    found = inspect_installation(load=args.load)
    if args.json:
        print(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        _print(found, Style(sys.stdout))
    return 0 if found.sound else 1


def _print(found: Installation, style: Style) -> None:
    print(f"guardrails {found.version} on Python {found.python}, {found.platform}")
    print(style.bold("optional parts"))
    for extra in found.extras:
        missing = f"pip install 'guardrails-middleware[{extra.name}]' (brings {', '.join(extra.missing)})"
        print(f"  {extra.name:10} {missing if extra.missing else style.good('installed')}")
    print(style.bold("plugins"))
    for plugin in found.plugins:
        state = style.bad(plugin.problem) if plugin.problem else style.good("may be used")
        where = f"{plugin.package} {plugin.version}, {plugin.entry_point}"
        print(f"  {plugin.group}: {plugin.name} ({where}): {state}")
    if not found.plugins:
        print("  none is installed")
