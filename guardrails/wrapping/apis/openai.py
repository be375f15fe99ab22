"""The calls of OpenAI's SDK: those of the protocols that are its provider's, and those in which there is nothing to judge."""

from __future__ import annotations

import copy
from typing import Any, ClassVar, Final

from guardrails.wrapping.guard_errors import unwrapped_class
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.calls import Calls, calls_of
from guardrails.wrapping.sdk.client import GuardedClient
from guardrails.wrapping.sdk.client import wrap as guarded
from guardrails.wrapping.sdk.exchange import Terms

UNJUDGED = (
    "DELETE /chat/completions/*",
    "DELETE /responses/*",
    *(f"* /{name}/**" for name in ("files", "uploads", "models", "fine_tuning/jobs")),
    *("* /organization/**", "* /projects/**"),
    *("GET /vector_stores/**", "DELETE /vector_stores/**"),
    *("POST /vector_stores", "POST /vector_stores/*", "POST /vector_stores/*/files"),
    *("POST /vector_stores/*/files/*", "POST /vector_stores/*/file_batches"),
    "POST /vector_stores/*/file_batches/*/cancel",
)
"""Calls in which nothing is a prompt or an answer of a model."""

CALLS = Calls({**calls_of("openai"), **dict.fromkeys(UNJUDGED, None)})
"""What a wrapped client may call. What has prompts or answers in it is judged; what files hold is not (also not what is fetched
of them), nor what a fine-tuned model is made of. All else is refused, with nothing sent: batches, stored completions,
conversations, assistants and agents, containers, evals, realtime and live sessions, voices, and characters of films.
"""


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of OpenAI's with a guard around every call."""
    return guarded(client, terms, CALLS)


class GuardedRunner:
    """What a wrapped runner of tools has before its own class: it asks by wrapped clients alone."""

    _guardrails: ClassVar[Terms]

    def run(self, client: Any, *args: Any, **kwargs: Any) -> Any:
        inner: Any = super()
        return inner.run(self._guard(client), *args, **kwargs)

    def iterate(self, client: Any, *args: Any, **kwargs: Any) -> Any:
        inner: Any = super()
        return inner.iterate(self._guard(client), *args, **kwargs)

    def _guard(self, client: Any) -> Any:
        return client if isinstance(client, GuardedClient) else wrap(client, self._guardrails)


def wrap_runner(runner: Any, terms: Terms) -> Any:
    """Return a runner of tools of the same class, with a guard around the calls of whatever client it is given.

    The SDK makes an error of its own of whatever stops a run; of this one a guard's errors come as they are.
    """
    if isinstance(runner, GuardedRunner):
        raise TypeError(f"cannot wrap a {type(runner).__name__} that is wrapped already")
    base: Any = type(runner)
    made = copy.copy(runner)
    named = {"_guardrails": terms, "__module__": base.__module__, "__doc__": base.__doc__}
    made.__class__ = type(base.__name__, (GuardedRunner, unwrapped_class(base)), named)
    return made


WRAPPER: Final = Wrapper(
    "openai.OpenAI", "Guards every call of a client of OpenAI's SDK.", wrap, takes_schema=True
)
RUNNER: Final = Wrapper(
    "openai.ResponsesToolRunner",
    "Guards every call that a runner of tools makes by a client of OpenAI's SDK.",
    wrap_runner,
    takes_schema=True,
)
