"""One guarded call of a framework's model, as flows (`guarded_call.py`), whatever types the framework has for messages, tools,
answers and pieces of a stream.

A `ModelForm` shows what is asked and answered as OpenAI's chat API has it, and writes back what a policy leaves of that, in the
framework's own types. What it cannot write back is blocked rather than passed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from guardrails.context import Context
from guardrails.errors import block_error
from guardrails.protocols.reply_values import restore_reply
from guardrails.types import Stage, Verdict
from guardrails.wrapping.guarded_call import END, Call, Check, Flow, Give, Next, Run, message_of
from guardrails.wrapping.sdk.exchange import Terms
from guardrails.wrapping.text_stream import TextStream, open_stream

Message: TypeAlias = Mapping[str, Any]
"""A message as OpenAI's chat API has it."""


NO_OPTIONS: Final[Mapping[str, Any]] = {}


class ModelForm:
    """How the messages of a framework are read and written; as it stands for mappings of the chat API's own form."""

    def read_message(self, message: Any) -> Message:
        """Return a message of a prompt as the chat API has it."""
        return message  # type: ignore[no-any-return]

    def write_message(self, message: Any, left: Message) -> Any:
        """Return a message of a prompt as the policy leaves it, None where it has no form for that."""
        return left

    def read_tool(self, tool: Any) -> Any:
        """Return the definition of a tool as a model reads it."""
        return tool

    def read_answer(self, answer: Any) -> Message:
        """Return what a model answered as a message of the assistant's."""
        raise NotImplementedError

    def write_answer(self, answer: Any, left: Message) -> Any:
        """Return an answer as the policy leaves it, None where it has no form for that."""
        return None

    def write_refusal(self, text: str) -> Any:
        """Return the answer to a block."""
        return text

    def read_text(self, piece: Any) -> str:
        """Return what a piece of a stream adds to the answer's text."""
        raise NotImplementedError

    def is_text(self, piece: Any) -> bool:
        """Tell whether a piece says nothing but its text."""
        return True

    def write_piece(self, piece: Any, text: str, shown: str) -> Any:
        """Return a piece with another text; `shown` is all that was given so far, with it."""
        raise NotImplementedError

    def read_whole(self, pieces: Sequence[Any]) -> Message:
        """Return what pieces that say more than text make up, as a message of the assistant's without that text."""
        return {"role": "assistant", "content": ""}

    def write_held(self, pieces: Sequence[Any], shown: str) -> list[Any]:
        """Return the pieces that say more than text as they end a stream of which the text was given."""
        return [self.write_piece(piece, "", shown) for piece in pieces]

    def write_refusal_piece(self, text: str) -> Any:
        """Return the piece that answers a block."""
        return text


def as_answer(message: Message) -> dict[str, Any]:
    """Return an answer of the chat API that holds a message."""
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}


def ask_model(terms: Terms, form: ModelForm, messages: Sequence[Any], tools: Any = None) -> Flow:
    """Ask a model; it is given the messages as the policy leaves them."""
    asked, sent = yield from judge_prompt(form, messages, tools)
    if asked.blocked:
        return form.write_refusal(message_of(terms, asked))
    answer = yield Call((sent,))
    return (yield from judge_answer(terms, form, asked, answer))


def judge_prompt(
    form: ModelForm, messages: Sequence[Any], tools: Any = None, options: Mapping[str, Any] = NO_OPTIONS
) -> Flow:
    """Judge what a model is asked; return the verdict, and the messages that it may be given, None where it is blocked.

    Args:
        form: how messages are read and written.
        messages: of the prompt.
        tools: that the model may call.
        options: more fields of the chat API's requests, with words in them.
    """
    shown = {**options, **show_prompt(form, messages, tools)}
    asked: Verdict[Any] = yield Check(shown, Stage.INPUT)
    return asked, None if asked.blocked else write_prompt(form, messages, shown, asked)


def judge_answer(terms: Terms, form: ModelForm, asked: Verdict[Any], answer: Any) -> Flow:
    """Judge what a model answered; return what the caller may have of it."""
    said = form.read_answer(answer)
    verdict: Verdict[Any] = yield Check(as_answer(said), Stage.OUTPUT, asked)
    if verdict.blocked:
        return form.write_refusal(message_of(terms, verdict))
    left = left_of(verdict)
    if left == said:
        return answer
    written = form.write_answer(answer, left)
    if written is None:
        raise block_error(verdict)
    return written


def left_of(verdict: Verdict[Any]) -> Message:
    """Return what a verdict leaves of an answer, with the user's own values in it again."""
    content: Any = verdict.content
    if verdict.restorer is not None and verdict.restorer.values:
        content = restore_reply(content, verdict.restorer)
    left: Message = content["choices"][0]["message"]
    return left


def show_prompt(form: ModelForm, messages: Sequence[Any], tools: Any) -> dict[str, Any]:
    """Return what a model is asked as a request of the chat API."""
    shown: dict[str, Any] = {"messages": [form.read_message(message) for message in messages]}
    if tools:
        shown["tools"] = [form.read_tool(tool) for tool in tools]
    return shown


def write_prompt(
    form: ModelForm, messages: Sequence[Any], shown: Mapping[str, Any], asked: Verdict[Any]
) -> list[Any]:
    """Return the messages as a verdict leaves them: those of before that are blocked are left out.

    Raises:
        Blocked: it changes what there is no way to change, such as a tool's definition.
    """
    content: Any = asked.content
    if any(content.get(name) != value for name, value in shown.items() if name != "messages"):
        raise block_error(asked)
    gone, written = set(asked.removed), list[Any]()
    kept = [at for at in range(len(messages)) if f"/messages/{at}" not in gone]
    for at, left in zip(kept, content["messages"], strict=True):
        same = left == shown["messages"][at]
        made = messages[at] if same else form.write_message(messages[at], left)
        if made is None:
            raise block_error(asked)
        written.append(made)
    return written


def begin_text(terms: Terms, asked: Verdict[Any]) -> TextStream:
    """Return what judges the text of a streamed answer."""
    return open_stream(terms.guard, Stage.OUTPUT, Context(**{**terms.context, "after": asked}))


def stream_model(terms: Terms, form: ModelForm, messages: Sequence[Any], tools: Any = None) -> Flow:
    """Ask a model for a stream; its text goes on as it is judged. What says more, such as calls of tools, waits for the end."""
    asked, sent = yield from judge_prompt(form, messages, tools)
    if asked.blocked:
        return [form.write_refusal_piece(message_of(terms, asked))]
    return (yield from stream_answer(terms, form, asked, sent))


def stream_answer(terms: Terms, form: ModelForm, asked: Verdict[Any], sent: Sequence[Any]) -> Flow:
    """Ask a model for a stream by messages that were judged."""
    yield Call((sent,))
    return (yield from give_pieces(terms, form, asked))


def give_pieces(terms: Terms, form: ModelForm, asked: Verdict[Any]) -> Flow:
    """Give what may go on of a stream that has begun; return the rest."""
    text, told, last, held = begin_text(terms, asked), "", None, list[Any]()
    while (piece := (yield Next())) is not END:
        said = form.read_text(piece)
        if not form.is_text(piece):
            held.append(piece)
        if not said:
            if form.is_text(piece):
                yield Give(form.write_piece(piece, "", told))
            continue
        last = piece
        ready = yield Run(functools.partial(text.feeding, said))
        if text.blocked:
            break
        if ready:
            told += ready
            yield Give(form.write_piece(piece, ready, told))
    rest = yield Run(text.flushing)
    if text.blocked:
        assert text.verdict is not None
        return [form.write_refusal_piece(message_of(terms, text.verdict))]
    told += rest
    pieces = [form.write_piece(last, rest, told)] if rest else []
    return [*pieces, *(yield from _rest_of(terms, form, asked, held, told))]


def _rest_of(terms: Terms, form: ModelForm, asked: Verdict[Any], held: Sequence[Any], told: str) -> Flow:
    """Judge the pieces that waited; return them, each without the text that it had."""
    if not held:
        return []
    said = form.read_whole(held)
    verdict: Verdict[Any] = yield Check(as_answer(said), Stage.OUTPUT, asked)
    if verdict.blocked:
        return [form.write_refusal_piece(message_of(terms, verdict))]
    if left_of(verdict) != said:
        raise block_error(verdict)
    return form.write_held(held, told)
