"""What an operator says of records: where they go, what becomes of them where they cannot be written, and how long they stay."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from guardrails.detectors.config import Config

LOG = logging.getLogger("guardrails")

Days = Annotated[float, Field(gt=0, allow_inf_nan=False)]

DAY_US: Final = 86_400_000_000
"""Microseconds of a day."""

JOURNAL_BYTES: Final = 1 << 30

VARIABLE: Final = "GUARDRAILS_RECORDS"
"""The variable of the environment that holds the folder of the records, or `off`."""

OFF: Final = "off"

KEPT_BYTES: Final = 10 << 30
"""Size of the database that nobody asked for, from which the oldest records go: some fifteen million of them."""


def default_folder(environment: Mapping[str, str]) -> Path:
    """Return where records are, where nobody says: below the folder for the state of a user's programs, which the XDG Base
    Directory Specification names; in the working directory for a user who has no home.
    """
    if os.path.isabs(state := environment.get("XDG_STATE_HOME", "")):
        return Path(state, "guardrails", "records")
    home = environment.get("HOME") or os.path.expanduser("~")
    return (
        Path(home, ".local/state/guardrails/records") if os.path.isabs(home) else Path("guardrails-records")
    )


class KeptContentDoc(Config):
    """How what was judged is kept with its record, where the policy asks for it (`records: {content: true}`) and there is a key:
    encrypted, for so many days.
    """

    key_file: str | None = Field(default=None, min_length=1, examples=["/run/secrets/guardrails-content-key"])
    """The file of the key, 32 bytes in hexadecimal or base64url (`openssl rand -hex 32`); the environment's
    GUARDRAILS_CONTENT_KEY goes before it. Several keys may stand there, with commas between: the first encrypts, all are read by.
    Without a key no content is kept. In a settings file relative to its folder."""
    keep_days: Days = 30.0
    """Days for which a content stays, at most as long as its record."""
    most_bytes: int = Field(default=65_536, ge=1, le=16 << 20)
    """Size of a content's JSON up to which it is kept; the record says of a larger one that it was too large."""


class RecordsDoc(Config):
    """Records of decisions, one for each verdict, without any text of what was judged, unless a policy and a key say so; or the
    folder alone.
    """

    path: str = Field(default_factory=lambda: str(default_folder(os.environ)), min_length=1)
    """The folder of the journal, the key and the heads; it is made where there is none. In a settings file relative to its
    folder. By default `guardrails/records` below `$XDG_STATE_HOME`, which is `~/.local/state` where it is not set."""
    store: str | None = Field(default=None, min_length=1, examples=["postgresql://guard@db.internal/guard"])
    """The database that takes the records, by its URL; by default SQLite in that folder (`records.sqlite`)."""
    heads: str | None = Field(default=None, min_length=1, examples=["/mnt/audit/guardrails-heads.log"])
    """The file that takes signed heads, one for each writer and minute; by default `heads.log` in that folder. On a disk that who
    changes the store cannot reach, they show what was cut off."""
    on_error: Literal["answer", "block"] = "answer"
    """What is done where a record cannot be written: the request is served, and the record is counted as lost (`answer`), or the
    request is refused as unavailable (`block`). A store that is down loses nothing: records wait in the journal."""
    identities: Literal["digest", "plain"] = "digest"
    """How users and conversations stand in the store: as digests by the key of the records, or as they are."""
    keep_days: Days | None = None
    """Days for which records stay; for ever without it."""
    keep_bytes: int | None = Field(default=None, ge=1 << 20)
    """Size of the database from which the oldest records are removed; SQLite alone can tell it as rows go."""
    tenants: dict[str, Days] = Field(default_factory=dict, max_length=4_096)
    """Days for which the records of a tenant stay, instead of `keep_days`."""
    content: KeptContentDoc = KeptContentDoc()
    """How what was judged is kept, where policy and key say so."""
    journal_bytes: int = Field(default=JOURNAL_BYTES, ge=1 << 20)
    """Size of the records of one process that may wait for the store; what comes then cannot be written."""

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, given: Any) -> Any:
        if given is True:
            return {}
        is_path = isinstance(given, str) and not given.startswith("{")  # a mapping, in the environment
        return {"path": given} if is_path else given

    @model_validator(mode="after")
    def _size_is_known(self) -> Self:
        if self.keep_bytes is not None and self.store is not None and not self.store.startswith("sqlite:"):
            raise ValueError("keep_bytes is for SQLite: let PostgreSQL's records go by keep_days")
        return self


def _read_off(given: Any) -> Any:
    return None if given is False or given == OFF else given


Records = Annotated[RecordsDoc | None, BeforeValidator(_read_off)]
"""A setting that says where records are; `off`: nowhere."""


def default_records(environment: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the records of who serves and says nothing of them: on, in the default folder, as long as there is room for what is
    usual. None, with a warning that says so, where nothing can be written there.
    """
    if find_spec("fcntl") is None:  # Windows: a journal is locked as POSIX has it
        return None
    folder = default_folder(environment)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
    except OSError as error:
        LOG.warning(
            "decisions are not put on record, as nothing can be written to %s (%s): name a folder by %s or `records`,"
            " or say `off` there",
            folder,
            error.strerror,
            VARIABLE,
        )
        return None
    return {"path": str(folder), "keep_bytes": KEPT_BYTES}


def name_records(given: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the folder, or `off`, that is `given` on a command line, else what the environment says; None where neither does."""
    return given or environment.get(VARIABLE) or None


def choose_records(given: str | None, environment: Mapping[str, str]) -> Any:
    """Return what `Guard.load` takes as the records of a command: what is `given` on its command line, what the environment says,
    or the default.
    """
    named = name_records(given, environment)
    return default_records(environment) if named is None else _read_off(named)
