"""The content tree of a body: each content with its JSON Pointer.

A body is walked by the field table of its API (`protocols`): which fields are text to judge, which are structure, which are
refused. String leaves of fields that no table knows are judged as well, and named.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

from guardrails.detectors.encodings.extractors import DerivedText, extract
from guardrails.engine.content.labels import find_key_lines, label_values
from guardrails.engine.content.places import field_place, place_at
from guardrails.engine.content.records import RecordPart, RecordReading, read_records
from guardrails.engine.content.reply_context import SOURCES, ReplyContext, forget_borders, join_contexts
from guardrails.engine.values.json_text import find_literals, parse_json_text
from guardrails.engine.values.walk import Found, find_leaves
from guardrails.media.images.outline import WRITTEN
from guardrails.text.prose import classify_text
from guardrails.types import (
    AsksFor,
    Content,
    FilmCoverage,
    Place,
    Stage,
    Text,
    TextForm,
    Tool,
    ToolCall,
    Unchecked,
    Use,
)
from guardrails.wire.lossless_json import unescaped
from guardrails.wire.pointers import KeyStep, Path, pointer


@dataclass(slots=True)
class Leaf:
    """One content of a body, which nobody changes once it is made. `path` leads to it; `inner` leads on inside the JSON text that
    stands there.

    `editable` is False for identifiers and the like: a redaction that would change them blocks instead.
    `pieces` are the leaves (by index, with where each begins) that a joined text is made of; `across` tells
    that they are of several messages, so that only rules of scope `conversation` look at it. A text that stood
    encoded in another leaf (`parent`) has the way back in `derived`. A picture that stands in the body in Base64 has in
    `base64` what stands before it: "", or the head of a data URI.
    """

    content: Content
    path: Path = ()
    inner: Path | None = None
    editable: bool = True
    pieces: tuple[tuple[int, int], ...] = ()
    across: bool = False
    parent: int | None = None
    derived: DerivedText | None = None
    base64: str | None = None

    @property
    def is_record(self) -> bool:
        """Whether it is what a record says, put together of its parts (`records.py`)."""
        return isinstance(self.content, Text) and self.content.form == "record"

    @property
    def again(self) -> bool:
        """Whether the text is judged elsewhere too, in parts or encoded, so that the same find may come up twice."""
        return bool(self.pieces) or self.parent is not None

    @property
    def is_filling(self) -> bool:
        """Whether it is what fills a slot of a declared text: a stretch of its parent, as it stands there."""
        return self.derived is not None and not self.derived.origin


MOST_LITERALS = 2_000
"""Literals of a text that is no sound JSON which are judged by themselves."""

RETRIEVED = (Stage.TOOL_RESULT, Stage.RETRIEVAL)
"""Where what a reply is to rest on comes from."""

SYSTEM_ROLES = ("system", "developer")
"""Whose words make up a system prompt."""

SAID = (Stage.OUTPUT, Stage.TOOL_CALL)
"""Where what a model says stands."""

LeafSpan = tuple[int, int, int]
"""A leaf, and from where to where in its text."""


def resolve_span(leaves: Sequence[Leaf], index: int, span: tuple[int, int]) -> Iterator[LeafSpan]:
    """Yield what a span of a leaf covers: of the leaf's own text, of the texts that a joined one is made of, or of the
    text that it stood encoded in.
    """
    leaf = leaves[index]
    if leaf.derived is not None and leaf.parent is not None:
        for original in leaf.derived.originals(span):
            yield from resolve_span(leaves, leaf.parent, original)
        return
    start, end = span
    pieces = leaf.pieces
    if not pieces:
        yield index, start, end
        return
    if leaf.is_record:
        yield from _resolve_record(leaves, leaf, start, end)
        return
    for at in range(max(0, bisect_right(pieces, start, key=itemgetter(1)) - 1), len(pieces)):
        piece, begin = pieces[at]
        if begin >= end:
            return
        until = pieces[at + 1][1] if at + 1 < len(pieces) else end
        covered = max(start, begin) - begin, min(end, until) - begin
        if leaves[piece].is_filling:
            yield from resolve_span(leaves, piece, covered)
        else:
            yield piece, *covered


def _resolve_record(leaves: Sequence[Leaf], record: Leaf, start: int, end: int) -> Iterator[LeafSpan]:
    """Yield the values of a record that a span touches, each as a whole, as it spells them out in its own way; the keys where
    there are no values.
    """
    ends = [*(begin for _, begin in record.pieces[1:]), end]
    touched = [
        piece
        for (piece, begin), until in zip(record.pieces, ends, strict=True)
        if begin < end and until > start
    ]
    for piece in [piece for piece in touched if leaves[piece].editable] or touched:
        content = leaves[piece].content
        yield piece, 0, len(content.text) if isinstance(content, Text) else 0


def _with_context(leaf: Leaf, context: Mapping[str, str]) -> Leaf:
    """Return a leaf with a context."""
    given = leaf.content
    content: Content = (
        Text(given.text, given.place, context, given.form)
        if isinstance(given, Text)
        else replace(given, context=context)
    )
    return Leaf(  # what `replace` does, in a fraction of its time
        content, leaf.path, leaf.inner, leaf.editable, leaf.pieces, leaf.across, leaf.parent, leaf.derived, leaf.base64,
    )  # fmt: skip


@dataclass(slots=True)
class ContentTree:
    """What a walk collects. `unchecked` are parts that cannot be judged; `unknown` are fields outside the
    table.
    """

    leaves: list[Leaf] = field(default_factory=list)
    unchecked: list[tuple[Unchecked, Place]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    turns: int = 1
    current_from: int = 0
    """The message with which the current turn begins; what lies before is history."""
    roles: tuple[str, ...] = ()
    """The role of each message."""
    calls: dict[str, list[Tool]] = field(default_factory=dict)
    """The tools that were called, by the id of the call."""
    films: dict[int, FilmCoverage] = field(default_factory=dict)
    """How much of each film was looked at, by leaf."""
    replies: list[tuple[Path, ...]] | None = None
    """Of an answer, where the texts stand that a model replies with: the parts of each; None: that is not known."""
    opened: list[Any] = field(default_factory=list)
    """The films that a check began to watch (`films.FilmCheck`), which it releases."""

    def text(
        self,
        value: str,
        path: Path,
        place: Place,
        *,
        editable: bool = True,
        form: TextForm | None = None,
    ) -> None:
        """Add a text. Where no `form` is given, a name or an id, which is not `editable`, is data unless it is long enough to say
        something.
        """
        if value:
            if form is None:
                form = "prose" if editable or classify_text(value) != "data" else "data"
            self.leaves.append(Leaf(Text(value, place_at(place, path), None, form), path, None, editable))

    def field(
        self, value: str, path: Path, place: Place, *, editable: bool = True, form: TextForm | None = None
    ) -> None:
        """Add the text of a field that a table names; all else is as for `text`."""
        if value:
            if form is None:
                form = "prose" if editable or classify_text(value) != "data" else "data"
            self.leaves.append(Leaf(Text(value, field_place(place, path), None, form), path, None, editable))

    def system(self) -> str:
        """Return the system prompt of a conversation: all texts of its system and developer messages."""
        return self.conversation()[0]

    def prompt(self) -> str:
        """Return what is asked: the last message of the user, or all that stands outside of messages."""
        return self.conversation()[1]

    def sources(self) -> str:
        """Return what was retrieved: the results of tools and the passages of a conversation, a line between them."""
        return self.conversation()[2]

    def conversation(self) -> tuple[str, str, str]:
        """Return what an answer to these leaves is judged beside: `system`, `prompt` and `sources`, from one look at them."""
        system, said, retrieved = self._gather()
        prompt = "\n".join(said[max(said)]) if said else ""
        return "\n".join(system), prompt, SOURCES.join([text for _, text in retrieved])

    def _gather(self) -> tuple[list[str], dict[int, list[str]], list[tuple[int, str]]]:
        """Return the texts of the system prompt; what the user said, by message; and what was retrieved, with the message that it
        stands in. The message -1 is outside of any.
        """
        system: list[str] = []
        said: dict[int, list[str]] = {}
        retrieved: list[tuple[int, str]] = []
        for leaf in self.leaves:
            content = leaf.content
            if not isinstance(content, Text) or leaf.pieces or leaf.parent is not None:
                continue
            place = content.place
            if place.asks_for == "absence":
                continue
            if place.stage is Stage.INPUT:
                if place.role in SYSTEM_ROLES:
                    system.append(content.text)
                elif leaf.editable and content.form != "data":
                    if place.role == "user" and place.message is not None:
                        said.setdefault(place.message, []).append(content.text)
                    elif place.role is None:
                        said.setdefault(-1, []).append(content.text)
            elif place.stage in RETRIEVED and leaf.editable:
                retrieved.append((-1 if place.message is None else place.message, content.text))
        return system, said, retrieved

    def beside_own_system(self) -> None:
        """Let what assistants said in a conversation be judged beside its own system prompt."""
        if self._says():
            self.beside(self.system())

    def _says(self) -> bool:
        """Tell whether anything stands here that a model said."""
        for leaf in self.leaves:  # noqa: SIM110 - `any` takes three times as long for so few
            if leaf.content.place.stage in SAID:
                return True
        return False

    def beside(self, system: str, prompt: str = "", sources: str = "") -> None:
        """Let what a model says be judged beside what it answers to, for detectors that declare that they read it: the
        system prompt, and for replies the user's message before it (`prompt` where these leaves have none) and what was
        retrieved before it (`sources` in front).
        """
        if not self._says():
            return
        _, said, retrieved = self._gather()
        turns = sorted(at for at in said if at >= 0)
        first = min((at for at, _ in retrieved), default=None)
        for index, leaf in enumerate(self.leaves):
            place = leaf.content.place
            if place.stage not in SAID:
                continue
            before = leaf.content.context or {}
            own = dict(before.own if isinstance(before, ReplyContext) else before)
            context: Mapping[str, str] = before.over(own) if isinstance(before, ReplyContext) else own
            if system:
                own["system"] = system
            if place.stage is Stage.OUTPUT:
                message = -1 if place.message is None else place.message
                before_it = bisect_left(turns, message)
                asked = "\n".join(said[turns[before_it - 1]]) if before_it else ""
                own["prompt"] = asked if before_it else prompt or own.get("prompt", "")
                if sources or (first is not None and first < message):
                    own.pop("sources", None)
                    context = ReplyContext(own, sources, retrieved, message)
            if context:
                self.leaves[index] = _with_context(leaf, context)

    def call(self, name: str, arguments: str, path: Path, place: Place) -> None:
        """Add a tool call as a whole, for detectors that judge it so; its texts are added apart."""
        call = ToolCall(name, arguments, place_at(place, path))
        self.leaves.append(Leaf(call, path, editable=False))

    def cannot(self, kind: str, reason: str, path: Path, place: Place) -> None:
        """Note a part that cannot be judged."""
        shown = place_at(place, path)
        self.unchecked.append((Unchecked(kind, reason, shown.path), shown))

    def add(
        self, leaf: str | Content | Unchecked, path: Path, place: Place, *, editable: bool = True
    ) -> None:
        """Add what was found in a value: a text, another content (which then stands at the place), or what cannot be judged."""
        if isinstance(leaf, str):
            self.text(leaf, path, place, editable=editable)
        elif isinstance(leaf, Unchecked):
            self.cannot(leaf.kind, leaf.reason, path, place)
        else:
            content = replace(leaf, place=place_at(place, path))
            if isinstance(content, ToolCall):
                self.whole_call(content, path)
            else:
                self.leaves.append(Leaf(content, path, None, editable))

    def whole_call(self, call: ToolCall, path: Path) -> None:
        """Add a tool call with its texts: its name, and its arguments, leaf by leaf."""
        use = call.place.use or Use(((call.name, ""),), call.arguments)
        place = replace(call.place, tool=call.name, use=use)
        self.text(call.name, (*path, "name"), place, editable=False)
        first = len(self.leaves)
        self.json_text(call.arguments, (*path, "arguments"), place)
        # They are written where the call stands.
        self.leaves[first:] = [replace(leaf, path=path) for leaf in self.leaves[first:]]
        self.leaves.append(Leaf(replace(call, place=place), path, editable=False))

    def anything(self, value: Any, path: Path, place: Place) -> None:
        """Add all that there is to judge in a value: its texts, keys of mappings too, long numbers, which may be cards, and other
        contents.
        """
        if found := find_leaves(value, path):
            self.structure(found, path, place)

    def structure(
        self, found: Sequence[Found], path: Path, place: Place, *, prose: bool = False, renames: bool = False
    ) -> None:
        """Add what was found in a structure.

        Args:
            found: what was found, with paths from the root of the body.
            path: where the structure stands.
            place: likewise.
            prose: whether each text in it is somebody's words, however short, such as each of several prompts.
            renames: whether a key can be redacted; one that comes several times cannot.
        """
        texts = [
            RecordPart(-1 if role == "name" else at, leaf, role != "value")
            for at, (where, leaf, _, role) in enumerate(found)
            if leaf and isinstance(leaf, str) and (where != path or role != "value")
        ]
        reading = read_records(texts, prose=prose)
        leaf_of: dict[int, int] = {}
        keys: dict[str, int] = {}
        for at, (where, leaf, editable, role) in enumerate(found):
            if not isinstance(leaf, str):
                self.add(leaf, where, place, editable=editable)
                continue
            if not leaf or role == "name":
                continue
            if role == "key":  # once, as each row of a table has the same
                first = leaf_of[at] = keys.setdefault(leaf, len(self.leaves))
                if first < len(self.leaves):
                    if self.leaves[first].editable:
                        self.leaves[first] = replace(self.leaves[first], editable=False)
                    continue
                if renames and isinstance(where[-1], str):
                    where, editable = (*where[:-1], KeyStep(where[-1])), True
            leaf_of[at] = len(self.leaves)
            text = Text(leaf, place_at(place, where), None, reading.forms.get(at, "prose"))
            self.leaves.append(Leaf(text, where, None, editable))
        self._add_passages(reading, leaf_of, path, place)
        self._add_labels(found, leaf_of, path, place)

    def _add_labels(
        self, found: Sequence[Found], leaf_of: Mapping[int, int], path: Path, place: Place
    ) -> None:
        """Add the values of a structure beside what they are called, and lists of the lines of a key in one (`labels.py`)."""
        for lines in find_key_lines(found):
            first = self.leaves[leaf_of[lines[0]]].content
            self.join([leaf_of[at] for at in lines if at in leaf_of], path, replace(first.place, path=""))
        for at, label in label_values(found, path):
            leaf = self.leaves[leaf_of[at]]
            content = leaf.content
            assert isinstance(content, Text)
            beside = Text(f"{label}: {content.text}", content.place, None, "data")
            pieces = ((leaf_of[at], len(label) + 2),)
            self.leaves.append(Leaf(beside, leaf.path, leaf.inner, editable=False, pieces=pieces))

    def _add_passages(
        self, reading: RecordReading, leaf_of: Mapping[int, int], path: Path, place: Place
    ) -> None:
        """Add what the texts of a structure say together; `leaf_of` tells where each of them stands."""
        for passage in reading.passages:
            pieces = tuple((leaf_of[part], begin) for part, begin in passage.pieces)
            text = Text(passage.text, place_at(place, path), None, passage.form)
            self.leaves.append(Leaf(text, path, editable=False, pieces=pieces))

    def unknown_field(self, value: Any, path: Path, place: Place) -> None:
        """Judge a field that the table does not know, its name too, and name it; a picture in it is one that nobody judges."""
        self.unknown.append(pointer(path))
        found = [(path, str(path[-1]), False, "key"), *find_leaves(value, path)]
        self.structure(found, path[:-1], place)
        for where, leaf, _, _ in found:
            if isinstance(leaf, str) and WRITTEN.match(leaf):
                self.cannot("part", "a picture in a field that is not known", where, place)

    def json_text(self, value: str, path: Path, place: Place) -> None:
        """Add the decoded leaves of a JSON text, such as a call's arguments. Text that is no sound JSON is judged as it is, as a
        lenient parser reads its escapes, and literal by literal.
        """
        decoded, sound = parse_json_text(value)
        if not sound:
            for text in dict.fromkeys((value, unescaped(value))):
                self.text(text, path, place, editable=False)
        found = find_leaves(decoded, path) if sound else find_literals(value, path)
        if not sound and len(found) > MOST_LITERALS:
            self.cannot("limit", "arguments that are no sound JSON, of too many literals", path, place)
            del found[MOST_LITERALS:]
        texts = [  # JSON holds nothing else
            RecordPart(at, text, role == "key")
            for at, (_, text, _, role) in enumerate(found)
            if text and isinstance(text, str)
        ]
        reading = read_records(texts)
        leaf_of: dict[int, int] = {}
        for part in texts:
            where, _, editable, _ = found[part.at]
            leaf_of[part.at] = len(self.leaves)
            content = Text(part.text, place_at(place, where), None, reading.forms[part.at])
            self.leaves.append(Leaf(content, path, where[len(path) :] if sound else None, editable))
        self._add_passages(reading, leaf_of, path, place)
        self._add_labels(found, leaf_of, path, place)

    def mark(self) -> tuple[int, int]:
        """Return how much there is by now, for `cut`."""
        return len(self.leaves), len(self.unchecked)

    def cut(self, mark: tuple[int, int]) -> None:
        """Forget what was added since."""
        del self.leaves[mark[0] :], self.unchecked[mark[1] :]

    def join_turns(self, but: frozenset[int] = frozenset()) -> None:
        """Add the joined texts of all user messages, of all assistant messages, and so on, each stage for
        itself, and negative prompts for themselves; the messages in `but` are left out.
        """
        by_voice: dict[tuple[str | None, Stage, AsksFor], list[int]] = {}
        for index, leaf in enumerate(self.leaves):
            place = leaf.content.place
            if (
                place.message is not None
                and place.message not in but
                and isinstance(leaf.content, Text)
                and not leaf.again
                and leaf.editable
            ):
                by_voice.setdefault((place.role, place.stage, place.asks_for), []).append(index)
        for indexes in by_voice.values():
            first = self.leaves[indexes[0]].content.place
            self.join(indexes, (), replace(first, message=None, declared=False), across=True)

    def decode(self, depth: int, count: int, characters: int, but: Container[int] = ()) -> None:
        """Add what stands encoded in the texts, to be judged as they are; what is beyond the limits is noted. In the leaves in
        `but` nothing is known to be encoded.
        """
        for index in range(len(self.leaves)):
            leaf = self.leaves[index]
            content = leaf.content
            if index in but or not isinstance(content, Text) or content.form == "record":
                continue
            extraction = extract(content.text, depth, count, characters)
            context = forget_borders(content.context) if leaf.across else content.context
            for derived in extraction.derived:
                place = replace(content.place, origin=derived.origin)
                text = Text(derived.text, place, context)
                self.leaves.append(
                    Leaf(text, leaf.path, leaf.inner, leaf.editable, (), leaf.across, index, derived)
                )
            for reason in extraction.left:
                self.unchecked.append((Unchecked("limit", reason, content.place.path), content.place))

    def join(self, indexes: list[int], path: Path, place: Place, *, across: bool = False) -> None:
        """Add the joined text of several leaves: a word that is split over two parts is still a word."""
        if len(indexes) < 2:
            return
        pieces: list[tuple[int, int]] = []
        texts: list[str] = []
        start = 0
        for index in indexes:
            content = self.leaves[index].content
            assert isinstance(content, Text)
            pieces.append((index, start))
            texts.append(content.text)
            start += len(content.text)
        context = self.leaves[indexes[-1]].content.context
        if across:
            messages = [(self.leaves[index].content.place.message, begin) for index, begin in pieces]
            context = join_contexts(context, messages)
        joined = Text("".join(texts), place_at(place, path), context)
        self.leaves.append(Leaf(joined, path, pieces=tuple(pieces), across=across))
