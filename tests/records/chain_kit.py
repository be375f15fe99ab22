"""Lines of journals for tests: what writers chained, with the times, tenants and people that a test wants."""

from __future__ import annotations

import json
from typing import Any

from guardrails.records.chain import Head, commit, first_mac, next_mac
from guardrails.records.decision import NO_PERSON, Person, encode_person
from guardrails.records.journal.line import Line, read_line
from guardrails.records.kept_content.sealed_content import SealedContent

KEY = b"the key of these tests"


class ChainWriter:
    """A writer of records, each chained to the one before; `lines` are all of them."""

    def __init__(self, name: str = "aa") -> None:
        self.name = name
        self.lines: list[Line] = []
        self._mac = first_mac(KEY, name)

    def write(
        self,
        time: int,
        subject: str | None = None,
        conversation: str | None = None,
        *,
        content: SealedContent | None = None,
        **more: Any,
    ) -> Line:
        """Write a record of a time (microseconds since 1970), of a person, with what is kept of its content, and with more fields
        or others than usual.
        """
        seq = len(self.lines) + 1
        record = {
            "v": 1,
            "kind": "decision",
            "id": f"{self.name}{seq}",
            "time": time,
            "stage": "input",
            "action": "allow",
        }
        told, salt = NO_PERSON, seq.to_bytes(16, "big")
        if subject is not None or conversation is not None or content is not None:
            told = encode_person(Person(subject, conversation), salt, content)
        if content is not None:
            record["content"] = commit(salt, "content", content.digest)
        for name, value in (("subject", subject), ("conversation", conversation)):
            if value is not None:
                record[name] = commit(salt, name, value)
        raw = json.dumps(record | more).encode()
        self._mac = next_mac(KEY, self._mac, seq, raw)
        line = read_line(seq, self._mac, told, raw)
        self.lines.append(line)
        return line

    def head(self) -> str:
        """Return the signed head of the chain, as it stands in the file of heads."""
        return Head(self.name, len(self.lines), self._mac, 0).line(KEY)
