"""The checks around one call of a wrapped function: its arguments before it, and what it returns or yields after it."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping
from typing import Any, TypeVar

from guardrails.context import Context
from guardrails.engine.content.payload import body
from guardrails.engine.content.value_reader import is_readable, read_pieces, read_unread, says_nothing
from guardrails.engine.media.frame_batches import (
    FPS,
    Film,
    Films,
    FrameWindow,
    build_film,
    films_of_pipeline,
    find_films,
    frames_of_film,
    is_frame,
    pictures_of_pipeline,
    replace_films,
    replace_pictures,
)
from guardrails.engine.redaction.vault import Vault, escape_placeholders, find_texts
from guardrails.engine.values.media import is_pixels
from guardrails.engine.values.plain import to_plain
from guardrails.engine.values.writer import find_changes, rebuild, replace_values
from guardrails.errors import block_error
from guardrails.protocols.chat.chat_payload import is_conversation
from guardrails.protocols.reasks import AnswerRejected, find_reask
from guardrails.protocols.reply_values import restore_reply
from guardrails.types import Action, Media, Returned, Stage, Verdict
from guardrails.wrapping.argument_roles import NO_ROLES, ArgumentRoles
from guardrails.wrapping.arguments import Arguments, plain_texts, put_value, read_arguments
from guardrails.wrapping.guarded_call import Check
from guardrails.wrapping.sdk.exchange import Terms
from guardrails.wrapping.text_stream import TextStream, open_stream

T = TypeVar("T")

Steps = Generator[Check, Verdict, Any]
"""Yields what is to be judged, gets the verdict, and returns what to use."""


def in_turn(steps: Iterable[Steps]) -> Steps:
    """Run steps one after the other; return a list of what they return."""
    returned: list[Any] = []
    for each in steps:
        returned += [(yield from each)]
    return returned


class CallStopped(Exception):
    """Ends a call early with the text that answers a block."""

    def __init__(self, text: str) -> None:
        self.text = text


class FunctionCall:
    """The checks around one call of a wrapped function. `vault` is what they handed out, `passed` what went before,
    `system` the system prompt, `prompt` what was asked last, `sources` what was retrieved, `heard` what tools returned. Pictures
    are frames where `fps` says so. `roles` say what the arguments are; the object that a method belongs to is handed on.
    `reasked` says how often the model was asked again already: infinitely often where it cannot be.
    """

    def __init__(
        self, terms: Terms, fps: float | None, roles: ArgumentRoles = NO_ROLES, *, reasked: float = math.inf
    ) -> None:
        self.terms = terms
        self.reasked = reasked
        self.fps = fps
        self.roles = roles
        self.vault = Vault()
        self.passed: list[Any] = []
        self.system = self.prompt = self.sources = ""
        self.heard: tuple[Returned, ...] = ()

    def settled(self, verdict: Verdict) -> Any:
        """Return what to use, or end the call with the policy's message where it is blocked and blocks are answered.

        Raises:
            Blocked: it is blocked, and blocks are not answered.
            GuardUnavailable: it could not be checked.
            AnswerRejected: the model is to be asked again.
        """
        if verdict.stage is self.terms.output and (reask := find_reask(verdict, self.reasked)) is not None:
            raise AnswerRejected(reask)
        if not verdict.blocked:
            return verdict.content
        if self.terms.answers and verdict.unavailable is None:
            raise CallStopped(verdict.refusal)
        raise block_error(verdict)

    def before(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Steps:
        """Check the arguments: all together, but for conversations, pictures and the like, each of which is judged by itself.
        Returns the arguments to use.
        """
        own = args[:1] if self.roles.is_method else ()
        given = args[len(own) :]
        arguments = read_arguments(self.roles.bind(given, kwargs))
        values = arguments.values
        if arguments.tree.leaves or arguments.tree.unchecked:
            payload = body(self.going_on(values), arguments.tree)
            values = yield from self.judged(values, payload)
        for path, value in arguments.apart:
            value = self.going_on(value)
            new = yield from self.judged(value, value)
            if new is not value:
                values = put_value(values, path, new)
        self.asked(arguments, values)
        names = [*values]
        return [*own, *(values[name] for name in names[: len(given)])], {
            name: values[name] for name in kwargs
        }

    def asked(self, arguments: Arguments, values: Mapping[Any, Any]) -> None:
        """Keep what the answer is judged beside: the instructions and prompts among arguments, as they are handed on."""
        said = {
            role: "\n".join(text for name in names for text in plain_texts(values[name]))
            for role, names in arguments.names.items()
        }
        self.system = said.get("system") or self.system
        self.prompt = said.get("prompt") or self.prompt

    def judged(self, value: Any, subject: Any) -> Steps:
        """Have an argument judged; return what to use in its place."""
        verdict = yield Check(subject, Stage.INPUT, self.vault, {"heard": self.heard})
        return self.kept(value, verdict)

    def going_on(self, value: Any) -> Any:
        """Return an argument for a check that knows those before it, so that each number stands for one value."""
        if self.passed:
            self.vault = Vault(self.vault)
            for text in find_texts(self.passed):
                self.vault.reserve(text)
            self.passed.clear()
            value = escape_placeholders(value, self.vault)
        self.passed.append(value)
        return value

    def after(self, value: Any) -> Steps:
        """Check what the function returned; return what the caller may have."""
        if self.terms.formatted is not None and not isinstance(value, str):
            if is_conversation(value):
                return (yield from self.answer(value, formatted=True))
            yield from self.answer(write_answer(value), formatted=True)
            return (yield from self.part(value))
        return (yield from self.part(value, formatted=True))

    def part(self, value: Any, *, formatted: bool = False) -> Steps:
        """Check a part of what the function returned, or with `formatted` all of it; return what the caller may have."""
        if says_nothing(value):
            return value
        if (framed := self.framed(value)) is not None:
            return replace_films(value, framed, (yield from in_turn(map(self.film, framed[0]))))
        if isinstance(value, list | tuple) and not (is_conversation(value) or self.is_table(value)):
            made = yield from self.each_after(value)
            return rebuild(value, {at: new for at, new in enumerate(made) if new is not value[at]})
        if (images := pictures_of_pipeline(value)) is not None:
            return replace_pictures(value, images, (yield from self.each_after(images)))
        return (yield from self.answer(value, formatted=formatted))

    def answer(self, value: Any, *, formatted: bool) -> Steps:
        """Check one value that the function returned; return what the caller may have."""
        verdict = yield self.answer_check(self.subject(value), formatted=formatted)
        return self.restored(self.kept(value, verdict))

    def is_table(self, value: Iterable[Any]) -> bool:
        """Tell whether a list that the function returned is rows of one answer, and not several answers or documents."""
        return self.terms.output is Stage.OUTPUT and all(isinstance(row, Mapping) for row in value)

    def subject(self, value: Any) -> Any:
        """Return what is judged of what the function returned: what nobody can read is unchecked."""
        return value if is_readable(value) else read_unread(value, self.terms.output, "part")

    def each_after(self, values: Iterable[Any]) -> Steps:
        """Check each of several values that the function returned; return a list of what the caller may have."""
        return (yield from in_turn(map(self.part, values)))

    def answer_check(self, value: Any, *, formatted: bool = False) -> Check:
        """Return the check of something that the function returned; `formatted`: it must fit the schema, if there is one."""
        beside = {"system": self.system, "prompt": self.prompt, "sources": self.sources, "heard": self.heard}
        return Check(value, self.terms.output, self.vault, beside, formatted)

    def framed(self, value: Any) -> Films | None:
        """Return the films of what the function returned, None where it is none."""
        return films_of_pipeline(value) or (None if self.fps is None else find_films(value))

    def film(self, frames: Film) -> Steps:
        """Check the frames of one film; return them as the policy leaves them."""
        if not frames:
            return frames
        film = build_film(frames, self.fps or FPS, self.terms.output, self.terms.guard.pipeline.policies)
        verdict = yield self.answer_check(film)
        self.settled(verdict)
        return frames_of_film(frames, film, verdict)

    def window(self, first: Any) -> FrameWindow | None:
        """Return what holds the frames of a stream that begins with a chunk, None where that is no frame."""
        if self.fps is None or not is_frame(first):
            return None
        return FrameWindow(self.fps, self.terms.guard.pipeline.policies)

    def kept(self, value: Any, verdict: Verdict) -> Any:
        """Return what to use in place of a value, itself where nothing changes."""
        content = self.settled(verdict)
        if isinstance(verdict.restorer, Vault):
            self.vault = verdict.restorer
        self.system = verdict.system or self.system
        self.prompt = verdict.prompt or self.prompt
        self.sources = verdict.sources or self.sources
        self.heard = verdict.heard or self.heard
        # A conversation may have got a canary although nothing was found in it.
        return content if verdict.action >= Action.REDACT or verdict.system else value

    def restored(self, answer: Any) -> Any:
        """Return what a model answered with the user's own values in it again."""
        if self.terms.output is not Stage.OUTPUT or not self.vault.values:
            return answer
        plain = to_plain(answer)
        restored = restore_reply(plain, self.vault)
        if plain is answer or restored is plain:
            return restored if plain is answer else answer
        return replace_values(answer, find_changes(plain, restored))

    def grows(self, first: Any) -> bool:
        """Tell whether a stream that begins with a chunk is a text that can be handed on as it grows."""
        return self.terms.output is Stage.OUTPUT and isinstance(first, str)

    def stream(self) -> TextStream:
        """Begin a text that grows."""
        return open_stream(
            self.terms.answering,
            self.terms.output,
            Context(**self.answer_check("").options(self.terms.context)),
        )

    def whole(self, chunks: list[Any]) -> Steps:
        """Check the chunks of a stream that is held; return what the caller may have. Pieces of one text are judged as that, a
        retriever's documents and pictures each, and what else may be pieces of one answer together.

        Raises:
            TypeError: they are of several kinds, so that nobody knows how they would be put together.
        """
        pieces = [chunk for chunk in chunks if chunk is not None]
        if self.terms.output == Stage.RETRIEVAL or all(map(_is_picture, pieces)):
            return (yield from self.each_after(pieces))
        if any(isinstance(each, str) for each in pieces):
            return [(yield from self.after("".join([require_kind(each, str) for each in pieces])))]
        if any(isinstance(each, bytes) for each in pieces):
            return [(yield from self.after(b"".join([require_kind(each, bytes) for each in pieces])))]
        if other := next(filter(_is_picture, pieces), None):
            raise TypeError(f"cannot check a stream of {type(other).__name__} among others: yield one kind")
        if self.terms.formatted is not None:
            raise TypeError("cannot check a stream of other things than texts against a schema: yield texts")
        verdict = yield self.answer_check(read_pieces(pieces, self.terms.output))
        return self.kept(pieces, verdict)


def write_answer(value: Any) -> str:
    """Return what a function answered with as JSON.

    Raises:
        TypeError: it is nothing that JSON can hold.
    """
    from pydantic_core import PydanticSerializationError, to_json

    try:
        return to_json(value, inf_nan_mode="constants").decode()
    except (PydanticSerializationError, ValueError):
        kind = type(value).__name__
        raise TypeError(
            f"cannot check a {kind} against a schema: return a text, or what JSON can hold"
        ) from None


def _is_picture(chunk: Any) -> bool:
    """Tell whether a chunk of a stream is a whole content by itself."""
    return isinstance(chunk, Media) or is_pixels(chunk)


def require_kind(chunk: Any, kind: type[T]) -> T:
    """Return a chunk of a stream of texts, or of bytes.

    Raises:
        TypeError: it is none: pieces of something else cannot be put together, so that a word split over two would pass.
    """
    if not isinstance(chunk, kind):
        name = "texts" if kind is str else "bytes"
        raise TypeError(f"cannot check a stream of {type(chunk).__name__}: yield {name}")
    return chunk
