"""`guardrails explain`: explains why the policy judges a content as it does; exit status 1 if one is blocked, 3 if one
could not be judged.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from guardrails.authoring.terminal import Style
from guardrails.cli import add_floor, add_policy, exit_status
from guardrails.cli.content_arguments import (
    add_application_text,
    add_contents,
    add_context,
    open_report_beside,
    read_contents,
    read_context,
)
from guardrails.cli.progress import Progress
from guardrails.types import Verdict

if TYPE_CHECKING:
    from guardrails.authoring.explain.explanation import Explanation
    from guardrails.guard import Guard


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_contents(to)
    add_policy(to)
    add_floor(to)
    add_context(to)
    add_application_text(to)
    to.add_argument("--rule", metavar="ID", help="explain this rule alone")
    to.add_argument(
        "--all", action="store_true", help="show every rule term by term, also where nothing was found"
    )
    to.add_argument(
        "--no-words",
        action="store_true",
        help="do not look for the words that raise a classifier's score, which judges a passage up to 64 times",
    )
    to.add_argument(
        "--report",
        metavar="FILE",
        help="write an .html file for people; texts in it are covered until a click",
    )
    to.add_argument("--json", action="store_true", help="print the explanations as one JSON document")


def run(args: argparse.Namespace) -> int:
    """Explain each content; return 1 if one is blocked, 3 if none is but one could not be judged."""
    from guardrails.guard import Guard

    contents, context = list(read_contents(args.content, as_text=args.text)), read_context(args)
    guard = Guard.load(args.policy, floor=args.floor, application_text=args.application_text)
    documents: list[dict[str, object]] = []
    verdicts = list[Verdict]()
    named: list[tuple[str, Explanation]] = []
    with open_report_beside(args.report, () if args.text else args.content) as save:
        for number, (name, content) in enumerate(contents):
            explanation = _explain_one(guard, content, args, context)
            verdicts.append(explanation.verdict)
            named.append((f"text {number + 1}" if name is content else name, explanation))
            if args.json:
                documents.append({"name": None if name is content else name, **explanation.to_dict()})
            else:
                _print(explanation, args, "" if len(contents) == 1 else name, first=number == 0)
        if save is not None:
            save(_report(named))
    if args.json:
        print(
            json.dumps({"blocked": any(each.blocked for each in verdicts), "explanations": documents})
        )  # ASCII: texts may hold half characters
    return exit_status(verdicts)


def _report(named: Sequence[tuple[str, Explanation]]) -> str:
    from guardrails.authoring.explain.explanation_page import ExplainedContent, render_page

    explained = [ExplainedContent(name, explanation) for name, explanation in named]
    return render_page(explained, datetime.fromtimestamp(time.time(), UTC))


def _explain_one(
    guard: Guard, content: object, args: argparse.Namespace, context: Mapping[str, Any]
) -> Explanation:
    """Explain one content; show on a terminal how far a film is watched."""
    from guardrails.authoring.explain.explanation import CheckWitness, explain
    from guardrails.authoring.explain.word_importance import PASSES

    class Watcher(CheckWitness):
        def on_progress(self, seconds: float, of: float | None, listening: bool) -> None:
            if not args.json:
                progress.draw(int(seconds), None if of is None else max(int(seconds), round(of)), "watched")

    with Progress(sys.stderr) as progress:
        return explain(
            guard,
            content,
            args.stage,
            passes=0 if args.no_words else PASSES,
            only=args.rule,
            witness=Watcher(),
            **context,
        )


def _print(explanation: Explanation, args: argparse.Namespace, name: str, *, first: bool) -> None:
    from guardrails.authoring.explain.explanation_report import render_explanation

    if not first:
        print()
    for line in render_explanation(
        explanation, Style(sys.stdout), name=name, every=args.all, only=args.rule is not None
    ):
        print(line)
