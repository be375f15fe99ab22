"""Tells whether a repair of JSON kept all that was written: words, numbers and names in their order, and nothing besides.

A repair may take away quotes, brackets, commas, comments and dots that stand for more. One that takes away a word, such as
the second half of `1 200` or the first value of a key that stands twice, has guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

# What is never closed ends with the text or the line, so that no text takes the square of its length.
_TEXT_OR_COMMENT: Final = re.compile(
    r'"(?:[^"\\]|\\.)*+(?:"|\Z)'
    r"|'(?:[^'\\\n]|\\[^\n])*+(?:'|\\?$)"
    r"|(?P<comment>//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|(?:^|(?<=\s))#[^\n]*)",
    re.DOTALL | re.MULTILINE,
)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_QUOTES: Final = "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb"
_WORD: Final = re.compile(rf"[^\s{_QUOTES}{{}}\[\]():,;]+")
_BRACKET: Final = re.compile(r"[\[\]{}]")
_EMPTY_TEXT: Final = re.compile("\"\"|''|\u201c\u201d")
_ESCAPED: Final = {"n": " ", "t": " ", "r": " ", "b": "\b", "f": "\f"}
_SAME: Final = {"None": "null", "True": "true", "False": "false"}


def loses_something(source: str, value: Any) -> bool:
    """Tell whether a value lacks what stands in the text that it was read from, or has what does not stand there.

    Args:
        source: the text, which begins, or nearly, with a bracket. Words after the last bracket are no part of it.
        value: what a repair made of it, of JSON's types.
    """
    plain = _TEXT_OR_COMMENT.sub(lambda match: " " if match["comment"] else match[0], source)
    plain = _ESCAPE.sub(_unescape, plain)
    written = [match for match in _WORD.finditer(plain) if match[0].strip(".…")]
    texts = [*_texts(value)]
    made = [(word, at == 0) for text in texts for at, word in enumerate(_words(text))]
    if len(made) > len(written) or sum(text == "" for text in texts) > len(_EMPTY_TEXT.findall(plain)):
        return True  # a value that was never written
    end = 0
    for match, (word, is_first) in zip(written, made, strict=False):
        if not _is_same(match[0], word):
            return True
        if is_first and end and not plain[end : match.start()].strip(" \t"):
            return True  # two values of what is written as one, such as `12 cm`
        end = match.end()
    rest = next(islice(written, len(made), None), None)
    # What is left over is prose only where all brackets are closed before it.
    return rest is not None and (
        _BRACKET.search(plain, rest.start()) is not None or not (made and _closes(plain[: rest.start()]))
    )


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text) if word.strip(".…")]


def _closes(text: str) -> bool:
    return text.rstrip(" \t\r\n`'\".;,").endswith(("}", "]"))


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPED.get(match[2], match[2])


def _texts(value: Any) -> Iterator[str]:
    """Yield what is written of a value, in its order: names, texts, numbers and constants."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is None or isinstance(value, bool):
        yield {None: "null", True: "true", False: "false"}[value]
    else:
        yield str(value)


def _is_same(written: str, made: str) -> bool:
    if _SAME.get(written, written) == _SAME.get(made, made):
        return True
    try:
        return float(written) == float(made)
    except ValueError:
        return False
