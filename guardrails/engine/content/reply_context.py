"""What a reply is judged beside, as detectors read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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


def forget_prompt(context: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """Return the context of the last of several replies as that of all of them: the prompt before it is not what the others
    answer. They are replies to a prompt that is not known ("").
    """
    if context is None or not context.get("prompt"):
        return context
    if isinstance(context, ReplyContext):
        return context.over({**context.own, "prompt": ""})
    return {**context, "prompt": ""}
