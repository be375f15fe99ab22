"""LangChain and LangGraph, as the documentation shows them guarded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.system.frameworks.environments import Outcome, Step, run_recipe
from tests.system.frameworks.scripts import ATTACK, CARD, FINE, HIDDEN, KEY, REFUSAL, tool


def run(recipe: str, steps: Mapping[str, Step], folder: Path, *, proxy: bool = False) -> dict[str, Outcome]:
    """Run a recipe and steps; return what became of each."""
    found = run_recipe(recipe, [*steps.values()], folder, framework="langchain", proxy=proxy)
    return dict(zip(steps, found, strict=True))


AGENT = {
    "fine": Step("ask", FINE, ["Paris."]),
    "attack": Step("ask", ATTACK, ["Paris."]),
    "attack streamed": Step("stream", ATTACK, ["Paris."]),
    "redacted": Step("ask", f"My card is {CARD}.", [f"Use {CARD}."]),
    "unsafe": Step("ask", FINE, [KEY]),
    "streamed": Step("stream", FINE, [{"text": f"Use {CARD}.", "cut": 3}]),
    "unsafe streamed": Step("stream", FINE, [{"text": KEY, "cut": 5}]),
    "tool": Step("ask", FINE, [tool("read_note", order="17"), "It is on its way."]),
    "poisoned tool": Step("ask", FINE, [tool("read_note", order="18"), "I cannot say."]),
}


def test_an_agent_with_the_middleware_is_guarded(tmp_path: Path) -> None:
    """A block ends its run with an answer of the assistant's, and a tool's poisoned result is an error."""
    found = run("langchain", AGENT, tmp_path)

    assert [name for name, outcome in found.items() if outcome.error] == []
    assert found["fine"].value == "Paris."
    assert (found["attack"].value, found["attack"].asked) == (REFUSAL, [])
    assert ("".join(found["attack streamed"].value), found["attack streamed"].asked) == (REFUSAL, [])
    assert found["redacted"].value == "Use [CREDIT_CARD]."
    assert CARD not in str(found["redacted"].asked)
    assert found["unsafe"].value == "The reply was stopped: it contains a private key."
    assert "".join(found["streamed"].value) == "Use [CREDIT_CARD]."
    assert len(found["streamed"].value) > 2
    assert "MIIE" not in "".join(found["unsafe streamed"].value)
    assert found["tool"].value == "It is on its way."
    assert "Shipped on Monday." in str(found["tool"].asked[-1])
    assert found["poisoned tool"].value == "I cannot say."
    assert HIDDEN not in str(found["poisoned tool"].asked)


PARTS = {
    "fine": Step("ask", FINE, ["Paris."]),
    "attack": Step("ask", ATTACK, ["Paris."]),
    "redacted": Step("stream", FINE, [{"text": f"Use {CARD}.", "cut": 3}]),
    "structured": Step("find_city", FINE, ['{"name": "Paris"}']),
}


def test_parts_stay_what_they_are(tmp_path: Path) -> None:
    """Models, embeddings and retrievers work where LangChain looks for its own classes."""
    found = run("langchain_parts", PARTS, tmp_path)

    assert [found[name].value for name in ("fine", "structured")] == ["Paris.", "Paris"]
    assert "Orders ship on Mondays." in str(found["fine"].asked)
    assert found["attack"].causes[0] == "Blocked"
    assert found["attack"].asked == []
    assert "".join(found["redacted"].value) == "Use [CREDIT_CARD]."


GRAPH = {
    "fine": Step("ask", FINE, ["Paris."]),
    "attack": Step("ask", ATTACK, ["Paris."]),
    "attack at a node": Step("ask_by_node", ATTACK, ["Paris."]),
    "fine at a node": Step("ask_by_node", FINE, ["Paris."]),
    "redacted": Step("ask", FINE, [f"Use {CARD}."]),
    "unsafe": Step("ask", FINE, [KEY]),
    "unsafe at a node": Step("ask_by_node", FINE, [KEY]),
    "remembered": Step("remember", FINE, ["Paris."]),
    "streamed": Step("stream", FINE, [{"text": f"Use {CARD}.", "cut": 3}]),
    "unsafe streamed": Step("stream", FINE, [{"text": KEY, "cut": 5}]),
    "modes": Step("stream_modes", FINE, [{"text": f"Use {CARD}.", "cut": 3}]),
}


def test_a_graph_stays_a_graph(tmp_path: Path) -> None:
    """With its state and its modes of streaming; each chunk is judged."""
    found = run("langgraph", GRAPH, tmp_path)

    for name in ("fine", "fine at a node"):
        assert (found[name].value, found[name].error) == ("Paris.", "")
    for name in ("attack", "attack at a node"):
        assert (found[name].causes[:1], found[name].asked) == (["Blocked"], [])
    for name in ("unsafe", "unsafe at a node", "unsafe streamed"):
        assert found[name].causes[:1] == ["Blocked"]
    assert found["redacted"].value == "Use [CREDIT_CARD]."
    assert found["remembered"].value == [FINE, "Paris."]
    assert "".join(found["streamed"].value) == "Use [CREDIT_CARD]."
    assert len(found["streamed"].value) > 2
    assert CARD not in str(found["modes"].value)
    assert {line.partition(":")[0] for line in found["modes"].value} == {"updates", "values", "messages"}


def test_they_run_at_the_proxy(tmp_path: Path) -> None:
    """The framework's own requests and streams pass, structured output too."""
    agent = run(
        "langchain", {name: AGENT[name] for name in ("fine", "streamed", "tool")}, tmp_path, proxy=True
    )
    parts = run(
        "langchain_parts", {name: PARTS[name] for name in ("fine", "structured")}, tmp_path, proxy=True
    )

    assert [each.error for each in (*agent.values(), *parts.values())] == [""] * 5
