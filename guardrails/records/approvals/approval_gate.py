"""What the engine asks while it judges: how stopped calls stand. Whatever it cannot find out is not approved, and is logged.

An approval is bound to the call, the tool's definition, the rule, the policies' digests, and to who asked in which conversation.
Of two calls alike in one answer each needs its own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from guardrails.engine.model import Request, StoppedCall
from guardrails.errors import GuardrailsError
from guardrails.records.approvals.approval_store import ApprovalStore, ApprovalTicket
from guardrails.records.approvals.pending_call import PendingCall
from guardrails.records.approvals.shared_store import SharedApprovalStore
from guardrails.records.identities import Identities
from guardrails.types import PolicyRef
from guardrails.verdicts.approval import Approval
from guardrails.verdicts.ordered_ids import make_id

T = TypeVar("T")

LOG = logging.getLogger("guardrails")


class RecordedApprovals:
    """An `ApprovalGate` over the store of the records, for the policies of one guard. Safe to share by threads.

    Args:
        shared: the store.
        approvers: the names of people, by group.
        identities: by what the records know users and conversations.
        key: of the records.
        policies: those that judge.
    """

    def __init__(
        self,
        shared: SharedApprovalStore,
        approvers: Mapping[str, Sequence[str]],
        identities: Identities,
        key: bytes,
        policies: Sequence[PolicyRef],
    ) -> None:
        self._shared, self._approvers, self._identities, self._key = shared, approvers, identities, key
        self._digests = [each.digest for each in policies]
        self._policy = f"{policies[0].name}@{policies[0].version}"

    def find(self, calls: Sequence[StoppedCall], request: Request) -> Sequence[Approval | None]:
        """Return how the calls stand, in their order, None for one about which nobody is asked; nothing where that cannot be
        told.
        """
        seen: Counter[str] = Counter()
        numbered = []
        for call in calls:
            binding = self._bind(call, request, 0)
            numbered.append((call, self._bind(call, request, seen[binding])))
            seen[binding] += not call.is_past
        return (
            self._ask(lambda store, now: [self._find(store, *each, request, now) for each in numbered]) or ()
        )

    def use(self, approvals: Sequence[Approval]) -> bool:
        """Use up what was approved, all or none; tell whether it was still there."""

        def use_all(store: ApprovalStore, now: int) -> bool:
            for each in approvals:
                found = store.get(each.id, now)
                if found is None or found.status != "approved" or not store.use(each.id, now):
                    raise _UsedAlready
            return True

        try:
            return bool(self._ask(use_all))
        except _UsedAlready:
            return False

    def _ask(self, do: Callable[[ApprovalStore, int], T]) -> T | None:
        """Do something in one transaction; None where it failed."""
        try:
            with self._shared.transaction() as (store, now):
                return do(store, now)
        except GuardrailsError as error:
            LOG.error(
                "no approval can be asked for or found, and calls that need one stay blocked: %s", error
            )
            return None

    def _find(
        self, store: ApprovalStore, call: StoppedCall, binding: str, request: Request, now: int
    ) -> Approval | None:
        """Return how a call stands; ask people where they were not."""
        if call.is_past:
            return self._find_past(store, call, binding, now)
        known = store.newest(binding, now)
        if known is not None and known.status in ("pending", "approved", "denied") and now < known.expires:
            return known.approval
        ticket = self._make_ticket(call, request)
        if ticket is None:
            return None
        id_ = make_id("ap_", 16)
        store.add(id_, binding, ticket, PendingCall(*call.tool, call.arguments), now)
        LOG.warning(
            "a call of %s waits for an approval of %s (rule %s, %s)",
            call.tool[0],
            ticket.by,
            ticket.rule,
            id_,
        )
        made = store.get(id_, now)
        return None if made is None else made.approval

    @staticmethod
    def _find_past(store: ApprovalStore, call: StoppedCall, binding: str, now: int) -> Approval | None:
        known = store.newest(binding, now)
        if known is None or not store.was_used(binding, now):
            return None
        made = known.approval
        return Approval(made.id, made.rule, made.tool, made.by, "approved", made.expires)

    def _make_ticket(self, call: StoppedCall, request: Request) -> ApprovalTicket | None:
        terms = call.rule.approval
        assert terms is not None
        approvers = self._approvers.get(terms.by)
        if not approvers:
            return None
        known_as = self._identities.known_as
        return ApprovalTicket(
            rule=call.rule.id,
            tool=call.tool[0],
            server=call.tool[1],
            by=terms.by,
            approvers=(*approvers,),
            tenant=request.tenant,
            requester=known_as(request.tenant, request.user.get("id")),
            conversation=known_as(request.tenant, (request.metadata or {}).get("conversation")),
            policy=self._policy,
            seconds=terms.seconds,
        )

    def _bind(self, call: StoppedCall, request: Request, number: int) -> str:
        """Return what an approval is for, as a digest by the key: the same call of the same person is bound alike."""
        terms = call.rule.approval
        assert terms is not None
        told = [
            request.tenant,
            str(request.user.get("id")),
            str((request.metadata or {}).get("conversation")),
            self._digests,
            call.rule.id,
            terms.by,
            [*call.tool],
            call.definition,
            call.arguments,
            number,
        ]
        raw = b"guardrails approval binding 1\0" + json.dumps(told).encode()
        return hmac.digest(self._key, raw, hashlib.sha256).hex()


class _UsedAlready(Exception):
    """An approval was used by another call meanwhile: what was used with it is to be as before."""
