"""The `secrets` detector: credentials by one table of patterns (`secret_kinds.py`)."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from guardrails.detectors.config import Config, make_item_snippets
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.builtin_table import BuiltinTable, Specimens
from guardrails.detectors.patterns.table import PatternRow
from guardrails.detectors.secrets.checksums import (
    REPORTED,
    is_plausible_secret,
    is_random_value,
    is_real_password,
)
from guardrails.detectors.secrets.secret_kinds import FORMS, NAMED, OTHERS, URLS, UUID

# Between a name and its value: the rest of the name, then a sign of assignment, and quotes on either side of it.
_ASSIGNED = r"[\w.\- ]{0,40}[\"'`\]]{0,2}[ \t]{0,4}(?:=>|:=|={1,3}|:|,|\(|>)[ \t]{0,4}[\"'`]{0,3}"
_END = r"(?:[^\w.\-/+=(\[]|[.=]?(?:[\s\"'`]|\Z))"
_KEY = "api_key secret_key access_token auth_token client_secret"
_PAGES = (
    "page_token cursor_token continuation_token next_token sync_token skip_token resume_token change_token"
)
_GENERIC = "password passwd pwd passphrase secret token api_key access_key auth_key encryption_key credential"


def _cases(names: str) -> str:
    """Return an alternation of names as code and prose spell them: `api_key`, `API-KEY`, `apiKey`, `ApiKey`, `API key`."""
    forms = ("[_. -]?".join(map(_spell_part, re.split("[_-]", name))) for name in names.split())
    return "|".join(dict.fromkeys(forms))


def _spell_part(part: str) -> str:
    """Return an alternation of a part of a name in lower, title and upper case, and as it is given."""
    forms = (part, part.lower(), part.lower().capitalize(), part.upper())
    return f"(?:{'|'.join(map(re.escape, dict.fromkeys(forms)))})"


TABLE: tuple[PatternRow, ...] = (
    *OTHERS,
    *(
        PatternRow(rf"(?a)\b(?:{form})", f"secret.{kind}", validate=is_plausible_secret)
        for kind, form in FORMS
    ),
    *(
        PatternRow(
            rf"(?a)(?:{_cases(words)}){_ASSIGNED}({form}){_END}",
            f"secret.{kind}",
            group=1,
            validate=is_plausible_secret,
        )
        for kind, words, form in NAMED
    ),
    *(
        PatternRow(
            rf"(?a)\b{scheme}://[^\s:/@\"'<>]{{0,100}}:([^\s/@\"'<>]{{3,200}})@[\w\[]",
            f"secret.{kind}",
            group=1,
            validate=is_real_password,
        )
        for kind, scheme in URLS
    ),
    # A UUID names most things, but what is called a key is one.
    PatternRow(
        rf"(?a)(?:{_cases(_KEY)})(?:[ _.-]?(?:[Vv]alue|[Nn]umber))?"
        rf"[\"'`\]]{{0,2}}[ \t]{{0,4}}(?:=>|:=|={{1,3}}|:)[ \t]{{0,4}}[\"'`]{{0,3}}({UUID}){_END}",
        "secret.generic",
        0.7,
        group=1,
        validate=is_plausible_secret,
    ),
    # Where a list goes on is no credential.
    PatternRow(
        rf"(?a)(?:{_cases(_PAGES)}){_ASSIGNED}[\w+/=.~!@#%^&*-]{{16,200}}|"
        rf"(?:{_cases(_GENERIC)}){_ASSIGNED}([\w+/=.~!@#%^&*-]{{16,200}}){_END}",
        "secret.generic",
        0.7,
        group=1,
        validate=is_random_value,
    ),
)
CHOICE = BuiltinTable("secret", TABLE, "kinds", ("unknown_kind", "a kind of secret"), reported=REPORTED)
KINDS = CHOICE.names
CATEGORIES = CHOICE.categories(None)


class SecretsConfig(Config):
    """Credentials."""

    use: Literal["secrets"]
    """The kind of detector."""
    kinds: list[str] | None = Field(
        default=None,
        min_length=1,
        examples=[["aws_access_key", "private_key"]],
        json_schema_extra=make_item_snippets(*KINDS),
    )
    """Which kinds to look for; all of the table by default."""
    exclude: list[str] = Field(
        default=[], examples=[["generic"]], json_schema_extra=make_item_snippets(*KINDS)
    )
    """Kinds not to look for, of those."""
    specimens: Specimens = "skip"
    """What documentation shows in the form of a credential, and is tested with (`ghp_EXAMPLE…`): `skip` it, or `report` it as
    others. What only holds the place of one (`xxxx`, `your-key-here`, `${VAR}`, `password`) is never reported."""


KIND = Kind(
    name="secrets",
    doc=f"Credentials, {len(KINDS)} kinds, by published forms, checksums, and context: cloud, AI, version control, "
    "payment, chat, monitoring and database keys, URLs with passwords, JWT, private keys.",
    config=SecretsConfig,
    categories=lambda _name, config: CHOICE.categories(config.kinds, config.exclude),
    build=lambda name, config, _files: CHOICE.build(name, config.kinds, config.exclude, config.specimens),
)
