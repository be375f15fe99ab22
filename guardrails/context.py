"""The context of one check: who asks and for what, and what the content is judged beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from guardrails.engine.content.content_tree import SOURCES
from guardrails.engine.core.pipeline import today
from guardrails.engine.model import Request
from guardrails.engine.redaction.vault import Vault
from guardrails.types import Returned, Verdict

NOBODY: Final[Mapping[str, Any]] = {}


class ContextOptions(TypedDict, total=False):
    """The fields of a `Context`, as the keyword arguments that `check`, `acheck` and `stream` take."""

    user: Mapping[str, Any] | None
    tenant: str | None
    client: Mapping[str, Any] | None
    metadata: Mapping[str, Any] | None
    model: str | None
    after: Verdict | Vault | None
    system: str
    prompt: str
    sources: str | Sequence[str]
    heard: Sequence[Returned]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Who asks and for what, and what a content is judged beside.

    Attributes:
        user: who asks (`request.user.*`), from your authentication, never from the client.
        tenant: for whom (`request.tenant`), from the same source.
        client: what the client says of itself (`request.client.*`); `language` chooses messages.
        metadata: free values (`request.metadata`).
        model: the model that is asked (`request.model`).
        after: the verdict of the prompt, where this is its reply, so that numbers (`with: vault`) go on from it and
            the reply is judged beside the system prompt and the message that it answers to.
        system: that system prompt, where there is no such verdict.
        prompt: that message, likewise.
        sources: the passages that were retrieved for it, likewise.
        heard: what tools returned before, oldest first, likewise; conditions on calls follow it (`tool.tainted`).
    """

    user: Mapping[str, Any] | None = None
    tenant: str | None = None
    client: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    model: str | None = None
    after: Verdict | Vault | None = None
    system: str = ""
    prompt: str = ""
    sources: str | Sequence[str] = ""
    heard: Sequence[Returned] = ()

    @property
    def vault(self) -> Vault | None:
        """What the check before handed out."""
        before = self.after.restorer if isinstance(self.after, Verdict) else self.after
        return before if isinstance(before, Vault) else None

    def beside(self) -> tuple[str, str, str]:
        """Return the system prompt, the message and the passages that a reply is judged beside."""
        system, prompt, sources = self.system, self.prompt, self.sources
        if isinstance(self.after, Verdict):
            before = self.after
            system, prompt, sources = (
                system or before.system,
                prompt or before.prompt,
                sources or before.sources,
            )
        return system, prompt, sources if isinstance(sources, str) else SOURCES.join(sources)

    def request(self, turns: int) -> Request:
        """Return who asks and for what, as conditions read it, and what was handed out before.

        Args:
            turns: how many messages of the user a conversation has.
        """
        earlier = self.after.heard if isinstance(self.after, Verdict) else ()
        return Request(
            user=self.user or NOBODY,
            tenant=self.tenant,
            client=self.client or NOBODY,
            metadata=self.metadata,
            model=self.model,
            turns=turns,
            today=today(),
            vault=self.vault,
            heard=tuple(self.heard) or earlier,
        )


NO_CONTEXT: Final = Context()
"""The context of a check that says nothing of who asks: made once, as making one costs a microsecond of the thirty of a check."""
