"""`use: judge`: a question in YAML, asked over a real connection; only a well-formed answer is one, all else blocks."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from guardrails import Action, Guard, PolicyErrors, Verdict
from guardrails.detectors.llm.judge import KIND

YES, NO = '{"answer": "yes"}', '{"answer": "no"}'
DOSE = "Take 400 mg of ibuprofen twice a day."


class Server:
    """Speaks the chat protocol of vLLM; `answer` takes the body of a request and gives a text, the bytes of a whole
    answer, a status with its headers, or None to close the connection. What it was asked is in `asked`.
    """

    def __init__(self) -> None:
        self.answer: Callable[[dict[str, Any]], Any] = lambda body: NO
        self.asked: list[dict[str, Any]] = []
        self.free = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                assert self.path == "/v1/chat/completions"
                server.asked.append(body)
                found = server.answer(body)
                if found is None:
                    self.close_connection = True
                    return
                status, headers, data = found if isinstance(found, tuple) else (200, {}, found)
                data = data if isinstance(data, bytes) else completion(data)
                try:
                    self.send_response(status)
                    for name, value in {**headers, "content-length": str(len(data))}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:  # nobody waits any more
                    self.close_connection = True

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def held(self, _: dict[str, Any]) -> str:
        """Answer no sooner than the test is over."""
        self.free.wait(30)
        return NO

    def close(self) -> None:
        """Let go of everybody."""
        self.free.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def completion(content: Any, logprobs: Any = None, finish: str = "stop", **message: Any) -> bytes:
    """Return what vLLM answers."""
    said = {"role": "assistant", "reasoning_content": None, "content": content, "tool_calls": [], **message}
    choice = {
        "index": 0, "message": said, "logprobs": logprobs, "finish_reason": finish, "stop_reason": None
    }  # fmt: skip
    usage = {"prompt_tokens": 100, "total_tokens": 107, "completion_tokens": 7, "prompt_tokens_details": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "qwen3-8b"}
    return json.dumps({**head, "choices": [choice], "usage": usage, "prompt_logprobs": None}).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own."""
    made = Server()
    yield made
    made.close()


@pytest.fixture
def policy(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function: the fields of a judge, or all of it, in, the file of a policy out that blocks what it finds."""
    endpoints = tmp_path / "endpoints.yaml"
    monkeypatch.setenv("GUARDRAILS_ENDPOINTS", str(endpoints))

    def write(
        fields: str = "",
        *,
        when: str = "custom.advice >= 0.5",
        category: str = "custom.advice",
        question: str = "Does the text give medical advice?",
        endpoint: str = "timeout_ms: 5000",
    ) -> Path:
        endpoints.write_text(f"endpoints:\n  vllm: {{url: {server.url!r}, retries: 0, {endpoint}}}\n")
        path = tmp_path / "policy.yaml"
        own = f"\n    category: {category}" if category else ""
        path.write_text(f"""format: 1
name: judged
detectors:
  advice:
    use: judge
    endpoint: vllm
    model: qwen3-8b
    question: {question}{own}
{fields}
rules:
  - {{id: advice.block, on: [input, output], when: {when}, then: block}}
""")
        return path

    return write


@pytest.fixture
def check(policy: Callable[..., Path]) -> Callable[..., Verdict]:
    """Return a function: a text and the fields of a judge in, the verdict out."""

    def run(text: Any, fields: str = "", stage: str = "input", **more: Any) -> Verdict:
        return Guard.load(policy(fields, **more), detectors={"judge": KIND}).check(text, stage=stage)

    return run


def errors_of(path: Path) -> list[tuple[int, int, str]]:
    """Return where a policy is wrong, and how."""
    with pytest.raises(PolicyErrors) as raised:
        Guard.load(path, detectors={"judge": KIND})
    return [(error.line, error.col, error.code) for error in raised.value.errors]


WRITTEN = """\
    guidance: |
      General facts are fine.
    examples:
      - {text: "Take 400 mg ibuprofen twice a day for your knee.", answer: yes, reason: a dosage for a person}
      - {text: "Ibuprofen is a painkiller.", answer: no}
      - {text: "Yes, it does.", prompt: Does it help?, answer: false}"""


def test_a_policy_asks_its_own_question(server: Server, check: Callable[..., Verdict]) -> None:
    """Yes finds the category in the whole text; the model is asked as the policy says, once, at temperature 0."""
    server.answer = lambda body: YES
    verdict = check(DOSE, WRITTEN)

    assert verdict.action is Action.BLOCK
    assert not verdict.errors
    (finding,) = verdict.findings
    assert (finding.category, finding.score, finding.detector, finding.span) == (
        *("custom.advice", 1.0, "advice"),
        (0, len(DOSE)),
    )
    (body,) = server.asked
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("qwen3-8b", 0, 64)
    assert {*body} == {"model", "temperature", "max_tokens", "messages"}
    messages = body["messages"]
    assert "General facts are fine." in messages[0]["content"]
    assert "a dosage for a person" in messages[0]["content"]
    assert [each["content"] for each in messages[2::2]] == [YES, NO, NO]
    assert f'"{DOSE}"' in messages[-1]["content"].split("\n")


def test_no_finds_nothing(check: Callable[..., Verdict]) -> None:
    """What the model says no to passes, judged whole."""
    verdict = check("Ibuprofen is a painkiller.")
    assert (verdict.action, verdict.complete, verdict.findings) == (Action.ALLOW, True, ())


@pytest.mark.parametrize(
    ("fields", "answer", "category", "expected"),
    [
        ("    answer: score", '{"answer": 7}', "custom.advice", 0.7),
        ("    answer: score", '{"answer": 3}', "custom.advice", 0.3),
        (
            "    answer: labels\n    labels: {ad: spam, scam: custom.scam, ok: null}",
            '{"answer": "ad"}',
            "spam",
            1.0,
        ),
        (
            "    answer: labels\n    labels: {ad: spam, scam: custom.scam, ok: null}",
            '{"answer": "ok"}',
            None,
            0.0,
        ),
        ("    min_score: 0.5\n    answer: score", '{"answer": 4}', None, 0.0),
    ],
)
def test_answers_are_scores_or_labels(
    server: Server,
    check: Callable[..., Verdict],
    fields: str,
    answer: str,
    category: str | None,
    expected: float,
) -> None:
    """A score is a tenth of the number; a label finds its own category, or nothing."""
    server.answer = lambda body: answer
    named = "" if "labels" in fields else "custom.advice"
    when = "spam >= 0.5 || custom.scam >= 0.5" if "labels" in fields else "custom.advice >= 0.5"
    verdict = check(DOSE, fields, category=named, when=when)
    assert not verdict.errors
    assert {each.category: each.score for each in verdict.findings} == (
        {category: expected} if category else {}
    )
    assert verdict.blocked is (expected >= 0.5)


def test_the_category_is_that_of_the_name_by_default(server: Server, check: Callable[..., Verdict]) -> None:
    """A judge that names none finds `custom.` and its own name."""
    server.answer = lambda body: YES
    assert check(DOSE, category="").findings[0].category == "custom.advice"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("    structured: json_object", {"response_format": {"type": "json_object"}}),
        ("    thinking: false", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("    max_tokens: 2000", {"max_tokens": 2000}),
    ],
)
def test_settings_reach_the_server(
    server: Server, check: Callable[..., Verdict], fields: str, expected: dict[str, Any]
) -> None:
    """What the policy says of the form, of thoughts and of length is in the request."""
    assert check(DOSE, fields).action is Action.ALLOW
    assert server.asked[0].items() >= expected.items()


def test_a_server_is_held_to_the_schema(server: Server, check: Callable[..., Verdict]) -> None:
    """`json_schema` goes out as OpenAI has it."""
    check(DOSE, "    structured: json_schema")
    form = server.asked[0]["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["strict"] is True
    assert form["json_schema"]["schema"]["properties"] == {"answer": {"enum": ["yes", "no"]}}


def test_a_reply_is_judged_beside_its_prompt(server: Server, check: Callable[..., Verdict]) -> None:
    """The model sees what a reply answers to, as context; without a role for the system the task stands first."""
    messages = [
        {"role": "user", "content": 'What helps against "pain"?'},
        {"role": "assistant", "content": DOSE},
    ]
    check(messages, "    system: false", stage="output")
    last = next(body["messages"][-1]["content"] for body in server.asked if "PROMPT" in str(body["messages"]))
    assert r'"What helps against \"pain\"?"' in last.split("\n")
    assert {each["role"] for body in server.asked for each in body["messages"]} == {"user"}


def test_long_texts_are_judged_in_pieces(server: Server, check: Callable[..., Verdict]) -> None:
    """Each piece is a request; a finding has its place, and what is past the limit is said to be unchecked."""
    server.answer = lambda body: YES if "ibuprofen" in body["messages"][-1]["content"] else NO
    text = "Nothing of interest stands in this sentence. " * 6 + DOSE
    (finding,) = check(text, "    characters: 200").findings
    start, end = finding.span or (0, 0)
    assert DOSE in text[start:end]
    assert start > 0
    assert len(server.asked) > 1

    limited = check(text, "    characters: 200\n    windows: 1")
    assert [each.kind for each in limited.coverage.unchecked] == ["limit"]


def test_languages_that_it_was_not_tried_in_are_unchecked(check: Callable[..., Verdict]) -> None:
    """The text is judged all the same, and the verdict says so."""
    german = (
        "Das ist ein ganz gewöhnlicher deutscher Satz, in dem über das Wetter von morgen gesprochen wird."
    )
    assert [each.kind for each in check(german, "    languages: [en]").coverage.unchecked] == ["language"]


def chances(word: str, **worth: float) -> dict[str, Any]:
    """Return the log-probabilities of an answer as vLLM gives them; in the word's place others could have stood."""
    tops = [{'{"': 1.0}, {"answer": 1.0}, {'":': 1.0}, {' "': 1.0}, worth, {'"}': 1.0}]
    said = ['{"', "answer", '":', ' "', word, '"}']
    rows = [[{"token": text, "logprob": math.log(p), "bytes": []} for text, p in top.items()] for top in tops]
    return {
        "content": [
            {"token": token, "logprob": row[0]["logprob"], "bytes": [], "top_logprobs": row}
            for token, row in zip(said, rows, strict=True)
        ]
    }


@pytest.mark.parametrize(
    ("word", "worth", "expected"),
    [("yes", {"yes": 0.75, "no": 0.25}, 0.75), ("no", {"no": 0.8, "yes": 0.2}, 0.2)],
)
def test_the_score_can_be_the_probability_of_yes(
    server: Server, check: Callable[..., Verdict], word: str, worth: dict[str, float], expected: float
) -> None:
    """With `probabilities: true` a judge that is not sure has a score between."""
    server.answer = lambda body: completion(f'{{"answer": "{word}"}}', chances(word, **worth))
    verdict = check(DOSE, "    probabilities: true")
    assert not verdict.errors
    assert verdict.findings[0].score == pytest.approx(expected)
    assert (server.asked[0]["logprobs"], server.asked[0]["top_logprobs"]) == (True, 20)


NAN = json.dumps(chances("no", no=1.0)).replace("0.0", "NaN")

FAULTS: dict[str, Any] = {
    "prose": "Not safe.",
    "both": "yes and no",
    "explained": "Yes, because it names a dose.",
    "explained no": f"{NO}\nIt is a general fact.",
    "refusal in words": "I'm sorry, but I can't help with that.",
    "refusal": completion(None, refusal="I can't help with that."),
    "echo": json.dumps(DOSE),
    "two answers": f"{YES}\n{NO}",
    "key twice": '{"answer": "yes", "answer": "no"}',
    "further key": '{"answer": "no", "reason": "fine"}',
    "empty": "",
    "no content": completion(None),
    "content in parts": completion([{"type": "text", "text": NO}]),
    "a call of a tool": completion(None, finish="tool_calls", tool_calls=[{"id": "1", "type": "function"}]),
    "cut off": completion(NO, finish="length"),
    "filtered": completion(NO, finish="content_filter"),
    "thoughts cut off": "<think>It is no dose, so",
    "two choices": json.dumps(
        {"choices": [{"message": {"content": NO}, "finish_reason": "stop"}] * 2}
    ).encode(),
    "no choice": b'{"choices": []}',
    "another shape": b'{"answer": "no"}',
    "a list": b"[]",
    "NaN": b'{"choices": NaN}',
    "no JSON": b"<html>no</html>",
    "no UTF-8": b'{"choices": "\xff"}',
    "empty body": b"",
    "huge": b" " * (9 << 20),
    "500": (500, {}, NO),
    "400": (400, {}, NO),
    "404": (404, {}, NO),
    "redirect": (302, {"location": "/v1/elsewhere"}, NO),
    "429": (429, {"retry-after": "3600"}, NO),
    "closed": None,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_judge_that_gives_no_answer_has_failed(
    server: Server, check: Callable[..., Verdict], fault: str
) -> None:
    """Whatever is no answer of the form ends in the rule's `on_error`, and the error tells nothing of the text."""
    server.answer = lambda body: FAULTS[fault]
    verdict = check(DOSE)
    assert verdict.action is Action.BLOCK
    assert verdict.unavailable is not None
    assert (verdict.rules, verdict.unavailable.reason) == ((), "service")
    (error,) = verdict.errors
    assert "'vllm'" in error.error
    assert "ibuprofen" not in error.error
    assert not verdict.findings


@pytest.mark.parametrize(
    "answer",
    [
        completion(NO),
        completion(NO, {"content": []}),
        completion(NO, chances("no", sorry=0.9, no=0.1)),
        completion(NO, chances("no", yes=0.9, no=0.1)),
        completion(NO, chances("maybe", no=1.0)),
        completion(NO).replace(b'"logprobs": null', f'"logprobs": {NAN}'.encode()),
        completion("No.", chances("no", no=1.0)),
    ],
    ids=["none", "empty", "unlikely", "contradicted", "others", "NaN", "prose"],
)
def test_probabilities_that_are_none_are_a_failure(
    server: Server, check: Callable[..., Verdict], answer: bytes
) -> None:
    """A server that gives no probabilities, or none that fit, has not told how sure the judge is."""
    server.answer = lambda body: answer
    verdict = check(DOSE, "    probabilities: true")
    assert (verdict.action, len(verdict.errors)) == (Action.BLOCK, 1)


def test_a_slow_judge_has_failed(server: Server, check: Callable[..., Verdict]) -> None:
    """Nobody waits longer than the endpoint's time-out."""
    server.answer = server.held
    verdict = check(DOSE, endpoint="timeout_ms: 50")
    assert verdict.action is Action.BLOCK
    assert "no answer in 0.05 s" in verdict.errors[0].error


def test_one_piece_that_fails_is_a_failure_of_the_text(server: Server, check: Callable[..., Verdict]) -> None:
    """That the other pieces have an answer does not make the text clean."""
    server.answer = lambda body: "Not safe." if "ibuprofen" in body["messages"][-1]["content"] else NO
    verdict = check("Nothing of interest stands in this sentence. " * 6 + DOSE, "    characters: 200")
    assert (verdict.action, len(verdict.errors)) == (Action.BLOCK, 1)


@pytest.mark.parametrize(
    ("fields", "more", "expected"),
    [
        ("", {"question": '"  "'}, [(8, 15, "invalid_value")]),
        ("", {"question": '""'}, [(8, 15, "invalid_value")]),
        ("", {"category": "custom.Advice"}, [(9, 15, "unknown_category")]),
        ("    examples: [{text: a, answer: maybe}]", {}, [(10, 34, "invalid_example")]),
        ("    examples: [{text: a, answer: 7}]", {}, [(10, 34, "invalid_example")]),
        ("    answer: score\n    examples: [{text: a, answer: yes}]", {}, [(11, 34, "invalid_example")]),
        ("    answer: score\n    examples: [{text: a, answer: 11}]", {}, [(11, 34, "invalid_example")]),
        ("    answer: score\n    examples: [{text: a, answer: true}]", {}, [(11, 34, "invalid_example")]),
        ("    examples: [{text: '', answer: yes}]", {}, [(10, 23, "invalid_value")]),
        ("    examples: [{text: a}]", {}, [(10, 16, "missing_field")]),
        ("    labels: {a: spam, b: null}", {}, [(10, 13, "unused_field")]),
        ("    answer: labels", {"category": ""}, [(9, 13, "no_labels")]),
        ("    answer: labels\n    labels: {a: null, b: null}", {"category": ""}, [(9, 13, "no_labels")]),
        ("    answer: labels\n    labels: {a: spam}", {"category": ""}, [(9, 13, "no_labels")]),
        ("    answer: labels\n    labels: {a: spam, b: null}", {}, [(9, 15, "unused_field")]),
        (
            "    answer: labels\n    labels: {a: spamm, b: null}",
            {"category": ""},
            [(10, 17, "unknown_category")],
        ),
        (
            "    answer: labels\n    labels: {'\"': spam, b: null}",
            {"category": ""},
            [(10, 19, "invalid_label")],
        ),
        (
            "    answer: labels\n    labels: {a: spam, b: null}\n    examples: [{text: t, answer: c}]",
            {"category": ""},
            [(11, 34, "invalid_example")],
        ),
        ("    answer: score\n    probabilities: true", {}, [(11, 20, "unused_field")]),
        ("    languages: [en, english]", {}, [(10, 21, "unknown_language")]),
        ("    answer: yes", {}, [(10, 13, "invalid_value")]),
        ("    structured: yaml", {}, [(10, 17, "invalid_value")]),
        (
            "    probabilities: true\n    answer: score\n    examples: [{text: a, answer: no}]",
            {"question": '" "'},
            [(8, 15, "invalid_value"), (10, 20, "unused_field"), (12, 34, "invalid_example")],
        ),
    ],
)
def test_mistakes_are_located(
    policy: Callable[..., Path], fields: str, more: dict[str, Any], expected: list[tuple[int, int, str]]
) -> None:
    """What cannot be asked is told at load, all of it, with its place."""
    found = errors_of(policy(fields, when="content.length > 0", **more))
    assert found == expected


def test_an_endpoint_that_nobody_declares_is_a_mistake(policy: Callable[..., Path]) -> None:
    """Where a policy's texts go is the operator's to say; other mistakes show as well."""
    path = policy("    languages: [xx]")
    path.write_text(path.read_text().replace("endpoint: vllm", "endpoint: vlm"))
    assert errors_of(path) == [(6, 15, "unknown_endpoint"), (10, 17, "unknown_language")]
