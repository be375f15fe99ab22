"""Jobs of the videos API: what is read of each call, and that none is streamed."""

from __future__ import annotations

from guardrails.protocols.protocol import Protocol
from guardrails.protocols.videos.protocol import CONTENT, CREATE, DELETE, JOB, LIST, PROTOCOLS, REMIX
from tests.cases import each_case


@each_case("protocol", PROTOCOLS, ids=lambda each: each.name)
def test_no_job_is_streamed(protocol: Protocol) -> None:
    """Whatever a request says, and nothing refuses in the place of a film."""
    assert not protocol.is_streamed({"stream": True})
    assert (protocol.stream, protocol.refuse) == (None, None)


def test_what_is_asked_is_read_where_something_is_asked() -> None:
    """A form may say it where a job is created, not where one is continued."""
    texts = [leaf.content.text for leaf in CREATE.request_payload({"prompt": "a cat"}).tree.leaves]  # type: ignore[union-attr]
    assert texts == ["a cat"]
    assert (CREATE.forms, REMIX.forms) == ("taken", "never")
    assert all(each.read_request is None for each in (LIST, JOB, DELETE, CONTENT))
