"""What an operator says of records: where they go, what becomes of them where they cannot be written, and how long they stay."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from guardrails.detectors.config import Config

Days = Annotated[float, Field(gt=0, allow_inf_nan=False)]

JOURNAL_BYTES: Final = 1 << 30


class RecordsDoc(Config):
    """Records of decisions, one for each verdict, without any text of what was judged; or the folder alone."""

    path: str = Field(default="guardrails-records", min_length=1)
    """The folder of the journal, the key and the heads; it is made where there is none. In a settings file relative to its
    folder."""
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
    journal_bytes: int = Field(default=JOURNAL_BYTES, ge=1 << 20)
    """Size of the records of one process that may wait for the store; what comes then cannot be written."""

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, given: Any) -> Any:
        is_path = isinstance(given, str) and not given.startswith("{")  # a mapping, in the environment
        return {"path": given} if is_path else given

    @model_validator(mode="after")
    def _size_is_known(self) -> Self:
        if self.keep_bytes is not None and self.store is not None and not self.store.startswith("sqlite:"):
            raise ValueError("keep_bytes is for SQLite: let PostgreSQL's records go by keep_days")
        return self
