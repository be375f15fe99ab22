"""`guardrails serve`: a policy and an upstream in, an OpenAI-compatible server with the policy in front out."""

from __future__ import annotations

import argparse

from guardrails.cli import add_policy


def arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_policy(to)
    to.add_argument("--floor", metavar="P", help="a policy under which no verdict may fall")
    to.add_argument(
        "--upstream",
        required=True,
        metavar="URL",
        help="the OpenAI-compatible server behind, such as http://127.0.0.1:8000/v1",
    )
    to.add_argument("--host", default="127.0.0.1", help="the address to listen on (default 127.0.0.1)")
    to.add_argument("--port", type=int, default=8080, help="the port to listen on (default 8080)")
    to.add_argument("--workers", type=int, default=1, metavar="N", help="processes to serve with (default 1)")
    to.add_argument(
        "--unknown-fields",
        choices=("judge", "refuse"),
        default="judge",
        help="what to do with unknown request fields",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from guardrails.guard import Guard
    from guardrails.proxy.serve import run as serve
    from guardrails.proxy.settings import Settings

    settings = Settings(
        upstream=args.upstream,
        policy=args.policy,
        floor=args.floor,
        host=args.host,
        port=args.port,
        workers=args.workers,
        unknown_fields=args.unknown_fields,
    )
    guard = Guard.load(args.policy, floor=args.floor)
    ref = guard.policy.ref
    address = f"http://{args.host}:{args.port}/v1"
    print(f"guardrails: policy {ref.name} {ref.version} before {args.upstream}, on {address}", flush=True)
    serve(settings, guard if args.workers == 1 else None)
    return 0
