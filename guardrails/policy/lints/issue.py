"""Result types of the policy linter: `LintFinding`, what a check yields; `Issue`, what is reported; `Fix`, what puts it right.

Severity goes by effect: an `error` does not do what its author meant, a `warning` most likely does not, a `note` is advice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from guardrails.policy.loading.source import Mark, Path, Source

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The gravest first."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that is safe: these entries of the list or mapping at `path` go."""

    source: Source
    path: Path
    key: str | int


@dataclass(frozen=True, slots=True)
class LintFinding:
    """Something that is most likely not meant: where, what, what to do instead, and in which rule, detector or test."""

    mark: Mark
    message: str
    cure: str = ""
    subject: str = ""
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding of lint, with the code and severity of its check."""

    code: str
    severity: Severity
    mark: Mark
    message: str
    cure: str = ""
    subject: str = ""
    fix: Fix | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        cure = f" - {self.cure}" if self.cure else ""
        return f"{self.mark.file}:{self.mark.line}:{self.mark.col}: {self.code}: {self.message}{cure}"

    def to_dict(self) -> dict[str, object]:
        """Return the issue as plain JSON values."""
        return {
            "file": self.mark.file,
            "line": self.mark.line,
            "col": self.mark.col,
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "cure": self.cure,
            "subject": self.subject,
            "fixable": self.fix is not None,
        }
