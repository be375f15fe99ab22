"""Growing texts: where one can be cut so that its readings are those of its parts, and the readings of a part, side by side.

No code, no run of single letters and no word in disguise goes on over such a cut, whatever follows: before it stand a plain
word or number and one sign that is part of none, behind it a character that combines with nothing.
"""

from __future__ import annotations

import re
from typing import Final

from guardrails.text import segments
from guardrails.text.deobfuscation import (
    _LIKELY_LETTERS,
    _OTHER_LETTERS,
    _choose_letters,
    _find_decodings,
    _find_marks,
    _normalize_and_decode,
    is_clean,
)
from guardrails.text.marks import LONGEST, LONGEST_TAG
from guardrails.text.views import TextView, normalize_text, replace_stretches

READINGS: Final = 7
"""How many readings there are: codes and joined letters; then each way to read signs, with repeats as one letter or two."""

LEAD: Final = 2
"""Letters in front of a cut inside of a word that must be read together with what follows it."""

_SIGN: Final = r" \t\n\r\f\v\u00a0\u3000.,?()\[\]\"'*:=>\u201c\u201d\u2018\u2019\u3001\u3002\uff0c"
"""Characters that no code, no shape and no word in disguise has in it, and that are no single letter."""
_PARTING: Final = re.sub(r"[\"'*>]|\\u201[89cd]", "", _SIGN) + "\u201c\u201d\u2018\u2019"
_BEHIND: Final = (
    rf"(?:[{_PARTING};{{}}]|_(?=[^_])|-(?![\r\n])|\*+(?=[^*\w])|<(?=[^!/A-Za-z])|>(?=[^\w@+\-<])"
    r"|[\"'`]\s{0,9}(?=[^\s.+|&<>\"'`])(?!(?<=`)\w))"
)
"""Those that are in none behind a plain word: a hyphen at a line end may divide one, markup and quotes may stand in one."""
_TAG: Final = re.compile(r"(?<=\S)(?:<[!/A-Za-z]|/\*)")
"""What may begin a tag or a comment in a word."""
_BEGIN: Final = rf"(?:(?<![^{_SIGN}])(?<!\x1b\[)(?<!1[bB]\[)(?<!\\033\[)(?<!\\e\[)|(?<=[^\W_][\-_/`]))"
_NEXT: Final = r"(?=[^\x00-\x08\x0e-\x1f\x7f&\\])"
_WORD: Final = rf"(?P<letters>[^\W\d_]{{2,}})|[0-9]{{2,}}|(?P<key>[A-Za-z0-9]{{{LONGEST + 1},}})"
_CUT: Final = re.compile(rf"(?:\A|{_BEGIN}(?:{_WORD}){_BEHIND})[ \t\r\n]*{_NEXT}")
_INSIDE: Final = re.compile(rf"{_BEGIN}[A-Za-z]{{{LEAD},}}{_NEXT}")
_SAME: Final = re.compile(r"(.)\1+")


def find_cut(text: str, start: int, *, inside: bool = False) -> int:
    """Return the last place at which a growing text can be cut; `start`, if none behind it is known yet.

    Args:
        text: what there is so far, from an earlier cut on.
        start: the place from which on to look.
        inside: whether words may be cut too, behind two letters that are then read again: in front of the part that
            follows. That is right for what codes and single letters make, not for letters made of signs, and repeats.
    """
    found = start
    joins = segments.joiner_pattern().match
    for match in _CUT.finditer(text, start):
        end = match.end()
        if end > found and _is_plain(match) and not joins(text, end) and not _is_in_tag(text, end):
            found = end
    if inside:
        for match in _INSIDE.finditer(text, found):
            if not joins(text, match.end()) and not _is_in_tag(text, match.end()):
                found = match.end()
    return found


def _is_in_tag(text: str, at: int) -> bool:
    """Tell whether a place may be inside of a tag or a comment that stands in a word."""
    start = max(at - LONGEST_TAG, 0)
    last = max(text.rfind("<", start, at), text.rfind("/*", start, at))
    if last < 0 or _TAG.match(text, last) is None:
        return False
    return text.find(">" if text[last] == "<" else "*/", last, at) < 0


def last_word_start(text: str) -> int:
    """Return where the last word begins, behind which a cut may become known; earlier ones need not be searched again."""
    last = len(text) - 1  # a sign at the very end is not followed by anything yet
    return max(text.rfind(" ", 0, last), text.rfind("\n", 0, last)) + 1


def _is_plain(match: re.Match[str]) -> bool:
    """Say whether a word stays as it is: letters all, or too long to be one in disguise."""
    if word := match["letters"]:
        if word.isascii():
            return True
        view = normalize_text(word).text
        return len(view) > 1 and view.isalpha()
    if key := match["key"]:
        return len(_SAME.sub(r"\1", key)) > LONGEST
    return True


def mark_part(text: str) -> TextView | None:
    """Return the view of a part with its disguises marked, all of it; None where nothing is disguised."""
    return None if is_clean(text) else _find_marks(text, True)


def read_part(text: str, *, letters: bool) -> tuple[TextView, ...] | None:
    """Return the readings of a part, the same ones in the same order for each part; None where nothing is disguised.

    Args:
        text: a part, from cut to cut.
        letters: False gives the first alone, which keeps digits and repeats.
    """
    if is_clean(text):
        return None
    written = _find_marks(text, False)
    marks = _find_marks(text, True) if letters else written
    if marks is None:
        return None
    first = _normalize_and_decode(text) if written is None else next(iter(_reading(written, once=True)))
    if not letters:
        return (first,)
    return (first, *_reading(marks, once=True), *_reading(marks, once=False))


def _reading(marks: TextView, *, once: bool) -> tuple[TextView, ...]:
    text = marks.text
    ways = (text.translate(_LIKELY_LETTERS), text.translate(_OTHER_LETTERS), _choose_letters(text))
    return tuple(
        replace_stretches(letters, _find_decodings(letters, once=once)).over(marks) for letters in ways
    )
