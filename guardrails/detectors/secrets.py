"""Credentials by one table of patterns (`secret_kinds.py`): text in, findings of `secret.*` out."""

from __future__ import annotations

import difflib
from typing import Literal

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, Files, Kind
from guardrails.detectors.checksums import password, random_value, varied
from guardrails.detectors.config import Config
from guardrails.detectors.patterns import Patterns
from guardrails.detectors.secret_kinds import FORMS, NAMED, OTHERS, URLS
from guardrails.detectors.table import Pattern, PatternTable

# Between a name and its value: the rest of the name, then a sign of assignment, and quotes on either side of it.
_ASSIGNED = r"[\w.\- ]{0,40}[\"'`\]]{0,2}[ \t]{0,4}(?:=>|:=|={1,3}|:|,|\()[ \t]{0,4}[\"'`]{0,3}"
_END = r"(?:[^\w.\-/+=(\[]|[.=]?(?:[\s\"'`]|\Z))"
_GENERIC = "password passwd pwd passphrase secret token api_key apikey api-key access_key auth_key encryption_key credential"


def _cases(words: str) -> str:
    """Return an alternation of the words as code spells them: as given, upper, title and camel case."""
    spelt = [
        form
        for word in words.split()
        for form in (
            word,
            word.upper(),
            word.capitalize(),
            _camel(word),
            _camel(word)[:1].upper() + _camel(word)[1:],
        )
    ]
    return "|".join(dict.fromkeys(spelt))


def _camel(word: str) -> str:
    head, *rest = word.replace("-", "_").split("_")
    return head + "".join(part.capitalize() for part in rest)


TABLE: tuple[Pattern, ...] = (
    *OTHERS,
    *(Pattern(rf"(?a)\b(?:{form})", f"secret.{kind}", validate=varied) for kind, form in FORMS),
    *(
        Pattern(
            rf"(?a)(?:{_cases(words)}){_ASSIGNED}({form}){_END}", f"secret.{kind}", group=1, validate=varied
        )
        for kind, words, form in NAMED
    ),
    *(
        Pattern(
            rf"(?a)\b{scheme}://[^\s:/@\"'<>]{{0,100}}:([^\s/@\"'<>]{{3,200}})@[\w\[]",
            f"secret.{kind}",
            group=1,
            validate=password,
        )
        for kind, scheme in URLS
    ),
    Pattern(
        rf"(?a)(?:{_cases(_GENERIC)}){_ASSIGNED}([\w+/=.~!@#%^&*-]{{16,200}}){_END}",
        "secret.generic",
        0.7,
        group=1,
        validate=random_value,
    ),
)
KINDS: tuple[str, ...] = tuple(dict.fromkeys(row.category.removeprefix("secret.") for row in TABLE))
CATEGORIES = frozenset(row.category for row in TABLE)


class SecretsConfig(Config):
    """Credentials."""

    use: Literal["secrets"]
    """The kind of detector."""
    kinds: list[str] | None = Field(default=None, min_length=1, examples=[["aws_access_key", "private_key"]])
    """Which kinds to look for; all of the table by default."""


def _kinds(config: SecretsConfig) -> tuple[str, ...]:
    return KINDS if config.kinds is None else tuple(config.kinds)


def _hint(kind: str) -> str:
    close = difflib.get_close_matches(kind.removeprefix("secret."), KINDS, n=1)
    return f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(KINDS)}"


def _categories(_name: str, config: SecretsConfig) -> frozenset[str]:
    wanted = _kinds(config)
    # With a misspelt kind any may be meant: then the one problem to report is the spelling.
    return frozenset(f"secret.{kind}" for kind in wanted) if {*wanted} <= {*KINDS} else CATEGORIES


def _build(name: str, config: SecretsConfig, files: Files) -> Patterns:
    wanted = _kinds(config)
    problems = [
        ConfigProblem("unknown_kind", f"{kind!r} is not a kind of secret", ("kinds", index), hint=_hint(kind))
        for index, kind in enumerate(wanted)
        if kind not in KINDS
    ]
    if problems:
        raise ConfigProblems(problems)
    chosen = frozenset(wanted)
    return Patterns(
        name, PatternTable(row for row in TABLE if row.category.removeprefix("secret.") in chosen)
    )


KIND = Kind(
    name="secrets",
    doc=f"Credentials, {len(KINDS)} kinds, by published forms, checksums, and context: cloud, AI, version control, "
    "payment, chat, monitoring and database keys, URLs with passwords, JWT, private keys.",
    config=SecretsConfig,
    categories=_categories,
    build=_build,
)
