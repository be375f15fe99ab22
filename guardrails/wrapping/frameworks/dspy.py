"""Language models of DSPy, guarded: what programs ask them and what they answer, with the tokens that `dspy.streamify` sends.

Of a token's chunk its text goes on, once it is judged. Chunks that say anything else, such as pieces of a tool's call, are held
back for good: the program gets all of the answer once it was judged.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from guardrails.engine.content.value_reader import is_readable, read_unread
from guardrails.errors import RequestError
from guardrails.types import Stage, Verdict
from guardrails.wrapping.frameworks.model_calls import ModelForm, begin_text, judge_prompt
from guardrails.wrapping.frameworks.subclass import with_methods
from guardrails.wrapping.guarded_call import Call, Check, Flow, arun, message_of, run
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.exchange import Terms

FORM: Final = ModelForm()


def lm_flow(terms: Terms, prompt: Any, messages: Any, options: dict[str, Any]) -> Flow:
    """Ask a language model; the answer is a list of texts, or of mappings with more than a text.

    Raises:
        RequestError: it is asked by an object that is neither a prompt nor messages.
    """
    if prompt is not None and not isinstance(prompt, str):
        kind = type(prompt).__name__
        raise RequestError(
            "unguarded_call", f"a {kind} cannot be judged: ask the model by a prompt or messages"
        )
    given = messages or [{"role": "user", "content": prompt or ""}]
    asked, sent = yield from judge_prompt(FORM, given, options.get("tools"))
    if asked.blocked:
        return [message_of(terms, asked)]
    answers = yield Call((asked, None, sent) if messages else (asked, sent[0]["content"], None))
    told = list[Any]()
    for answer in answers:
        subject = answer if is_readable(answer) else read_unread(answer, Stage.OUTPUT, "part")
        verdict: Verdict[Any] = yield Check(subject, Stage.OUTPUT, asked)
        if verdict.blocked:
            told.append(message_of(terms, verdict))
        else:
            told.append(restored(verdict, answer))
    return answers if told == answers else told


def restored(verdict: Verdict[Any], answer: Any) -> Any:
    """Return what a verdict leaves of an answer, with the user's own values in its text again."""
    left: Any = answer if verdict.content == answer else verdict.content
    restorer = verdict.restorer
    if restorer is None or not restorer.values:
        return left
    if isinstance(left, str):
        return restorer.restore(left)
    text = left.get("text") if isinstance(left, dict) else None
    return {**left, "text": restorer.restore(text)} if isinstance(text, str) else left


class GuardedTokens:
    """Takes the chunks that a model sends, and sends what may go on of their text, up to what the policy stops."""

    def __init__(self, terms: Terms, asked: Verdict[Any], stream: Any) -> None:
        self._begin = functools.partial(begin_text, terms, asked)
        self._text, self._stream = self._begin(), stream

    async def send(self, chunk: Any) -> None:
        """Take a chunk."""
        choice = next(iter(chunk.choices), None)
        if choice is None:
            return
        said, ends = choice.delta.content, choice.finish_reason is not None
        shown = await self._text.afeed(said) if isinstance(said, str) else ""
        if ends:
            shown += await self._text.aflush()
        if shown or (ends and not self._text.blocked):
            chunk = copy.deepcopy(chunk)
            set_text(chunk.choices[0].delta, shown)
            await self._stream.send(chunk)
        if ends:
            self._text = self._begin()  # of another answer to the same prompt


def set_text(delta: Any, text: str) -> None:
    """Let a chunk say a text and nothing else; it is a mapping, or an object, by which library DSPy asks."""
    if isinstance(delta, dict):
        for name in delta.keys() - {"role"}:
            delta[name] = None
        delta["content"] = text
        return
    for name in [*vars(delta), *(getattr(delta, "model_extra", None) or ())]:
        if name != "role":
            setattr(delta, name, None)
    delta.content = text


@contextmanager
def guarded_tokens(terms: Terms, asked: Verdict[Any]) -> Iterator[None]:
    """Have the tokens of an answer judged where DSPy streams them."""
    settings = import_module("dspy").settings
    stream = settings.send_stream
    with settings.context(send_stream=None if stream is None else GuardedTokens(terms, asked, stream)):
        yield


def wrap(model: Any, terms: Terms) -> Any:
    """Return a language model of the same class with a guard around what it is asked and what it answers.

    Raises:
        TypeError: it is wrapped already.
        ValueError: another stage is named for its answers.
    """
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is not for models: what a model generates stands at output")
    base: Any = type(model)

    def __call__(self: Any, prompt: Any = None, *, messages: Any = None, **options: Any) -> Any:
        def ask(asked: Verdict[Any], prompt: Any, messages: Any) -> Any:
            with guarded_tokens(terms, asked):
                return base.__call__(self, prompt, messages=messages, **options)

        return run(lm_flow(terms, prompt, messages, options), terms, ask)

    async def acall(self: Any, prompt: Any = None, *, messages: Any = None, **options: Any) -> Any:
        async def ask(asked: Verdict[Any], prompt: Any, messages: Any) -> Any:
            with guarded_tokens(terms, asked):
                return await base.acall(self, prompt, messages=messages, **options)

        return await arun(lm_flow(terms, prompt, messages, options), terms, ask)

    return with_methods(model, {"__call__": __call__, "acall": acall})


WRAPPER: Final = Wrapper("dspy.BaseLM", "Guards what a language model of DSPy is asked and answers.", wrap)
