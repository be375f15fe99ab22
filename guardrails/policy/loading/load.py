"""Loads a policy: reads its files, merges them (`inherit.py`) and validates each field with its place.

What a policy names (files, parents) lies below its own folder; shipped policies are named without a path. Nothing
is compiled here: that detectors build and conditions hold water is `compile.py`'s part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from guardrails import taxonomy
from guardrails.detectors.config import Config
from guardrails.detectors.file_watch import note_file
from guardrails.detectors.kinds import Kind, find_kind, kind_names
from guardrails.errors import PolicyErrors
from guardrails.policy.loading.cures.field_names import explain_misplaced_rule, find_kinds, find_named_use
from guardrails.policy.loading.cures.habit_words import KINDS
from guardrails.policy.loading.cures.number_cures import suggest_form
from guardrails.policy.loading.cures.value_cures import describe
from guardrails.policy.loading.inherit import Lineage
from guardrails.policy.loading.inline_policies import is_policy_text, read_inline
from guardrails.policy.loading.items import DetectorItem, Policy, PolicyItem, RuleItem
from guardrails.policy.loading.problems import Problems
from guardrails.policy.loading.source import Mark, Path, Source
from guardrails.policy.messages.fields import HelplineDoc
from guardrails.policy.schema import (
    DETECTOR_NAME,
    FORMS,
    ExceptionDoc,
    FilmsDoc,
    LimitsDoc,
    MediaDoc,
    PolicyDoc,
    PolicyRecordsDoc,
    RuleDoc,
    UncheckedDoc,
)
from guardrails.policy.shipped import shipped_folder, shipped_names
from guardrails.policy.testing.test_checks import check_test
from guardrails.policy.testing.test_fields import TestDoc
from guardrails.policy.testing.test_files import TestFile
from guardrails.registry.sources import PluginError, PluginSources
from guardrails.spelling import suggest_name

MANY = 40
"""Kinds of detectors that a hint lists: it is the one place where an editor may learn which there are."""


class _NoMarks:
    """Places for what was already reported."""

    def mark(self, path: Path) -> Mark:
        return Mark("", 0, 0)

    def key_mark(self, path: Path) -> Mark:
        return Mark("", 0, 0)


class _Validation:
    """Reads what was merged by the declared fields; collects problems on the way."""

    def __init__(self, plugins: PluginSources) -> None:
        self.problems = Problems(plugins=plugins)
        self.plugins = plugins
        self.heads: list[PolicyDoc | None] = []
        self.sources: list[Source] = []

    def head(self, data: dict[str, Any], source: Source) -> None:
        """Validate the fields of a file itself; the items of its lists come later, one by one."""
        version = data.get("version")
        number = isinstance(version, int | float) and not isinstance(version, bool)
        shallow = {**data, "version": source.raw(("version",))} if number else data
        self.heads.append(self.problems.validate(PolicyDoc, shallow, source, "the policy"))
        self.sources.append(source)

    def policy(self, file: str, lineage: Lineage) -> Policy:
        """Validate item by item."""
        merged = lineage.merged
        lists = {name: item for name, item in merged.tools.items() if item.base[0] != "override"}
        head = self.heads[0]
        quiet = Problems()  # these five were validated in their files; here only valid ones count
        unchecked = quiet.validate(UncheckedDoc, merged.unchecked, _NoMarks(), "") or UncheckedDoc()
        limits = quiet.validate(LimitsDoc, merged.limits, _NoMarks(), "") or LimitsDoc()
        films = quiet.validate(FilmsDoc, merged.films, _NoMarks(), "") or FilmsDoc()
        media = quiet.validate(MediaDoc, merged.media, _NoMarks(), "") or MediaDoc()
        records = quiet.validate(PolicyRecordsDoc, merged.records, _NoMarks(), "") or PolicyRecordsDoc()
        helplines = {
            name: line
            for name, given in merged.helplines.items()
            if (line := quiet.validate(HelplineDoc, given, _NoMarks(), "")) is not None
        }
        exceptions = tuple((item, doc) for item in merged.exceptions if (doc := self.exception(item)))
        return Policy(
            name=head.name if head else "?",
            version=head.version if head else "0",
            description=head.description if head else None,
            file=file,
            detectors={name: self.detector(name, item) for name, item in merged.detectors.items()},
            rules=tuple(RuleItem(item, self.rule(item)) for item in merged.rules.values()),
            exceptions=exceptions,
            tests=(
                *((item, test) for item in merged.tests if (test := self.test(item))),
                *self.tests_of(exceptions),
            ),
            unchecked=unchecked,
            limits=limits,
            films=films,
            media=media,
            records=records,
            history=merged.history or "remove",
            parallel=merged.parallel,
            tools=merged.tools,
            problems=self.problems,
            disabled=frozenset(merged.disabled),
            plugins=self.plugins,
            sources=tuple(self.sources),
            elsewhere=lineage.elsewhere(merged.rules),
            tools_elsewhere=lineage.elsewhere(lists),
            helplines=helplines,
        )

    def rule(self, item: PolicyItem) -> RuleDoc | None:
        if misplaced := explain_misplaced_rule(item.data):
            self.problems.add(item.mark(()), "unknown_field", *misplaced)
            return None
        return self.problems.validate(RuleDoc, item.data, item, _display_name("rule", item.data.get("id")))

    def exception(self, item: PolicyItem) -> ExceptionDoc | None:
        what = _display_name("exception", item.data.get("id"))
        doc = self.problems.validate(ExceptionDoc, item.data, item, what)
        if doc is not None and (doc.rules, doc.categories, doc.matches, doc.near, doc.when) == (None,) * 5:
            hint = "name rules, categories, matches, what is near, or a condition"
            self.problems.add(
                item.mark(()), "exception_too_broad", f"{what} would remove every finding", hint
            )
        return doc

    def tests_of(
        self, exceptions: Iterable[tuple[PolicyItem, ExceptionDoc]]
    ) -> Iterator[tuple[PolicyItem, TestDoc]]:
        """Yield the tests that stand in exceptions: each must take something away there."""
        for outer, doc in exceptions:
            if doc.test is None:
                continue
            item, name = outer.read_mapping("test"), f"exception {doc.id}"
            check_test(doc.test, item, f"the test of exception {doc.id!r}", self.problems)
            used = [*dict.fromkeys([doc.id, *(doc.test.expect.exceptions or ())])]
            expect = doc.test.expect.model_copy(update={"exceptions": used})
            yield item, doc.test.model_copy(update={"name": doc.test.name or name, "expect": expect})

    def test(self, item: PolicyItem) -> TestDoc | None:
        what = _display_name("test", item.data.get("name"))
        doc = self.problems.validate(TestDoc, item.data, item, what)
        if doc is not None:
            check_test(doc, item, what, self.problems)
        return doc

    def detector(self, name: str, item: PolicyItem) -> DetectorItem:
        """Find the kind of a detector and validate its fields by it."""
        add, use, data = self.problems.add, item.data.get("use"), item.data
        if use is None and (named := find_named_use(data)):
            add(
                item.key_mark((named,)),
                "unknown_field",
                f"{named!r} is not a field of detector {name!r}",
                "did you mean 'use'?",
            )
            use, data = data[named], {key: value for key, value in data.items() if key != named}
        if re.fullmatch(DETECTOR_NAME, name) is None:
            add(
                item.key_mark(()),
                "invalid_name",
                f"name of a detector {name!r} must be {FORMS[DETECTOR_NAME]}",
                suggest_form("", name.replace(" ", "_")),
            )
        if use is None:
            first, *_ = find_kinds(data) or ["patterns"]
            hint = f"such as use: {first}; one of: {', '.join(kind_names(self.plugins))}"
            add(item.key_mark(()), "missing_field", f"detector {name!r} needs 'use'", hint)
        elif not isinstance(use, str):
            add(item.mark(("use",)), "wrong_type", f"use must be a text, not {describe(use)}")
        elif (of := self.kind(use, item)) is not None:
            data = {**data, "use": of.name}
            config = self.problems.validate(of.config, data, item, f"detector {name!r}")
            return DetectorItem(item, of, config or _keep_valid(of.config, data), partial=config is None)
        return DetectorItem(item, None, None)

    def kind(self, use: str, item: PolicyItem) -> Kind | None:
        """Find the kind of a detector, or the one that most likely is meant; None where there is none, or it cannot be used."""
        meant = KINDS.get(use.lower(), "")
        try:
            if (found := find_kind(use, self.plugins)) is not None:
                return found
            hint = f"write use: {meant}" if meant else suggest_name(use, kind_names(self.plugins), few=MANY)
            if taxonomy.is_valid(use):
                hint = (
                    f"it is a category: write use: terms, terms: [words], category: {use} for a list of words, "
                    "or use: classifier, model: text-safety for the shipped model"
                )
            message = f"{use!r} is not a kind of detector"
            self.problems.add(item.mark(("use",)), "unknown_detector", message, hint)
            return find_kind(meant) if meant else None
        except PluginError as error:
            self.problems.add(item.mark(("use",)), error.code, error.message, error.hint)
        return None


def _keep_valid(model: type[Config], data: dict[str, Any]) -> Config | None:
    """Return a configuration of the fields that are valid, so that what else is wrong in them shows as well."""
    quiet, use = Problems(), {"use": data["use"]}
    fields = {
        key: value
        for key, value in data.items()
        if quiet.validate(model, {**use, key: value}, _NoMarks(), "") is not None
    }
    return quiet.validate(model, {**use, **fields}, _NoMarks(), "")


def _display_name(what: str, name: object) -> str:
    return f"{what} {name!r}" if isinstance(name, str) else f"the {what}"


def locate(policy: str | FilePath) -> FilePath:
    """Return the file that a shipped name or a path means; raise `PolicyErrors` if there is none."""
    if isinstance(policy, str) and policy in shipped_names():
        return shipped_folder() / f"{policy}.yaml"
    problems = Problems()
    here = Mark(str(policy), 0, 0)
    path = FilePath(policy)
    note_file(path)  # as it was named: where it is a link, it may lead elsewhere later
    try:
        if path.is_file():
            return path
        folder = path.is_dir()
    except (OSError, ValueError):  # a name that no file can have
        folder = False
    if folder:
        problems.add(here, "unreadable_file", "is a folder; name the policy file in it")
    else:
        hint = suggest_name(str(policy), shipped_names())
        problems.add(here, "unknown_policy", "no such file, and no shipped policy of that name", hint)
    raise PolicyErrors(problems.errors)


def load(
    policy: str | FilePath | Mapping[str, Any],
    plugins: PluginSources | None = None,
    *,
    tests: Iterable[TestFile] | None = None,
) -> Policy:
    """Load a policy by shipped name or by path, or one that is given as YAML text or as a mapping (`inline_policies.py`).
    `plugins` says where its detectors may come from besides this package; None: what the environment allows.

    With `tests`, files of tests that were read, their tests are there as well, and those beside the policy and its parents.

    Raises:
        PolicyErrors: the file cannot be read as YAML at all. Other problems wait in `Policy.problems`.
    """
    validation = _Validation(PluginSources.of_environment() if plugins is None else plugins)
    lineage = Lineage(validation.problems, validation.head, tests)
    if not isinstance(policy, str | FilePath) or is_policy_text(policy):
        source: Source | None = read_inline(policy)
        assert source is not None
        source = source if lineage.add(source, FilePath(source.file), None) else None
    else:
        source = _read_file(policy, lineage)
    if source is None:
        raise PolicyErrors(validation.problems.errors)
    for each in (lineage.tests or {}).values():  # those that lie elsewhere
        lineage.read_tests(each)
    return validation.policy(source.file, lineage)


def _read_file(policy: str | FilePath, lineage: Lineage) -> Source | None:
    path = locate(policy)
    try:
        real = path.resolve()
        return lineage.file(real, real.parent, (), str(path))
    except OSError as error:
        message = str(error.strerror or error)
        lineage.problems.add(Mark(str(policy), 0, 0), "unreadable_file", message)
        return None
