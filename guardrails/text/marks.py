r"""Marks the disguises in a normalized text, one character for one.

Four private marks and one code for each leet sign (control characters, which `escapes` has taken out) say what a
character may be, so that nothing is decided too early: `1` may be i or l, `feeel` feel or fel, and where single
letters are joined, words may end anywhere.

Rules, chosen so that `A55`, `h264`, `$5m`, `4x4`, `covid19`, `utf8`, `3rd`, `10k`, `R2D2` and numbers stay:

- Leet signs are read in a word (letters, digits, `@$!|+`, shapes such as `|\/|`) that has one of `013457@$!|€¢` or a
  shape of three signs between letters, or two of them around letters; or one such digit before three letters, one of
  `@$` before two, or two of `@$` after a letter; or one of `03@$` at the end after three. Other digits at the end are no
  evidence, nor are 2, 6, 8, 9 and `+` alone.
  In a word next to such a word, one sign beside a letter is enough (`h4ck a11`). Hex and mail addresses stay.
- Single letters are joined from four on with one and the same separator (a sign, blanks, a tab, a line end), digits alone
  from seven on; a longer gap ends a word. A hyphen at the end of a line joins what it divides, and so
  do inline tags and remarks of HTML, marks of Markdown and the quotes between literals that code puts together, inside of a word.
- Letters count as repeated in words with three the same in a row, or three pairs in a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

from guardrails.text.views import replace_stretches

JOINT: Final = "\x01"
"""In place of a separator between single letters: nothing, or a space."""
REPEAT: Final = "\x02"
"""In place of a letter that repeats the one before it: that letter, or nothing."""
REST: Final = "\x03"
"""In place of what belongs to the character before it: the rest of a shape or of a gap."""

SIGNS: Final = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "il", "|": "il", "+": "t", "€": "e", "¢": "c",
}  # fmt: skip
"""What each leet sign may stand for, the likelier letter first."""

SHAPES: Final = {
    "|\\/|": "m", "/\\/\\": "m", "|\\|": "n", "|_|": "u", "\\/\\/": "w", "|-|": "h", "/-\\": "a",
    "\\/": "v", "/\\": "a", "|<": "k",
}  # fmt: skip
"""Letters drawn with several signs, longer ones before their parts."""

CODES: Final = dict(zip(SIGNS, (chr(code) for code in (*range(0x04, 0x09), *range(0x0E, 0x1A))), strict=True))
"""The mark of each sign, where it is read as a letter."""

LONGEST: Final = 32
"""Characters, repeats aside; a longer row of letters and digits is a key or a digest, not a word in disguise."""
FEWEST_LETTERS: Final = 4
FEWEST_DIGITS: Final = 7

MARKS: Final = "".join((JOINT, REPEAT, REST, *CODES.values()))
"""All of them."""

_TO_CODES: Final = str.maketrans(CODES)

_LETTER: Final = r"[^\W\d_]"
_SHAPE: Final = re.compile("|".join(map(re.escape, SHAPES)))
_STRONG: Final = r"[013457@$!|€¢]"
_SIGN: Final = r"[0-9@$!|+€¢]"
_DISGUISED: Final = re.compile(
    rf"{_STRONG}{_LETTER}{{2,}}{_STRONG}|{_LETTER}{_SIGN}*{_STRONG}{_SIGN}*{_LETTER}|^(?:[013457][A-Za-z]{{3}}|[@$]{_LETTER}{{2}})|{_LETTER}[@$]{{2}}"
    rf"|{_LETTER}{{3}}[03@$][!|+]*$"
)
_HINTED: Final = re.compile(rf"{_LETTER}{_SIGN}*{_STRONG}|{_STRONG}{_SIGN}*{_LETTER}")
_HEX: Final = re.compile(r"[0-9a-fA-F]{6,}|0[xX][0-9a-fA-F]+")
_SAME: Final = re.compile(r"(.)\1+")
_DOMAIN: Final = re.compile(r"\.[A-Za-z]{2}")
_ANY_SIGN: Final = re.compile(r"[0-9@$!|+€¢\\/]")
_TOKEN: Final = re.compile(rf"(?:{_SHAPE.pattern}|[^\W_]|[@$!|+€¢{JOINT}])+")

_SINGLE: Final = r"(?:[^\W_](?![^\W_])|[@$!|])"
SEPARATOR: Final = r" ?[.\-_*/,|~+:;'•·=#^" + "\u2013\u2014" + r"] ?|  ?|\t|\r?\n"
"""What may stand between single letters; all of a run is the same."""
_GAP: Final = r"(?:[ \n\t\r]{1,8}|\1{2,3})"
_NEXT: Final = rf"(?:\1{_SINGLE})"
# Up to four short groups may stand before the first long one: `a-l-l t-h-e w-o-r-d-s`.
_SPACED: Final = re.compile(
    rf"(?<![^\W_]){_SINGLE}({SEPARATOR}){_SINGLE}"
    rf"(?:{_NEXT}{{2}}|{_NEXT}?(?:{_GAP}{_SINGLE}{_NEXT}{{0,2}}){{0,3}}?{_GAP}{_SINGLE}{_NEXT}{{3}})"
    rf"{_NEXT}*+(?:{_GAP}{_SINGLE}{_NEXT}*+)*+"
)

HYPHEN: Final = r"-\r?\n[ \t]{0,8}"
_HYPHENATED: Final = re.compile(rf"(?<={_LETTER}{_LETTER}){HYPHEN}(?={_LETTER}{_LETTER})")

INLINE_TAG: Final = (
    r"</?(?i:a|abbr|b|big|code|del|em|font|i|ins|kbd|mark|s|small|span|strike|strong|sub|sup|tt|u|wbr)"
    r"(?:\s[^<>]*|/)?>"
)
"""Tags of HTML that part no words. One is read in one way only: rows of them cost time exponential in their number else."""
COMMENT: Final = r"<!--[^<>]*-->|/\*[^*/]*\*/"
LONGEST_TAG: Final = 200
"""Characters of tags and comments in a row that are read as nothing."""
_BLOCK_TAG: Final = r"</?(?i:br|div|p)(?:\s[^<>]*|/)?>"
WRAPPING: Final = (
    rf"(?:{INLINE_TAG}|{_BLOCK_TAG}|\[/?[A-Za-z]\]|\]\([^\w\s()]?\w?\)\[?|\]\[|\)\(|[*_`~]{{1,8}})"
)
"""Markup around single letters, a part of it: tags of HTML and BBCode, links, marks of Markdown, brackets."""
EMPHASIS: Final = r"\*{2,3}|~~|__|`"
"""Marks of Markdown inside of a word."""
CONCATENATION: Final = r"[\"'`]\s?(?:\+|\.\.?|\|\||&|<>|\+\+)?\s{0,8}[\"'`]"
"""Between literals that code puts together."""
_MARKUP: Final = re.compile(
    rf"(?<=[\w@+\-])(?:{INLINE_TAG}|{COMMENT})+(?=[\w@+\-])"
    rf"|(?<=[^\W_]{{2}})(?:{EMPHASIS})(?=[^\W_])|(?<=[^\W_])(?:{EMPHASIS})(?=[^\W_]{{2}})"
    rf"|(?<={_LETTER}{_LETTER})\*(?={_LETTER}{_LETTER})"
    rf"|(?<=[\w\-]{_LETTER}|[\w\-]\d|\w-){CONCATENATION}(?=\w\w)"
)

_ALONE: Final = r"[^\W_](?![^\W_])"
# Behind the blank a bracket opens around a letter, `[a](x)`, or it is a tag of BBCode, `[b]a[/b]`.
_WRAPPED_GAP: Final = (
    rf"(?:{WRAPPING}|[)\]])*+[ \t\r\n]{{1,8}}(?:[(\[](?=[^\W_](?:\]\(|\]\[|\)\())|{WRAPPING}|[(\[])*+"
)
_WRAPPED: Final = re.compile(
    rf"(?<![^\W_]){_ALONE}(?:{WRAPPING}++{_ALONE})++(?:{_WRAPPED_GAP}{_ALONE}(?:{WRAPPING}++{_ALONE})*+)*+"
)
_WRAPPED_JOINT: Final = re.compile(rf"(?<=[^\W_])(?:({_WRAPPED_GAP})|{WRAPPING}++)(?=[^\W_])")

_WORD: Final = re.compile(rf"(?:[^\W_]|[{MARKS}])+")
_LONG: Final = re.compile(
    rf"({_LETTER}){JOINT}*\1{JOINT}*(?:\1|({_LETTER}){JOINT}*\2{JOINT}*({_LETTER}){JOINT}*\3)", re.I
)
_RUN: Final = re.compile(rf"({_LETTER})((?:{JOINT}*\1)+)", re.I)
_OTHER: Final = re.compile(rf"[^{JOINT}]")


def mark_separators(text: str) -> str:
    """Return `text`, normalized and without control characters, with marks in place of separators in runs of single
    characters, and of hyphens at line ends; it stays as long as it is, as it does in `mark_leet` and `mark_repeats`.
    """
    joined = _HYPHENATED.sub(_mark_joint, _SPACED.sub(_mark_run, text))
    return _MARKUP.sub(_mark_joint, _WRAPPED.sub(_mark_wrapped, joined))


def mark_leet(text: str) -> str:
    """Mark leet signs: in words in disguise, and in those next to one whose own evidence is less (`h4ck a11`)."""
    tokens = [match for match in _tokens(text) if _may_be_leet(match)]
    words = [_leet(match[0], near=False) for match in tokens]
    sure = [word != match[0] for word, match in zip(words, tokens, strict=True)]
    for at, (left, right) in enumerate(pairwise(tokens)):
        if right.start() - left.end() == 1 and sure[at] != sure[at + 1]:
            unsure = at + sure[at]
            words[unsure] = _leet(tokens[unsure][0], near=True)
    changes = ((*match.span(), word) for match, word in zip(tokens, words, strict=True))
    return replace_stretches(text, changes).text


def mark_repeats(text: str) -> str:
    """Mark the repeats in words that have three of a letter in a row, or three pairs; `www` is no such word."""
    parts: list[str] = []
    copied = 0
    for hit in _LONG.finditer(text):
        if hit.start() < copied:
            continue
        start = hit.start()
        while start > copied and (text[start - 1].isalnum() or text[start - 1] in MARKS):
            start -= 1
        match = _WORD.match(text, start)
        assert match is not None
        word = match[0]
        if len(set(_OTHER.findall(word.lower()))) > 1:
            word = _RUN.sub(lambda run: run[1] + _OTHER.sub(REPEAT, run[2]), word)
        parts += text[copied:start], word
        copied = match.end()
    return "".join(parts) + text[copied:]


def _mark_joint(match: re.Match[str]) -> str:
    return JOINT * len(match[0]) if len(match[0]) <= LONGEST_TAG else match[0]


def _mark_wrapped(match: re.Match[str]) -> str:
    """Mark the markup of a run of single letters: between two it is nothing, around a blank it ends a word."""
    run = match[0]
    words = _WRAPPED_JOINT.sub(lambda joint: " " if joint[1] else "", run).split()
    if not any(len(word) >= FEWEST_LETTERS and not word.isdigit() for word in words):
        return run
    return _WRAPPED_JOINT.sub(
        lambda joint: " " + REST * (len(joint[0]) - 1) if joint[1] else _mark_joint(joint), run
    )


def _mark_run(match: re.Match[str]) -> str:
    """Mark the separators of a run of single characters, and what is more than a space in its gaps."""
    run, separator = match[0], match[1]
    parts, at = [run[0]], 1
    while at < len(run):
        behind = at + len(separator)
        if run.startswith(separator, at) and behind < len(run) and _is_single(run[behind]):
            parts.append(JOINT * len(separator))
        else:
            behind = next(place for place in range(at, len(run)) if _is_single(run[place]))
            if behind > at:  # else a separator that is a letter in disguise as well: `|`
                parts.append(" " + REST * (behind - at - 1))
        parts.append(run[behind])
        at = behind + 1
    singles = "".join(filter(str.isalnum, parts))
    if singles.isdigit():
        # `1, 2, 3, 4, 5, 6, 7` is a list, and what tabs separate is a row of a table.
        listed = "," in separator or "\t" in separator
        return run if len(singles) < FEWEST_DIGITS or listed else "".join(parts)
    return "".join(parts) if len(singles) >= FEWEST_LETTERS - 1 else run


def _is_single(char: str) -> bool:
    return char.isalnum() or char in "@$!|"


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """Yield the tokens with a sign in them; most of a text is passed over in search of one."""
    end = 0
    while hit := _ANY_SIGN.search(text, end):
        start = hit.start()
        while start > end and (text[start - 1].isalnum() or text[start - 1] == JOINT):
            start -= 1
        match = _TOKEN.match(text, start)
        end = hit.end()
        if match is not None and match.end() > hit.start():
            yield match
            end = match.end()


def _may_be_leet(match: re.Match[str]) -> bool:
    token = match[0]
    if token.isalpha() or not any(map(str.isalpha, token)):
        return False
    return token.count("@") != 1 or not _DOMAIN.match(match.string, match.end())


@lru_cache(maxsize=4096)
def _leet(token: str, *, near: bool) -> str:
    """Mark the signs of a token, if it is a word in disguise; those that end a sentence are none of it."""
    # A shape is a letter; one of three signs is evidence too.
    plain = _SHAPE.sub(lambda shape: "a@a" if len(shape[0]) > 2 else "a", token.replace(JOINT, ""))
    if (len(_SAME.sub(r"\1", plain)) > LONGEST and JOINT not in token) or _HEX.fullmatch(plain):
        return token
    if not (_DISGUISED.search(plain) or (near and _HINTED.search(plain))):
        return token
    shaped = _SHAPE.sub(lambda shape: SHAPES[shape[0]] + REST * (len(shape[0]) - 1), token)
    body = shaped.rstrip("!|+" + JOINT)
    return body.translate(_TO_CODES) + shaped[len(body) :]
