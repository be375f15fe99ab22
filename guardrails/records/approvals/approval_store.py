"""The rows of approvals: requests, decisions of people, and uses. One of each at most, which the database itself sees to.

Each row has a MAC by the key of the records: one that was written or changed without it counts for nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from guardrails.records.approvals.pending_call import PendingCall
from guardrails.records.chain import RecordsError
from guardrails.records.kept_content.content_keys import ContentKeys
from guardrails.records.kept_content.sealed_content import SealedContent
from guardrails.stores.database import Database
from guardrails.verdicts.approval import Approval, ApprovalStatus

SECOND: Final = 1_000_000
"""Microseconds of a second."""

KEPT: Final = 30 * 86_400 * SECOND
"""Microseconds for which a request stays once it has ended: so long a conversation may hold the call that was let through."""

DECISION: Final = 1
USE: Final = 2
"""Steps of a request."""

EVENTS: Final = """
SELECT step, kind, time, person, reason, mac FROM approval_events WHERE approval = ? ORDER BY step
"""
COLUMNS: Final = "id, binding, created, expires, record, mac, requester"
ADD_EVENT: Final = """
INSERT INTO approval_events (approval, step, kind, time, person, reason, mac) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (approval, step) DO NOTHING RETURNING step
"""
ERASE: Final = (
    "UPDATE approvals SET key_id = NULL, nonce = NULL, ciphertext = NULL WHERE ciphertext IS NOT NULL AND "
)

Decision = Literal["approved", "denied"]


@dataclass(frozen=True, slots=True)
class ApprovalTicket:
    """What is asked of people, without the arguments of the call.

    Attributes:
        rule: the rule that stops the call.
        tool: its name.
        server: that has it, "" where none is known.
        by: the group of people.
        approvers: the names of those in it.
        tenant: for whom the call would be made.
        requester: the user for whom, as the records know them.
        conversation: in which, likewise.
        policy: the name and version of the policy.
        seconds: for how long it waits, and for how long an approval of it counts.
    """

    rule: str
    tool: str
    server: str
    by: str
    approvers: tuple[str, ...]
    tenant: str | None
    requester: str | None
    conversation: str | None
    policy: str
    seconds: int

    def to_json(self) -> str:
        """Return it as JSON, in ASCII."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(told, sort_keys=True)

    @classmethod
    def from_json(cls, written: str) -> ApprovalTicket:
        """Return what `to_json` returned."""
        told = json.loads(written)
        return cls(**{**told, "approvers": tuple(told["approvers"])})


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A request as the store has it, and how it stands.

    Attributes:
        id: of the request.
        ticket: what is asked.
        status: how it stands.
        created: when it was asked, in microseconds since 1970.
        expires: when it ends.
        decided: when somebody decided; None where nobody has.
        person: who did.
        reason: why, in their words.
        used: when the call was let through; None where it was not.
        call: the call, as long as it waits and where it was asked for.
    """

    id: str
    ticket: ApprovalTicket
    status: ApprovalStatus
    created: int
    expires: int
    decided: int | None = None
    person: str = ""
    reason: str = ""
    used: int | None = None
    call: PendingCall | None = None

    @property
    def approval(self) -> Approval:
        """What a verdict says of it."""
        ticket = self.ticket
        return Approval(self.id, ticket.rule, ticket.tool, ticket.by, self.status, self.expires)


class ApprovalStore:
    """The rows in one database, by one connection, which one thread uses at a time.

    Args:
        database: where they are; its tables are of the version that this package knows.
        key: of the records.
        keys: what encrypts calls; None where none is read or written.
    """

    def __init__(self, database: Database, key: bytes, keys: ContentKeys | None) -> None:
        self.database, self._key, self._keys = database, key, keys

    def add(self, id_: str, binding: str, ticket: ApprovalTicket, call: PendingCall, now: int) -> None:
        """Take a request, and let go of what has ended."""
        assert self._keys is not None
        expires = now + ticket.seconds * SECOND
        sealed = self._keys.seal(id_, call.to_bytes(), expires)
        record = ticket.to_json()
        row = (
            id_,
            binding,
            now,
            expires,
            record,
            self._sign_request(id_, binding, now, expires, record),
            ticket.requester,
        )
        execute = self.database.execute
        execute(f"{ERASE}expires <= ?", (now,))
        old = "SELECT id FROM approvals WHERE expires < ?"
        execute(f"DELETE FROM approval_events WHERE approval IN ({old})", (now - KEPT,))  # noqa: S608
        execute("DELETE FROM approvals WHERE expires < ?", (now - KEPT,))
        execute(
            f"INSERT INTO approvals ({COLUMNS}, key_id, nonce, ciphertext) VALUES ({', '.join('?' * 10)})",  # noqa: S608
            (*row, sealed.key_id, sealed.nonce, sealed.ciphertext),
        )

    def newest(self, binding: str, now: int) -> ApprovalRequest | None:
        """Return the last request of a binding."""
        found = self._select("WHERE binding = ? ORDER BY created DESC, id DESC LIMIT 1", (binding,), now)
        return found[0] if found else None

    def was_used(self, binding: str, now: int) -> bool:
        """Tell whether a call of a binding was ever let through."""
        return any(each.used is not None for each in self._select("WHERE binding = ?", (binding,), now))

    def get(self, id_: str, now: int) -> ApprovalRequest | None:
        """Return a request, with its call while it waits; None where there is none of this id."""
        found = self._select("WHERE id = ?", (id_,), now)
        if not found:
            return None
        [request] = found
        rows = self.database.execute(
            "SELECT expires, key_id, nonce, ciphertext FROM approvals WHERE id = ? AND ciphertext IS NOT NULL",
            (id_,),
        )
        if not rows or self._keys is None or request.status != "pending":
            return request
        expires, key_id, nonce, ciphertext = rows[0]
        written = self._keys.open(id_, SealedContent(expires, key_id, bytes(nonce), bytes(ciphertext)))
        return replace(request, call=PendingCall.from_bytes(written))

    def select(self, now: int, *, pending: bool, most: int) -> Sequence[ApprovalRequest]:
        """Return requests, the newest first: those that wait, or all that are kept."""
        if not pending:
            return self._select("ORDER BY created DESC, id DESC LIMIT ?", (most,), now)
        waits = (
            "WHERE expires > ? AND NOT EXISTS (SELECT 1 FROM approval_events WHERE approval = approvals.id)"
        )
        return self._select(f"{waits} ORDER BY created DESC, id DESC LIMIT ?", (now, most), now)

    def decide(self, id_: str, decision: Decision, person: str, reason: str, now: int) -> bool:
        """Take a person's decision, and remove the arguments; False where there is one already."""
        if not self._add_event(id_, DECISION, decision, now, person, reason):
            return False
        self.database.execute(f"{ERASE}id = ?", (id_,))
        return True

    def use(self, id_: str, now: int) -> bool:
        """Use up an approval; False where it was used already."""
        return self._add_event(id_, USE, "used", now, "", "")

    def forget(self, subject: str) -> int:
        """Remove the requests that were made for a person; return how many."""
        of = "(SELECT id FROM approvals WHERE requester = ?)"
        self.database.execute(f"DELETE FROM approval_events WHERE approval IN {of}", (subject,))  # noqa: S608
        return len(
            self.database.execute("DELETE FROM approvals WHERE requester = ? RETURNING id", (subject,))
        )

    def _add_event(self, id_: str, step: int, kind: str, now: int, person: str, reason: str) -> bool:
        told = json.dumps(person), json.dumps(reason)  # in ASCII: a database may not have every character
        mac = self._sign_event(id_, step, kind, now, *told)
        return bool(self.database.execute(ADD_EVENT, (id_, step, kind, now, *told, mac)))

    def _select(self, where: str, parameters: Sequence[Any], now: int) -> list[ApprovalRequest]:
        rows = self.database.execute(f"SELECT {COLUMNS} FROM approvals {where}", parameters)  # noqa: S608
        return [self._read(row, now) for row in rows]

    def _read(self, row: Sequence[Any], now: int) -> ApprovalRequest:
        id_, binding, created, expires, record, mac, _ = row
        self._verify(id_, mac, self._sign_request(id_, binding, created, expires, record))
        ticket = ApprovalTicket.from_json(record)
        told: dict[str, Any] = {"status": "pending" if now < expires else "expired"}
        for step, kind, time, person, reason, signed in self.database.execute(EVENTS, (id_,)):
            self._verify(id_, signed, self._sign_event(id_, step, kind, time, person, reason))
            if step == DECISION:
                expires = time + ticket.seconds * SECOND if kind == "approved" else expires
                told = {
                    "status": kind,
                    "decided": time,
                    "person": json.loads(person),
                    "reason": json.loads(reason),
                }
                if kind == "approved" and now >= expires:
                    told["status"] = "expired"
            else:
                told |= {"status": "used", "used": time}
        return ApprovalRequest(id_, ticket, created=created, expires=expires, **told)

    def _sign_request(self, id_: str, binding: str, created: int, expires: int, record: str) -> bytes:
        return self._sign(f"request\0{id_}\0{binding}\0{created}\0{expires}\0{record}")

    def _sign_event(self, id_: str, step: int, kind: str, time: int, person: str, reason: str) -> bytes:
        return self._sign(f"event\0{id_}\0{step}\0{kind}\0{time}\0{person}\0{reason}")

    def _sign(self, message: str) -> bytes:
        return hmac.digest(self._key, b"guardrails approval 1\0" + message.encode(), hashlib.sha256)

    @staticmethod
    def _verify(id_: str, found: bytes, right: bytes) -> None:
        if not hmac.compare_digest(bytes(found), right):
            raise RecordsError(
                f"the approval {id_} was written or changed without the key of the records: nothing of it counts"
            )
