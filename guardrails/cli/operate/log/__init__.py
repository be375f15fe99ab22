"""`guardrails log`: finds, shows, exports, verifies and erases the records of decisions. A module for each of its subcommands."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib import import_module
from typing import Final

DOES: Final[Mapping[str, str]] = {
    "tail": "Show the newest records, and those that come.",
    "query": "Find records by who, when and what; count them by any column.",
    "show": "Show one decision in full, or all of one request.",
    "replay": "Tell what another policy would have decided, and of what that cannot be known.",
    "export": "Write records to a file: JSON lines, CSV or Parquet; those of one person for them.",
    "verify": "Find records that were altered, removed, exchanged or cut off.",
    "forget": "Erase a person from all records; what was decided stays.",
}
"""Subcommand of `log` → what it does."""

EXAMPLES: Final = """\
examples:
  guardrails log tail -f
  guardrails log query --since 24h --action block
  guardrails log query --user u-17 --tenant acme --where '"pii.card" in rules'
  guardrails log query --since 7d --by day --by action
  guardrails log show vd_5f0c2d…
  guardrails log replay --since 30d --policy next.yaml
  guardrails log export --since 30d --out decisions.parquet
  guardrails log verify --records /var/lib/guardrails/records
  guardrails log forget --user u-17 --tenant acme --yes
"""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments of each subcommand."""
    to.formatter_class = argparse.RawDescriptionHelpFormatter
    to.epilog = EXAMPLES
    commands = to.add_subparsers(dest="do", metavar="DO", required=True)
    for name, summary in DOES.items():
        command = commands.add_parser(name, help=summary, description=summary)
        import_module(f"{__name__}.{name}").add_arguments(command)


def run(args: argparse.Namespace) -> int:
    """Run a subcommand; raises `GuardrailsError`."""
    status: int = import_module(f"{__name__}.{args.do}").run(args)
    return status
