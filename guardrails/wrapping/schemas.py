"""The schema that what a wrapped function or client answers with must fit, as a policy of one rule besides the guard's own."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Literal, TypeVar

from guardrails.checker import Checker
from guardrails.context import describe_type
from guardrails.detectors import PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.formats.formats_detector import JSON, FitsSchema, FormatsDetector, Spans
from guardrails.detectors.formats.json_schema import JsonSchema, SchemaProblems
from guardrails.detectors.formats.syntax import find_json_error
from guardrails.detectors.kinds import Kind
from guardrails.engine.values.walk import find_leaves
from guardrails.errors import RequestError
from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy, OnFail
from guardrails.policy.loading.load import load
from guardrails.policy.schema import MOST_REASKS
from guardrails.registry.sources import PluginSources
from guardrails.types import Action, Stage
from guardrails.verdicts.format_failure import FormatProblem
from guardrails.wire.pointers import pointer

C = TypeVar("C", bound=Checker)

RULE: Final = "schema"
"""The id of the rule that stops an answer which does not fit."""

CATEGORY: Final = "custom.schema"

HIDDEN: Final = "\u2026"
"""What stands in a problem in place of a value of the answer."""

SHORTEST_VALUE: Final = 6
"""Characters from which a value is one: shorter ones are words of messages too."""


@dataclass(frozen=True, slots=True)
class SchemaOptions:
    """What answers must be.

    Attributes:
        schema: a JSON Schema; or a model of pydantic, or another type that it reads, such as a dataclass; None: anything.
        repair: whether what is broken is mended where that is possible without another call.
        reask: how often the model is asked again.
    """

    schema: Any = None
    repair: bool = True
    reask: int = 0


NO_SCHEMA: Final = SchemaOptions()


class TypeSchema:
    """What a type of Python wants of JSON, as pydantic reads it; raises `TypeError` for a type that it does not know."""

    def __init__(self, of: Any) -> None:
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticUserError

        wanted = (
            "schema must be a JSON Schema (a mapping), a model of pydantic, or another type that it reads"
        )
        if isinstance(of, str | bool) or inspect.isroutine(of):
            raise TypeError(f"{wanted}, not {describe_type(of)}")
        try:
            self._adapter: Any = TypeAdapter(of)
        except (PydanticUserError, NameError) as error:
            raise TypeError(f"{wanted}, not {of!r}: {error}") from error

    def problems(self, text: str) -> Sequence[FormatProblem]:
        """Return what is wrong with a valid JSON text."""
        from pydantic import ValidationError

        try:
            self._adapter.validate_json(text)
        except ValidationError as error:
            return [
                FormatProblem(pointer(tuple(each["loc"])), _hide_values(each["msg"], each["input"]))
                for each in error.errors(include_url=False, include_context=False)
            ]
        return []


def _hide_values(message: str, given: Any) -> str:
    """Return what pydantic, or a validator of the program, says of a value, without the texts and numbers of it."""
    try:
        values = {leaf for _, leaf, _, _ in find_leaves(given, ()) if isinstance(leaf, str)}
    except RequestError:
        return "is nested too deep, or too large"
    if isinstance(given, int | float):
        values.add(str(given))
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= SHORTEST_VALUE:
            message = message.replace(repr(value)[1:-1], HIDDEN).replace(value, HIDDEN)
    return message


class _SchemaDetector(FormatsDetector):
    """Finds texts that are not JSON, or do not fit; what one finds is no other's."""

    def __init__(self, name: str, schema: FitsSchema) -> None:
        super().__init__(name, CATEGORY, partial(_find, schema), language=JSON, schema=schema)
        self.identity = os.urandom(16).hex()


def _find(schema: FitsSchema, text: str) -> Spans:
    at = find_json_error(text)
    if at is not None:
        return [(at, at)]
    return [(0, len(text))] if schema.problems(text) else []


class _SchemaConfig(Config):
    """What answers must fit."""

    use: Literal["answer_schema"]
    """The kind of detector."""


def check_schema_options(options: SchemaOptions) -> None:
    """Raise `TypeError` or `ValueError` where options are of a wrong type or value."""
    if not isinstance(options.repair, bool):
        raise TypeError(f"wrap(): repair must be True or False, not {describe_type(options.repair)}")
    if not isinstance(options.reask, int) or isinstance(options.reask, bool):
        raise TypeError(f"wrap(): reask must be a number of times, not {describe_type(options.reask)}")
    if not 0 <= options.reask <= MOST_REASKS:
        raise ValueError(f"reask must be at least 0 and at most {MOST_REASKS}, not {options.reask}")
    if options.schema is None and options != NO_SCHEMA:
        raise TypeError("wrap(): repair and reask are for answers that must fit a schema: give schema=")


def require_schema(guard: C, options: SchemaOptions, stage: Stage) -> C | None:
    """Return a guard that judges as another one, and that answers fit a schema; None where there is none.

    Raises:
        TypeError: the schema is none.
        ValueError: something is wrong with a JSON Schema; the message says where.
    """
    check_schema_options(options)
    if options.schema is None:
        return None
    return guard.with_policy(_build_policy(guard.policy, read_schema(options.schema), options, stage))


def read_schema(given: Any) -> FitsSchema:
    """Return what answers must fit; raises as `require_schema` does."""
    if not isinstance(given, Mapping):
        return TypeSchema(given)
    try:
        return JsonSchema(given)
    except SchemaProblems as error:
        shown = "; ".join(
            f"{pointer(each.path) or '/'}: {each.message} ({each.hint})" for each in error.problems
        )
        raise ValueError(f"schema: {shown}") from None


def _build_policy(
    guards: CompiledPolicy, schema: FitsSchema, options: SchemaOptions, stage: Stage
) -> CompiledPolicy:
    """Return a policy of one rule, under the limits of the guard's, that says nothing of what else is in an answer."""

    def build(name: str, config: _SchemaConfig, files: PolicyFiles) -> FormatsDetector:
        return _SchemaDetector(name, schema)

    doc = "Texts that are not JSON, or do not fit the schema of a wrapped call."
    kind = Kind("answer_schema", doc, _SchemaConfig, frozenset({CATEGORY}), build, decoded=False)
    given = {
        "format": 1,
        "name": "answer-schema",
        "detectors": {"answer": {"use": "answer_schema"}},
        "rules": [
            {"id": RULE, "on": stage.value, "when": f"{CATEGORY} > 0", "then": "block", "on_fail": "repair"}
        ],
    }
    compiled = compile_policy(
        load(given, PluginSources.choose(()).with_own("detectors", {"answer_schema": kind}))
    )
    rules = tuple(replace(rule, on_fail=OnFail(options.repair, options.reask)) for rule in compiled.rules)
    return replace(
        compiled,
        rules=rules,
        limits=guards.limits,
        films=guards.films,
        parallel=True,
        unchecked=dict.fromkeys(compiled.unchecked, Action.ALLOW),
    )
