"""Test modules of others as data: a file goes in, its cases come out, and a few harmless kinds of expression are computed.

Nothing of a file is imported or run: this reads its syntax tree and knows literals, names, f-strings, a few methods of
texts and lists, and calls of the functions that the caller hands over. Everything else is `Untranslatable`.
"""

from __future__ import annotations

import ast
import itertools
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

METHODS = frozenset({
    "append", "capitalize", "decode", "encode", "format", "get", "hex", "index", "items", "join", "keys", "lower",
    "removeprefix", "replace", "rpartition", "split", "startswith", "endswith", "strip", "title", "upper", "values",
})  # fmt: skip
BUILTINS: Mapping[str, Any] = {
    "True": True, "False": False, "None": None, "len": len, "frozenset": frozenset, "set": set, "str": str, "range": range,
    "list": list, "tuple": tuple, "any": any, "all": all, "sorted": sorted, "chr": chr, "ord": ord, "enumerate": enumerate,
    "zip": zip,
}  # fmt: skip
OPERATORS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Mult: operator.mul, ast.Sub: operator.sub, ast.FloorDiv: operator.floordiv,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Is: lambda a, b: a is b or a == b, ast.IsNot: lambda a, b: a is not b,
    ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Lt: operator.lt, ast.LtE: operator.le,
}  # fmt: skip
MOST = 1_000_000
"""Characters of a text that is built by repetition."""


class Untranslatable(Exception):
    """A piece of syntax that is not known here."""


@dataclass(frozen=True)
class Case:
    """One set of parameters of one test function."""

    file: str
    function: ast.FunctionDef | ast.AsyncFunctionDef
    number: int
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.function.name


def module(path: Path, replace: Mapping[str, str] | None = None) -> ast.Module:
    """Return the syntax tree of a test file, some patterns in it replaced; leave with the cure where it is missing."""
    if not path.is_file():
        raise SystemExit(f"{path} is missing: give the folder of the checkouts by --packs (see --help)")
    source = path.read_text(encoding="utf-8")
    for old, new in (replace or {}).items():
        source = re.sub(old, new, source)
    return ast.parse(source)


def constants(tree: ast.Module, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the module's names that can be computed; the rest are left out."""
    found = dict(known)
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = evaluate(node.value, found)
            except Untranslatable:
                continue
    return found


def cases(tree: ast.Module, file: str, known: Mapping[str, Any]) -> Iterator[Case | str]:
    """Yield every case of every test of a module; the name alone of a test whose parameters cannot be read."""
    marks = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not function.name.startswith("test"):
            continue
        try:
            decorators = [
                marks.get(each.id, each) if isinstance(each, ast.Name) else each
                for each in function.decorator_list
            ]
            tables = [rows(each, known) for each in decorators if not _plain(each)]
            for number, parts in enumerate(itertools.product(*tables)):
                yield Case(file, function, number, {k: v for part in parts for k, v in part.items()})
        except Untranslatable:
            yield function.name


def _plain(decorator: ast.expr) -> bool:
    return "parametrize" not in ast.unparse(decorator) and "given" not in ast.unparse(decorator)


def rows(decorator: ast.expr, known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of `pytest.mark.parametrize(names, table)`, each as names and values."""
    if not isinstance(decorator, ast.Call) or "parametrize" not in ast.unparse(decorator.func):
        raise Untranslatable("a property")
    names = evaluate(decorator.args[0], known)
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    table = decorator.args[1]
    entries = table.elts if isinstance(table, ast.List | ast.Tuple) else list(evaluate(table, known))
    out = []
    for entry in entries:
        value = _row(entry, known) if isinstance(entry, ast.expr) else entry
        out.append(dict(zip(names, value if len(names) > 1 else (value,), strict=True)))
    return out


def _row(entry: ast.expr, known: Mapping[str, Any]) -> Any:
    if isinstance(entry, ast.Call) and ast.unparse(entry.func) == "pytest.param":
        values = [evaluate(each, known) for each in entry.args]
        return values if len(values) > 1 else values[0]
    return evaluate(entry, known)


def evaluate(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """Compute an expression of the kinds listed in `KINDS`; raise `Untranslatable` for any other."""
    compute = KINDS.get(type(node))
    if compute is None:
        raise Untranslatable(type(node).__name__)
    return compute(node, names)


def _name(node: ast.Name, names: Mapping[str, Any]) -> Any:
    if node.id in names:
        return names[node.id]
    if node.id in BUILTINS:
        return BUILTINS[node.id]
    raise Untranslatable(node.id)


def _joined(node: ast.JoinedStr, names: Mapping[str, Any]) -> str:
    return "".join(
        str(evaluate(each.value if isinstance(each, ast.FormattedValue) else each, names))
        for each in node.values
    )


def _operation(node: ast.BinOp, names: Mapping[str, Any]) -> Any:
    left, right = evaluate(node.left, names), evaluate(node.right, names)
    operation = OPERATORS.get(type(node.op))
    if operation is None:
        raise Untranslatable(type(node.op).__name__)
    if isinstance(node.op, ast.Mult) and isinstance(left, str) and len(left) * right > MOST:
        raise Untranslatable("too long")
    return operation(left, right)


def _compare(node: ast.Compare, names: Mapping[str, Any]) -> bool:
    left = evaluate(node.left, names)
    for op, right in zip(node.ops, (evaluate(each, names) for each in node.comparators), strict=True):
        if not OPERATORS[type(op)](left, right):
            return False
        left = right
    return True


def _attribute(node: ast.Attribute, names: Mapping[str, Any]) -> Any:
    owner = evaluate(node.value, names)
    if getattr(type(owner), "translated", False):
        return getattr(owner, node.attr)
    raise Untranslatable(f".{node.attr}")


def _call(node: ast.Call, names: Mapping[str, Any]) -> Any:
    known = {word.arg: evaluate(word.value, names) for word in node.keywords if word.arg is not None}
    if ast.unparse(node.func) == "asyncio.run":
        return evaluate(node.args[0], names)
    arguments = [evaluate(each, names) for each in node.args]
    if isinstance(node.func, ast.Attribute):
        owner = evaluate(node.func.value, names)
        method = node.func.attr
        if isinstance(owner, str | bytes | list | dict) and method in METHODS:
            return getattr(owner, method)(*arguments, **known)
        if getattr(type(owner), "translated", False):
            return getattr(owner, method)(*arguments, **known)
        raise Untranslatable(f".{method}()")
    return evaluate(node.func, names)(*arguments, **known)


def _comprehension(node: ast.ListComp | ast.GeneratorExp, names: Mapping[str, Any]) -> list[Any]:
    loop = node.generators[0]
    if len(node.generators) > 1:
        raise Untranslatable("nested loops")
    out = []
    for value in evaluate(loop.iter, names):
        inner = dict(names)
        assign(loop.target, value, inner)
        if all(evaluate(test, inner) for test in loop.ifs):
            out.append(evaluate(node.elt, inner))
    return out


KINDS: Mapping[type[ast.expr], Callable[[Any, Mapping[str, Any]], Any]] = {
    ast.Constant: lambda node, _: node.value,
    ast.Name: _name,
    ast.JoinedStr: _joined,
    ast.BinOp: _operation,
    ast.Compare: _compare,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.ListComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.Await: lambda node, names: evaluate(node.value, names),
    ast.List: lambda node, names: [evaluate(each, names) for each in node.elts],
    ast.Tuple: lambda node, names: tuple(evaluate(each, names) for each in node.elts),
    ast.Set: lambda node, names: {evaluate(each, names) for each in node.elts},
    ast.Dict: lambda node, names: {
        evaluate(key, names): evaluate(value, names) for key, value in zip(node.keys, node.values, strict=True)
    },
    ast.Subscript: lambda node, names: evaluate(node.value, names)[evaluate(node.slice, names)],
    ast.Slice: lambda node, names: slice(
        *(evaluate(each, names) if each else None for each in (node.lower, node.upper, node.step))
    ),
    ast.UnaryOp: lambda node, names: (
        not evaluate(node.operand, names) if isinstance(node.op, ast.Not) else -evaluate(node.operand, names)
    ),
    ast.BoolOp: lambda node, names: (
        all(evaluate(each, names) for each in node.values)
        if isinstance(node.op, ast.And)
        else any(evaluate(each, names) for each in node.values)
    ),
}  # fmt: skip


def assign(target: ast.expr, value: Any, names: dict[str, Any]) -> None:
    """Bind a value to a name, or its parts to several."""
    if isinstance(target, ast.Name):
        names[target.id] = value
    elif isinstance(target, ast.Tuple):
        for part, each in zip(target.elts, value, strict=True):
            assign(part, each, names)
    else:
        raise Untranslatable("a target")


def failures(case: Case, known: Mapping[str, Any], ignored: frozenset[str]) -> list[str]:
    """Walk a test's statements and return its assertions that do not hold, but for those that name what is `ignored`."""
    names = {**known, **case.values}
    failed: list[str] = []
    _walk(case.function.body, names, ignored, failed)
    return failed


def _walk(body: list[ast.stmt], names: dict[str, Any], ignored: frozenset[str], failed: list[str]) -> None:
    for node in body:
        if isinstance(node, ast.Assign):
            assign(node.targets[0], evaluate(node.value, names), names)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            assign(node.target, evaluate(node.value, names), names)
        elif isinstance(node, ast.Assert):
            told = ast.unparse(node.test)
            if not any(word in told for word in ignored) and not evaluate(node.test, names):
                failed.append(told)
        elif isinstance(node, ast.For):
            for value in evaluate(node.iter, names):
                assign(node.target, value, names)
                _walk(node.body, names, ignored, failed)
        elif not (isinstance(node, ast.Expr) and _idle(node.value)):
            raise Untranslatable(type(node).__name__)


def _idle(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or ast.unparse(node).startswith("print(")


@dataclass(frozen=True)
class Outcome:
    """What came of one vector.

    `verdict`: agree, differ, deliberate (differs for the reason in `detail`), no kind (our table has none for it),
    untranslated (`detail` says what of it is not known here).
    """

    file: str
    test: str
    number: int
    verdict: str
    detail: str = ""


@dataclass(frozen=True)
class Deliberate:
    """A reason to differ: for which tests (a pattern over the name and the values), and which of their assertions."""

    reason: str
    tests: str
    assertion: str = ""


def outcome(
    case: Case, known: Mapping[str, Any], ignored: frozenset[str], reasons: tuple[Deliberate, ...] = ()
) -> Outcome:
    """Walk one case and say what came of it."""
    try:
        failed = failures(case, known, ignored)
    except Untranslatable as error:
        kind = "no kind" if str(error).startswith("no kind") else "untranslated"
        return Outcome(case.file, case.name, case.number, kind, str(error).partition(":")[0])
    if not failed:
        return Outcome(case.file, case.name, case.number, "agree")
    told = f"{'; '.join(failed)[:160]} {str(case.values)[:200]}"
    for each in reasons:
        if re.search(each.tests, f"{case.name} {case.values!r}") and each.assertion in "; ".join(failed):
            return Outcome(case.file, case.name, case.number, "deliberate", each.reason)
    return Outcome(case.file, case.name, case.number, "differ", told)
