"""The detector API of FMS and TrustyAI: detections where rules stop or change something."""

from __future__ import annotations

from tests.cases import each_case

BASE = "/api/v1/text"
DETECTOR = {"detector-id": "guardrails"}


def test_each_content_has_its_detections(hooked, kit) -> None:
    """Where they stand, in characters; the other content has none."""
    asked = {"contents": ["Write to ann@example.org", "hello"], "detector_params": {}}

    answer = kit.send(hooked, f"{BASE}/contents", asked, DETECTOR)

    found, clean = answer.json
    assert (answer.status, clean) == (200, [])
    assert found == [
        {
            "start": 9,
            "end": 24,
            "text": "ann@example.org",
            "detection": "pii.email",
            "detection_type": "pii",
            "score": 1.0,
            "evidence": [{"name": "rule", "value": "mail", "score": None, "evidence": []}],
            "metadata": {"action": "redact"},
        }
    ]


def test_contents_are_judged_each_to_its_end(serve, guard_of, kit) -> None:
    """What one content holds does not keep another from being looked at; offsets count characters, not bytes."""
    answer = kit.send(
        hooked_with(serve, guard_of), f"{BASE}/contents", {"contents": ["zqxbomb", "é 😀 zqxmask"]}
    )

    assert [[each["start"] for each in found] for found in answer.json] == [[0], [4]]


def hooked_with(serve, guard_of) -> str:
    """Return the address of a proxy with a rule for requests and one for answers."""
    return serve(
        guard_of("""
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
rules:
  - {id: bomb, on: input, when: custom.bomb > 0, then: block}
  - {id: mask, on: output, when: custom.mask > 0, then: redact}
""")
    )


def test_what_is_only_flagged_is_no_detection(hooked, kit) -> None:
    """An orchestrator stops on any."""
    answer = kit.send(hooked, f"{BASE}/contents", {"contents": ["you are silly"]})

    assert (answer.json, answer.action) == ([[]], ("flag", "rude"))


@each_case(
    ("path", "body"),
    [
        ("chat", {"messages": [{"role": "user", "content": "zqxbomb"}]}),
        ("chat", {"messages": [{"role": "user", "content": "zqxbomb"}, {"role": "assistant", "content": "No."}, {"role": "user", "content": "x"}]}),
        ("chat", {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": "zqxbomb"}'}}]}]}),
        ("chat", {"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": {"name": "f", "description": "zqxbomb"}}]}),
        ("generation", {"prompt": "x", "generated_text": "zqxbomb"}),
        ("generation", {"prompt": "zqxbomb", "generated_text": "x"}),
        ("context/doc", {"content": "zqxbomb", "context_type": "chunks", "context": ["x"]}),
        ("context/doc", {"content": "x", "context_type": "document", "context": ["x", "zqxbomb"]}),
    ],
)  # fmt: skip
def test_other_bodies_have_detections_as_a_whole(hooked, kit, path, body) -> None:
    """Conversations with their calls and tools, answers, documents; old turns too, which this protocol cannot leave out."""
    answer = kit.send(hooked, f"{BASE}/{path}", body, DETECTOR)

    assert answer.status == 200
    assert [(each["detection"], each["detection_type"], each["score"]) for each in answer.json] == [
        ("custom.bomb", "custom", 1.0)
    ]


@each_case(
    ("path", "body"),
    [
        ("chat", {"messages": [{"role": "user", "content": "x"}]}),
        ("generation", {"prompt": "x", "generated_text": "x"}),
        ("context/doc", {"content": "x", "context_type": "chunks", "context": ["x"]}),
    ],
)
def test_clean_bodies_have_none(hooked, kit, path, body) -> None:
    """An empty array."""
    assert kit.send(hooked, f"{BASE}/{path}", body).json == []


def test_what_stands_at_an_address_is_a_detection(hooked, kit) -> None:
    """Nobody here has read it: the rule has no finding, and its name stands in its place."""
    body = {"content": "x", "context_type": "url", "context": ["https://example.org"]}

    (found,) = kit.send(hooked, f"{BASE}/context/doc", body).json

    assert (found["detection"], found["detection_type"]) == ("unchecked.part", "unchecked")


@each_case(
    ("path", "body"),
    [
        ("contents", {}),
        ("contents", {"contents": "x"}),
        ("contents", {"contents": [None]}),
        ("contents", b"[]"),
        ("chat", {"messages": [{"role": "root", "content": "x"}]}),
        ("generation", {"prompt": "x"}),
        ("context/doc", {"content": "x", "context_type": "else", "context": []}),
    ],
)
def test_a_malformed_body_is_422(hooked, kit, path, body) -> None:
    """In two fields."""
    answer = kit.send(hooked, f"{BASE}/{path}", body)

    assert (answer.status, answer.json["code"], set(answer.json)) == (422, 422, {"code", "message"})


def test_a_guard_that_cannot_decide_is_a_detection(full, kit) -> None:
    """Over the whole text, which says that it is none of the text's."""
    answer = kit.send(full, f"{BASE}/contents", {"contents": ["abc"]})

    assert answer.status == 200
    [[found]] = answer.json
    assert (found["start"], found["end"], found["detection"]) == (0, 3, "guard_unavailable")
    assert (found["detection_type"], found["score"]) == ("unavailable", 1.0)


def test_health_says_whether_the_guard_is_ready(hooked, kit) -> None:
    """Under the path where an orchestrator looks."""
    answer = kit.send(hooked, "/health")

    assert (answer.status, answer.json["ready"]) == (200, True)
