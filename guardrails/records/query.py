"""Records as a table with one column for each thing that is asked for, and conditions in CEL over these columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import product
from typing import Any, Final, NamedTuple

from guardrails.policy.cel.cel import CelError, check
from guardrails.records.chain import RecordsError
from guardrails.records.decision_store import StoredRecord

Row = dict[str, Any]
"""A record by its columns: texts are empty, and lists too, where it says nothing."""


class Column(NamedTuple):
    """A column: its type in CEL, and its value in a record (`StoredRecord.to_dict`)."""

    kind: str
    value: Callable[[Mapping[str, Any]], Any]
    doc: str


def _text(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda record: record.get(name) or ""


def _policy(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda record: record.get("policy", {}).get(name, "")


def _tokens(of: str) -> Callable[[Mapping[str, Any]], int]:
    return lambda record: record.get("tokens", {}).get(of, 0)


def _each(name: str, part: str) -> Callable[[Mapping[str, Any]], list[str]]:
    return lambda record: list(dict.fromkeys(each[part] for each in record.get(name, ())))


def _scores(record: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in record.get("findings", ()):
        found[each["category"]] = max(each["score"], found.get(each["category"], 0.0))
    return found


COLUMNS: Final[Mapping[str, Column]] = {
    "id": Column("string", _text("id"), "the verdict's id"),
    "time": Column("string", lambda record: format_time(record["time"]), "when, in UTC (ISO 8601)"),
    "kind": Column("string", _text("kind"), "decision, or forget"),
    "stage": Column("string", _text("stage"), "input, output, tool_call, …"),
    "action": Column("string", _text("action"), "allow, flag, redact or block"),
    "rules": Column("list", _each("rules", "id"), "the rules that fired"),
    "shadow": Column("list", _each("shadow", "id"), "those that would have"),
    "categories": Column("list", _each("findings", "category"), "what was found"),
    "scores": Column("map", _scores, "the highest score of each category, 0 to 1"),
    "unchecked": Column(
        "list", lambda record: [*record.get("coverage", {}).get("unchecked", ())], "what was not judged"
    ),
    "not_seen": Column(
        "list",
        lambda record: [*record.get("coverage", {}).get("not_seen", ())],
        "what no detector looked for in its pictures",
    ),
    "errors": Column("list", _each("errors", "detector"), "the detectors that failed"),
    "unavailable": Column("string", _text("unavailable"), "why the check could not be done"),
    "complete": Column("bool", lambda record: record.get("complete", True), "whether every detector was asked"),
    "tenant": Column("string", _text("tenant"), "for whom"),
    "user": Column("string", _text("subject"), "who asked, as the store has it"),
    "conversation": Column("string", _text("conversation"), "the conversation, likewise"),
    "client": Column("string", _text("client"), "the id of the client's key"),
    "model": Column("string", _text("model"), "the model that was asked for"),
    "upstream": Column("string", _text("upstream"), "who answered"),
    "route": Column("string", _text("route"), "the route of the server"),
    "request_id": Column("string", _text("request_id"), "the id that the client got"),
    "trace_id": Column("string", _text("trace_id"), "that of its trace"),
    "policy": Column("string", _policy("name"), "the policy's name"),
    "policy_version": Column("string", _policy("version"), "its version"),
    "policy_digest": Column("string", _policy("digest"), "its digest"),
    "input_tokens": Column("int", _tokens("input"), "tokens of the request, as its upstream says with the answer"),
    "output_tokens": Column("int", _tokens("output"), "tokens of the answer, likewise"),
    "ms": Column("double", lambda record: record.get("ms", {}).get("total", 0.0), "milliseconds the check took"),
    "erased": Column("bool", lambda record: record.get("erased", False), "whether the person was erased"),
    "writer": Column("string", _text("writer"), "the process that wrote it"),
    "seq": Column("int", lambda record: record["seq"], "its number in that one's chain"),
}  # fmt: skip
"""What can be asked for by name."""

PARTS_OF_TIME: Final = {"day": 10, "hour": 13, "minute": 16}
"""What records can be counted by besides: so many characters of their time."""


def format_time(microseconds: int) -> str:
    """Return a time as text: UTC, ISO 8601, to the millisecond."""
    at = datetime.fromtimestamp(microseconds / 1_000_000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tabulate(stored: StoredRecord) -> Row:
    """Return a record by its columns."""
    record = stored.to_dict()
    return {name: column.value(record) for name, column in COLUMNS.items()}


class RecordCondition:
    """A condition over the columns, in CEL: `action == "block" && "pii.card" in rules`.

    Args:
        text: the condition.

    Raises:
        RecordsError: it is no condition over these columns; says where.
    """

    def __init__(self, text: str) -> None:
        names = {name: column.kind for name, column in COLUMNS.items()}
        try:
            self._program = check(text, names)
        except CelError as error:
            told = "; ".join(f"at {offset + 1}: {message}" for offset, message in error.problems)
            raise RecordsError(f"the condition {text!r}: {told}; columns are: {', '.join(COLUMNS)}") from None
        if not self._program.is_bool:
            raise RecordsError(
                f"the condition {text!r} is of type {self._program.type_name}, not true or false"
            )

    def holds(self, row: Row) -> bool:
        """Tell whether it holds for a record; one that it cannot be decided for is none that it holds for."""
        return self._program.run(row) is True


def matching(records: Iterable[StoredRecord], condition: RecordCondition | None) -> Iterator[Row]:
    """Return the records for which a condition holds, by their columns."""
    rows = map(tabulate, records)
    return rows if condition is None else filter(condition.holds, rows)


def count_by(rows: Iterable[Row], names: Iterable[str]) -> list[tuple[tuple[str, ...], int]]:
    """Count records by the values of columns, or parts of their time, most first; a list counts once for each of its entries.

    Raises:
        RecordsError: there is no such column.
    """
    names = [*names]
    if unknown := [name for name in names if name not in COLUMNS and name not in PARTS_OF_TIME]:
        raise RecordsError(
            f"there is no column {unknown[0]!r}; there are: {', '.join([*COLUMNS, *PARTS_OF_TIME])}"
        )
    counts: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        for values in product(*(_values(row, name) for name in names)):
            counts[values] += 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _values(row: Row, name: str) -> list[str]:
    if name in PARTS_OF_TIME:
        return [row["time"][: PARTS_OF_TIME[name]]]
    value = row[name]
    return [*map(str, value)] if isinstance(value, list | dict) else [str(value)]
