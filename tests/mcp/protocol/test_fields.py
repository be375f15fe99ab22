"""The readers that MCP's field tables are made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import Reader
from guardrails.mcp.protocol import fields
from guardrails.types import Place, Stage, Text, Use
from tests.cases import each_case

HERE = Place(Stage.TOOL_RESULT, tool="t", use=Use((("t", "s"),)))


def texts(reader: Reader, value: Any) -> list[tuple[str, bool]]:
    """Return the texts that a reader finds, and whether each may be edited."""
    tree = ContentTree()
    reader(tree, value, (), HERE)
    return [(leaf.content.text, leaf.editable) for leaf in tree.leaves if isinstance(leaf.content, Text)]


@each_case(
    ("value", "expected"),
    [
        (
            {"description": "d", "const": "c"},
            [("description", False), ("d", True), ("const", False), ("c", False)],
        ),
        ({"maximum": 4111111111111111}, [("maximum", False), ("4111111111111111", False)]),
        ("text", [("text", False)]),
        (["text"], [("text", False)]),
        (None, []),
    ],
)
def test_of_a_schema_only_prose_is_edited(value: Any, expected: list[tuple[str, bool]]) -> None:
    """All of it is judged: names of properties, values to choose from, numbers; a call must fit it as it is."""
    assert texts(fields.read_schema, value) == expected


@each_case("value", ["x", ["x"], {"k": "x"}])
def test_values_of_a_mapping_are_read_with_their_names(value: Any) -> None:
    """What is no mapping where one should be is judged all the same."""
    assert ("x", True) in texts(
        fields.values_reader(lambda tree, inner, path, place: tree.text(inner, path, place)), value
    )


@each_case(("value", "name"), [({"name": "n"}, "n"), ({"name": 1}, ""), ({}, ""), ("n", "")])
def test_what_has_no_name_has_none(value: Any, name: str) -> None:
    """Only a text is one."""
    assert fields.read_name(value) == name


def test_a_use_that_is_meant_already_stays_itself() -> None:
    """The definition that is judged keeps what is known of it, such as that it changed; one inside something else has its own."""
    own = Use((("n", "s"),), changed=True)
    place = Place(Stage.TOOL_DEFINITION, tool="n", use=own)

    assert fields.place_tool_use(place, Stage.TOOL_DEFINITION, "system", "n").use is own
    other = fields.place_tool_use(place, Stage.TOOL_DEFINITION, "system", "m").use
    assert other is not None
    assert (other.tools, other.changed) == ((("m", "s"),), False)
    nobody = fields.place_tool_use(replace(place, use=None), Stage.TOOL_CALL, "assistant", "m", "{}").use
    assert nobody is not None
    assert (nobody.tools, nobody.arguments) == ((("m", ""),), "{}")


@each_case(
    "value", [{"messages": ["zqx"]}, {"messages": "zqx"}, {"content": 5, "roots": "zqx"}, {"role": ["zqx"]}]
)
def test_what_has_another_form_is_judged_all_the_same(value: Any) -> None:
    """Texts where mappings should be, lists where texts should be: no text is left out."""
    found = [text for reader in (fields.SAMPLING, fields.read_response) for text, _ in texts(reader, value)]

    assert "zqx" in found
