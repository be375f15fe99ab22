"""Merges the sections of a policy's files: `extends` from left to right, then `override` and `disable`.

Nothing is validated here but what merging needs: that parents exist, that nothing is redefined by accident, and
that what is changed or left out was there.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from guardrails.detectors import NO_FOLDER, display_path
from guardrails.detectors.file_watch import note_file
from guardrails.errors import PolicyErrors
from guardrails.policy.loading.compose import MAX_CHARACTERS
from guardrails.policy.loading.cures.habit_words import KINDS
from guardrails.policy.loading.cures.value_cures import ENTRIES, LONGEST, describe, write_flow
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.loading.problems import Problems
from guardrails.policy.loading.source import Mark, Path, Source, read_yaml
from guardrails.policy.shipped import shipped_folder, shipped_names
from guardrails.policy.testing.test_fields import names_of_test
from guardrails.policy.testing.test_files import TestFile, find_test_file, has_test_file, read_tests
from guardrails.spelling import suggest_name

MAX_PARENTS = 32
"""Policies that one may build on, all together."""

NAMED = {"rules": "rule", "exceptions": "exception", "tests": "test"}
"""Section that is a list → what an item of it is called."""

LISTS = ("allow", "untrusted")
"""Lists of tools."""


@dataclass(slots=True)
class MergedSections:
    """The sections of all files so far, by name or id."""

    detectors: dict[str, PolicyItem] = field(default_factory=dict)
    rules: dict[str, PolicyItem] = field(default_factory=dict)
    exceptions: list[PolicyItem] = field(default_factory=list)
    tests: list[PolicyItem] = field(default_factory=list)
    unchecked: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    films: dict[str, Any] = field(default_factory=dict)
    media: dict[str, Any] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)
    helplines: dict[str, Any] = field(default_factory=dict)
    history: str | None = None
    parallel: Mark | None = None
    tools: dict[str, PolicyItem] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)


OUTSIDE: Final = re.compile(r"(?:[A-Za-z]:)?[\\/].*|\.\.[\\/].*")
"""Paths that begin at a drive, at the root, or above the folder."""


def _cure_parent(entry: str) -> str:
    """Return what to write for an entry of `extends` that is a path of another form; "" where it is none."""
    if "://" in entry:
        return "policies are read from files: save it beside this one, and write its name"
    if "," in entry:
        return f"write a list: [{', '.join(part.strip() for part in entry.split(','))}]"
    if OUTSIDE.fullmatch(entry):
        name = re.split(r"[\\/]", entry)[-1]
        return f"put the file into the policy's folder, or below it, and name it from there: {name}"
    return f"write {entry.replace(chr(92), '/')}" if "\\" in entry else ""


class Lineage:
    """Reads one policy and its parents into `merged`; `head` is told of each file, parents after children.

    `tests` are files of tests that were read already; with them (none at all is fine) those beside each policy are read as
    well. None: no such file is, as where a policy is to serve.
    """

    def __init__(
        self,
        problems: Problems,
        head: Callable[[dict[str, Any], Source], None],
        tests: Iterable[TestFile] | None = None,
    ) -> None:
        self.problems = problems
        self.head = head
        self.merged = MergedSections()
        self.seen: set[FilePath] = set()
        self.built: dict[FilePath, set[FilePath]] = {}
        self.files: dict[str, FilePath] = {}
        self.tests = None if tests is None else {each.path: each for each in tests}
        self.unread = False

    def file(self, path: FilePath, root: FilePath, chain: tuple[FilePath, ...], name: str) -> Source | None:
        """Merge a file and its parents; return it, or None if it is no policy at all. Raises `OSError`.

        Args:
            path: the file, all links followed.
            root: the folder that its parents may not lie outside.
            chain: the files that build on it.
            name: the name for messages.
        """
        self.seen.add(path)
        note_file(path)
        with path.open("rb") as stream:
            content = stream.read(
                4 * (MAX_CHARACTERS + 1) + 1
            )  # enough for `read_yaml` to see that it is too much
        try:
            source = read_yaml(content, name)
        except PolicyErrors as error:
            self.problems.errors.extend(error.errors)
            return None
        if not self.add(source, path, root, chain):
            return None
        if (file := find_test_file(path) if self.tests is not None else None) is not None:
            self.tests_beside(file, path)
        elif self.tests is None and not self.unread:
            self.unread = has_test_file(path)
        return source

    def add(
        self, source: Source, path: FilePath, root: FilePath | None, chain: tuple[FilePath, ...] = ()
    ) -> bool:
        """Merge what was read and its parents; return whether it is a policy at all.

        Args:
            source: what was read.
            path: its file, or the name of what lies in none.
            root: the folder that its parents may not lie outside; None: it names no files.
            chain: the files that build on it.
        """
        self.problems.errors.extend(source.problems)
        if not isinstance(source.data, dict):
            message = f"a policy must be a mapping, not {describe(source.data)}"
            self.problems.add(source.mark(()), "wrong_type", message, "begin with 'format: 1' and 'name: …'")
            return False
        self.seen.add(path)
        self.files[source.file] = path
        self.built[path] = {path}
        self.builds(chain, path)
        self.head(source.data, source)
        self.parents(source.data, source, root, (*chain, path))
        self.merge_own(source.data, source, None if root is None else path.parent)
        return True

    def builds(self, chain: Iterable[FilePath], on: FilePath) -> None:
        """Take note that files build on one, and on what that builds on."""
        for path in chain:
            self.built[path] |= self.built.get(on, set())

    def elsewhere(self, parts: Mapping[str, PolicyItem]) -> dict[str, frozenset[str]]:
        """Return those `parts` of the whole (its rules, its lists of tools) that each file does not build on, by the file; files
        for which there are none are left out.
        """
        at = {name: self.files.get(item.source.file) for name, item in parts.items()}
        found = {
            file: frozenset(name for name, of in at.items() if of is not None and of not in self.built[path])
            for file, path in self.files.items()
        }
        return {file: names for file, names in found.items() if names}

    def tests_beside(self, file: FilePath, policy: FilePath) -> None:
        """Add the tests in a file beside a policy, if it is for that one."""
        assert self.tests is not None
        try:
            known = self.tests.get(file.resolve()) or read_tests(file)
        except PolicyErrors as error:
            self.problems.errors.extend(error.errors)
            return
        if known.is_for(policy):
            self.files[known.source.file] = policy
            self.tests.pop(known.path, None)
            self.read_tests(known)

    def read_tests(self, file: TestFile) -> None:
        """Add the tests in a file."""
        names: dict[str, Mark] = {}
        self.problems.errors.extend(file.source.problems)
        assert isinstance(file.source.data, dict)
        for item in self.items(file.source.data, "tests", file.source, file.path.parent):
            name = item.data.get("name")
            first = names.setdefault(name, item.mark(("name",))) if isinstance(name, str) else None
            if first is not None and first != item.mark(("name",)):
                self.report_redefined(item.mark(("name",)), "test", str(name), first, inherited=False)
            self.merged.tests.append(item)

    def parents(
        self, data: dict[str, Any], source: Source, root: FilePath | None, chain: tuple[FilePath, ...]
    ) -> None:
        extends = data.get("extends", [])
        for index, entry in enumerate(extends if isinstance(extends, list) else [extends]):
            if isinstance(entry, str):
                path: Path = ("extends", index) if isinstance(extends, list) else ("extends",)
                self.parent(entry, source.mark(path), root, chain)

    def parent(self, entry: str, mark: Mark, root: FilePath | None, chain: tuple[FilePath, ...]) -> None:
        """Merge the policy that an entry of `extends` means."""
        folder = None if root is None else chain[-1].parent
        found = self.find(entry, root, folder)
        if isinstance(found, str):
            beside = () if folder is None else folder.glob("*.yaml")
            files = [path.name for path in sorted(beside) if path != chain[-1]]
            hint = _cure_parent(entry) or suggest_name(entry, [*shipped_names(), *files])
            self.problems.add(mark, "unknown_policy", f"{entry!r} {found}", hint)
            # Without what was most likely meant, everything that builds on it would be reported as well.
            close = difflib.get_close_matches(entry, shipped_names(), n=1)
            if not close:
                return
            found = shipped_folder() / f"{close[0]}.yaml", shipped_folder()
        path, root = found
        if path in chain:
            self.problems.add(mark, "circular_extends", f"{entry!r} builds on itself", "remove this entry")
        elif len(self.seen) > MAX_PARENTS:
            self.problems.add(mark, "too_many_policies", f"more than {MAX_PARENTS} policies to build on")
        elif path in self.seen:  # two parents may share one of their own
            self.builds(chain, path)
        else:
            try:
                self.file(path, root, chain, display_path(path))
            except OSError as error:
                self.problems.add(mark, "unreadable_file", f"{entry!r}: {error.strerror or error}")

    @staticmethod
    def find(entry: str, root: FilePath | None, folder: FilePath | None) -> tuple[FilePath, FilePath] | str:
        """Return the file that an entry of `extends` means and its root, or what is wrong with it."""
        if entry in shipped_names():
            return (shipped_folder() / f"{entry}.yaml").resolve(), shipped_folder()
        if root is None or folder is None:
            return f"is no shipped policy, and {NO_FOLDER}"
        named = FilePath(os.path.normpath(folder.resolve() / entry))
        try:
            if named.is_relative_to(root.resolve()):
                note_file(named)  # where it is a link, it may lead elsewhere later
            path = (folder / entry).resolve()
            if not path.is_relative_to(root.resolve()):
                return "lies outside the policy's own folder"
            note_file(path)
            return (path, root) if path.is_file() else "is no shipped policy, and no file beside this one"
        except (OSError, RuntimeError, ValueError):  # too long, a link to itself, a NUL
            return "is no name of a file"

    def merge_own(self, data: dict[str, Any], source: Source, folder: FilePath | None) -> None:
        """Merge a file's own sections; what it inherited may change only by `override` and `disable`."""
        merged = self.merged
        inherited = {*merged.rules}
        self.override(_mapping(data, "override"), source, folder)
        self.disable(data.get("disable"), source)
        for name, item in self.mappings(data, source, folder):
            if (first := merged.detectors.setdefault(name, item)) is not item:
                self.report_redefined(item.key_mark(()), "detector", name, first.key_mark(()), inherited=True)
        for item in self.items(data, "rules", source, folder):
            # Rules without an id are reported later, each for itself.
            name = str(item.data.get("id", f"{source.file}#{len(merged.rules)}"))
            if (first := merged.rules.setdefault(name, item)) is not item:
                was = name in inherited
                cure = f"write override: {write_flow({'rules': [item.data]})}" if was else ""
                self.report_redefined(
                    item.mark(("id",)), "rule", name, first.mark(("id",)), cure, inherited=was
                )
                if not was or {*item.data} >= {"on", "when", "then"}:  # else it changes a part of that
                    merged.rules[f"{source.file}#{len(merged.rules)}"] = item  # for what else is wrong in it
        merged.exceptions += self.items(data, "exceptions", source, folder)
        merged.tests += self.items(data, "tests", source, folder)
        merged.unchecked.update(_mapping(data, "unchecked"))
        merged.limits.update(_mapping(data, "limits"))
        merged.films.update(_mapping(data, "films"))
        merged.media.update(_mapping(data, "media"))
        merged.records.update(_mapping(data, "records"))
        merged.helplines.update(_mapping(data, "helplines"))
        self.tools(_mapping(data, "tools"), source, ("tools",), folder)
        if data.get("history") in ("remove", "block"):
            merged.history = data["history"]
        if isinstance(data.get("parallel"), bool):
            merged.parallel = source.mark(("parallel",)) if data["parallel"] else None

    def tools(self, lists: dict[str, Any], source: Source, base: Path, folder: FilePath | None) -> None:
        """Merge the lists of tools of a file, each an item with the list in its field; under `override:` it replaces."""
        for name, entries in lists.items():
            if name not in LISTS or not isinstance(entries, list):
                continue
            item = PolicyItem({name: entries}, source, base, folder)
            mark, first, known = item.key_mark((name,)), self.merged.tools.get(name), self.problems
            if first is None and base[0] == "override":
                hint = "write it under 'tools:'"
                known.add(mark, "unknown_tools", f"no list of tools {name!r} is inherited", hint)
            elif first is not None and base[0] != "override":
                there = first.key_mark((name,))
                message = f"the list of tools {name!r} is already defined in {there.file}:{there.line}"
                known.add(mark, "duplicate_tools", message, "change an inherited list under 'override:'")
            else:
                self.merged.tools[name] = item

    def report_redefined(
        self, mark: Mark, what: str, name: str, first: Mark, cure: str = "", *, inherited: bool
    ) -> None:
        hint = (
            cure
            if 0 < len(cure) <= LONGEST
            else f"change an inherited {what} under 'override:'"
            if inherited
            else "give each its own"
        )
        message = f"{what} {name!r} is already defined in {first.file}:{first.line}"
        self.problems.add(mark, f"duplicate_{what}", message, hint)

    def items(
        self, data: dict[str, Any], section: str, source: Source, folder: FilePath | None
    ) -> Iterator[PolicyItem]:
        """Yield the mappings of a list; report what is no mapping."""
        what = NAMED[section]
        for index, entry in enumerate(_list(data, section)):
            if isinstance(entry, dict):
                yield PolicyItem(entry, source, (section, index), folder)
            else:
                article = "an" if what[0] in "aeiou" else "a"
                message = f"{article} {what} must be a mapping, not {describe(entry)}"
                hint = f"write each {what} with its fields, such as {ENTRIES[section]}"
                self.problems.add(source.mark((section, index)), "wrong_type", message, hint)

    def mappings(
        self, data: dict[str, Any], source: Source, folder: FilePath | None
    ) -> Iterator[tuple[str, PolicyItem]]:
        """Yield the detectors; report what is no mapping."""
        for name, entry, path in _list_detectors(data):
            if isinstance(entry, dict):
                yield name, PolicyItem(entry, source, path, folder)
            else:
                message = f"detector {name!r} must be a mapping, not {describe(entry)}"
                hint = (
                    f"write {name}: {{use: {KINDS.get(str(entry), entry)}}}"
                    if isinstance(entry, str)
                    else f"{name}: stands at the left margin, without spaces before it"
                    if name in ("rules", "exceptions", "tests", "override", "disable", "tools")
                    else "write {use: terms, …}"
                )
                self.problems.add(source.mark(path), "wrong_type", message, hint)

    def override(self, override: dict[str, Any], source: Source, folder: FilePath | None) -> None:
        """Change what was inherited, field by field."""
        for index, change in enumerate(_list(override, "rules")):
            path: Path = ("override", "rules", index)
            name = change.get("id") if isinstance(change, dict) else ""
            if name is None:
                message = "an override needs 'id': it says which rule to change"
                hint = f"such as {write_flow({'id': next(iter(self.merged.rules), 'hate.block'), **change})}"
                self.problems.add(source.mark(path), "missing_field", message, hint)
            elif not isinstance(name, str):
                message = f"id must be a text, not {describe(name)}"
                self.problems.add(source.mark((*path, "id")), "wrong_type", message, "put it in quotes")
            elif isinstance(change, dict):
                at = source.mark((*path, "id"))
                self.change(self.merged.rules, "rule", name, change, at, (source, path, folder))
        for name, change in _mapping(override, "detectors").items():
            path = ("override", "detectors", name)
            if isinstance(change, dict):
                at = source.key_mark(path)
                self.change(self.merged.detectors, "detector", name, change, at, (source, path, folder))
        self.tools(_mapping(override, "tools"), source, ("override", "tools"), folder)

    def change(
        self,
        known: dict[str, PolicyItem],
        what: str,
        name: str,
        change: dict[str, Any],
        mark: Mark,
        origin: tuple[Source, Path, FilePath | None],
    ) -> None:
        if name in known:
            known[name] = known[name].override(change, origin)
        else:
            self.missing(mark, what, name, [*known])

    def disable(self, disable: object, source: Source) -> None:
        """Leave out what was inherited; a bare list names rules."""
        base: Path = ("disable",)
        if isinstance(disable, list):
            self.remove(self.merged.rules, "rule", disable, source, base)
        if not isinstance(disable, dict):
            return
        self.remove(self.merged.rules, "rule", _list(disable, "rules"), source, (*base, "rules"))
        self.remove(
            self.merged.detectors, "detector", _list(disable, "detectors"), source, (*base, "detectors")
        )
        for index, name in enumerate(_list(disable, "tests")):
            kept = [item for item in self.merged.tests if name not in names_of_test(item.data)]
            unknown = len(kept) == len(self.merged.tests) and isinstance(name, str)
            if unknown and not self.unread:  # else it may stand in a file of tests
                known = [each for item in kept for each in names_of_test(item.data)]
                self.missing(source.mark((*base, "tests", index)), "test", name, known)
            self.merged.tests = kept

    def remove(
        self, known: dict[str, PolicyItem], what: str, names: list[Any], source: Source, base: Path
    ) -> None:
        for index, name in enumerate(names):
            if not isinstance(name, str):
                continue
            if known.pop(name, None) is None:
                self.missing(source.mark((*base, index)), what, name, [*known])
            elif what == "rule":
                self.merged.disabled.add(name)

    def missing(self, mark: Mark, what: str, name: str, known: list[str]) -> None:
        hint = suggest_name(name, known)
        self.problems.add(mark, f"unknown_{what}", f"no inherited {what} is called {name!r}", hint)


def _mapping(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _list_detectors(data: Mapping[str, Any]) -> Iterator[tuple[str, object, Path]]:
    """Yield each detector with its name and path; also those in a list, or below a misspelt key: that is an error of its own, for
    which no rule is to blame.
    """
    section = "detectors" if "detectors" in data else "detector"
    for name, entry in _mapping(data, section).items():
        yield name, entry, (section, name)
    for index, entry in enumerate(_list(data, section)):
        called = entry.get("name", entry.get("id")) if isinstance(entry, dict) else None
        if isinstance(entry, dict) and isinstance(called, str):
            rest = {key: value for key, value in entry.items() if key not in ("name", "id")}
            yield called, rest, (section, index)


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []
