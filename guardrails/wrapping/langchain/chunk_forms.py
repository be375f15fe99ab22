"""The forms of what LangChain streams: a piece in, its text and what else it says out, and pieces with another text."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar

from guardrails.engine.content.content_tree import ContentTree
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path
from guardrails.wrapping.langchain.flows import REFUSED, generation
from guardrails.wrapping.langchain.values import MESSAGE, SPELLED

READ = ("id", "response_metadata", "usage_metadata")
"""Fields of a message that may go on with its text if all that they hold is words and numbers."""

ENDS = ("finish_reason", "stop_reason")
"""What says why an answer ended."""


def added(pieces: Sequence[Any]) -> Any:
    """Return the pieces of a stream as one; None of none.

    Raises:
        TypeError: they cannot be put together, so that a word split over two of them would pass.
    """
    try:
        return functools.reduce(lambda whole, piece: whole + piece, pieces) if pieces else None
    except TypeError:
        raise TypeError(
            f"cannot check a stream of {type(pieces[0]).__name__}: its pieces cannot be added"
        ) from None


class Form:
    """Pieces of a kind that is put together, and does not grow.

    Attributes:
        path: where a text that grows stands in what is judged of the whole.
        role: whose it is.
    """

    path: ClassVar[Path] = ("value",)
    role: ClassVar[str | None] = None

    def fits(self, first: Any) -> bool:
        """Tell whether a stream that begins with a piece is of this form."""
        return True

    def text(self, piece: Any) -> str | None:
        """Return the text of a piece, None where it holds something else."""
        return None

    def waits(self, piece: Any) -> bool:
        """Tell whether a piece says something that waits for the end."""
        return True

    def is_bare(self, piece: Any) -> bool:
        """Tell whether a piece says nothing but its text."""
        return False

    def copy(self, piece: Any) -> Any:
        """Return a piece for a caller who may write into it."""
        return piece

    def told(self, piece: Any, text: str, *, again: bool) -> Any:
        """Return a piece with another text, without what spells the old one; with `again` it says nothing else."""
        raise NotImplementedError

    def whole(self, pieces: Sequence[Any]) -> Any:
        """Return the pieces as one."""
        return added(pieces)

    def shown(self, whole: Any, pieces: Sequence[Any]) -> Any:
        """Return what is judged."""
        return whole

    def left(self, pieces: Sequence[Any], whole: Any, left: Any, rest: str) -> Any:
        """Return the last of the pieces as one, as a policy changed the whole: `left` is what it leaves of what was judged,
        `rest` of the text.
        """
        return left

    def refusal(self, words: str) -> Any:
        """Return the piece that answers a block."""
        return words


class Others(Form):
    """Pieces of any kind."""


class Texts(Form):
    """Strings."""

    def fits(self, first: Any) -> bool:
        return isinstance(first, str)

    def text(self, piece: Any) -> str | None:
        return piece if isinstance(piece, str) else None

    def waits(self, piece: Any) -> bool:
        return False

    def is_bare(self, piece: Any) -> bool:
        return True

    def told(self, piece: Any, text: str, *, again: bool) -> Any:
        return text

    def left(self, pieces: Sequence[Any], whole: Any, left: Any, rest: str) -> Any:
        return rest


class Completions(Texts):
    """`GenerationChunk`s."""

    def text(self, piece: Any) -> str | None:
        text: str = piece.text
        return text

    def waits(self, piece: Any) -> bool:
        return _ends(piece.generation_info)

    def is_bare(self, piece: Any) -> bool:
        return not piece.generation_info

    def told(self, piece: Any, text: str, *, again: bool) -> Any:
        return type(piece)(text=text, generation_info=None if again else silent(piece.generation_info))

    def whole(self, pieces: Sequence[Any]) -> Any:
        return "".join(piece.text for piece in pieces)

    def left(self, pieces: Sequence[Any], whole: Any, left: Any, rest: str) -> Any:
        return self.told(pieces[-1], rest, again=False)

    def refusal(self, words: str) -> Any:
        return import_module("langchain_core.outputs").GenerationChunk(text=words)


class Messages(Form):
    """`AIMessageChunk`s."""

    path: ClassVar[Path] = ("value", "content")
    role = "assistant"

    def fits(self, first: Any) -> bool:
        return getattr(first, "type", None) == "AIMessageChunk"

    def text(self, piece: Any) -> str | None:
        content = getattr(piece, "content", None)
        return content if isinstance(content, str) and self.fits(piece) else None

    def waits(self, piece: Any) -> bool:
        others = [value for name, value in piece if name not in ("content", "type", *READ)]
        if any(value not in (None, "", [], {}, False) for value in others) or _ends(piece.response_metadata):
            return True
        tree = ContentTree()
        read = {name: getattr(piece, name) for name in READ}
        MESSAGE(tree, read, (), Place(Stage.OUTPUT, role=self.role))
        return bool(tree.leaves or tree.unchecked)

    def is_bare(self, piece: Any) -> bool:
        return not piece.response_metadata and not piece.usage_metadata

    def told(self, piece: Any, text: str, *, again: bool) -> Any:
        if again:
            return type(piece)(content=text, id=piece.id)
        new = {"content": text, "response_metadata": silent(piece.response_metadata)}
        return piece.model_copy(update=new)

    def left(self, pieces: Sequence[Any], whole: Any, left: Any, rest: str) -> Any:
        last = added(pieces)
        names = [name for name, value in whole if name not in ("content", "response_metadata")]
        new = {name: getattr(left, name) for name in names if getattr(left, name) != getattr(whole, name)}
        new["content"] = rest if isinstance(whole.content, str) else left.content
        return last.model_copy(update={**new, "response_metadata": silent(last.response_metadata)})

    def refusal(self, words: str) -> Any:
        messages = import_module("langchain_core.messages")
        return messages.AIMessageChunk(content=words, response_metadata={**REFUSED})


class Chunks(Messages):
    """`ChatGenerationChunk`s."""

    path: ClassVar[Path] = ("value", 0, "content")

    def text(self, piece: Any) -> str | None:
        return super().text(piece.message)

    def waits(self, piece: Any) -> bool:
        return super().waits(piece.message) or _ends(piece.generation_info)

    def is_bare(self, piece: Any) -> bool:
        return super().is_bare(piece.message) and not piece.generation_info

    def copy(self, piece: Any) -> Any:
        return piece.model_copy(update={"message": piece.message.model_copy()})

    def told(self, piece: Any, text: str, *, again: bool) -> Any:
        info = None if again else silent(piece.generation_info)
        return type(piece)(message=super().told(piece.message, text, again=again), generation_info=info)

    def whole(self, pieces: Sequence[Any]) -> Any:
        if not pieces:
            raise ValueError("the model's stream has no chunks")
        return added(pieces)

    def shown(self, whole: Any, pieces: Sequence[Any]) -> Any:
        # What is no field of a message is lost where chunks are added.
        return [whole.message, [each.message.model_extra for each in pieces if each.message.model_extra]]

    def left(self, pieces: Sequence[Any], whole: Any, left: Any, rest: str) -> Any:
        messages = [piece.message for piece in pieces]
        return generation(added(pieces), super().left(messages, whole.message, left[0], rest))

    def refusal(self, words: str) -> Any:
        outputs = import_module("langchain_core.outputs")
        return outputs.ChatGenerationChunk(message=super().refusal(words))


def _ends(info: Mapping[str, Any] | None) -> bool:
    return any((info or {}).get(name) is not None for name in ENDS)


def silent(info: Mapping[str, Any] | None) -> Any:
    """Return what is said of an answer without what spells its text."""
    return None if info is None else {name: value for name, value in info.items() if name != SPELLED}
