"""What a reply is judged beside, as detectors read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

SOURCES = "\n\n"
"""What stands between the passages of `sources`."""


class ReplyContext(Mapping[str, str]):
    """What a reply is judged beside: `own`, and `sources`, which is put together when it is asked for. Few detectors read it,
    and in a long conversation every reply has all that was retrieved before it.
    """

    __slots__ = ("_given", "_message", "_retrieved", "own")

    def __init__(
        self, own: Mapping[str, str], given: str, retrieved: Sequence[tuple[int, str]], message: int
    ) -> None:
        self.own = own
        self._given, self._retrieved, self._message = given, retrieved, message

    def over(self, own: Mapping[str, str]) -> ReplyContext:
        """Return the same sources beside something else."""
        return ReplyContext(own, self._given, self._retrieved, self._message)

    def __getitem__(self, name: str) -> str:
        if name != "sources":
            return self.own[name]
        before = (text for at, text in self._retrieved if at < self._message)
        return SOURCES.join([*([self._given] if self._given else []), *before])

    def __iter__(self) -> Iterator[str]:
        return iter((*self.own, "sources"))

    def __len__(self) -> int:
        return len(self.own) + 1


def join_contexts(
    context: Mapping[str, str] | None, messages: Sequence[tuple[int | None, int]]
) -> Mapping[str, str]:
    """Return the context of a text that is joined of several messages.

    Args:
        context: of the last of them. The prompt before it is not what the others answer: they are replies to a prompt that is not
            known ("").
        messages: of each part that it is joined of the message, and where in the text it begins.
    """
    own = _own_of(context)
    if "prompt" in own:
        own["prompt"] = ""
    own["borders"] = " ".join(
        str(begin) for (before, _), (message, begin) in pairwise(messages) if message != before
    )
    return context.over(own) if isinstance(context, ReplyContext) else own


def forget_borders(context: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """Return the context of a joined text as that of what stands encoded in it, which has no borders."""
    own = _own_of(context)
    own.pop("borders", None)
    return context.over(own) if isinstance(context, ReplyContext) else own or None


def _own_of(context: Mapping[str, str] | None) -> dict[str, str]:
    return dict((context.own if isinstance(context, ReplyContext) else context) or {})
