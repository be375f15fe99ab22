"""`guardrails serve`: serves an OpenAI-compatible API with the policy before an upstream.

What it serves stands in a settings file (`--config`), in the environment (`GUARDRAILS_PORT`) and in flags, each over the one
before.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from guardrails.cli import add_floor, add_policy, add_records, end_on_sigterm, end_process
from guardrails.cli.first_process import leave_first_process
from guardrails.processor.collection import pause_collection

if TYPE_CHECKING:
    from guardrails.authoring.models import ModelNeed
    from guardrails.guard import Guard
    from guardrails.proxy.configuration.settings import Settings
    from guardrails.proxy.configuration.sources import LoadedSettings
    from guardrails.types import PolicyRef

FLAGS = (
    "policy",
    "floor",
    "shadow",
    "records",
    "upstream",
    "host",
    "port",
    "probe_port",
    "workers",
    "unknown_fields",
    "reload",
    "open",
)
"""The settings that have a flag."""

FEW = 8
"""Entries of a list that are shown."""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments. One that is not given is left to the environment, the file, or its default."""
    to.add_argument("--config", "-c", metavar="FILE", help="a YAML file of settings")
    add_policy(to)
    to.set_defaults(policy=None)
    add_floor(to)
    to.add_argument("--shadow", metavar="P", help="a policy that judges beside it, and changes nothing")
    to.add_argument(
        "--shadow-log",
        metavar="FILE",
        help="a file for what both decide, which guardrails diff --decisions reads",
    )
    add_records(to)
    to.add_argument(
        "--upstream",
        metavar="URL",
        help="the OpenAI-compatible server behind, such as http://127.0.0.1:8000/v1",
    )
    to.add_argument("--host", help="the address to listen on (default 127.0.0.1)")
    to.add_argument("--port", type=int, help="the port to listen on (default 8080)")
    to.add_argument(
        "--probe-port",
        type=int,
        metavar="PORT",
        help="a port at which /healthz, /readyz and /metrics are answered however busy the server is",
    )
    to.add_argument(
        "--open",
        action="store_const",
        const=True,
        help="without keys, let everybody ask who reaches an address of other machines",
    )
    to.add_argument("--workers", type=int, metavar="N", help="processes to serve with (default 1)")
    to.add_argument(
        "--unknown-fields", help="what to do with unknown request fields: judge (default) or refuse"
    )
    to.add_argument(
        "--no-reload",
        dest="reload",
        action="store_const",
        const=False,
        help="keep the policy of the start: do not load it anew when its files change, or on SIGHUP",
    )
    to.add_argument(
        "--check", action="store_true", help="only check settings and policy, and print what it would serve"
    )
    to.add_argument("--json", action="store_true", help="print that as JSON")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted, or print what would be served."""
    leave_first_process()
    with end_on_sigterm():
        return _serve(args)


def _serve(args: argparse.Namespace) -> int:
    # Who judges has one thread: numpy's own are not told of a fork, and take the time of other texts.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with pause_collection():
        from guardrails.proxy.configuration.sources import SettingsSources, load_settings
        from guardrails.proxy.diagnosis.preflight import preflight
        from guardrails.proxy.server.serve import run as serve
        from guardrails.proxy.shadow.shadow_settings import shadow_policies

    flags = _flags(args)
    if args.check:
        found, state = preflight(args.config, flags, os.environ)
        guards, beside = state.guards, [*state.shadows.values()]
        described = _describe_setup(found, guards, beside) if args.json else {}
        print(json.dumps(described, indent=2) if args.json else _render_setup(found, guards, beside))
        return 0
    settings = load_settings(args.config, flags, os.environ, on_record=True).settings
    scheme = "http" if settings.tls is None else "https"
    address = f"{scheme}://{settings.host}:{settings.port}/v1"
    also = "".join(f", {shadow} beside {policy}" for policy, shadow in shadow_policies(settings).items())

    def say(ref: PolicyRef) -> None:
        told = f"guardrails: policy {ref.name} {ref.version} before {_behind(settings)}{also}, on {address}"
        print(told, flush=True)

    try:
        serve(settings, given=SettingsSources(args.config, flags, on_record=True), on_loaded=say)
    except KeyboardInterrupt:
        end_process(130)
    end_process(0)


def _flags(args: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that were given by flags."""
    flags = {name: value for name in FLAGS if (value := getattr(args, name)) is not None}
    if args.shadow_log is not None:
        policy = {} if args.shadow is None else {"policy": args.shadow}
        flags["shadow"] = {**policy, "log": args.shadow_log}
    return flags


def _behind(settings: Settings) -> str:
    """Return what is served, for people: the names of upstreams, and the URL of the one without."""
    return ", ".join((*settings.upstreams, *([] if settings.upstream is None else [settings.upstream])))


def _key_is_set(variable: str | None) -> bool:
    """Tell whether the environment holds a key."""
    return variable is not None and bool(os.environ.get(variable))


def _settings(settings: Settings) -> dict[str, object]:
    """Return settings as JSON values, of keys not even the hashes."""
    return settings.model_dump(exclude={"keys": {"__all__": {"sha256"}}})


def _describe_setup(
    found: LoadedSettings, guards: Sequence[Guard], shadows: Sequence[Guard]
) -> dict[str, object]:
    """Return what would be served, as JSON values."""
    refs = [policy.ref.to_dict() for policy in guards[0].pipeline.policies]
    return {
        "settings": _settings(found.settings),
        "given": dict(found.origins),
        "upstream_key": bool(found.settings.upstream_key or found.settings.upstream_key_file),
        "upstream_keys": {
            name: each.key_file is not None or _key_is_set(each.key_env)
            for name, each in found.settings.upstreams.items()
        },
        "policy": refs[0],
        "floor": refs[1] if len(refs) > 1 else None,
        "policies": [guard.policy.ref.to_dict() for guard in guards[1:]],
        "shadows": [guard.policy.ref.to_dict() for guard in shadows],
        "models": [need.to_dict() for need in _list_models([*guards, *shadows])],
    }


def _list_models(guards: Sequence[Guard]) -> list[ModelNeed]:
    """Return the models that the policies of guards need, and those of their floors, each once."""
    from guardrails.authoring.models import list_needs
    from guardrails.policy.loading.load import load
    from guardrails.registry.sources import PluginSources

    found: dict[tuple[str | None, ...], ModelNeed] = {}
    for origin in (guard.origin for guard in guards if guard.origin is not None):
        sources = PluginSources.choose(origin.plugins).with_own("detectors", origin.detectors)
        sources = sources.with_own("redactions", origin.redactions)
        for policy in (origin.policy, origin.floor):
            for need in [] if policy is None else list_needs(load(policy, sources)):
                found.setdefault((need.name, need.revision, need.endpoint), need)
    return [*found.values()]


def _brief(value: object) -> str:
    """Return a setting's value on a line: of a document what it has, of names or rows the names."""
    if isinstance(value, dict) and not all(isinstance(each, dict) for each in value.values()):
        return ", ".join(f"{name} {_brief(each)}" for name, each in value.items())
    if isinstance(value, dict):
        value = [*value]
    if not isinstance(value, list):
        return str(value)
    words = [
        str(each.get("id") or each.get("policy") or each.get("use")) if isinstance(each, dict) else str(each)
        for each in value
    ]
    return f"{len(words)}: {', '.join(words[:FEW])}{', …' if len(words) > FEW else ''}" if words else "none"


def _render_setup(found: LoadedSettings, guards: Sequence[Guard], shadows: Sequence[Guard]) -> str:
    """Return what would be served, for people."""
    settings = found.settings
    key = "is set" if settings.upstream_key else "is not set: the client's own authorization passes through"
    rows = [
        (name, _brief(value), found.origins.get(name, "default"))
        for name, value in _settings(settings).items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{name:{widths[0]}}  {value:{widths[1]}}  {origin}" for name, value, origin in rows]
    held = f"{settings.upstream_key_env} {key}"
    if settings.upstream_key_file is not None:
        held = f"upstream: the key of {settings.upstream_key_file}"
    lines += ["", *([] if settings.upstream is None else [held])]
    for name, each in settings.upstreams.items():
        held = "the client's own authorization passes through"
        if each.key_file is not None:
            held = f"the key of {each.key_file}"
        elif each.key_env is not None:
            held = f"{each.key_env} is {'set' if _key_is_set(each.key_env) else 'not set: no key is sent'}"
        lines.append(f"upstream {name} {each.url}: {_brief(each.models)} ({held})")
    parts = [*zip(("policy", "floor"), guards[0].pipeline.policies, strict=False)]
    parts += [("policy", guard.policy) for guard in guards[1:]]
    parts += [("shadow", guard.policy) for guard in shadows]
    for part, policy in parts:
        ref, rules, detectors = policy.ref, len(policy.rules), len(policy.detectors)
        lines.append(f"{part} {ref.name} {ref.version}: {rules} rules, {detectors} detectors, {ref.digest}")
    for need in _list_models([*guards, *shadows]):
        where = need.source if need.endpoint is None else f"endpoint {need.endpoint}"
        lines.append(f"model {' '.join(filter(None, (need.name, need.revision)))}: {where}")
    return "\n".join(lines)
