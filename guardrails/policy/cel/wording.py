"""Rewrites CEL's error messages for policy editors, with hints."""

from __future__ import annotations

import re

TYPES = {
    "double": "a number such as a score",
    "int": "a whole number",
    "uint": "an unsigned number",
    "string": "a text",
    "bool": "true or false",
    "dyn": "a free value",
    "null": "null",
    "bytes": "bytes",
}
"""CEL's name of a type → ours."""

TYPOS = {
    "and": "write && for 'and'",
    "AND": "write && for 'and'",
    "or": "write || for 'or'",
    "OR": "write || for 'or'",
    "not": "write ! for 'not', with the condition in brackets: !(hate > 0.5)",
    "=": "write == to compare",
    "&": "write && for 'and'",
    "|": "write || for 'or'",
    "%": "write 0.85 for 85 %",
    '"': "close the quote",
    "'": "close the quote",
    "`": "write names of categories without quotes",
    "<>": "write != for 'not equal'",
    "in": "'in' is a word of CEL: x in [a, b]",
    **dict.fromkeys(
        ("unless", "except"), "write && !( ) around what is left out: hate >= 0.8 && !(toxic >= 0.8)"
    ),
    **dict.fromkeys("“”„«»\u2018\u2019", 'write straight quotes, and only around texts: "staff"'),
}
"""What people write → what to write."""

FUNCTIONS = {
    **dict.fromkeys(("AND", "and", "UND"), "join with &&: hate > 0.5 && toxic > 0.5"),
    **dict.fromkeys(("OR", "or", "any", "any_of", "ODER", "max", "MAX"), "join with ||: hate > 0.5 || toxic > 0.5"),
    **dict.fromkeys(("NOT", "not", "NICHT"), "write !( ): !(hate > 0.5)"),
    **dict.fromkeys(("IF", "if", "WENN"), "write the condition alone; what is done stands under 'then:'"),
    **dict.fromkeys(("all", "all_of", "min", "MIN"), "join with &&: hate > 0.5 && toxic > 0.5"),
    **dict.fromkeys(("len", "length", "LEN"), "write content.length for the characters of a text"),
    **dict.fromkeys(("score", "category", "probability"), "write the name of the category alone: hate >= 0.8"),
    **dict.fromkeys(("COUNTIF", "COUNT", "sum", "SUM"), 'write count("pii.email") >= 2'),
    **dict.fromkeys(("lower", "upper", "LOWER"), "leave it out: names of tools are compared without case"),
    "startswith": "write startsWith with a capital",
    "endswith": "write endsWith with a capital",
    **dict.fromkeys(("include", "includes", "has_word"), "write contains: request.model.contains('gpt')"),
    "match": "write matches: request.model.matches('gpt.*')",
    "has": "has() takes one value of the request: has(request.user.tier)",
    "contains": "words of the text are for a detector, such as words: {use: terms, terms: [foo]}; here custom.words > 0",
    **dict.fromkeys(("now", "date", "hour"), "conditions know no time; an application can say it: request.metadata.hour"),
    "regex": "words of the text are for a detector: {use: patterns, patterns: ['…'], category: custom.x}",
}  # fmt: skip
"""Functions that people know from elsewhere → what to write."""

_UNEXPECTED = re.compile(r"(?:mismatched|extraneous) input '(.*?)' expecting", re.DOTALL)
_MISSING = re.compile(r"missing '(.*?)' at")
_TOKEN = re.compile(r"token recognition error at: '(.*)'", re.DOTALL)
_OVERLOAD = re.compile(r"found no matching overload for '(.*?)' applied to '(.*)'")
_UNDECLARED = re.compile(r"undeclared reference to '(.*?)'")
_WHERE = re.compile(r"^(?:[A-Z_]+: )?(?:ERROR: <input>:\d+:\d+: )?(?:Syntax error: )?")

DEEP = "the condition nests too deep, or is too long a sum", "split the rule, or join with && and ||"


def explain_syntax_error(message: str, before: str) -> tuple[str, str]:
    """Return message and hint of a syntax error; `before` is the condition up to it."""
    if "recursion" in message:
        return DEEP
    if "has() argument" in message:
        return (
            "has() asks for a value of the request, not for a category",
            "write hate > 0 for what is found; of the request, write has(request.user.tier)",
        )
    if found := _TOKEN.search(message):
        char = found[1].strip()[:1]
        if not char:  # such as a space that does not break, which CEL shows as a plain one
            return "unexpected character that looks like a space", "write a plain space"
        if char in "\"'":
            return "a text in quotes does not end", TYPOS[char]
        return f"unexpected {char!r}", TYPOS.get(char, "")
    if found := _MISSING.search(message):
        return f"the condition lacks a {found[1]!r} here", "close the bracket" if found[1] in ")]}" else ""
    last = (re.findall(r"\w+|%", before[-20:]) or [""])[-1]
    if found := _UNEXPECTED.search(message):
        token = found[1]
        if token == "<EOF>":  # noqa: S105 - a token of a grammar
            return "the condition ends where more must follow", TYPOS.get(last, "") or _find_unclosed(before)
        if re.match(r"\.\d", token):
            return f"unexpected {token!r}", "a number has one point: 0.8"
        hint = TYPOS.get(token, "") or TYPOS.get(token[:1], "") or TYPOS.get(last, "")
        return f"unexpected {token!r}", hint or _explain_word(token, before)
    return _WHERE.sub("", message), ""


def _explain_word(token: str, before: str) -> str:
    if token.isidentifier() and re.search(r"\w\s+$", before):
        return "names have no blanks in them, such as self_harm; conditions are joined by && or ||"
    return ""


def _find_unclosed(before: str) -> str:
    missing = before.count("(") - before.count(")")
    return "close the bracket" if missing > 0 else "write a value after the last operator: hate >= 0.8"


def explain_type_error(message: str) -> tuple[str, str]:
    """Return message and hint of an error of types or names."""
    if found := _OVERLOAD.search(message):
        operator = found[1].strip("_").replace("_", " ").removeprefix("@")
        given = re.split(r", (?![^(]*\))", found[2][1:-1])
        return f"{operator!r} cannot take {' and '.join(map(_type, given))}", _cure(operator, {*given})
    if found := _UNDECLARED.search(message):
        return f"{found[1]!r} is not a function that conditions know", FUNCTIONS.get(found[1], "")
    return _WHERE.sub("", message), ""


def _type(name: str) -> str:
    return TYPES.get(name) or (
        "a list" if name.startswith("list") else "a mapping" if "map" in name else name
    )


def _cure(operator: str, given: set[str]) -> str:
    if operator in {"&&", "||", "!", "? :"}:
        return "compare each part: hate > 0.5"
    if "double" in given and given & {"string", "bool"}:
        return "compare a score with a number, without quotes: hate >= 0.8"
    if {"string", "int"} <= given:
        return "put both in quotes, or neither; categories stand without: hate > 0"
    if operator == "in":
        return "a list stands in square brackets: in ['a', 'b']"
    if {"int", "double"} <= given:
        return "write a whole number: count() and lengths have no fractions"
    return ""
