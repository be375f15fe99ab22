"""The table of stages: which contents meet which, and that a plain text meets no code of pictures, films or sounds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from guardrails import Guard
from guardrails.engine.content.budget import Budget
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.core.check_stages import STAGES, Check, CheckSettings
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.model import Request
from guardrails.types import Audio, Content, Image, Place, Stage, Text, ToolCall, Video
from tests.cases import each_case

ALWAYS = {"detectors and rules"}
POLICY = """
detectors:
  words: {use: terms, terms: [zqxbomb], category: custom.word}
  green: {use: green_square}
rules:
  - {id: words, on: [input, output], when: custom.word > 0, then: redact}
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: redact}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that looks at texts and at pictures."""
    return guard_of(POLICY)


def stages_of(guard: Guard, content: Content, *, looks_at_media: bool = True) -> set[str]:
    """Return the names of the stages that apply to one content before anything was done."""
    settings = CheckSettings(guard.pipeline.policies, guard.pipeline.decoding, (), looks_at_media)
    tree = ContentTree(leaves=[Leaf(content)])
    check = Check(settings, FindingsCache(), Budget(), tree, Request(), {}, {}, None, complete=False)
    return {stage.name for stage in STAGES if stage.applies(check)}


@each_case(
    ("content", "names"),
    [
        (Text("hello"), {"encoded texts"}),
        (Text("a picture: ![x](data:image/png;base64,iVBORw0KGgo="), {"encoded texts", "files in texts"}),
        (Image(b"x"), {"pictures"}),
        (Video(b"x"), {"films and sounds"}),
        (Audio(b"x"), {"films and sounds"}),
        (ToolCall("f", "{}"), set()),
    ],
)
def test_a_stage_applies_to_its_kind_of_content(guard: Guard, content: Content, names: set[str]) -> None:
    """Detectors and rules are for all."""
    assert stages_of(guard, content) == names | ALWAYS


def test_nobody_looks_for_files_where_no_detector_looks_at_them(guard: Guard) -> None:
    """A text that holds a picture is a text then."""
    text = Text("![x](data:image/png;base64,iVBORw0KGgo=)")
    assert stages_of(guard, text, looks_at_media=False) == {"encoded texts"} | ALWAYS


def test_the_use_of_tools_is_found_out_where_a_condition_asks(guard_of: Callable[..., Guard]) -> None:
    """Whatever the content is: what is known of no tool is known, too."""
    guard = guard_of("rules: [{id: r, on: tool_call, when: '!tool.listed', then: block}]\n")
    call = ToolCall("f", "{}", Place(Stage.TOOL_CALL))
    assert "use of tools" in stages_of(guard, call)


@each_case("text", ["hello there", "a zqxbomb here"])
def test_a_plain_text_enters_no_file_of_media(guard: Guard, text: str) -> None:
    """Neither one in which nothing is found nor one that is redacted; only the fast path asks whether it may hold a file."""
    entered: set[str] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            entered.add(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        guard.check(text)
    finally:
        sys.setprofile(None)
    assert any(path.endswith("engine/core/pipeline.py") for path in entered)
    assert not [path for path in entered if "/guardrails/media/" in path or "/engine/media/" in path]
    assert not any(path.endswith("_redaction.py") for path in entered)
