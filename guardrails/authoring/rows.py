"""Reads recorded or labelled contents from JSONL files (also .gz, or `-` for standard input), one `ContentRow` a line.

What a line holds, one JSON object:

    {"input": "a text"}                                the fields of a policy's tests: input, output, tool_call, …, messages
    {"text": "a text", "kind": "response"}             labelled data: prompt (default), comment, document, response
    {"text": "a text", "stage": "tool_result"}         or the stage itself
    {"content": …, "stage": "input"}                   any JSON that `Guard.check` takes: a request, a response, messages

and beside it, each if known: `labels` {category or name: 0 or 1} (one that is missing is unknown, not 0) or `label` (0, 1,
"benign", a category, or several: "hate, violence"), `prompt` or `context` (the prompt of a reply), `user`, `tenant`, `metadata`,
`lang`, `source` (the name of the file if it is not given), `id`. Other fields are left alone. A `.csv` file, whose first line
names the fields, will do as well (`text,label`, `text;labels.hate;lang`), and so does a folder of pictures in which folders are
labels (`weapons/a.jpg`, `benign/b.jpg`).
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from guardrails.authoring.csv_rows import ENDINGS, CsvError
from guardrails.authoring.csv_rows import read_records as read_csv
from guardrails.authoring.labels.label_names import BENIGN, HARMFUL, read_label
from guardrails.authoring.labels.labelled_pictures import list_labelled_pictures
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.policy.schema import CONTENTS
from guardrails.types import Stage, Verdict

KINDS: Final[Mapping[str, str]] = {
    "prompt": "input",
    "comment": "input",
    "document": "tool_result",
    "response": "output",
}
"""What labelled data call a text → the stage where such a text stands."""

SHOWN: Final = 8
"""Fields of a row that a message names."""

UNLABELLED: Final = "no label that holds"

OPPOSITE: Final = {BENIGN: HARMFUL, HARMFUL: BENIGN}
"""What is said by a 0 for it."""

CALLED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("prompt", "question", "query", "request", "instruction", "user_message"), "input"),
    **dict.fromkeys(("response", "answer", "reply", "completion", "generation"), "output"),
    **dict.fromkeys(
        ("comment", "comment_text", "message", "sentence", "tweet", "post", "body", "texto", "texte"), "text"
    ),
}
"""What a content is called in data of others → what it is called here."""

WORKBOOKS: Final = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
"""How files of spreadsheets end, which are no texts."""

BETWEEN: Final = re.compile(r"[,;|]")
"""What stands between several labels in one text."""


class RowError(GuardrailsError):
    """A line that is no row; the message names file, line, cause and cure."""


@dataclass(frozen=True, slots=True)
class ContentRow:
    """One content to judge. `place` is `file:line`; `labels` hold what is known, True or False by category, and `written` what
    the file has for each label that holds.
    """

    place: str
    stage: str
    content: Any
    labels: Mapping[str, bool] = field(default_factory=dict)
    prompt: str = ""
    user: Mapping[str, Any] = field(default_factory=dict)
    tenant: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    lang: str | None = None
    source: str | None = None
    id: str | None = None
    written: tuple[str, ...] = field(default=(), compare=False)

    @property
    def text(self) -> str:
        """The content as people are shown it: a text itself, the path of a picture, JSON of anything else."""
        if self.stands_alone:
            return str(self.content)
        return json.dumps(self.content, ensure_ascii=False, default=str)

    @property
    def stands_alone(self) -> bool:
        """Whether the content does not say where it stands, so that the row's stage holds: a text or a picture."""
        return isinstance(self.content, str | Path)

    def judge(self, guard: Guard) -> Verdict:
        """Judge the content by all detectors of a guard, also where an early one would settle the action."""
        return guard.check(
            self.content,
            Stage(self.stage),
            user=self.user or None,
            tenant=self.tenant,
            metadata=self.metadata or None,
            prompt=self.prompt,
            complete=True,
        )


def read_rows(path: str | Path) -> Iterator[ContentRow]:
    """Yield the rows of a file, of which empty lines are none, or of a folder of pictures.

    Raises:
        RowError: the file cannot be read, a line is no row, or there is no row at all.
        GuardrailsError: what is wrong with the folder.
    """
    if Path(path).is_dir():
        for picture, label in list_labelled_pictures(Path(path)):
            labels = _said(label, True)
            source = Path(path).name
            yield ContentRow(
                str(picture), Stage.INPUT.value, picture, labels, source=source, written=(label,)
            )
        return
    count = 0
    for number, data in read_records(path):
        count += 1
        yield make_row(data, f"{path}:{number}")
    if not count:
        cure = 'give one JSON object a line, such as {"input": "a text"}'
        if _is_table(path):
            cure = "below a first line such as text,label each line is one"
        raise RowError(f"{path}: has no rows; {cure}")


def _is_table(path: str | Path) -> bool:
    return str(path).lower().endswith(ENDINGS)


def read_records(path: str | Path) -> Iterator[tuple[int, Any]]:
    """Yield what each line that is not empty says, with its number; raises `RowError` where the file cannot be read."""
    if _is_table(path):
        try:
            yield from read_csv(read_lines(path))
        except CsvError as error:
            raise RowError(f"{path}:{error.line}: {error}") from error
        return
    for number, line in enumerate(read_lines(path), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise RowError(f"{path}:{number}: is no JSON: {error} - {_explain_form(line)}") from error


def _explain_form(line: str) -> str:
    """Return what a line must be that is no JSON."""
    if line.startswith("["):
        return "write one object a line, without [ ] around all of them and without commas between them"
    if line.rstrip().endswith("},"):
        return "write one object a line, without a comma behind it"
    if not line.lstrip().startswith("{"):
        return 'give one JSON object a line, such as {"text": "…", "label": "benign"}; tables end in .csv or .tsv'
    return "keys and texts stand in straight double quotes, and each object in one line"


@dataclass(slots=True)
class LabelCounts:
    """How many rows have each label, as it is read; of each, how it is written, and the first place where it stands."""

    rows: Counter[str] = field(default_factory=Counter)
    written: dict[str, Counter[str]] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, row: ContentRow) -> None:
        """Count the labels of a row that hold, or that it has none."""
        for written in row.written or [UNLABELLED]:
            name = read_label(written) or written
            self.rows[name] += 1
            self.written.setdefault(name, Counter())[written] += 1
            self.first.setdefault(name, row.place)

    def describe(self) -> str:
        """Return the counts in a line, most rows first, with how each label is written where that is another word."""
        return ", ".join(
            f"{name} {number:,}{self._describe_written(name)}" for name, number in self.rows.most_common()
        )

    def _describe_written(self, name: str) -> str:
        words = self.written[name]
        if {*words} == {name}:
            return ""
        shown = [f"{word} {number:,}" for word, number in words.most_common(SHOWN)]
        return f" (written {', '.join(shown)}{', …' if len(words) > SHOWN else ''})"

    def unknown(self) -> list[str]:
        """Return the labels that name nothing which is known."""
        return [name for name in self.rows if name != UNLABELLED and read_label(name) is None]


def count_rows(path: str | Path, labels: LabelCounts | None = None) -> int | None:
    """Read all rows of a file once, and return how many there are, so that what is wrong in the last of them is known before the
    first is judged, and which `labels` they have; None for standard input, which can be read but once.

    Raises:
        RowError: as `read_rows` does.
    """
    if str(path) == "-":
        return None
    count = 0
    for row in read_rows(path):
        count += 1
        if labels is not None:
            labels.add(row)
    return count


def read_lines(path: str | Path) -> Iterator[str]:
    """Yield the lines of a text file; raises `RowError` where it cannot be read."""
    if str(path).lower().endswith(WORKBOOKS):
        raise RowError(f"{path}: is a workbook; save its sheet as 'CSV UTF-8' (.csv)")
    try:
        if str(path) == "-":
            yield from _decode_lines(sys.stdin.buffer)
        elif str(path).endswith(".gz"):
            with gzip.open(path) as packed:
                yield from _decode_lines(packed)
        else:
            with Path(path).open("rb") as stream:
                yield from _decode_lines(stream)
    except UnicodeDecodeError as error:
        cure = "save it as UTF-8; spreadsheets call that 'CSV UTF-8'"
        raise RowError(f"{path}: is not UTF-8: {error.reason}; {cure}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise RowError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _decode_lines(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line.decode("utf-8-sig" if number == 0 else "utf-8")


def make_row(data: Any, place: str) -> ContentRow:
    """Return the row that a line says; raises `RowError` where it is none."""
    if not isinstance(data, dict):
        cure = ", one a line, without [ ] around all of them" if isinstance(data, list) else ""
        raise RowError(f'{place}: must be a JSON object, such as {{"input": "a text"}}{cure}')
    labels, written = _labels(data, place)
    stage, content = _content(data, place)
    return ContentRow(
        place=place,
        stage=stage,
        content=content,
        labels=labels,
        written=written,
        prompt=_read_typed(data, "prompt", str, place) or _read_typed(data, "context", str, place) or "",
        user=_read_typed(data, "user", dict, place) or {},
        tenant=_read_typed(data, "tenant", str, place),
        metadata=_read_typed(data, "metadata", dict, place) or {},
        lang=_read_typed(data, "lang", str, place),
        source=_read_typed(data, "source", str, place) or Path(place.rpartition(":")[0]).name,
        id=None if data.get("id") is None else str(data["id"]),
    )


def _content(data: Mapping[str, Any], place: str) -> tuple[str, Any]:
    given = [name for name in (*CONTENTS, "text", "content") if data.get(name) is not None]
    if len(given) != 1:
        told = f"has both {given[0]!r} and {given[1]!r}; make it two rows" if given else "has no content"
        has = f"; it has {', '.join(list(data)[:SHOWN])}" if data and not given else ""
        fields = f"{', '.join(CONTENTS)}, text, content"
        cure = f"give one of {fields}{has}"
        called = [
            name
            for name in data
            if CALLED.get(name.lower()) or name.lower() in ("text", "content", *CONTENTS)
        ]
        if not given and called and data[called[0]] is not None:
            word = called[0].lower()
            cure = f"call {called[0]!r} {CALLED.get(word, word)!r} (or one of {fields}){has}"
        elif not given and _is_table(place.rpartition(":")[0]):
            cure = f"the first line must name the columns, such as text,label, and the cell of the text must not be empty{has}"
        raise RowError(f"{place}: {told}: {cure}")
    (name,) = given
    if name in (stage.value for stage in Stage):
        return name, data[name]
    return _stage(data, place), data[name]


def _stage(data: Mapping[str, Any], place: str) -> str:
    kind = data.get("kind", "prompt")
    if "stage" not in data and kind not in list(KINDS):
        raise RowError(f"{place}: {kind!r} is no kind: one of {', '.join(KINDS)}; or give the stage")
    stage = data["stage"] if "stage" in data else KINDS[kind]
    if stage not in [each.value for each in Stage]:
        raise RowError(f"{place}: {stage!r} is no stage: one of {', '.join(each.value for each in Stage)}")
    return str(stage)


def _labels(data: Mapping[str, Any], place: str) -> tuple[dict[str, bool], tuple[str, ...]]:
    """Return what the labels of a row say, by category, and those that hold, as they are written."""
    labels = _read_typed(data, "labels", dict, place) or {}
    for name, value in labels.items():
        if value not in (0, 1):
            raise RowError(
                f"{place}: label {name!r} must be 0 or 1, not {value!r}; leave out what is unknown"
            )
    told: dict[str, bool] = {}
    for name, value in labels.items():
        told |= _said(str(name), bool(value))
    written = [str(name) for name, value in labels.items() if value]
    written += [
        OPPOSITE[read]
        for name, value in labels.items()
        if not value and (read := read_label(str(name))) in OPPOSITE
    ]
    label = data.get("label")
    names = _split_label(label)
    if label is not None and names is None:
        raise RowError(f"{place}: label must be 0, 1 or a name, not {label!r}")
    for name in names or ():
        told |= _said(name, True)
    return told, (*written, *(names or ()))


def _split_label(label: Any) -> list[str] | None:
    """Return the names in a label, of which there may be several in a list or a text; None where it is none."""
    if label == "":
        return []
    if isinstance(label, list) and all(isinstance(each, str) for each in label):
        return [*label]
    if isinstance(label, str) and not label.strip().isdecimal():
        parts = [part.strip() for part in BETWEEN.split(label)]
        several = read_label(label) is None and all(read_label(part) not in (None, BENIGN) for part in parts)
        return parts if several else [label]
    number = label.strip() if isinstance(label, str) else label
    return [str(int(number))] if number in (0, 1, "0", "1") else None


def _said(name: str, value: bool) -> dict[str, bool]:
    """Return what one label says, words for harm and its absence in one form; other names stay as they are."""
    reading = read_label(name)
    return {BENIGN: value is (reading == BENIGN)} if reading in (BENIGN, HARMFUL) else {name: value}


def _read_typed(data: Mapping[str, Any], name: str, kind: type, place: str) -> Any:
    value = data.get(name)
    if value is not None and not isinstance(value, kind):
        word = (
            "a text" if kind is str else 'a mapping, such as {"hate": 1}' if name == "labels" else "a mapping"
        )
        raise RowError(f"{place}: {name} must be {word}, not {repr(value)[:60]}")
    return value
