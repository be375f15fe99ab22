"""YAML files in, one `Policy` out: read, inherited, merged and validated field by field, every problem with its place.

What a policy names (files, parents) lies below its own folder; shipped policies are named without a path. Nothing is
compiled here: that detectors build and conditions hold water is `compile.py`'s part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from guardrails.detectors import Folder, Kind, kind, names
from guardrails.detectors.config import Config
from guardrails.errors import PolicyErrors
from guardrails.policy.problems import Path, Problems, describe, nearest
from guardrails.policy.schema import (
    DETECTOR_NAME,
    ExceptionDoc,
    LimitsDoc,
    PolicyDoc,
    RuleDoc,
    TestDoc,
    UncheckedDoc,
)
from guardrails.policy.shipped import shipped_folder, shipped_names
from guardrails.policy.source import Mark, Source, read

MAX_PARENTS = 32
"""Policies that one may build on, all together."""


@dataclass(frozen=True, slots=True)
class Item:
    """A rule, detector, exception or test as written, and where each of its fields stands (an override's fields
    stand in another file than those that they leave alone)."""

    data: dict[str, Any]
    source: Source
    base: Path
    folder: FilePath
    overrides: Mapping[str, tuple[Source, Path]] = field(default_factory=dict)

    def _find(self, path: Path) -> tuple[Source, Path]:
        source, base = self.overrides.get(str(path[0]), (self.source, self.base)) if path else (self.source, self.base)
        return source, base + path

    def mark(self, path: Path) -> Mark:
        """Return the position of a value."""
        source, full = self._find(path)
        return source.mark(full)

    def key_mark(self, path: Path) -> Mark:
        """Return the position of a key."""
        source, full = self._find(path)
        return source.key_mark(full)

    def inside(self, path: Path, offset: int) -> Mark:
        """Return the position of a character inside a text."""
        source, full = self._find(path)
        return source.inside(full, offset)

    def changed(self, change: dict[str, Any], source: Source, base: Path) -> Item:
        """Return the item with the fields of an override in place of its own."""
        moved = {**self.overrides, **{name: (source, base) for name in change}}
        return Item({**self.data, **change}, self.source, self.base, self.folder, moved)


@dataclass(frozen=True, slots=True)
class Detectors:
    """A detector as declared: its kind and configuration, None where they are not valid."""

    item: Item
    kind: Kind | None
    config: Config | None


@dataclass(frozen=True, slots=True)
class RuleItem:
    """A rule as declared; `doc` is None where it is not valid, and `item` still tells what was written."""

    item: Item
    doc: RuleDoc | None


@dataclass(frozen=True, slots=True)
class Policy:
    """The YAML, parsed and merged. `problems` are those found so far; `compile` adds its own and raises them all."""

    name: str
    version: str
    description: str | None
    file: str
    detectors: Mapping[str, Detectors]
    rules: tuple[RuleItem, ...]
    exceptions: tuple[tuple[Item, ExceptionDoc], ...]
    tests: tuple[tuple[Item, TestDoc], ...]
    unchecked: UncheckedDoc
    limits: LimitsDoc
    history: str
    problems: Problems


@dataclass(slots=True)
class _Merged:
    """The sections of all files so far, by name or id."""

    detectors: dict[str, Item] = field(default_factory=dict)
    rules: dict[str, Item] = field(default_factory=dict)
    exceptions: list[Item] = field(default_factory=list)
    tests: list[Item] = field(default_factory=list)
    unchecked: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    history: str | None = None


class _Loader:
    """Loads one policy and its parents."""

    def __init__(self, extra: Mapping[str, Kind] | None) -> None:
        self.problems = Problems()
        self.extra = extra
        self.merged = _Merged()
        self.seen: set[FilePath] = set()

    def file(
        self, path: FilePath, root: FilePath, chain: tuple[FilePath, ...], shown: str
    ) -> tuple[PolicyDoc | None, Source | None]:
        """Read a file and its parents into what is merged so far; return its own head."""
        self.seen.add(path)
        try:
            source = read(path.read_bytes(), shown)
        except PolicyErrors as error:
            self.problems.errors.extend(error.errors)
            return None, None
        data = source.data
        if not isinstance(data, dict):
            self.problems.add(source.mark(()), "wrong_type", f"a policy must be a mapping, not {describe(data)}")
            return None, None
        head = self.head(data, source)
        self.parents(data, source, root, (*chain, path))
        self.own(data, source, path.parent)
        return head, source

    def head(self, data: dict[str, Any], source: Source) -> PolicyDoc | None:
        """Validate the fields of the file itself; the items of its lists come later, one by one."""
        shallow = dict(data)
        if (raw := source.raw(("version",))) is not None and not isinstance(data.get("version"), str):
            shallow["version"] = raw
        return self.problems.validate(PolicyDoc, shallow, source)

    def parents(self, data: dict[str, Any], source: Source, root: FilePath, chain: tuple[FilePath, ...]) -> None:
        extends = data.get("extends", [])
        entries = extends if isinstance(extends, list) else [extends]
        for index, entry in enumerate(entries):
            path: Path = ("extends", index) if isinstance(extends, list) else ("extends",)
            if not isinstance(entry, str):
                continue
            found = self.parent(entry, root, chain[-1].parent)
            if isinstance(found, str):
                self.problems.add(source.mark(path), "unknown_policy", f"{entry!r}: {found}", nearest(entry, shipped_names()))
            elif found[0] in chain:
                self.problems.add(source.mark(path), "circular_extends", f"{entry!r} builds on itself")
            elif len(self.seen) > MAX_PARENTS:
                self.problems.add(source.mark(path), "too_many_policies", f"more than {MAX_PARENTS} policies to build on")
            elif found[0] not in self.seen:  # two parents may share one of their own
                self.file(found[0], found[1], chain, _shown(found[0]))

    @staticmethod
    def parent(entry: str, root: FilePath, folder: FilePath) -> tuple[FilePath, FilePath] | str:
        """Return the file that an entry of `extends` means and its root, or what is wrong with it."""
        if entry in shipped_names():
            shipped = shipped_folder()
            return shipped / f"{entry}.yaml", shipped
        path = (folder / entry).resolve()
        if not path.is_relative_to(root.resolve()):
            return "lies outside the policy's own folder"
        return (path, root) if path.is_file() else "no such policy"

    def own(self, data: dict[str, Any], source: Source, folder: FilePath) -> None:
        """Merge a file's own sections; what it inherited may change only by `override` and `disable`."""
        inherited_rules = set(self.merged.rules)
        self.changes(data, source)
        for name, item in self.mappings(data, "detectors", source, folder):
            if name in self.merged.detectors:
                self.redefined(item.key_mark(()), "detector", name)
            self.merged.detectors.setdefault(name, item)
        for position, item in self.items(data, "rules", source, folder):
            name = str(item.data.get("id", f"#{position}"))
            if name in self.merged.rules:
                inherited = name in inherited_rules
                self.redefined(item.mark(("id",)), "rule", name, inherited=inherited)
                continue
            self.merged.rules[name] = item
        self.merged.exceptions += [item for _, item in self.items(data, "exceptions", source, folder)]
        self.merged.tests += [item for _, item in self.items(data, "tests", source, folder)]
        for section in ("unchecked", "limits"):
            value = data.get(section)
            if isinstance(value, dict):
                getattr(self.merged, section).update(value)
        if data.get("history") in {"remove", "block"}:
            self.merged.history = data["history"]

    def redefined(self, mark: Mark, what: str, name: str, *, inherited: bool = True) -> None:
        hint = f"change an inherited {what} under 'override:'" if inherited else "give each its own"
        self.problems.add(mark, f"duplicate_{what}", f"{what} {name!r} is already defined", hint)

    def items(self, data: dict[str, Any], section: str, source: Source, folder: FilePath) -> Iterator[tuple[int, Item]]:
        """Yield the mappings of a list; report what is no mapping."""
        entries = data.get(section)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict):
                yield index, Item(entry, source, (section, index), folder)
            else:
                self.problems.add(source.mark((section, index)), "wrong_type", f"{section}.{index} must be a mapping, not {describe(entry)}")

    def mappings(self, data: dict[str, Any], section: str, source: Source, folder: FilePath) -> Iterator[tuple[str, Item]]:
        entries = data.get(section)
        for name, entry in (entries if isinstance(entries, dict) else {}).items():
            if isinstance(entry, dict):
                yield name, Item(entry, source, (section, name), folder)
            else:
                self.problems.add(source.mark((section, name)), "wrong_type", f"detector {name!r} must be a mapping, not {describe(entry)}")

    def changes(self, data: dict[str, Any], source: Source) -> None:
        override, disable = data.get("override"), data.get("disable")
        if isinstance(override, dict):
            self.override(override, source)
        if isinstance(disable, list):
            disable = {"rules": disable}
            base: Path = ("disable",)
        else:
            base = ("disable", "rules")
        if not isinstance(disable, dict):
            return
        for section, path, known in (
            ("rules", base, self.merged.rules),
            ("detectors", ("disable", "detectors"), self.merged.detectors),
        ):
            names_ = disable.get(section)
            for index, name in enumerate(names_ if isinstance(names_, list) else ()):
                if isinstance(name, str) and known.pop(name, None) is None:
                    self.missing(source.mark((*path, index)), section, name, list(known))
        self.without_tests(disable.get("tests"), source)

    def without_tests(self, names_: object, source: Source) -> None:
        for index, name in enumerate(names_ if isinstance(names_, list) else ()):
            kept = [item for item in self.merged.tests if item.data.get("name") != name]
            if len(kept) == len(self.merged.tests):
                known = [str(item.data["name"]) for item in kept if "name" in item.data]
                self.missing(source.mark(("disable", "tests", index)), "tests", str(name), known)
            self.merged.tests = kept

    def missing(self, mark: Mark, section: str, name: str, known: list[str]) -> None:
        what = section.removesuffix("s")
        self.problems.add(mark, f"unknown_{what}", f"no inherited {what} is called {name!r}", nearest(name, known))

    def override(self, override: dict[str, Any], source: Source) -> None:
        rules, detectors = override.get("rules"), override.get("detectors")
        for index, change in enumerate(rules if isinstance(rules, list) else ()):
            name = change.get("id") if isinstance(change, dict) else None
            path: Path = ("override", "rules", index)
            if name is None:
                self.problems.add(source.mark(path), "missing_field", "'id' is required: it says which rule to change")
            elif name not in self.merged.rules:
                self.missing(source.mark((*path, "id")), "rules", str(name), list(self.merged.rules))
            else:
                self.merged.rules[name] = self.merged.rules[name].changed(change, source, path)
        for name, change in (detectors if isinstance(detectors, dict) else {}).items():
            path = ("override", "detectors", name)
            if name not in self.merged.detectors:
                self.missing(source.key_mark(path), "detectors", str(name), list(self.merged.detectors))
            elif isinstance(change, dict):
                self.merged.detectors[name] = self.merged.detectors[name].changed(change, source, path)

    def detector(self, name: str, item: Item) -> Detectors:
        if not _matches(DETECTOR_NAME, name):
            self.problems.add(item.key_mark(()), "invalid_name", f"{name!r} is not of the form {DETECTOR_NAME}")
        use = item.data.get("use")
        known = names(self.extra)
        if not isinstance(use, str):
            if "use" in item.data:
                self.problems.add(item.mark(("use",)), "wrong_type", f"use must be a text, not {describe(use)}")
            else:
                self.problems.add(item.key_mark(()), "missing_field", f"detector {name!r} needs 'use'", f"one of: {', '.join(known)}")
            return Detectors(item, None, None)
        of = kind(use, self.extra)
        if of is None:
            self.problems.add(item.mark(("use",)), "unknown_detector", f"{use!r} is not a kind of detector", nearest(use, known))
            return Detectors(item, None, None)
        return Detectors(item, of, self.problems.validate(of.config, item.data, item))

    def policy(self, file: str, head: PolicyDoc | None) -> Policy:
        """Validate what was merged, item by item."""
        merged, problems = self.merged, self.problems
        detectors = {name: self.detector(name, item) for name, item in merged.detectors.items()}
        rules = tuple(RuleItem(item, problems.validate(RuleDoc, item.data, item)) for item in merged.rules.values())
        exceptions = [(item, problems.validate(ExceptionDoc, item.data, item)) for item in merged.exceptions]
        tests = [(item, problems.validate(TestDoc, item.data, item)) for item in merged.tests]
        quiet = Problems()  # these two were validated in their files; here only valid ones count
        unchecked = quiet.validate(UncheckedDoc, merged.unchecked, _Nowhere()) or UncheckedDoc()
        limits = quiet.validate(LimitsDoc, merged.limits, _Nowhere()) or LimitsDoc()
        return Policy(
            name=head.name if head else "?",
            version=head.version if head else "0",
            description=head.description if head else None,
            file=file,
            detectors=detectors,
            rules=rules,
            exceptions=tuple((item, doc) for item, doc in exceptions if doc is not None),
            tests=tuple((item, doc) for item, doc in tests if doc is not None),
            unchecked=unchecked,
            limits=limits,
            history=merged.history or "remove",
            problems=problems,
        )


class _Nowhere:
    """Places for what was already reported."""

    def mark(self, path: Path) -> Mark:
        return Mark("", 0, 0)

    def key_mark(self, path: Path) -> Mark:
        return Mark("", 0, 0)


def _shown(path: FilePath) -> str:
    """Return a path as messages show it: relative where it lies below the current folder."""
    return str(path.relative_to(FilePath.cwd())) if path.is_relative_to(FilePath.cwd()) else str(path)


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern.strip("^$"), text) is not None


def locate(policy: str | FilePath) -> FilePath:
    """Return the file that a shipped name or a path means; raise `PolicyErrors` if there is none."""
    problems = Problems()
    if isinstance(policy, str) and policy in shipped_names():
        return shipped_folder() / f"{policy}.yaml"
    path = FilePath(policy)
    if path.is_dir():
        problems.add(Mark(str(policy), 0, 0), "unreadable_file", "is a folder; name the policy file in it")
    elif not path.is_file():
        hint = nearest(str(policy), shipped_names())
        problems.add(Mark(str(policy), 0, 0), "unknown_policy", "no such file, and no shipped policy of that name", hint)
    else:
        return path
    raise PolicyErrors(problems.errors)


def load(policy: str | FilePath, extra: Mapping[str, Kind] | None = None) -> Policy:
    """Load a policy by shipped name or by path. `extra` are kinds of detectors of the caller's own.

    Raises:
        PolicyErrors: the file cannot be read as YAML at all. Other problems wait in `Policy.problems`.
    """
    path = locate(policy)
    loader = _Loader(extra)
    try:
        head, source = loader.file(path.resolve(), path.resolve().parent, (), str(path))
    except OSError as error:
        loader.problems.add(Mark(str(policy), 0, 0), "unreadable_file", str(error.strerror or error))
        head, source = None, None
    if source is None:
        raise PolicyErrors(loader.problems.errors)
    return loader.policy(source.file, head)


def files_for(item: Item) -> Folder:
    """Return the files that a detector of this item may read."""
    return Folder(item.folder)
