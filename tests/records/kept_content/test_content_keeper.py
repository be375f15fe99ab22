"""What was checked becomes what is kept of it."""

from __future__ import annotations

import time

from guardrails.protocols.chat.chat_payload import read
from guardrails.records.configuration import DAY_US, KeptContentDoc
from guardrails.records.kept_content.content_keeper import ContentKeeper
from guardrails.records.kept_content.content_keys import ContentKeys
from guardrails.records.kept_content.sealed_content import SealedContent
from guardrails.types import Stage

KEYS = ContentKeys([b"c" * 32])


def test_a_content_is_kept_for_the_days_that_are_said() -> None:
    """From now on, bound to its decision."""
    before = time.time_ns() // 1000
    sealed = ContentKeeper(KeptContentDoc(keep_days=2.5), KEYS).keep("vd_1", read("Hello.", Stage.INPUT))
    assert isinstance(sealed, SealedContent)
    assert 0 <= sealed.expires - before - 2.5 * DAY_US < DAY_US
    assert KEYS.open("vd_1", sealed) == b'"Hello."'


def test_what_is_too_large_is_not_kept() -> None:
    """By the bytes of its JSON."""
    keeper = ContentKeeper(KeptContentDoc(most_bytes=8), KEYS)
    assert isinstance(keeper.keep("vd_1", read("Hello.", Stage.INPUT)), SealedContent)
    assert keeper.keep("vd_1", read("Hello..", Stage.INPUT)) == "too large"
