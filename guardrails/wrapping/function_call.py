"""The checks around one call of a wrapped function: its arguments before it, and what it returns or yields after it."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Iterable, Mapping
from typing import Any

from guardrails.context import Context
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
    rebuild_sequence,
    replace_films,
    replace_pictures,
)
from guardrails.engine.redaction.vault import Vault, escape_placeholders, find_texts
from guardrails.engine.values.long_numbers import format_number
from guardrails.engine.values.media import is_pixels, refuse_batch
from guardrails.errors import Blocked
from guardrails.protocols.reply_values import restore_reply
from guardrails.types import Action, Media, Returned, Stage, Text, ToolCall, Verdict
from guardrails.wrapping.guarded_call import Check
from guardrails.wrapping.sdk.exchange import REFUSAL, Terms
from guardrails.wrapping.text_stream import TextStream, open_stream

Steps = Generator[Check, Verdict, Any]
"""Yields what is to be judged, gets the verdict, and returns what to use."""


def _in_turn(steps: Iterable[Steps]) -> Steps:
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
    are frames where `fps` says so.
    """

    def __init__(self, terms: Terms, fps: float | None) -> None:
        self.terms = terms
        self.fps = fps
        self.vault = Vault()
        self.passed: list[Any] = []
        self.system = self.prompt = self.sources = ""
        self.heard: tuple[Returned, ...] = ()

    def settled(self, verdict: Verdict) -> Any:
        """Return what to use; raise `Blocked`, or end the call with the policy's message, where it is
        blocked.
        """
        if not verdict.blocked:
            return verdict.content
        if self.terms.answers:
            raise CallStopped(verdict.message or REFUSAL)
        raise Blocked(verdict)

    def before(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Steps:
        """Check every argument that holds content; return the arguments to use."""
        checked = yield from _in_turn(map(self.argument, args))
        named = {}
        for name, value in kwargs.items():
            named[name] = yield from self.argument(value)
        return checked, named

    def argument(self, value: Any) -> Steps:
        """Check one argument; return what to use."""
        if _is_several(value):
            return rebuild_sequence(value, (yield from _in_turn(map(self.argument, value))))
        if _is_options(value):
            pairs = []
            for name, inner in value.items():
                pairs.append(((yield from self.argument(name)), (yield from self.argument(inner))))
            return dict(pairs) if pairs != list(value.items()) else value
        if not _is_content(value):
            return value
        value = self.going_on(value)
        verdict = yield Check(_shown(value), Stage.INPUT, self.vault, {"heard": self.heard})
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
        if _is_plain(value):
            return value
        if (framed := self.framed(value)) is not None:
            return replace_films(value, framed, (yield from _in_turn(map(self.film, framed[0]))))
        if _is_several(value):
            return rebuild_sequence(value, (yield from self.each_after(value)))
        if (images := pictures_of_pipeline(value)) is not None:
            return replace_pictures(value, images, (yield from self.each_after(images)))
        verdict = yield self.answer_check(_shown(value))
        return self.restored(self.kept(value, verdict))

    def each_after(self, values: Iterable[Any]) -> Steps:
        """Check each of several values that the function returned; return a list of what the caller may have."""
        return (yield from _in_turn(map(self.after, values)))

    def answer_check(self, value: Any) -> Check:
        """Return the check of something that the function returned."""
        beside = {"system": self.system, "prompt": self.prompt, "sources": self.sources, "heard": self.heard}
        return Check(value, self.terms.output, self.vault, beside)

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
        return (
            restore_reply(answer, self.vault)
            if self.terms.output is Stage.OUTPUT and self.vault.values
            else answer
        )

    def grows(self, first: Any) -> bool:
        """Tell whether a stream that begins with a chunk is a text that can be handed on as it grows."""
        return self.terms.output is Stage.OUTPUT and not _is_picture(first)

    def stream(self) -> TextStream:
        """Begin a text that grows."""
        return open_stream(
            self.terms.guard, self.terms.output, Context(**self.answer_check("").options(self.terms.context))
        )

    def whole(self, chunks: list[Any]) -> list[Any]:
        """Return the chunks of a stream that is held, for checking: pieces of one text joined, a retriever's documents each.

        Raises:
            TypeError: they cannot be put together.
        """
        texts = [chunk for chunk in chunks if chunk is not None]
        if self.terms.output == Stage.RETRIEVAL or all(map(_is_picture, texts)):
            return texts
        return ["".join(map(require_text, texts))]


def _is_picture(chunk: Any) -> bool:
    """Tell whether a chunk of a stream is a whole content by itself."""
    return isinstance(chunk, Media) or is_pixels(chunk)


def require_text(chunk: Any) -> str:
    """Return the text that a chunk of a stream is.

    Raises:
        TypeError: it is none: pieces of something else cannot be put together, so that a word split over two would pass.
    """
    if not isinstance(chunk, str):
        raise TypeError(f"cannot check a stream of {type(chunk).__name__}: yield texts")
    return chunk


def _is_plain(value: Any) -> bool:
    """Tell whether a value says nothing: None, a flag, or a number too short to be anyone's."""
    return value is None or (isinstance(value, int | float) and not format_number(value))


def _is_message(entry: Any) -> bool:
    """Tell whether something is a message, be it one that only its own library can read."""
    return (
        "role" in entry
        if isinstance(entry, Mapping)
        else hasattr(entry, "role") and hasattr(entry, "content")
    )


def _is_several(value: Any) -> bool:
    """Tell whether a value is a list of contents to judge each, such as documents or prompts."""
    return isinstance(value, list | tuple) and not any(map(_is_message, value))


def _is_options(value: Any) -> bool:
    """Tell whether a value is a mapping of no form of its own."""
    return isinstance(value, Mapping) and "messages" not in value and "role" not in value


def _is_content(value: Any) -> bool:
    """Tell whether an argument is text, messages or a picture; options, clients and the like are not."""
    if isinstance(value, int | float):
        return bool(format_number(value))
    if isinstance(value, str | bytes | list | tuple | Mapping | Text | ToolCall | Media) or _is_message(
        value
    ):
        return True
    refuse_batch(value)
    # Arrays of other shapes are vectors and the like.
    return is_pixels(value) and (not hasattr(value, "ndim") or (value.ndim == 3 and value.shape[2] in (3, 4)))


def _shown(value: Any) -> Any:
    """Return what is judged of a value."""
    if isinstance(value, int | float):
        return format_number(value)
    if inspect.iscoroutine(value):
        value.close()  # a plain function returned it: nobody will await it any more
    return value
