"""The operator's budget for one request: refuses with `RequestError` what is more than may be judged at once.

It bounds the work of one request, before any of it is done, whatever the policy says: `limits` of a policy are for each text,
picture and film by itself, and say what of it was not judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from string import ascii_letters
from typing import Final

from guardrails.engine.content.content_tree import Leaf
from guardrails.errors import RequestError
from guardrails.types import Audio, Image, Text, Video

CODE: Final = "request_too_large"
"""The code of what is over a budget."""

WINDOW_TOKENS: Final = 96
"""New tokens in a window of the shipped model, which has 128 with those before it and its marks."""

LETTERS_PER_TOKEN: Final = 4
_LETTERS: Final = (ascii_letters + " ").encode()

SETTING: Final = "max_"
"""What stands before a field's name where it is a setting of the proxy."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one request, or one answer, may hold at most, as it is read from its body: texts that stand encoded in others, and
    texts that are joined of others, do not count; pictures count wherever they stand.
    """

    contents: int = 10_000
    """Texts, tool calls, pictures, films and sounds. A long conversation of an agent has two or three thousand. A short text
    that is new costs the shipped default policy 0.75 ms (2,000 of them in 1.5 s), so this many come to about its deadline."""
    characters: int = 4_000_000
    """Characters of all texts: a million tokens of English, which is as much as models read."""
    pictures: int = 100
    """Pictures, those in texts as data URIs too: as many as Anthropic's API takes in one request."""
    pixels: int = 250_000_000
    """Pixels of all frames of all pictures that are looked at, as their headers say: 120 screenshots of 1,920 by 1,080, or 20
    photos of 12 million."""
    files: int = 20
    """Films and sounds, each of which is opened by a process."""
    windows: int = 12_000
    """Windows in which a model reads the texts, as far as their characters tell: 12,000 are 4,000,000 characters of English, or
    1,150,000 of numbers, signs and other scripts. Nothing where no detector reads windows."""
    choices: int = 128
    """Answers that a request asks for at once (`n`): as many as OpenAI's API gives."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(
                    f"{field.name} of a budget must be a whole number of at least 1, not {value!r}"
                )

    def admits(self, leaves: Sequence[Leaf], *, windows: bool = False) -> None:
        """Raise `RequestError` where leaves are more than the budget allows, before anything else is done with them.

        Args:
            leaves: what is to be judged.
            windows: whether a model reads texts in windows.
        """
        contents = characters = pictures = files = 0
        texts: list[str] = []
        for leaf in leaves:
            if leaf.pieces:
                continue
            contents += 1
            content = leaf.content
            if type(content) is Text:
                characters += len(content.text)
                texts.append(content.text)
            elif isinstance(content, Image):
                pictures += 1
            elif isinstance(content, Video | Audio):
                files += 1
        if contents > self.contents or characters > self.characters or pictures or files:
            self.allows(contents=contents, characters=characters, pictures=pictures, files=files)
        # Hardly a request is so long that it has to be looked at for this.
        if windows and characters > self.windows * WINDOW_TOKENS:
            self.allows(windows=estimate_windows(texts))

    def admits_pictures(self, leaves: Sequence[Leaf]) -> None:
        """Raise `RequestError` where more pictures are among leaves than the budget allows."""
        self.allows(pictures=sum(isinstance(leaf.content, Image) for leaf in leaves))

    def allows(self, **counts: int) -> None:
        """Raise `RequestError` where one of these numbers, by the names of the budget's fields, is more than it allows."""
        for name, number in counts.items():
            if number > getattr(self, name):
                raise RequestError(CODE, _message(name, number, getattr(self, name)))


def estimate_windows(texts: Sequence[str]) -> int:
    """Return about how many windows a model reads of texts: it reads words of English as a token each, and of all else as many as
    there are characters. To count them exactly takes a tenth of the work that is to be saved.
    """
    tokens = 0
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        letters = len(data) - len(data.translate(None, _LETTERS))
        tokens += letters // LETTERS_PER_TOKEN + len(text) - letters
    return tokens // WINDOW_TOKENS


def _message(name: str, number: int, most: int) -> str:
    setting = f"{SETTING}{name} (in Python Budget({name}=…))"
    return f"{number} {name} are more than the {most} that are judged at once; the operator's setting is {setting}"


UNBOUNDED: Final = Budget(*[1 << 62] * len(fields(Budget)))
"""Bounds nothing."""
