"""Writes the tuned condition of a rule into the policy's file, with nothing else changed.

Where the condition stands in the policy's own file, its numbers are replaced there. Where it is inherited, the policy gets an
`override:` of the rule with the new condition; what it inherits from stays as it is. The changed policy is loaded and its tests
are run before anything is written.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from guardrails.authoring.testing import suite
from guardrails.authoring.tune.thresholds import Threshold, format_number, replace_thresholds
from guardrails.errors import GuardrailsError, PolicyErrors
from guardrails.guard import Guard
from guardrails.policy.editing.edits import (
    EditError,
    TextEdit,
    apply_edits,
    replace_file,
    replace_in_scalar,
    unified_diff,
)
from guardrails.policy.loading.compose import BranchNode
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.loading.load import load, locate
from guardrails.policy.loading.source import Path as Place
from guardrails.policy.loading.source import Source, read_yaml
from guardrails.policy.shipped import shipped_folder

WHEN: Final = "when"


class RetuneError(GuardrailsError):
    """A policy that cannot be changed, or not to what was asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class RetunedPolicy:
    """A changed policy that is not written yet: its file, before and after; `inherited` names the file that the rule comes from,
    None where it is the policy's own.
    """

    path: Path
    before: Source
    after: Source
    inherited: str | None

    @property
    def diff(self) -> str:
        """What changes, as a unified diff."""
        return unified_diff(self.before, self.after)

    def failing(self) -> list[suite.SuiteResult]:
        """Return the tests that fail in the changed policy and do not now.

        Raises:
            RetuneError: the changed policy cannot be loaded.
        """
        now = suite.run_suite(Guard.load(self.path))
        with self._write_beside() as beside:
            try:
                then = suite.run_suite(Guard.load(beside))
            except PolicyErrors as error:
                raise RetuneError(f"{self.path}: the changed policy cannot be loaded: {error}") from error
        return [
            replace(new, place=new.place.replace(str(beside), str(self.path)))
            for old, new in zip(now, then, strict=True)
            if new.failed and not old.failed
        ]

    @contextmanager
    def _write_beside(self) -> Iterator[Path]:
        """Give a file with the changed policy beside the real one, where what it names is found."""
        real = self.path.resolve()
        beside = real.with_name(f".{secrets.token_hex(4)}.{real.name}")
        try:
            beside.write_bytes(self.after.text.encode())
            yield beside
        except OSError as error:
            raise RetuneError(f"{self.path}: nothing can be written beside it: {error.strerror}") from error
        finally:
            beside.unlink(missing_ok=True)

    def write(self) -> None:
        """Write it: all of it or nothing.

        Raises:
            EditError: the file is no longer what was read, or cannot be written.
        """
        replace_file(self.before, self.after, self.path)


def is_shipped(policy: str | Path) -> bool:
    """Tell whether a policy is one of those that come with the package, which stay as they are."""
    return locate(policy).resolve().is_relative_to(shipped_folder().resolve())


def render_child(policy: str, rule: str, when: str) -> str:
    """Return the text of a policy that builds on another and gives a rule another condition."""
    head = f"format: 1\nname: my-{policy}\nextends: [{policy}]\n"
    return f"{head}override:\n  rules:\n    - id: {rule}\n      when: {_scalar(when)}\n"


def retune_policy(
    policy: str | Path, rule: str, when: str, changes: Sequence[tuple[Threshold, float]]
) -> RetunedPolicy:
    """Return a policy with other numbers in the condition of a rule.

    Args:
        policy: a file.
        rule: the id of one of its rules, or of one that it inherits.
        when: the rule's condition, in which the thresholds stand.
        changes: thresholds of the rule's condition, each with its new number.

    Raises:
        RetuneError: the policy is a shipped one, or cannot be changed.
        EditError: the condition is written in a way in which nothing can be replaced for certain.
        PolicyErrors: the policy cannot be read.
    """
    if is_shipped(policy):
        raise RetuneError(f"{policy} comes with the package and stays as it is; tune one that builds on it")
    path = locate(policy)
    loaded = load(policy)
    item = next((each.item for each in loaded.rules if each.item.data.get("id") == rule), None)
    if item is None or item.data.get(WHEN) != when:
        raise RetuneError(f"{policy}: was changed by another meanwhile, its rule {rule!r} is not what it was")
    source, place = _where(item)
    if source.file == loaded.file:
        before = source
        edits = [
            replace_in_scalar(source, place, each.start, each.end, format_number(new))
            for each, new in changes
        ]
        return RetunedPolicy(path, before, apply_edits(before, edits), None)
    before = _read(path, loaded.file)
    return RetunedPolicy(
        path, before, override_condition(before, rule, replace_thresholds(when, changes)), source.file
    )


def _where(item: PolicyItem) -> tuple[Source, Place]:
    """Return the file in which an item's condition is written, and its place there."""
    source, base, _ = item.overrides.get(WHEN, (item.source, item.base, item.folder))
    return source, (*base, WHEN)


def _read(path: Path, name: str) -> Source:
    try:
        return read_yaml(path.read_bytes(), name)
    except OSError as error:
        raise RetuneError(f"{path}: {error.strerror or error}") from error


def override_condition(source: Source, rule: str, when: str) -> Source:
    """Return a policy with a rule's condition overridden: in the override that it has, else in one that is added.

    Raises:
        RetuneError: its `override:` is written in a way in which nothing can be added for certain.
    """
    data: Any = source.data
    own: Any = data.get("override") or {}
    rules: Any = (own.get("rules") if isinstance(own, dict) else None) or []
    at = next((index for index, each in enumerate(rules) if each.get("id") == rule), None)
    entry = {"id": rule, WHEN: when}
    if at is not None:
        expected = [{**each, WHEN: when} if index == at else each for index, each in enumerate(rules)]
        edit = _first(source, ("override", "rules", at), f"{WHEN}: {_scalar(when)}")
    elif rules:
        expected = [entry, *rules]
        item = f"{{id: {rule}, {WHEN}: {json.dumps(when, ensure_ascii=False)}}}"
        edit = _first(source, ("override", "rules"), item, dash=True)
    else:
        expected = [entry]
        block = f"rules:\n  - id: {rule}\n    {WHEN}: {_scalar(when)}"
        if own:
            edit = _first(source, ("override",), block)
        else:
            edit = _at_end(source, "override:\n  " + block.replace("\n", "\n  ") + "\n")
    wanted = {**data, "override": {**own, "rules": expected}}
    try:
        changed = apply_edits(source, [edit])
    except EditError:
        changed = source
    if changed.data != wanted:
        told = f"rules:\n    - id: {rule}\n      {WHEN}: {_scalar(when)}"
        raise RetuneError(
            f"{source.file}: nothing can be added to it for certain; write by hand:\noverride:\n  {told}"
        )
    return changed


def _first(source: Source, place: Place, text: str, *, dash: bool = False) -> TextEdit:
    """Return the edit that puts an entry before the first one of a list (`dash`) or mapping."""
    entry = source.entry(place)
    assert entry is not None
    assert isinstance(entry.node, BranchNode)
    first = next(iter(entry.node.children.values()))
    at = first.start if dash else first.key
    line = max(source.text.rfind(end, 0, at) for end in "\n\r") + 1
    lead = source.text[line:at]
    if dash and lead.rstrip().endswith("-"):  # a list with a line for each entry
        at = line + lead.rindex("-")
        lead = source.text[line:at]
        text = f"- {text}"
    if lead.strip(" -"):  # in brackets
        return TextEdit(at, at, f"{text}, ")
    indent = " " * (at - line)
    return TextEdit(at, at, text.replace("\n", _break(source) + indent) + _break(source) + indent)


def _at_end(source: Source, text: str) -> TextEdit:
    end = len(source.text)
    gap = "" if source.text.endswith(("\n", "\r")) else "\n"
    return TextEdit(end, end, f"{gap}{text}".replace("\n", _break(source)))


def _break(source: Source) -> str:
    return "\r\n" if "\r\n" in source.text else "\n"


def _scalar(text: str) -> str:
    """Return a text as YAML has it on one line: as it is, in single quotes, or else in double quotes."""
    for form in (text, "'" + text.replace("'", "''") + "'"):
        try:
            read = read_yaml(f"- {form}\n", "")
            if not read.problems and read.data == [text]:
                return form
        except PolicyErrors:
            continue
    return json.dumps(text, ensure_ascii=False)
