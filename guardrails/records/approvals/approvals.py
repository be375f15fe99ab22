"""Approvals as people and programs use them: what waits, what somebody decides, and waiting for that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from guardrails.records.approvals.approval_store import ApprovalRequest, Decision
from guardrails.records.approvals.pending_call import derive_keys
from guardrails.records.approvals.shared_store import SharedApprovalStore
from guardrails.records.chain import RecordsError
from guardrails.records.configuration import RecordsDoc
from guardrails.records.decision_store import store_url
from guardrails.records.identities import Identities
from guardrails.wire.durations import format_duration

POLL_S: Final = 0.25
"""Seconds between two looks of somebody who waits: another process decides."""

LISTED: Final = 1_000
"""Requests that are listed at most."""


class ApprovalError(RecordsError):
    """A request cannot be decided so: the message says why, and who or what could."""


class Approvals:
    """The requests of one store. Safe to share by threads.

    Args:
        shared: the store.
        identities: by what the records know people.
    """

    def __init__(self, shared: SharedApprovalStore, identities: Identities) -> None:
        self._shared, self._identities = shared, identities

    def list_requests(self, *, pending: bool = True) -> Sequence[ApprovalRequest]:
        """Return requests, the newest first, without their arguments: those that wait, or all that are kept."""
        with self._shared.transaction() as (store, now):
            return store.select(now, pending=pending, most=LISTED)

    def get(self, id_: str) -> ApprovalRequest:
        """Return a request; while it waits, with its call.

        Raises:
            ApprovalError: there is none of this id.
        """
        with self._shared.transaction() as (store, now):
            found = store.get(id_, now)
        if found is None:
            raise ApprovalError(
                f"there is no request for approval {id_!r}: `guardrails review list` shows those that wait"
            )
        return found

    def approve(self, id_: str, *, by: str, reason: str = "") -> ApprovalRequest:
        """Let a call through, once; return how the request stands then.

        Args:
            id_: of the request.
            by: who decides, as the operator's settings name them; trusted, so authenticate them first.
            reason: why, for the record.

        Raises:
            ApprovalError: they may not decide it, or it is decided or over.
        """
        return self._decide(id_, "approved", by, reason)

    def deny(self, id_: str, *, by: str, reason: str = "") -> ApprovalRequest:
        """Leave a call blocked; all else is as for `approve`."""
        return self._decide(id_, "denied", by, reason)

    def _decide(self, id_: str, decision: Decision, by: str, reason: str) -> ApprovalRequest:
        found = self.get(id_)
        ticket = found.ticket
        if by not in ticket.approvers:
            raise ApprovalError(
                f"{by!r} is not of {ticket.by}, who decide {id_}: those are {', '.join(ticket.approvers)}"
            )
        if ticket.requester is not None and self._identities.known_as(ticket.tenant, by) == ticket.requester:
            raise ApprovalError(
                f"{by!r} is whom the call would be made for, and cannot decide {id_}: somebody else of {ticket.by} can"
            )
        if found.status != "pending":
            raise ApprovalError(_describe_end(found))
        with self._shared.transaction() as (store, now):
            # Somebody else may have decided, or its time may be over, since.
            again = store.get(id_, now)
            if again is None or again.status != "pending" or not store.decide(id_, decision, by, reason, now):
                raise ApprovalError(_describe_end(again or found))
        return self.get(id_)

    def wait_for(self, id_: str, timeout: float | None = None) -> ApprovalRequest:
        """Wait until somebody has decided, or the request is over; return how it stands.

        Args:
            id_: of the request.
            timeout: seconds to wait at most; by default until it is over.

        Raises:
            ApprovalError: there is none of this id.
            TimeoutError: the time has passed.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while (found := self.get(id_)).status == "pending":
            time.sleep(_next_look(end))
        return found

    async def await_for(self, id_: str) -> ApprovalRequest:
        """The twin of `wait_for` that does not block the event loop; `asyncio.timeout` ends it sooner."""
        while (found := await asyncio.to_thread(self.get, id_)).status == "pending":  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(POLL_S)
        return found

    def forget(self, subject: str) -> int:
        """Remove the requests that were made for a person, as the records know them; return how many."""
        with self._shared.transaction() as (store, _):
            return store.forget(subject)

    def close(self) -> None:
        """End the connection to the store; it is opened again when it is needed."""
        self._shared.close_connection()


def _next_look(end: float | None) -> float:
    if end is None:
        return POLL_S
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("nobody has decided yet: wait longer, or look again later by its id")
    return min(POLL_S, left)


def _describe_end(found: ApprovalRequest) -> str:
    if found.decided is not None:
        return f"{found.id} is decided already: {found.person} has said {found.status}"
    within = format_duration(found.ticket.seconds)
    return f"{found.id} is over: nobody decided within {within}; the call can be made again, which asks anew"


def open_approvals(doc: RecordsDoc, key: bytes) -> tuple[SharedApprovalStore, Approvals]:
    """Return the store of the approvals that stand beside records, and what people decide by.

    Raises:
        MissingExtra: cryptography is not installed.
    """
    shared = SharedApprovalStore(store_url(doc), key, derive_keys(key))
    return shared, Approvals(shared, Identities(key, doc.identities))
