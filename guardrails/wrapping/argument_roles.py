"""What each argument of a wrapped function is: somebody's prompt, the application's own instructions, documents, or a setting.

Whoever wraps a function may say it (`wrap(fn, prompt="question", system="persona", context="documents", ignore=["tags"])`, by
name or position). For the rest, names and annotations tell, by the tables below. What an argument is decides at which stage it
is judged and who reads it:

| role | judged | read |
|---|---|---|
| `prompt` | at `input`, as the user's | a text, or each of several, in full, however short |
| `system` | at `input`, as a system prompt; declared, as the application's own | likewise |
| `context` | at `retrieval`; also at `input` where only its name told so | likewise |
| `avoided` | at `input`, as what a picture is not to show: for injections and personal data, not for harm | likewise |
| `value` | at `input` | all together, as a record (`engine/content/records.py`): names and codes for words and patterns alone |
| `setting` | as a value | likewise; it is never taken for the prompt |
| `credential` | not at all, if it is a text without spaces: the program's own key | |
| `ignored` | not at all: whoever wraps the function said so | |
"""

from __future__ import annotations

import enum
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from guardrails.spelling import suggest_name
from guardrails.types import Place, Stage

ArgumentRole = Literal["prompt", "system", "context", "avoided", "setting", "value", "credential", "ignored"]
"""What an argument is."""

ArgumentNames: TypeAlias = str | int | Sequence[str | int]
"""Arguments of a function, by name or position."""

NAMES: Final[Mapping[str, ArgumentRole]] = {
    **dict.fromkeys(
        (
            *("prompt", "prompts", "user_prompt", "user_message", "user_input", "user_query"),
            *("message", "messages", "history", "chat_history", "conversation", "utterance"),
            *("question", "questions", "query", "queries", "search_query", "task"),
            *("input", "inputs", "input_text", "text", "texts", "content", "contents"),
        ),
        "prompt",
    ),
    **dict.fromkeys(
        (
            *("system", "system_prompt", "system_message", "system_instruction", "system_instructions"),
            *("instructions", "persona", "preamble", "developer_prompt", "developer_message"),
        ),
        "system",
    ),
    **dict.fromkeys(
        (
            *("context", "contexts", "document", "documents", "docs", "passage", "passages", "chunks"),
            *("sources", "evidence", "retrieved", "retrieved_docs", "retrieved_documents", "search_results"),
        ),
        "context",
    ),
    **dict.fromkeys(
        (
            *("api_key", "apikey", "api_token", "access_token", "auth_token", "bearer_token", "password"),
            *("client_secret", "secret_key", "aws_secret_access_key", "aws_access_key_id", "token"),
            *("openai_api_key", "anthropic_api_key", "dsn", "database_url", "connection_string"),
        ),
        "credential",
    ),
    **dict.fromkeys(
        ("negative_prompt", "negative_prompts", "negative_prompt_2", "negative_prompt_3"), "avoided"
    ),
    **dict.fromkeys(("model", "model_name", "model_id", "engine", "deployment"), "setting"),
}
"""Name of an argument → what it is."""

OPTIONS: Final[Mapping[ArgumentRole, str]] = {
    "prompt": "prompt",
    "system": "system",
    "context": "context",
    "ignored": "ignore",
}
"""Role → the option of `wrap` that declares it."""

NOT_SAID: Final = ("avoided", "setting", "credential", "ignored")
"""Roles that are not of what a function is asked."""

SETTING_TYPES: Final = (enum.Enum, bool, int, float, complex, Decimal, UUID, date, time, timedelta, PurePath)
"""Types of arguments that are settings."""

BOUND: Final = ("self", "cls")
"""Names of the parameter for the object that a method belongs to."""

POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
VARIABLE: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class ArgumentPlace:
    """What one argument is, and the place at which it is judged.

    Attributes:
        role: what it is.
        place: its stage, and whose words it is.
        declared: whether whoever wrapped the function said so.
    """

    role: ArgumentRole
    place: Place
    declared: bool = False


def place_of(role: ArgumentRole, *, declared: bool = False) -> ArgumentPlace:
    """Return where an argument of a role is judged; only what was declared is taken for retrieved text alone."""
    if role == "context":
        also = () if declared else (Stage.INPUT,)
        return ArgumentPlace(role, Place(Stage.RETRIEVAL, also), declared)
    if role == "system":  # what whoever wraps it declares is the application's own: `message.declared`
        return ArgumentPlace(role, Place(Stage.INPUT, role="system", declared=declared), declared)
    if role == "avoided":
        return ArgumentPlace(role, Place(Stage.INPUT, asks_for="absence"), declared)
    return ArgumentPlace(role, Place(Stage.INPUT), declared)


VALUE: Final = place_of("value")


@dataclass(frozen=True, slots=True)
class ArgumentRoles:
    """What the arguments of a function are.

    Attributes:
        positions: the names of the arguments that may be given by position, without the object of a method.
        places: what each is, by name or, where it has none, by position.
        is_method: whether the first argument is the object that a method belongs to.
    """

    positions: tuple[str, ...] = ()
    places: Mapping[str | int, ArgumentPlace] = field(default_factory=dict)
    is_method: bool = False

    def bind(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Iterable[tuple[str | int, Any, ArgumentPlace]]:
        """Yield the arguments of a call, without the object of a method: the name of each, or its position where it has none, the
        argument, and what it is.
        """
        for at, value in enumerate(args):
            name = self.positions[at] if at < len(self.positions) else at
            # One that may be given by position alone shares its name with what `**kwargs` takes.
            yield at if name in kwargs else name, value, self.places.get(name, VALUE)
        for name, value in kwargs.items():
            yield name, value, self.places.get(name) or _infer_name(name)

    def describe(self) -> dict[str | int, str]:
        """Return what each argument is, by name."""
        return {name: each.role for name, each in self.places.items()}


NO_ROLES: Final = ArgumentRoles()
"""Of a function of which nothing is known."""


def read_roles(function: Callable[..., Any], declared: Mapping[ArgumentRole, ArgumentNames]) -> ArgumentRoles:
    """Return what the arguments of a function are: as declared, else as names and annotations tell.

    The only argument of a function, beside settings, is its prompt, whatever it is called, unless something else is declared.
    Of a function that takes what a picture is not to show, the prompt asks for a picture.

    Args:
        function: the function.
        declared: what whoever wraps it says, by role.

    Raises:
        TypeError: it has no such argument, or one is declared twice, or by something that is no name.
    """
    parameters, is_method = _parameters(function)
    positions = tuple(each.name for each in parameters if each.kind in POSITIONAL)
    given = _declared_roles(declared, parameters, positions)
    hints = _annotations(function)
    roles: dict[str | int, ArgumentPlace] = {}
    for each in parameters:
        if each.kind not in VARIABLE and each.name not in given:
            roles[each.name] = place_of(_infer_role(each.name, hints.get(each.name, each.annotation)))
    roles |= {name: place_of(role, declared=True) for name, role in given.items()}
    said = [name for name, each in roles.items() if each.role not in NOT_SAID]
    if len(said) == 1 and not roles[said[0]].declared and roles[said[0]].role in ("value", "system"):
        roles[said[0]] = place_of("prompt")
    if any(each.role == "avoided" for each in roles.values()):
        roles = {name: _asking_for_picture(each) for name, each in roles.items()}
    return ArgumentRoles(positions, roles, is_method)


def _asking_for_picture(what: ArgumentPlace) -> ArgumentPlace:
    if what.role != "prompt":
        return what
    return replace(what, place=replace(what.place, asks_for="picture"))


def _parameters(function: Callable[..., Any]) -> tuple[list[inspect.Parameter], bool]:
    """Return the parameters of a function, without the object of a method, and whether there was one."""
    try:
        parameters = [*inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        return [], False
    is_method = bool(parameters) and parameters[0].name in BOUND
    return parameters[is_method:], is_method


def _annotations(function: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=False)
    except Exception:  # names that are not there at run time
        return {}


def _declared_roles(
    declared: Mapping[ArgumentRole, ArgumentNames],
    parameters: Sequence[inspect.Parameter],
    positions: Sequence[str],
) -> dict[str | int, ArgumentRole]:
    names = [each.name for each in parameters if each.kind not in VARIABLE]
    kinds = {each.kind for each in parameters}
    found: dict[str | int, ArgumentRole] = {}
    for role, given in declared.items():
        for each in [given] if isinstance(given, str | int) else given:
            if not isinstance(each, str | int) or isinstance(each, bool):
                raise TypeError(
                    f"wrap(): {OPTIONS[role]} takes names or positions of arguments, not {each!r}"
                )
            name: str | int = each
            if isinstance(each, int):
                name = positions[each] if 0 <= each < len(positions) else each
                known = isinstance(name, str) or (each >= 0 and inspect.Parameter.VAR_POSITIONAL in kinds)
            else:
                known = each in names or inspect.Parameter.VAR_KEYWORD in kinds or not parameters
            if not known:
                hint = suggest_name(str(each), names)
                raise TypeError(f"wrap(): {OPTIONS[role]}: the function has no argument {each!r}; {hint}")
            if found.setdefault(name, role) != role:
                raise TypeError(
                    f"wrap(): the argument {each!r} is both {OPTIONS[found[name]]} and {OPTIONS[role]}"
                )
    return found


def _infer_name(name: str) -> ArgumentPlace:
    """Return what a keyword argument is that a function takes among any others."""
    return place_of(NAMES.get(name, "value"))


def _infer_role(name: str, annotation: Any) -> ArgumentRole:
    """Return what an argument is by its annotation, else by its name."""
    if _is_setting(annotation):
        return "setting"
    return NAMES.get(name, "value")


def _is_setting(annotation: Any) -> bool:
    """Tell whether an annotation allows but words of the program, numbers, dates, paths and the like."""
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return True
    if origin in (typing.Union, types.UnionType):
        inner = [each for each in typing.get_args(annotation) if each is not type(None)]
        return bool(inner) and all(map(_is_setting, inner))
    return isinstance(annotation, type) and issubclass(annotation, SETTING_TYPES)
