"""The setting `application_text`: the system and developer texts that the operator declares as the application's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pydantic import Field, model_validator

from guardrails.detectors.config import Config
from guardrails.engine.content.application_text import ApplicationTextError, ApplicationTexts, DeclaredText
from guardrails.policy.loading.problems import MarkSource, Problems


class ApplicationTextDoc(Config):
    """One text of the application: a file, a text, or the digest of one. It may have slots, `{name}` or `{{name}}`, which match
    anything; what fills them is judged as a user's text.
    """

    file: str | None = Field(default=None, min_length=1, examples=["prompts/support.txt"])
    """A file (UTF-8) that holds the text; in a settings file relative to the file's folder."""
    text: str | None = Field(default=None, min_length=1)
    """The text itself."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """The SHA-256 of a text without slots, as `sha256sum` prints it for a file that holds it, with or without a line end."""

    @model_validator(mode="after")
    def _is_one(self) -> ApplicationTextDoc:
        if sum(each is not None for each in (self.file, self.text, self.sha256)) != 1:
            raise ValueError("name one of file, text and sha256")
        return self

    @property
    def declared(self) -> DeclaredText:
        """The text as `Guard.load` takes it."""
        if self.file is not None:
            return Path(self.file)
        return self.text if self.text is not None else f"sha256:{self.sha256}"


class ApplicationTextSettings(Protocol):
    """Settings that declare texts."""

    @property
    def application_text(self) -> Sequence[ApplicationTextDoc]: ...


def check_application_text(doc: ApplicationTextSettings, marks: MarkSource, problems: Problems) -> None:
    """Add what is wrong with declared texts to the problems, each with its place: files that cannot be read, and templates that
    would fit anybody's text.
    """
    for index, entry in enumerate(doc.application_text):
        try:
            ApplicationTexts.load([entry.declared])
        except ApplicationTextError as error:
            code = "invalid_value" if entry.file is None else "unreadable_file"
            problems.add(marks.mark(("application_text", index)), code, str(error))
