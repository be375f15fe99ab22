"""Reads the JSON of services' answers strictly, and raises `UnreadableResponse` for what is not as the protocol has it.

The words of an `UnreadableResponse` name fields of the protocol, and nothing that a service wrote.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final

from guardrails.detectors.llm.llm_detector import JudgeAnswer, JudgeRequest, RemoteJudge, Scores
from guardrails.detectors.services.labels import best_scores
from guardrails.remote.endpoint import RemoteError
from guardrails.types import Image, Stage, Unchecked

PICTURES: Final = {
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "gif": re.compile(rb"GIF8[79]a"),
    "webp": re.compile(rb"(?s)RIFF....WEBP"),
    "bmp": re.compile(rb"BM"),
    "tiff": re.compile(rb"II\*\0|MM\0\*"),
}
"""How the bytes of a picture begin, by its format."""

PLAUSIBLE: Final = 1e9
"""No number of an answer is larger: whole numbers of JSON may have any number of digits."""


class UnreadableResponse(RemoteError):
    """An answer that is none."""


def read_mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Return an object, which `what` names in the error."""
    if not isinstance(value, Mapping):
        raise UnreadableResponse(f"the answer has no {what}")
    return value


def read_list(value: Any, what: str, length: int | None = None) -> list[Any]:
    """Return a list, perhaps of a length."""
    if not isinstance(value, list):
        raise UnreadableResponse(f"the answer has no {what}")
    if length is not None and len(value) != length:
        raise UnreadableResponse(f"the answer has {len(value)} {what} for {length} inputs")
    return value


def read_number(value: Any, what: str, most: float = 1.0) -> float:
    """Return a number from 0 to `most` as a score."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise UnreadableResponse(f"{what} is no number from 0 to {most:g}")
    return value / most


def read_boolean(value: Any, what: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise UnreadableResponse(f"{what} is neither true nor false")
    return value


def read_text(value: Any, what: str) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise UnreadableResponse(f"{what} is no text")
    return value


def read_count(value: Any, what: str) -> int:
    """Return a whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= PLAUSIBLE:
        raise UnreadableResponse(f"{what} is no whole number")
    return value


def skip_request(reason: str) -> JudgeAnswer:
    """Return the answer to an ask that cannot be put to the service."""
    return JudgeAnswer(unchecked=(Unchecked("part", reason),))


def merge_answers(readings: Sequence[JudgeAnswer]) -> JudgeAnswer:
    """Return what several answers to one ask say together."""
    if len(readings) == 1:
        return readings[0]
    return JudgeAnswer(
        best_scores(pair for each in readings for pair in each.scores.items()),
        tuple(dict.fromkeys(spot for each in readings for spot in each.spots)),
        tuple(dict.fromkeys(left for each in readings for left in each.unchecked)),
    )


def read_picture(ask: JudgeRequest, formats: Iterable[str]) -> tuple[str, bytes] | None:
    """Return the format and the bytes of a picture, None where it has none of these formats.

    A picture of which only an address is known was not fetched, and has no bytes.
    """
    content = ask.content
    assert isinstance(content, Image)
    for name in formats:
        if PICTURES[name].match(content.data):
            return name, content.data
    return None


async def gather_requests(work: Sequence[Coroutine[Any, Any, JudgeAnswer]]) -> list[JudgeAnswer]:
    """Wait for several requests beside one another; the first that fails ends the others."""
    if len(work) == 1:
        return [await work[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except BaseExceptionGroup as error:
        raise error.exceptions[0] from None
    return [task.result() for task in tasks]


class EndpointJudge:
    """A judge that is asked only what its service reads, and whose errors say which endpoint could not be read."""

    def __init__(self, judge: RemoteJudge, endpoint: str, contents: frozenset[str]) -> None:
        self._judge, self._endpoint, self._contents = judge, endpoint, contents
        self.most = judge.most

    async def score(self, asks: Sequence[JudgeRequest]) -> Sequence[Scores | JudgeAnswer]:
        """Answer each ask."""
        asked = [ask for ask in asks if ask.content.kind in self._contents]
        try:
            found = iter(await self._judge.score(asked) if asked else ())
        except UnreadableResponse as error:
            raise RemoteError(f"endpoint {self._endpoint!r}: {error}") from None
        return [
            next(found)
            if ask.content.kind in self._contents
            else skip_request(f"endpoint {self._endpoint!r} reads no {ask.content.kind}")
            for ask in asks
        ]


class PerStageJudge:
    """A judge that asks for each stage at which a content stands.

    Args:
        ask: puts one ask, at one of its stages, to the service.
        once: the service does not tell stages apart, so the first will do.
    """

    most = 1

    def __init__(
        self, ask: Callable[[JudgeRequest, Stage], Coroutine[Any, Any, JudgeAnswer]], *, once: bool = False
    ) -> None:
        self._ask, self._once = ask, once

    async def score(self, asks: Sequence[JudgeRequest]) -> list[JudgeAnswer]:
        """Answer each ask."""
        return [
            merge_answers(await gather_requests([self._ask(ask, stage) for stage in self._stages(ask)]))
            for ask in asks
        ]

    def _stages(self, ask: JudgeRequest) -> tuple[Stage, ...]:
        place = ask.content.place
        return (place.stage,) if self._once else tuple(dict.fromkeys((place.stage, *place.also)))
