"""`guardrails schema`: prints the JSON Schema of policies, of files of tests, or of settings, or writes it beside them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from guardrails.cli import add_plugins
from guardrails.errors import GuardrailsError


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_plugins(to)
    to.add_argument("--out", "-o", metavar="FILE", help="write it to a file, such as policy.schema.json")
    of = to.add_mutually_exclusive_group()
    of.add_argument(
        "--settings",
        action="store_true",
        help="that of settings files, which `guardrails serve --config` takes",
    )
    of.add_argument(
        "--tests", action="store_true", help="that of files of tests (X.test.yaml beside the policy X.yaml)"
    )
    to.add_argument(
        "--json", action="store_true", help="the schema is JSON in any case; taken for uniformity"
    )


def run(args: argparse.Namespace) -> int:
    """Print or write the schema. That of policies lies in the package: where there are no plugins no detector is looked at."""
    from guardrails.registry.installed import has_plugins

    if not (args.settings or args.tests or args.out or has_plugins("detectors", "redactions")):
        from guardrails.policy.shipped import shipped_folder

        file = shipped_folder() / "policy.schema.json"
        if file.is_file():
            print(file.read_text(encoding="utf-8"), end="")
            return 0
    if args.settings:
        from guardrails.proxy.configuration.settings import json_schema as schema
    elif args.tests:
        from guardrails.policy.editing.json_schema import json_schema_of_tests as schema
    else:
        from guardrails.policy.editing.json_schema import json_schema as schema

    text = json.dumps(schema(), indent=2, ensure_ascii=False)
    if args.out is None:
        print(text)
        return 0
    try:
        Path(args.out).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise GuardrailsError(f"{args.out}: {error.strerror}") from error
    return 0
