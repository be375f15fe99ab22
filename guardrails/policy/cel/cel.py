"""Parses CEL expressions into syntax trees with offsets, and compiles them to checked programs.

The runtime is `cel-expr-python`, CEL's own in C++: it checks types and undeclared names at load with the column,
treats an unbound name as an error that `&&` and `||` absorb in either order (which is what unknown scores need),
and takes about 3 µs an evaluation. `common-expression-language` (Rust) takes 6 µs and checks nothing at load.

It keeps no tree for Python, but its serialized form is the public `cel.expr.ParsedExpr` protocol buffer
(google/cel-spec, proto/cel/expr/syntax.proto); the few fields that are needed are read here from the wire format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from cel_expr_python import cel

from guardrails.detectors.shared_builds import SharedInstances

_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*?)\n \|", re.DOTALL)


class CelError(ValueError):
    """An expression that CEL refuses; `problems` are `(offset, message)`, offsets in characters of the text."""

    def __init__(self, problems: list[tuple[int, str]]) -> None:
        super().__init__("; ".join(message for _, message in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class CelNode:
    """A part of an expression. `kind` is `const`, `ident`, `select`, `has` (of a `select`, which is its argument), `call`, `loop`
    or `other`; `name` is the identifier, field, function or loop variable; `value` a constant (None for types that are not
    needed); `offset` counts characters.
    """

    kind: str
    offset: int
    name: str = ""
    value: bool | int | float | str | None = None
    args: tuple[CelNode, ...] = ()

    def walk(self) -> Iterator[CelNode]:
        """Yield this node and all below it, parents first."""
        yield self
        for arg in self.args:
            yield from arg.walk()

    def dotted_name(self) -> str | None:
        """Return `a.b.c` for a chain of names, None for anything else."""
        if self.kind == "ident":
            return self.name
        if self.kind == "select":
            head = self.args[0].dotted_name()
            return None if head is None else f"{head}.{self.name}"
        return None

    def start(self) -> int:
        """Return the offset of the first character of the part."""
        return min(node.offset for node in self.walk())


Wire = dict[int, list["int | bytes"]]


def _varint(data: bytes, pos: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, pos


def _message(data: bytes) -> Wire:
    """Read one protocol buffer message into its fields by number."""
    fields: Wire = {}
    pos = 0
    while pos < len(data):
        key, pos = _varint(data, pos)
        value: int | bytes
        if key & 7 == 0:
            value, pos = _varint(data, pos)
        else:
            if key & 7 == 2:
                size, pos = _varint(data, pos)
            else:
                size = 8 if key & 7 == 1 else 4
            value, pos = data[pos : pos + size], pos + size
        fields.setdefault(key >> 3, []).append(value)
    return fields


def _bytes(fields: Wire, number: int) -> bytes:
    value = fields.get(number, [b""])[0]
    return value if isinstance(value, bytes) else b""


def _messages(fields: Wire, number: int) -> list[Wire]:
    return [_message(value) for value in fields.get(number, ()) if isinstance(value, bytes)]


def _constant(data: Wire) -> bool | int | float | str | None:
    if 2 in data:
        return bool(data[2][0])
    if 3 in data:
        number = data[3][0]
        assert isinstance(number, int)
        return number - (1 << 64) if number >> 63 else number
    if 5 in data:
        return memoryview(_bytes(data, 5)).cast("d")[0]
    return _bytes(data, 6).decode() if 6 in data else None


def _node(data: Wire, positions: Mapping[int, int]) -> CelNode:
    # Expr: 2 id, 3 const, 4 ident{1 name}, 5 select{1 operand, 2 field, 3 test_only}, 6 call{1 target, 2 function, 3 args},
    # 7 list, 8 struct, 9 comprehension
    number = data.get(2, [0])[0]
    offset = positions.get(number, 0) if isinstance(number, int) else 0
    if 3 in data:
        return CelNode("const", offset, value=_constant(_message(_bytes(data, 3))))
    if 4 in data:
        return CelNode("ident", offset, _bytes(_message(_bytes(data, 4)), 1).decode())
    if 5 in data:
        fields = _message(_bytes(data, 5))
        operand = _node(_messages(fields, 1)[0], positions)
        name = _bytes(fields, 2).decode()
        if 3 in fields:  # of has() itself CEL has the place, of the field in it none
            return CelNode("has", offset, args=(CelNode("select", operand.start(), name, args=(operand,)),))
        return CelNode("select", offset, name, args=(operand,))
    if 6 in data:
        call = _message(_bytes(data, 6))
        parts = [*_messages(call, 1), *_messages(call, 3)]
        return CelNode(
            "call", offset, _bytes(call, 2).decode(), args=tuple(_node(part, positions) for part in parts)
        )
    inner = tuple(_node(part, positions) for part in _inner(data))
    if 9 in data:
        return CelNode("loop", offset, _bytes(_message(_bytes(data, 9)), 1).decode(), args=inner)
    return CelNode("other", offset, args=inner)


def _inner(data: Wire) -> Iterator[Wire]:
    """Yield the expressions inside a list, a map or a comprehension."""
    for part in _messages(data, 7):
        yield from _messages(part, 1)
    for struct in _messages(data, 8):
        for entry in _messages(struct, 2):
            yield from (*_messages(entry, 3), *_messages(entry, 4))
    for loop in _messages(data, 9):
        for number in (2, 4, 5, 6, 7):
            yield from _messages(loop, number)


_PARSER = cel.NewEnv(variables={})


LONGEST = 8_000
"""Characters of an expression; the runtime's own parser nests about as deep as Python's stack allows."""


@lru_cache(maxsize=1_024)  # each condition is read when it is compiled, for streams, and by lint
def parse(text: str) -> CelNode:
    """Return the tree of an expression; raise `CelError` for its syntax errors."""
    if len(text) > LONGEST:
        raise CelError([(0, f"the condition is longer than {LONGEST:,} characters: split the rule")])
    try:
        serialized = _PARSER.compile(text, disable_check=True).serialize()
    except RuntimeError as error:
        raise _locate_errors(text, error) from None
    # Any{1 type_url, 2 value}; ParsedExpr{2 expr, 3 source_info}; SourceInfo{4 positions{1 id, 2 offset}}
    parsed = _message(_bytes(_message(serialized), 2))
    positions: dict[int, int] = {}
    for entry in _messages(_messages(parsed, 3)[0], 4):
        key, value = entry.get(1, [0])[0], entry.get(2, [0])[0]
        if isinstance(key, int) and isinstance(value, int):
            positions[key] = value
    try:
        return _node(_messages(parsed, 2)[0], positions)
    except RecursionError:
        raise CelError([(0, "recursion limit")]) from None


def _locate_errors(text: str, error: RuntimeError) -> CelError:
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    problems = [
        (min(starts[int(line) - 1] + int(col) - 1, len(text)), " ".join(message.split()))
        for line, col, message in _ERROR.findall(str(error))
    ]
    return CelError(problems or [(0, str(error).splitlines()[0])])


class CelEnvironment:
    """CEL with some names declared. It takes 150 kB, an expression next to nothing: what is shared by those of the same names."""

    __slots__ = ("__weakref__", "compile")

    def __init__(self, names: Mapping[str, str]) -> None:
        self.compile = cel.NewEnv(variables={name: TYPES[kind] for name, kind in names.items()}).compile


_ENVIRONMENTS: SharedInstances[CelEnvironment] = SharedInstances()


class CelProgram:
    """A checked expression. `run` returns its value, or None where CEL answers an error or unknown."""

    __slots__ = ("_environment", "_expression")

    def __init__(self, environment: CelEnvironment, text: str) -> None:
        self._environment = environment  # which lives as long as an expression of it
        self._expression = environment.compile(text)

    @property
    def is_bool(self) -> bool:
        """Whether the expression is a truth value."""
        return bool(self._expression.return_type() == cel.Type.BOOL)

    @property
    def type_name(self) -> str:
        """The type of the expression, in lower case."""
        return str(self._expression.return_type().name()).lower()

    def run(self, bound: Mapping[str, object]) -> bool | None:
        """Evaluate with the given names bound; True, False, or None for unknown."""
        value = self._expression.eval(data=bound)
        return value.value() if value.type() == cel.Type.BOOL else None


TYPES = {
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
    "int": cel.Type.INT,
    "string": cel.Type.STRING,
    "list": cel.Type.List(cel.Type.STRING),
    "map": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "dyn": cel.Type.DYN,
}


def check(text: str, names: Mapping[str, str]) -> CelProgram:
    """Compile with the declared names (name → key of `TYPES`); raise `CelError` for undeclared names and wrong types."""
    try:
        environment = _ENVIRONMENTS.get(frozenset(names.items()), lambda: CelEnvironment(names))
        return CelProgram(environment, text)
    except RuntimeError as error:
        raise _locate_errors(text, error) from None
