"""What a policy says of tools: which entry fits which tool, what is untrusted, schemas in files, inheritance and digests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.loading.load import load
from guardrails.policy.tools import ToolLists, compile_glob, compile_untrusted, format_tool
from tests.cases import each_case

Compile = Callable[[str], CompiledPolicy]


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    """Return a function: a policy's sections in, the compiled policy out."""

    def make(text: str) -> CompiledPolicy:
        (tmp_path / "p.yaml").write_text(f"format: 1\nname: t\n{text}")
        return compile_policy(load(tmp_path / "p.yaml"))

    return make


@each_case(
    ("pattern", "fitting", "others"),
    [
        ("search", ["search"], ["Search", "search2", "search\n", "", "sear\u200bch"]),
        ("search_*", ["search_", "search_web", "search_\n"], ["search", "xsearch_a"]),
        ("*", ["", "a", "a/b", "\n", "\ud800"], []),
        ("a?c", ["abc", "a\nc", "a*c"], ["ac", "abbc"]),
        ("a.c", ["a.c"], ["abc"]),
        ("[ab]\\", ["[ab]\\"], ["a"]),
        ("**a**b**", ["ab", "xaxbx"], ["ba"]),
    ],
)
def test_patterns(pattern: str, fitting: list[str], others: list[str]) -> None:
    """Two wildcards, and nothing else; case and every character count."""
    fits = compile_glob(pattern)
    assert [name for name in [*fitting, *others] if fits(name)] == fitting


@given(st.text(st.sampled_from("ab*?/"), max_size=8), st.text(st.sampled_from("ab"), max_size=8))
def test_patterns_without_wildcards_fit_themselves_alone(pattern: str, name: str) -> None:
    """A pattern is a name where it has no wildcard."""
    if not set("*?") & {*pattern}:
        assert compile_glob(pattern)(name) == (pattern == name)
    assert compile_glob("*")(name)
    assert compile_glob(name + "*")(name)


def test_long_names_cost_little() -> None:
    """A name may be as long as a client likes, and a pattern may try to backtrack."""
    assert not compile_glob("*a" * 20 + "b")("a" * 200_000)


@each_case(
    ("pattern", "fitting", "others"),
    [
        ("web_search", [("web_search", ""), ("web_search", "x")], [("search", "")]),
        ("mail/*", [("read", "mail"), ("mail/read", "")], [("read", ""), ("read", "gmail"), ("mail", "")]),
        ("*/read", [("read", "mail"), ("read", "")], [("write", "mail")]),
        ("*", [("a", ""), ("a", "b")], []),
    ],
)
def test_untrusted_tools(pattern: str, fitting: list[tuple[str, str]], others: list[tuple[str, str]]) -> None:
    """A name fits on every server; `server/tool` fits both, and a tool whose own name is written so."""
    fits = compile_untrusted(pattern)
    assert [tool for tool in [*fitting, *others] if fits(tool)] == fitting


def test_a_spelling_makes_no_tool_trusted() -> None:
    """Patterns of untrusted tools are held against names without regard to case, width and spaces."""
    fits = compile_untrusted("Mail/Read_*")
    assert fits(("read_all", "mail"))
    assert fits(("READ_ALL ", "MAIL"))


def test_what_is_untrusted_is_named() -> None:
    """Sources are named as `server/tool` or `tool`; nobody's is `?`, where anything is untrusted at all."""
    tools = ToolLists(untrusted=(compile_untrusted("mail/*"), compile_untrusted("web")))
    assert tools.untrusted_names([("read", "mail"), ("web", ""), ("run", "")]) == ("mail/read", "web")
    assert tools.untrusted_names([]) == ("?",)
    assert tools.untrusted_names([("run", "")]) == ()
    assert ToolLists().untrusted_names([]) == ()
    assert format_tool(("a", "")) == "a"


ALLOW = """
tools:
  allow:
    - {name: send, server: "mail*", arguments: {required: [to]}}
    - {name: "s*"}
    - {name: send_all, server: bulk}
"""


def test_the_first_entry_that_fits_counts(compiled: Compile) -> None:
    """Narrower entries stand first; one that is never reached would be an error, but only where that is certain."""
    with pytest.raises(
        PolicyErrors, match="no call comes to this entry: the one in line 7 fits 'send_all' too"
    ):
        compiled(ALLOW)
    tools = compiled(ALLOW.replace("send_all", "all")).tools
    first = tools.entry(("send", "mail-1"))
    assert first is not None
    assert first.schema is not None
    second = tools.entry(("send", ""))
    assert second is not None
    assert second.schema is None
    assert tools.lists(("all", "bulk"))
    assert not tools.lists(("all", ""))
    assert ToolLists().lists(("all", ""))


def test_an_empty_list_allows_nothing(compiled: Compile) -> None:
    """`allow: []` lists no tool; without it all are."""
    assert not compiled("tools: {allow: []}\n").tools.lists(("a", ""))
    assert compiled("tools: {untrusted: []}\n").tools.lists(("a", ""))


def test_a_schema_may_stand_in_a_file(compiled: Compile, tmp_path: Path) -> None:
    """A file below the policy's folder holds it; what is wrong in the file is said there, and its content is in the digest."""
    text = "tools: {allow: [{name: send, arguments: {file: schemas/send.json}}]}\n"
    file = tmp_path / "schemas" / "send.json"
    file.parent.mkdir()
    file.write_text('{"required": ["to"]}')
    first = compiled(text)
    entry = first.tools.entry(("send", ""))
    assert entry is not None
    assert entry.schema is not None
    assert entry.schema.errors("{}")
    assert not entry.schema.errors('{"to": 1}')
    file.write_text('{"required": ["cc"]}')
    assert compiled(text).ref.digest != first.ref.digest
    for wrong, place in (
        ('{"required": "to"}', (1, 14)),
        ('{\n  "requird": []}', (2, 14)),
        ("{", (1, 2)),
        ("[]", (1, 1)),
    ):
        file.write_text(wrong)
        with pytest.raises(PolicyErrors) as caught:
            compiled(text)
        (error,) = caught.value.errors
        assert (os.path.basename(error.file), error.code) == ("send.json", "invalid_schema")
        assert (error.line, error.col) == place


def test_several_mistakes_are_told_together(compiled: Compile) -> None:
    """Every schema is read, also behind one that is wrong."""
    with pytest.raises(PolicyErrors) as caught:
        compiled(
            "tools:\n  allow:\n    - {name: a, arguments: {type: objct, requird: []}}\n"
            "    - {name: b, arguments: {type: objct}}\n    - {nam: c}\n"
        )
    assert [(each.line, each.code) for each in caught.value.errors] == [
        (5, "invalid_schema"), (6, "invalid_schema"), (7, "unknown_field"),
    ]  # fmt: skip


PARENT = "format: 1\nname: parent\ntools: {allow: [{name: a}], untrusted: [web]}\n"


@pytest.mark.parametrize(
    ("child", "listed", "untrusted"),
    [
        ("", "a", "web"),
        ("override: {tools: {allow: [{name: b}]}}\n", "b", "web"),
        ("override: {tools: {untrusted: []}}\n", "a", ""),
        ("override: {tools: {allow: [{name: b}], untrusted: [mail]}}\n", "b", "mail"),
    ],
)
def test_lists_are_inherited_and_replaced(
    compiled: Compile, tmp_path: Path, child: str, listed: str, untrusted: str
) -> None:
    """A parent's lists hold as they are, unless `override:` puts others in their place."""
    (tmp_path / "parent.yaml").write_text(PARENT)
    tools = compiled(f"extends: [parent.yaml]\n{child}").tools
    assert [name for name in "ab" if tools.lists((name, ""))] == [listed]
    assert "".join(tools.untrusted_names([("web", ""), ("mail", "")])) == untrusted


def test_lists_are_not_replaced_by_accident(compiled: Compile, tmp_path: Path) -> None:
    """A list that is inherited and written again is an error that names both places; another list is not."""
    (tmp_path / "parent.yaml").write_text(PARENT)
    (tmp_path / "half.yaml").write_text("format: 1\nname: half\ntools: {untrusted: [web]}\n")
    with pytest.raises(PolicyErrors) as caught:
        compiled("extends: [parent.yaml]\ntools: {allow: [{name: b}]}\n")
    (error,) = caught.value.errors
    assert (error.line, error.col, error.code) == (4, 9, "duplicate_tools")
    assert "parent.yaml:3" in error.message
    assert "override" in error.hint
    assert compiled("extends: [half.yaml]\ntools: {allow: [{name: b}]}\n").tools.lists(("b", ""))


def test_a_file_is_found_from_the_policy_that_names_it(compiled: Compile, tmp_path: Path) -> None:
    """A parent in a folder below names files of its own folder."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "parent.yaml").write_text(
        "format: 1\nname: parent\ntools: {allow: [{name: a, arguments: {file: a.json}}]}\n"
    )
    (tmp_path / "sub" / "a.json").write_text('{"required": ["x"]}')
    entry = compiled("extends: [sub/parent.yaml]\n").tools.entry(("a", ""))
    assert entry is not None
    assert entry.schema is not None


def test_digests(compiled: Compile) -> None:
    """What a policy says of tools is in its digest; a policy that says nothing keeps the digest that it had."""
    texts = ["", "tools: {allow: []}\n", "tools: {allow: [{name: a}]}\n", "tools: {untrusted: [a]}\n",
             "tools: {allow: [{name: a, server: b}]}\n", "tools: {allow: [{name: a, arguments: {}}]}\n"]  # fmt: skip
    assert len({compiled(text).ref.digest for text in texts}) == len(texts)
    assert compiled("").tools.digest == ""
