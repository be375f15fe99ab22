"""The context of one check: who asks and for what, and what the content is judged beside.

Who asks may also be said once for all that is called inside a `with` block: `Guard.with_context`. It stands in a context
variable: a task sees what held where it was made, a thread of its own nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final, TypedDict

from guardrails.engine.content.reply_context import SOURCES
from guardrails.engine.core.pipeline import today
from guardrails.engine.model import Request
from guardrails.engine.redaction.vault import Vault
from guardrails.spelling import suggest_name
from guardrails.types import Returned, Verdict

NOBODY: Final[Mapping[str, Any]] = {}


class CallerOptions(TypedDict, total=False):
    """Who asks and for what, as keyword arguments; see `Context`."""

    user: Mapping[str, object] | None
    tenant: str | None
    client: Mapping[str, object] | None
    metadata: Mapping[str, object] | None
    model: str | None
    trust_system: bool | None


class ContextOptions(CallerOptions, total=False):
    """The fields of a `Context`, as the keyword arguments that `check`, `acheck` and `stream` take."""

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
        client: what the client says of itself (`request.client.*`); messages are in its `language` where neither the text nor the
            conversation tells one.
        metadata: free values (`request.metadata`).
        model: the model that is asked (`request.model`).
        after: the verdict of the prompt, where this is its reply, so that numbers (`with: vault`) go on from it and
            the reply is judged beside the system prompt and the message that it answers to.
        system: that system prompt, where there is no such verdict; of a conversation, the system prompt that is the application's
            own (`message.declared`).
        prompt: that message, likewise.
        sources: the passages that were retrieved for it, likewise.
        heard: what tools returned before, oldest first, likewise; conditions on calls follow it (`tool.tainted`).
        trust_system: whether all system and developer messages are the application's own.
    """

    user: Mapping[str, object] | None = None
    tenant: str | None = None
    client: Mapping[str, object] | None = None
    metadata: Mapping[str, object] | None = None
    model: str | None = None
    after: Verdict | Vault | None = None
    system: str = ""
    prompt: str = ""
    sources: str | Sequence[str] = ""
    heard: Sequence[Returned] = ()
    trust_system: bool | None = None

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
            system=self.system,
            prompt=self.prompt or (self.after.prompt if isinstance(self.after, Verdict) else ""),
            trust_system=bool(self.trust_system),
        )


NO_CONTEXT: Final = Context()
"""The context of a check that says nothing of who asks: made once, as making one costs a microsecond of the thirty of a check."""


@dataclass(frozen=True, slots=True)
class CallerBlock:
    """Who asks inside a `with` block: all that holds there, and the block around it."""

    caller: Mapping[str, Any]
    outer: CallerBlock | None


BLOCK: Final[ContextVar[CallerBlock | None]] = ContextVar("guardrails_caller_block", default=None)
"""The innermost block that is open here."""


def open_block(caller: Mapping[str, Any]) -> None:
    """Let a caller hold until `close_block`; what it does not say stays as the block around says it."""
    outer = BLOCK.get()
    BLOCK.set(CallerBlock(caller if outer is None else {**outer.caller, **caller}, outer))


def close_block() -> None:
    """End the innermost block."""
    if (block := BLOCK.get()) is not None:
        BLOCK.set(block.outer)


def find_caller(own: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return who asks here, where a check says nothing else: what a guard says of its `own`, and of the rest what holds here."""
    block = BLOCK.get()
    return own if block is None else {**block.caller, **own}


def fill_caller(context: Context, own: Mapping[str, Any]) -> Context:
    """Return a context with who asks, as far as it does not say so itself; `own` as for `find_caller`."""
    known = find_caller(own)
    if not known:
        return context
    missing = {name: value for name, value in known.items() if getattr(context, name) is None}
    return replace(context, **missing) if missing else context


Types = tuple[type, ...]
A_MAPPING: Final[tuple[Types, Types, str]] = ((Mapping,), (), 'a mapping, such as {"id": "u1"}')
A_TEXT: Final[tuple[Types, Types, str]] = ((str,), (), "a text")

TYPES: Final[Mapping[str, tuple[Types, Types, str]]] = {
    "user": A_MAPPING,
    "tenant": A_TEXT,
    "client": A_MAPPING,
    "metadata": A_MAPPING,
    "model": A_TEXT,
    "after": ((Verdict, Vault), (), "the verdict of what came before"),
    "system": A_TEXT,
    "prompt": A_TEXT,
    "sources": ((Sequence,), (bytes,), "a text or a list of texts"),
    "heard": ((Sequence,), (str, bytes), "a list of what tools returned"),
    "trust_system": ((bool,), (), "True or False"),
}
"""Option → the types that it may have, those of them that it may not, and what it is called in a message."""

CALLER: Final = frozenset(CallerOptions.__annotations__)
"""Options that say who asks."""

NULLABLE: Final = CALLER | {"after"}
"""Options that may be None."""


def check_options(method: str, options: Mapping[str, object], known: Set[str], others: Iterable[str]) -> None:
    """Raise `TypeError` for an option that there is not, or one of a wrong type.

    Args:
        method: whose options they are, for the message.
        options: what was given.
        known: those of a context that the method takes.
        others: the options that it has besides, for a did-you-mean.
    """
    for name, value in options.items():
        if name not in known:
            hint = suggest_name(name, [*others, *(each for each in TYPES if each in known)])
            raise TypeError(f"{method}() has no option {name!r}; {hint}")
        types, but, wanted = TYPES[name]
        if not isinstance(value, types) or isinstance(value, but):
            if value is None and name in NULLABLE:
                continue
            raise TypeError(f"{method}(): {name} must be {wanted}, not {describe_type(value)}")


def read_context(method: str, options: ContextOptions, *others: str) -> Context:
    """Return the context that the keyword arguments of a method say; raises `TypeError` as `check_options` does."""
    if not options:
        return NO_CONTEXT
    check_options(method, options, TYPES.keys(), others)
    return Context(**options)


def describe_type(value: object) -> str:
    """Return the type of a value as a message names it; the value may be nobody's business."""
    return "None" if value is None else f"a value of type {type(value).__name__!r}"
