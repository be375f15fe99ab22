"""`guardrails review`: calls of tools that wait for a person, on a terminal: what they are, and what somebody decides."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any, Final

from guardrails.cli.operate.log.arguments import add_source, open_records

if TYPE_CHECKING:
    from guardrails.records.approvals.approval_store import ApprovalRequest
    from guardrails.records.approvals.approvals import Approvals

DOES: Final = {
    "list": "List the calls that wait, the newest first.",
    "show": "Show one with its arguments; what cannot be seen in them stands as its escape.",
    "approve": "Let a call through, once.",
    "deny": "Leave a call blocked.",
}
"""Subcommand → what it does."""

EXAMPLES: Final = """\
examples:
  guardrails review list --records /var/lib/guardrails/records
  guardrails review show ap_01a2…
  guardrails review approve ap_01a2… --as ann --reason "agreed with the owner"
"""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments of each subcommand."""
    to.formatter_class = argparse.RawDescriptionHelpFormatter
    to.epilog = EXAMPLES
    commands = to.add_subparsers(dest="do", metavar="DO", required=True)
    for name, summary in DOES.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name == "list":
            command.add_argument("--all", action="store_true", help="also those that are decided or over")
        else:
            command.add_argument("id", metavar="ID", help="of the request: the refusal of the call names it")
        if name in ("approve", "deny"):
            command.add_argument(
                "--as", dest="person", required=True, metavar="NAME",
                help="who decides, as `records: {approvers: …}` of the settings has them",
            )  # fmt: skip
            command.add_argument("--reason", default="", metavar="TEXT", help="why, for the record")
        add_source(command)
        command.add_argument("--json", action="store_true", help="print JSON: one object for each request")


def run(args: argparse.Namespace) -> int:
    """Run a subcommand; raises `GuardrailsError`."""
    from guardrails.records.approvals.approvals import open_approvals
    from guardrails.records.approvals.decision_record import record_decision

    with open_records(args) as records:
        _, approvals = open_approvals(records.doc, records.key)
        try:
            found = _do(args, approvals)
        finally:
            approvals.close()
        if args.do in ("approve", "deny"):
            record_decision(records.doc, records.key, found[0])
    for each in found:
        print(json.dumps(to_json(each)) if args.json else _render(each, whole=args.do != "list"))
    if not found and not args.json:
        print("nothing waits")
    return 0


def _do(args: argparse.Namespace, approvals: Approvals) -> list[ApprovalRequest]:
    if args.do == "list":
        return [*approvals.list_requests(pending=not args.all)]
    if args.do == "show":
        return [approvals.get(args.id)]
    decide = approvals.approve if args.do == "approve" else approvals.deny
    return [decide(args.id, by=args.person, reason=args.reason)]


def to_json(request: ApprovalRequest) -> dict[str, Any]:
    """Return a request as plain JSON values; its arguments while it waits."""
    ticket = request.ticket
    told: dict[str, Any] = {
        **request.approval.to_dict(),
        "server": ticket.server,
        "tenant": ticket.tenant,
        "requester": ticket.requester,
        "conversation": ticket.conversation,
        "policy": ticket.policy,
        "approvers": [*ticket.approvers],
    }
    if request.call is not None:
        told["arguments"] = json.loads(request.call.arguments)
    if request.decided is not None:
        told |= {"person": request.person, "reason": request.reason}
    return told


def _render(request: ApprovalRequest, *, whole: bool) -> str:
    """Return a request as a person reads it: in a line, or whole."""
    from guardrails.records.approvals.pending_call import escape_hidden

    ticket, approval = request.ticket, request.approval
    tool = escape_hidden(f"{ticket.server}/{ticket.tool}" if ticket.server else ticket.tool)
    if not whole:
        return f"{request.id}  {request.status:<8}  until {approval.until}  {tool}  rule {ticket.rule}  by {ticket.by}"
    lines = [
        f"{request.id}: {request.status}",
        f"  tool          {tool}",
        f"  rule          {ticket.rule} of {ticket.policy}",
        f"  may decide    {', '.join(ticket.approvers)} ({ticket.by})",
        f"  until         {approval.until}",
    ]
    people = {"for user": ticket.requester, "of tenant": ticket.tenant, "conversation": ticket.conversation}
    lines += [f"  {name:<12}  {escape_hidden(value)}" for name, value in people.items() if value]
    if request.decided is not None:
        why = f": {escape_hidden(request.reason)}" if request.reason else ""
        lines.append(f"  decided by    {request.person}{why}")
    if request.call is not None:
        lines += ["  arguments", *(f"    {line}" for line in request.call.show().splitlines())]
    return "\n".join(lines)
