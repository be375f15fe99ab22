"""Reading a policy: plain values, places of keys, values and characters, and no error but PolicyErrors."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import PolicyErrors
from guardrails.policy.loading import compose
from guardrails.policy.loading.compose import MAX_CHARACTERS
from guardrails.policy.loading.source import Mark, Path, Source, read_yaml
from tests.cases import each_case

POLICY = """\
# a policy
format: 1
version: 1.10
on: [input, 'output']
shared: &when hate >= 0.85
rules:
  - id: a
    when: *when
  - id: b
    when: >-
      hate > 0 &&
      count("x") >= 1
    deep: &d {k: "q\\tr"}
    copy: *d
empty:
"""


@pytest.fixture(scope="module")
def policy() -> Source:
    """Return the policy above, read."""
    return read_yaml(POLICY, "p.yaml")


def test_data_is_plain_and_not_shared(policy: Source) -> None:
    """Values are plain Python; what an alias names is there twice, as equal but separate objects."""
    rules = [
        {"id": "a", "when": "hate >= 0.85"},
        {"id": "b", "when": 'hate > 0 && count("x") >= 1', "deep": {"k": "q\tr"}, "copy": {"k": "q\tr"}},
    ]
    data = policy.data
    assert data == {
        "format": 1, "version": 1.1, "on": ["input", "output"], "shared": "hate >= 0.85", "rules": rules,
        "empty": None,
    }  # fmt: skip
    assert isinstance(data, dict)
    assert data["rules"][1]["deep"] is not data["rules"][1]["copy"]


@each_case(
    ("path", "value", "key"),
    [
        ((), (2, 1), (2, 1)),
        (("format",), (2, 9), (2, 1)),
        (("on",), (4, 5), (4, 1)),
        (("on", 1), (4, 13), (4, 13)),
        (("rules",), (7, 3), (6, 1)),
        (("rules", 0), (7, 5), (7, 5)),
        (("rules", 0, "when"), (8, 11), (8, 5)),
        (("rules", 1, "when"), (10, 11), (10, 5)),
        (("rules", 1, "copy"), (14, 11), (14, 5)),
        (("rules", 1, "copy", "k"), (13, 18), (13, 15)),
        (("empty",), (15, 7), (15, 1)),
        (("rules", 1, "missing", 3), (9, 5), (9, 5)),
        (("rules", 7), (7, 3), (7, 3)),
        (("rules", "id"), (7, 3), (7, 3)),
        (("format", "x"), (2, 9), (2, 9)),
        (("nothing",), (2, 1), (2, 1)),
    ],
)
def test_values_and_keys_have_places(
    policy: Source, path: Path, value: tuple[int, int], key: tuple[int, int]
) -> None:
    """Every value and key has its line and column; a missing one has its nearest ancestor's."""
    assert (policy.mark(path), policy.key_mark(path)) == (Mark("p.yaml", *value), Mark("p.yaml", *key))


@each_case(
    ("path", "offset", "place"),
    [
        (("shared",), 0, (5, 15)),
        (("rules", 0, "when"), 5, (5, 20)),
        (("rules", 1, "when"), 0, (11, 7)),
        (("rules", 1, "when"), 11, (11, 18)),
        (("rules", 1, "when"), 12, (12, 7)),
        (("rules", 1, "when"), 27, (12, 22)),
        (("rules", 1, "when"), 999, (12, 22)),
        (("rules", 1, "when"), -1, (11, 7)),
        (("rules", 1, "copy", "k"), 2, (13, 22)),
        (("format",), 1, (2, 10)),
        (("rules",), 3, (7, 3)),
        (("rules", 9, "when"), 3, (7, 3)),
    ],
)
def test_characters_have_places(policy: Source, path: Path, offset: int, place: tuple[int, int]) -> None:
    """A character of a text is found through aliases, folds and escapes; other values give their start."""
    assert policy.inside(path, offset) == Mark("p.yaml", *place)


@each_case(
    ("path", "raw"),
    [
        (("version",), "1.10"),
        (("format",), "1"),
        (("empty",), ""),
        (("on", 1), None),
        (("on",), None),
        (("x",), None),
    ],
)
def test_raw_is_the_text_of_a_plain_scalar(policy: Source, path: Path, raw: str | None) -> None:
    """A plain scalar has its text as written; a quoted one, a list and a missing value have none."""
    assert policy.raw(path) == raw


@each_case("mark", ["", "\ufeff"])
@each_case("encode", [str, str.encode])
def test_a_byte_order_mark_moves_nothing(mark: str, encode: type) -> None:
    """Text and UTF-8 bytes give the same values and places, with a byte order mark and without."""
    source = read_yaml(encode(f"{mark}😀: é\nb: 'x'"), "p.yaml")
    places = source.mark(("😀",)), source.inside(("b",), 0)
    assert (source.data, places) == ({"😀": "é", "b": "x"}, (Mark("p.yaml", 1, 4), Mark("p.yaml", 2, 5)))


@each_case(
    ("content", "code", "place"),
    [
        (b"a: b\r\n\xc3\xa9: \xff", "invalid_encoding", (2, 4)),
        (b"\xef\xbb\xbfa\xc3", "invalid_encoding", (1, 2)),
        ("a: 1".encode("utf-16"), "invalid_encoding", (1, 1)),
        ("é: \x07", "yaml_syntax", (1, 4)),
        (b"\xc3\xa9: \x00", "yaml_syntax", (1, 4)),
        ("a: \ud800", "yaml_syntax", (1, 4)),
        ("a: b\n\ufeffc: d", "yaml_syntax", (2, 1)),
        ("#" * (MAX_CHARACTERS + 1), "too_large", (1, 1)),
        (b"#" * (MAX_CHARACTERS + 1), "too_large", (1, 1)),
        (b"\xff" * 5 * MAX_CHARACTERS, "too_large", (1, 1)),
        ("", "empty_policy", (1, 1)),
    ],
    ids=range(11),
)
def test_unreadable_files_are_located_errors(content: str | bytes, code: str, place: tuple[int, int]) -> None:
    """What is no text of a policy at all is one error at the first bad character."""
    with pytest.raises(PolicyErrors) as caught:
        read_yaml(content, "p.yaml")
    assert [(e.file, e.code, (e.line, e.col)) for e in caught.value.errors] == [("p.yaml", code, place)]


def test_a_file_at_the_limit_is_read() -> None:
    """The limit counts characters, not bytes, and no byte order mark."""
    text = "\ufeffa: " + "é" * (MAX_CHARACTERS - 3)
    assert read_yaml(text.encode(), "p.yaml").raw(("a",)) == "é" * (MAX_CHARACTERS - 3)


def test_all_problems_come_together() -> None:
    """The file's problems of all kinds come in their order, with what could be read all the same."""
    source = read_yaml("a: 1\na: 2\n2: x\nb: .inf\nc: !x y\nd: *e\n<<: {}\nz: 9\n", "p.yaml")
    assert isinstance(source.data, dict)
    assert source.data["z"] == 9
    assert [(error.line, error.code) for error in source.problems] == [
        (2, "duplicate_key"), (3, "invalid_key"), (4, "invalid_number"), (5, "unknown_tag"),
        (6, "unknown_alias"), (7, "merge_key"),
    ]  # fmt: skip


def assert_source_or_errors(content: str | bytes) -> None:
    """Read `content` with both parsers and ask for places; anything but PolicyErrors fails the test."""
    for loader in (yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compose, "LOADER", loader)
            try:
                source = read_yaml(content, "p.yaml")
            except PolicyErrors as errors:
                places = [(error.line, error.col) for error in errors.errors]
            else:
                keys = list(source.data) if isinstance(source.data, dict) else [0]
                marks = [source.mark(()), *(source.inside((key,), 2) for key in keys)]
                places = [(mark.line, mark.col) for mark in marks]
        assert places
        assert min(min(place) for place in places) > 0


@given(st.text() | st.binary() | st.text(alphabet="ab:-#&*!|>'\"%@`[]{},?<~. \t\n\r\\x4u"))
def test_arbitrary_content_gives_a_source_or_policy_errors(content: str | bytes) -> None:
    """No text and no bytes make `read_yaml` raise anything else."""
    assert_source_or_errors(content)


@given(st.data())
def test_mutated_policies_give_a_source_or_policy_errors(data: st.DataObject) -> None:
    """Nor does a policy with pieces replaced by others that mean something in YAML."""
    text = POLICY
    pieces = st.sampled_from(
        ["&a ", "*a", "- ", ": ", "\n", "\t", '"', "'", "|2\n", ">", "!!int ", "{", "]", "\\u"]
    )
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        text = text[:start] + data.draw(pieces) + text[start + data.draw(st.integers(0, 4)) :]
    assert_source_or_errors(text)


def test_a_large_policy_is_read_quickly() -> None:
    """500 rules on 5,000 lines take a fraction of a second."""
    rule = (
        "  - id: r.{}\n    on: [input]\n    when: >-\n      hate > 0 &&\n      x < 1\n" + "    k{}: v\n" * 5
    )
    text = "rules:\n" + "".join(rule.format(number, *range(5)) for number in range(500))
    begun = time.perf_counter()
    source = read_yaml(text, "p.yaml")
    assert time.perf_counter() - begun < 5
    assert source.mark(("rules", 499, "k4")) == Mark("p.yaml", 5001, 9)
