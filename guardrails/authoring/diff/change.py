"""Two versions of a policy and what is said of a difference between them: where it stands, and what it asks of the version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guardrails.authoring.diff.levels import LEVELS, Level
from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.loading.items import Policy, PolicyItem
from guardrails.policy.loading.load import load
from guardrails.wire.pointers import Path as At


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a policy: as it was read, which knows where everything stands, and as it is run."""

    policy: Policy
    compiled: CompiledPolicy

    @classmethod
    def load(cls, policy: str | Path) -> PolicyVersion:
        """Load a version; raises `PolicyErrors` for all that is wrong with it."""
        read = load(policy)
        return cls(read, compile_policy(read))


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One difference. `kind` is a key of `LEVELS`; `what` names it (`rule hate.block`), `name` the field of it; the places are
    `file:line:col`, empty where it does not stand.
    """

    kind: str
    what: str
    name: str = ""
    old: Any = None
    new: Any = None
    places: tuple[str, str] = ("", "")

    @property
    def level(self) -> Level:
        """What it asks of the version."""
        return LEVELS[self.kind][0]

    @property
    def why(self) -> str:
        """Why it asks for that."""
        return LEVELS[self.kind][1]

    def to_dict(self) -> dict[str, object]:
        """Return the change as plain JSON values."""
        return {
            "kind": self.kind,
            "level": str(self.level),
            "what": self.what,
            "field": self.name or None,
            "old": self.old,
            "new": self.new,
            "old_place": self.places[0] or None,
            "new_place": self.places[1] or None,
        }


def display_place(item: PolicyItem | None, path: At = ()) -> str:
    """Return where a value of an item stands, or the item; "" where there is no item."""
    if item is None:
        return ""
    mark = item.mark(path if not path or path[0] in item.data else ())
    return f"{mark.file}:{mark.line}:{mark.col}"


def match_renamed(gone: Mapping[str, object], come: Mapping[str, object]) -> dict[str, str]:
    """Return which of those that are gone came back under another name, each once, in the order of the file."""
    renamed: dict[str, str] = {}
    for name, meaning in gone.items():
        for other, same in come.items():
            if same == meaning and other not in renamed.values():
                renamed[name] = other
                break
    return renamed
