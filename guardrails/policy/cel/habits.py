"""What people write in conditions by the habit of other languages and of spreadsheets, and what to write instead.

Each row is looked for outside of texts in quotes; where all of them together make a condition of it, the whole is proposed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from guardrails.policy.cel.cel import CelError, parse

LONGEST_SHOWN: Final = 120
"""Characters of a condition that a hint shows."""

LITERAL: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
END: Final = r"(?=\s*(?:&&|\|\||\)|\band\b|\bor\b|\bund\b|\boder\b|$))"
AND: Final = "and|und|et|e|y|ve|en|och|og|i|oraz|и|और"
OR: Final = "or|oder|ou|o|veya|of|eller|lub|или|या"
LEAF: Final = (
    r"(request\.[\w.]+|message\.role|content\.(?:kind|language)|prompt\.language|tool\.(?:name|server))"
)
"""Names of values that are texts, or may be."""
WORD: Final = r"(?!(?:true|false|null|None|nil|undefined)\b)([^\W\d][\w-]*)"
WIDE: Final = {ord("﹠"): "&"} | {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
"""Signs of the width of Chinese and Japanese letters."""
TEXT: Final = r"([\"'][^\"']*[\"'])"

Replacement = str | Callable[[re.Match[str]], str]


@dataclass(frozen=True, slots=True)
class Habit:
    """What is looked for, what to write instead, and what is wrong with it; `message` is "" where CEL's own error says it."""

    pattern: re.Pattern[str]
    replacement: Replacement
    message: str = ""


def _habit(pattern: str, replacement: Replacement, message: str = "") -> Habit:
    return Habit(re.compile(pattern, re.IGNORECASE), replacement, message)


def _percent(found: re.Match[str]) -> str:
    return f"{float(found[1]) / 100:g}"


def _unbraced(found: re.Match[str]) -> str:
    return found[0].strip("{} ")


def _quote_words(found: re.Match[str]) -> str:
    words = (word.strip() for word in found[1].split(","))
    return "in [" + ", ".join(word if word[:1] in "\"'" else f'"{word}"' for word in words) + "]"


def _contains(found: re.Match[str]) -> str:
    return f"{found[1]}.contains({found[2].replace('%', '')})"


HABITS: Final = (
    _habit("[\uff01-\uff5e﹠]", lambda found: found[0].translate(WIDE), "a sign here is as wide as a Chinese letter"),
    _habit(r"^\s*[“”„«\"]([^\"“”„«»]*)[”“»\"]\s*$", r"\1", "a condition stands without quotes around it"),
    _habit(r"\s*/\*.*?\*/", "", "a comment stands behind ' #', or on a line of its own"),
    _habit(r"\{\{?\s*[\w.]+\s*\}?\}", _unbraced),
    _habit(r"(?<=\d)\.(?=\s*(?:$|&&|\|\||\)))", "", "a number has one point, within it"),
    _habit(
        r"(content\.length|conversation\.turns|\bcount\([^()]*\))\s*(>=?|<=?|==|!=)\s*(?P<at>\d{1,3})[.,](\d{3})\b",
        r"\1 \2 \3\4",
        "a number is written without what sets thousands apart",
    ),
    _habit(r"[\u00a0\u2000-\u200b\u202f\u2060\u3000\ufeff]", " "),
    _habit("[“”„«»]", '"'),
    _habit("[\u2018\u2019\u201a]", "'"),
    _habit(r"[`$@]|\{\{\s*|\s*\}\}", ""),
    _habit(r"^\s*=?\s*(?:IF|WENN)\s*\(([^,;]+)[,;].*\)\s*$", r"\1", "what is asked stands alone; 'then:' says what is done"),
    _habit(r"^\s*(?:=(?!=)|if\b|when\b:?)\s*", "", "a condition begins with what it asks, without {found!r}"),
    _habit(r"\s*\bthen\b.*$", "", "what is done stands under 'then:', not in the condition"),
    _habit(r"\s*[;,]\s*$", "", "a condition ends without {found!r}"),
    _habit(r"([<>=]\s*)(?P<at>\d*),(\d+)\b", r"\1\2.\3", "a decimal has a point, not a comma"),
    _habit(r"(\d+(?:\.\d+)?)\s?%", _percent, "a share is written as a decimal, not in percent"),
    _habit(r"\b(?:AND|UND)\s*\(([^(),;]+)[,;]([^(),;]+)\)", r"(\1 &&\2)", "conditions are joined by && between them"),
    _habit(r"\b(?:OR|ODER)\s*\(([^(),;]+)[,;]([^(),;]+)\)", r"(\1 ||\2)", "conditions are joined by || between them"),
    _habit(r"\bmax\s*\(([\w.]+),\s*([\w.]+)\)\s*(>=?)\s*([\d.]+)", r"(\1 \3 \4 || \2 \3 \4)"),
    _habit(r"\bmin\s*\(([\w.]+),\s*([\w.]+)\)\s*(>=?)\s*([\d.]+)", r"(\1 \3 \4 && \2 \3 \4)"),
    _habit(r"\s*(?:->|→)\s*\w*\s*$", "", "what is done is said by 'then:', not in the condition"),
    _habit(r"(?<![<>=!])=>|≥", ">=", "'at least' is written >=, not {found}"),
    _habit(r"(?<![<>=!])=<|≤", "<=", "'at most' is written <=, not {found}"),
    _habit(r"!==|<>|≠", "!=", "'not equal' is written !=, not {found}"),
    _habit(r"===", "==", "'equal' is written ==, not {found}"),
    _habit(r"(?<![<>=!])=(?![=<>~])", "=="),
    _habit(rf"([\w.]+)\s*(?:=~|~=|~)\s*{TEXT}", r"\1.matches(\2)", "a pattern is compared by matches(), not by ~"),
    _habit(
        r"([\w.]+)\s+between\s+([\d.]+)\s+(?:and|&&)\s+([\d.]+)",
        r"(\1 >= \2 && \1 <= \3)",
        "'between' is no word of conditions",
    ),
    _habit(r"([\w.]+)\s*(?:==|\bis)\s*(?:null|None|nil|undefined)\b", r"!has(\1)", "whether there is a value is asked by has()"),
    _habit(
        r"([\w.]+)\s*(?:!=|\bis\s+not)\s*(?:null|None|nil|undefined)\b",
        r"has(\1)",
        "whether there is a value is asked by has()",
    ),
    _habit(r"([\w.]+)\.has\(\s*[\"']([^\"']+)[\"']\s*\)", r"has(\1.\2)", "has() takes the whole name"),
    _habit(r"(request\.(?:user|client))\[\s*[\"']([^\"']+)[\"']\s*\]", r"\1.\2", "a value stands behind a point"),
    _habit(r"\bexists\s*\(", "has("),
    _habit(r"\bhas\s+([\w.]+)", r"has(\1)", "has() takes its name in brackets"),
    _habit(r"\s*(?:\bis|==?|>=?)\s*(?:high|hoch|alto)\b", " >= 0.8", "a score is a number from 0 to 1"),
    _habit(rf"([\w.]+)\s+(?:contains|like)\s+{TEXT}", _contains, "contains() takes its text in brackets"),
    _habit(r"\bin\s*\(([^()]*)\)", r"in [\1]", "a list stands in square brackets: [ ]"),
    _habit(rf"\bin\s+{TEXT}", r"in [\1]", "a list stands in square brackets: [ ]"),
    Habit(re.compile(r"\bIN(?=\s*\[)"), "in", "'in' is written in small letters"),
    _habit(r"([\w.]+)\s+not\s+in\s+(\[[^\]]*\])", r"!(\1 in \2)", "'not in' is no word of conditions"),
    _habit(r"\s+is\s+not\s+", " != ", "'is not' is written !="),
    _habit(r"\s+(?:is|equals|eq)\s+", " == ", "'is' is written =="),
    *(
        _habit(rf"\s+{words}\s+(?=[\w.])", f" {sign} ", f"{{found!r}} is written {sign}")
        for words, sign in (
            ("(?:gt|greater than|more than|above|over)", ">"),
            ("(?:gte|ge|at least)", ">="),
            ("(?:lt|less than|below|under)", "<"),
            ("(?:lte|le|at most)", "<="),
        )
    ),
    _habit(
        r"^(.*?)\s+(?P<at>unless|except|außer|excepto)\s+(?:if\s+|when\s+)?(.*(?:[<>=]|has\().*)$",
        r"(\1) && !(\3)",
        "what is left out is said by && !( )",
    ),
    _habit(r"\b(?:not|nicht)\s*\(", "!(", "'not' is written !( )"),
    _habit(rf"\b(?:not|nicht)\s+([^&|()]+?){END}", r"!(\1)", "'not' is written ! with brackets"),
    _habit(rf"(?<=\s)(?:{AND})(?=\s)", "&&"),
    _habit(rf"(?<=\s)(?:{OR})(?=\s)", "||"),
    _habit(r",\s*(?=[a-z_][\w.]*\s*[<>=!])", " && ", "conditions are joined by && (all must hold) or || (one is enough)"),
    _habit(r"(?<!&)&(?!&)", "&&"),
    _habit(r"(?<!\|)\|(?!\|)", "||"),
    _habit(r"(?<![\w.])([\d.]+)\s*(<=?)\s*([a-z_][\w.]*)\s*(<=?)\s*([\d.]+)", r"(\1 \2 \3 && \3 \4 \5)"),
    _habit(
        r"(?:^|(?<=&&)|(?<=\|\|)|(?<=\())(\s*)([a-z_][\w.]*)\s*(&&|\|\|)\s*([a-z_][\w.]*)\s*(>=?)\s*([\d.]+)",
        r"\1\2 \5 \6 \3 \4 \5 \6",
    ),
    _habit(rf"{LEAF}\s*(==|!=)\s*{WORD}(?=\s*(?:$|&&|\|\||\)))", r'\1 \2 "\3"'),
    _habit(r"\bin\s*\[((?:\s*[^\W\d][\w-]*\s*,?)+)\]", _quote_words),
)  # fmt: skip
"""In the order in which they are put right."""


def _mask(text: str) -> str:
    """Return a text of the same length with nothing in its quotes that could be taken for a habit."""
    return LITERAL.sub(lambda found: found[0][0] + "\0" * (len(found[0]) - 2) + found[0][-1], text)


def _put_right(text: str, habit: Habit) -> str:
    masked = _mask(text)
    for found in reversed([*habit.pattern.finditer(masked)]):
        real = habit.pattern.match(text, found.start())
        if real is None or real.end() != found.end():
            continue  # quotes within quotes: better no proposal than a wrong one
        new = habit.replacement(real) if callable(habit.replacement) else real.expand(habit.replacement)
        text = text[: found.start()] + new + text[found.end() :]
    return text


def propose_condition(text: str) -> str:
    """Return a condition without habits; "" where that is none, is too long to show, or the text has none."""
    proposed = text.strip()
    for habit in HABITS:
        proposed = _put_right(proposed, habit)
    proposed = " ".join(proposed.split())
    if len(proposed) > LONGEST_SHOWN or proposed == re.sub(r"[ \t\r\n]+", " ", text).strip():
        return ""
    try:
        parse(proposed)
    except CelError:
        return ""
    return proposed


def find_habit(text: str, at: int) -> tuple[int, str] | None:
    """Return the place and the message of the habit over which the parser stumbled at a place; None where none is known."""
    masked = _mask(text)
    for habit in HABITS:
        for found in habit.pattern.finditer(masked):
            if habit.message and found.start() <= at <= found.end():
                start = found.start() + len(found[0]) - len(found[0].lstrip())
                if "at" in habit.pattern.groupindex:
                    start = found.start("at")
                return start, habit.message.format(found=found[0].strip())
    return None
