"""Makes of what was checked what is kept of it, for as long as the operator says."""

from __future__ import annotations

import time

from guardrails.engine.content.payload import Payload
from guardrails.records.configuration import DAY_US, KeptContentDoc
from guardrails.records.kept_content.content_form import Unkept, write_content
from guardrails.records.kept_content.content_keys import ContentKeys
from guardrails.records.kept_content.sealed_content import SealedContent


class ContentKeeper:
    """Encrypts contents.

    Args:
        doc: how large they may be, and how long they stay.
        keys: of the operator.
    """

    def __init__(self, doc: KeptContentDoc, keys: ContentKeys) -> None:
        self._doc, self._keys = doc, keys
        self._stays = int(doc.keep_days * DAY_US)

    def keep(self, id_: str, subject: Payload) -> SealedContent | Unkept:
        """Return the content of the decision of an id as it is kept, or why it is not."""
        written = write_content(subject, self._doc.most_bytes)
        if isinstance(written, str):
            return written
        return self._keys.seal(id_, written, time.time_ns() // 1000 + self._stays)
