"""Pictures that stand in texts as data URIs are judged as pictures, however they are written; what shows nothing is none."""

from __future__ import annotations

import io
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from html import escape
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from guardrails import Guard
from guardrails.engine.content.embedded_media import (
    MOST,
    MediaHold,
    decode_base64,
    find_files,
    is_complete_picture,
    may_hold_media,
    media_type_of,
)
from guardrails.types import Audio, Image, Video
from tests.cases import each_case, scale
from tests.films import film
from tests.films import green as green_frames

POLICY = """
detectors:
  green: {use: green_square}
rules:
  - {id: green, on: [input, output, tool_result, tool_call], when: custom.green_square > 0.5, then: block}
limits: {max_hold: 100000}
"""


def filed(*, green: bool, format_: str = "PNG", size: tuple[int, int] = (60, 40)) -> bytes:
    """Return a picture as a file, with a green square or without."""
    noise = bytes(98 + byte % 60 for byte in Random(1).randbytes(size[0] * size[1]))
    image = Pillow.frombytes("L", size, noise).convert("RGB")
    if green:
        image.paste((0, 255, 0), (10, 10, 30, 30))
    out = io.BytesIO()
    image.save(out, format_)
    return out.getvalue()


def base64(data: bytes) -> str:
    """Return bytes in Base64."""
    return b64encode(data).decode()


PLAIN, GREEN = filed(green=False), filed(green=True)
BODY = base64(GREEN)
URI = f"data:image/png;base64,{BODY}"


def lines(text: str, width: int, end: str = "\n") -> str:
    """Return a text in lines."""
    return end.join(text[at : at + width] for at in range(0, len(text), width))


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks green squares."""
    return guard_of(POLICY)


WRITTEN = {
    "markdown": f"see ![x]({URI}) here",
    "markdown with a title": f'![x]({URI} "a title")',
    "a link in pointed brackets": f"![x](<{URI}>)",
    "html": f'<p><img src="{URI}"></p>',
    "html without quotes": f"<img src={URI}>",
    "css": f"a {{ background: url('{URI}') }}",
    "bare": f"look: {URI}, and more",
    "bare at the end": URI,
    "any case": f"![]({URI.replace('data:image/png;base64', 'DaTa:IMAGE/Png;BASE64')})",
    "parameters": f"![]({URI.replace(';base64', ';name=a.png;charset=x;base64')})",
    "no type": f"![](data:;base64,{BODY})",
    "another type": f"<img src='data:text/plain;base64,{BODY}'>",
    "a sound's type": f"<img src='data:audio/mpeg;base64,{BODY}'>",
    "blanks in the head": f"<img src='data: image/png ; base64,{BODY}'>",
    "a broken head": f"<img src='da\nta:image\t/png;base\n64,{BODY}'>",
    "in lines": f"<img src='data:image/png;base64,\n{lines(BODY, 76)}\n'>",
    "bare in lines": f"data:image/png;base64,{lines(BODY, 76)}",
    "bare in lines, and more": f"data:image/png;base64,{lines(BODY, 76)}\nThat was it.",
    "in blanks": f'<img src="data:image/png;base64,{lines(BODY, 10, " ")}">',
    "percent escapes": f"![](data:image/png;base64,{quote(BODY, safe='')})",
    "percent escapes of all": f"![](data:image/png;base64,{''.join(f'%{ord(c):02x}' for c in BODY)})",
    "no Base64": f"![](data:image/png,{quote(GREEN)})",
    "no Base64, quoted": f'<img src="data:,{quote(GREEN)}">',
    "the other alphabet": f"![](data:image/png;base64,{urlsafe_b64encode(GREEN).decode()})",
    "no padding": f"![](data:image/png;base64,{BODY.rstrip('=')})",
    "entities in the head": f"<img src='&#100;&#x41;ta&colon;image/png;base64,{BODY}'>",
    "entities for breaks": f"<img src='da&NewLine;t&#10;a:image/png;base64,{BODY}'>",
    "entities all over": f"<img src='{''.join(f'&#{ord(c)};' for c in URI)}'>",
    "escaped HTML": escape(f'<img src="{URI}">').replace("/", "&#47;"),
    "JSON": json.dumps({"image": URI}),
    "JSON with escaped slashes": json.dumps({"image": URI}).replace("/", r"\/"),
    "JSON with escapes": '{"a": "' + "".join(f"\\u{ord(c):04X}" for c in URI) + '"}',
    "CSS with escapes": rf"a {{ background: url('\64 ata:image/png;base64,{BODY}') }}",
    "CSS with longer escapes": rf"a {{ background: url('d\000061ta\3aimage\2f png;base64,{BODY}') }}",
    "behind another": f"![](data:image/png;base64,{base64(PLAIN)}) ![]({URI})",
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_a_picture_in_a_text_is_judged_however_it_is_written(
    guard: Guard, written: str, request: pytest.FixtureRequest
) -> None:
    """As browsers and Markdown take it; the same with a harmless picture passes."""
    verdict = guard.check(written, "output")
    assert verdict.blocked
    assert [rule.id for rule in verdict.rules] == ["green"]
    assert {finding.origin for finding in verdict.findings} == {"data_uri"}
    streamed = guard.stream(stage="output")
    shown = "".join(streamed.feed(written[at : at + 97]) for at in range(0, len(written), 97))
    assert streamed.flush() == ""
    assert streamed.blocked
    assert len(shown) < 60 or "behind" in request.node.callspec.id
    assert BODY[-60:-40] not in shown
    assert shown == written[: len(shown)]


@each_case("name", ["markdown", "html", "bare", "css", "in lines", "no Base64", "JSON"])
def test_a_harmless_picture_in_a_text_passes(guard: Guard, name: str) -> None:
    """It counts as a picture that was looked at; the text stays what it was, also in a stream."""
    body = base64(PLAIN)
    written = WRITTEN[name].replace(BODY, body).replace(lines(BODY, 76), lines(body, 76))
    written = written.replace(quote(GREEN), quote(PLAIN))
    verdict = guard.check(written, "output")
    assert (str(verdict.action), verdict.content, verdict.coverage.unchecked) == ("allow", written, ())
    assert verdict.coverage.kinds["image"].checked == 1
    streamed = guard.stream(stage="output")
    shown = "".join(streamed.feed(written[at : at + 97]) for at in range(0, len(written), 97))
    assert shown + streamed.flush() == written


@each_case(
    "text",
    [
        "the URI begins with data:image/png;base64, and so on",
        'f"data:image/jpeg;base64,{base64_image}" is what the API takes',
        "![x](data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA...)",
        "data: {'choices': [1, 2]}\n\ndata: [DONE]",
        "Our data: 50%, 20%, and the rest",
        "data:text/plain;base64," + base64(b"a plain text which is long enough to be looked at"),
        "data:text/html,<b>hello</b>%20there",
        "metadata:image/png, size 3",
        "idea: nothing",
    ],
)
def test_what_shows_no_picture_is_none(guard: Guard, text: str) -> None:
    """Pages about data URIs, and data of other kinds."""
    assert find_files(text) == ([], [])
    verdict = guard.check(text, "output")
    assert (str(verdict.action), "image" in verdict.coverage.kinds) == ("allow", False)


@each_case(
    ("text", "kind"),
    [
        (URI[: len(URI) // 2], "image"),
        ("data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>", "image"),
        ("data:image/png;base64," + "x" * 200, "image"),
        (
            " ".join(
                f"data:image/png;base64,{base64(filed(green=False, size=(n + 4, 4)))}" for n in range(40)
            ),
            "limit",
        ),
        ("data:image/png;" + "a" * 1100 + f";base64,{BODY}", "part"),
        (base64(f"<img src='{URI}'>".encode()), "part"),
    ],
    ids=["cut", "svg", "no picture", "many", "a long head", "encoded again"],
)
def test_what_cannot_be_judged_is_named(guard: Guard, text: str, kind: str) -> None:
    """Never a silent pass."""
    verdict = guard.check(text, "output")
    assert verdict.blocked
    assert {entry.kind for entry in verdict.coverage.unchecked} == {kind}


def test_a_policy_that_looks_at_no_pictures_judges_the_text_alone(bomb_guard: Guard) -> None:
    """Nothing is blocked that was not before; so where rules look at pictures at another stage."""
    verdict = bomb_guard.check(f"![]({URI})", "output")
    assert (str(verdict.action), [*verdict.coverage.kinds]) == ("allow", ["text"])


def test_only_stages_at_which_pictures_are_looked_at(guard_of: Callable[..., Guard]) -> None:
    """A rule on output alone leaves input as it is."""
    own = guard_of(POLICY.replace("[input, output, tool_result, tool_call]", "output"))
    assert not own.check(f"![]({URI})", "input").blocked
    assert own.check(f"![]({URI})", "output").blocked


def test_a_rule_that_redacts_blocks(guard_of: Callable[..., Guard]) -> None:
    """A picture in a text is not written again."""
    verdict = guard_of(POLICY.replace("block", "redact")).check(f"![]({URI})", "output")
    assert verdict.blocked
    assert [(rule.id, rule.reason) for rule in verdict.rules] == [("green", "not_redacted")]


@each_case(
    "messages",
    [
        [{"role": "user", "content": f"![]({URI})"}],
        [
            {
                "role": "user",
                "content": [{"type": "text", "text": URI[:100]}, {"type": "text", "text": URI[100:]}],
            }
        ],
        [
            {"role": "user", "content": "look"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "c",
                        "type": "function",
                        "function": {"name": "show", "arguments": json.dumps({"html": f"<img src='{URI}'>"})},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "c", "content": f"<img src='{URI}'>"},
        ],
    ],
    ids=["user", "two parts", "tools"],
)
def test_pictures_are_found_in_all_texts_of_a_conversation(guard: Guard, messages: list[Any]) -> None:
    """What a user says, also in parts, and what goes to tools and comes from them."""
    verdict = guard.check(messages, "input")
    assert verdict.blocked
    assert "green" in [rule.id for rule in verdict.rules]


def test_an_earlier_turn_with_a_picture_is_left_out(guard: Guard) -> None:
    """A picture belongs to the message in whose text it stands."""
    messages = [
        {"role": "user", "content": f"![]({URI})"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "and now?"},
    ]
    verdict = guard.check(messages, "input")
    assert str(verdict.action) == "redact"
    assert verdict.content == messages[2:]


def test_what_a_file_is_its_bytes_say() -> None:
    """Films and sounds too; the type counts where these say nothing."""
    moving = film(green_frames(20))
    sound = b"RIFF" + (1000).to_bytes(4, "little") + b"WAVEfmt " + bytes(200)
    for data, kind in ((moving, Video), (sound, Audio), (GREEN, Image)):
        assert media_type_of(data) is kind
        [file] = find_files(f"<a href='data:;base64,{base64(data)}'>")[0]
        assert (file.data, file.kind, file.declared) == (data, kind, None)
    [file] = find_files(f"data:video/mp4;base64,{base64(bytes(100))}")[0]
    assert (file.kind, file.declared) == (Video, "video/mp4")
    assert media_type_of(b"a text") is media_type_of(b"BM is no picture") is None


def test_a_film_in_a_text_is_watched(guard: Guard) -> None:
    """By the detectors that look at pictures."""
    verdict = guard.check(f"<video src='data:video/mp4;base64,{base64(film(green_frames(20)))}'>", "output")
    assert [rule.id for rule in verdict.rules] == ["green"]


@given(st.binary(min_size=1))
def test_base64_is_read_as_lenient_readers_do(data: bytes) -> None:
    """With any white space, percent escapes, either alphabet, or without padding."""
    text = base64(data)
    for written in (
        text,
        lines(text, 5),
        quote(text, safe=""),
        text.rstrip("="),
        urlsafe_b64encode(data).decode(),
    ):
        assert decode_base64(written) == data


def test_equal_pictures_are_looked_at_once() -> None:
    """And no more than the most; what a shorter reading has cut off is not one more."""
    assert len(find_files(f"{URI} {URI}")[0]) == 1
    assert len(find_files(WRITTEN["JSON with escaped slashes"])[0]) == 1
    assert is_complete_picture(GREEN)
    assert not is_complete_picture(GREEN[:-20])
    many = " ".join(
        f"![](data:image/png;base64,{base64(filed(green=False, size=(n + 8, 8)))})" for n in range(MOST + 1)
    )
    assert len(find_files(many)[0]) == MOST


@each_case("text", ["", "hello", "12:30", "https://example.org/data", "a: b", "R&D", "data", r"C:\users"])
def test_ordinary_texts_are_not_looked_into(text: str) -> None:
    """They hold no head of a data URI."""
    assert not may_hold_media(text)


@each_case("step", [1, 2, 7, 10_000])
@each_case(
    ("text", "at", "sure"),
    [
        ("no head at all", None, False),
        ("it ends with dat", 13, False),
        ("it ends with &#10", 13, False),
        ("see data:image/png;ba", 4, False),
        (
            "data, and data: as such, it is, and this goes on and on and on until it is known to be no picture.",
            None,
            False,
        ),
        (f"see {URI}", 4, True),
        (f"see data:;base64,{BODY}", 4, True),
        (
            f"see data:text/plain;base64,{base64(b'a text that is much longer than that.' * 3)}. So.",
            None,
            False,
        ),
        ("see &#100;ata:x", 4, True),
        (r"see data:image\/png;base64,iVBO", 4, True),
        (r"see data:image\/png;base64,iVBO\/", 4, True),
        (r"see data:image/png;base64,iVBO\/", 4, True),
        ("f'data:image/png;base64,{x}' is how", None, False),
        ("see data:image/svg+xml,<svg/>", 4, True),
        (
            r"re.match(r'data:\d+, and more', text), and so on; it goes on for some sixty characters more",
            None,
            False,
        ),
        (f"see ({URI}) and more", None, False),
        (f"see ({URI}) and ({URI}", 4 + len(URI) + 8, True),
        (f"see '{URI}&#61;' and more", 5, True),
    ],
)
def test_a_growing_text_is_held_where_a_picture_may_begin(
    text: str, at: int | None, sure: bool, step: int
) -> None:
    """Wherever it is cut; what has ended is to be judged, with what stands before it."""
    hold = MediaHold()
    found = [each for begin in range(0, len(text), step) for each in hold.feed(text[begin : begin + step])]
    assert (hold.at, hold.sure) == (at, sure)
    found += hold.feed("", last=True)
    assert hold.sure or hold.at is None
    for opener, start, end in found:
        assert opener == text[start - 1 : start]
        assert start == at or text[start - 1 : end] == f"({URI})"


def test_a_stream_goes_on_behind_a_harmless_picture(guard_of: Callable[..., Guard]) -> None:
    """As soon as that is judged; what is held longer than the policy allows stops it."""
    own = guard_of(POLICY.replace("100000", "8192"))
    stream = own.stream(stage="output")
    harmless = f"![x](data:image/png;base64,{base64(filed(green=False, size=(40, 30)))})"
    shown = stream.feed(f"one {harmless[:-1]}")
    assert shown == "one ![x]("
    assert stream.feed(") two ").endswith(") two ")
    assert stream.feed("three. ") == "three. "
    assert stream.feed(f"![]({URI})").count(URI) == 0
    assert stream.blocked
    stream = own.stream(stage="output")
    long = base64(filed(green=False, size=(200, 100)))
    assert stream.feed(f"one ![x](data:image/png;base64,{long[:9000]}") == "one ![x]("
    assert stream.blocked


PIECES = (
    f"![x](data:image/png;base64,{base64(filed(green=False, size=(9, 7)))})",
    f"![]({URI})",
    f"<img src='data:,{quote(GREEN)}'>",
    "data:image/png;base64,{x} ",
    "our data: 1, 2 and da",
    "ta: 50%, R&D \\n ",
    "words and words. ",
)


@given(st.lists(st.sampled_from(PIECES), max_size=5), st.lists(st.integers(1, 400), min_size=1, max_size=8))
@settings(max_examples=scale(40))
def test_a_stream_shows_what_the_whole_check_leaves(guard: Guard, pieces: list[str], cuts: list[int]) -> None:
    """However it is cut; of a text that is stopped nothing behind the head of the picture that stops it."""
    text, stream, shown, at = "".join(pieces), guard.stream(stage="output"), "", 0
    while at < len(text):
        cut = cuts[at % len(cuts)]
        shown += stream.feed(text[at : at + cut])
        at += cut
    shown += stream.flush()
    blocked = guard.check(text, "output").blocked
    assert stream.blocked == blocked
    assert text.startswith(shown)
    if blocked:
        first = min(place for green in PIECES[1:3] if (place := text.find(green)) >= 0)
        assert len(shown) <= first + len("<img src='")
    else:
        assert shown == text


def with_gap(*, green: bool) -> str:
    """Return a picture as a data URI with percent escapes, of which two are further apart than what is read around one."""
    for seed in range(200):
        noise = Random(seed).randbytes(60 * 40 * 3)
        image = Pillow.frombytes("RGB", (60, 40), noise)
        if green:
            image.paste((0, 255, 0), (10, 10, 30, 30))
        out = io.BytesIO()
        image.save(out, "PNG")
        written = quote(base64(out.getvalue()), safe="")
        if max(map(len, written.split("%"))) > 300:
            return f"![](data:image/png;base64,{written})"
    raise AssertionError("no picture of these has a gap")


@each_case("green", [True, False])
def test_a_picture_with_escapes_far_apart_is_judged_once(guard: Guard, green: bool) -> None:
    """What is read around the escapes lacks what lies between them: that is no other picture, which nobody could judge."""
    verdict = guard.check(with_gap(green=green), "output")
    assert verdict.coverage.unchecked == ()
    assert [rule.id for rule in verdict.rules] == (["green"] if green else [])


def test_a_picture_that_is_escaped_twice_is_named(guard: Guard) -> None:
    """Beside a harmless one whose head is the same, too: only who undoes both escapes sees it."""
    twice = f"![](data:image/png;base64,{quote(quote(BODY, safe=''), safe='')})"
    for text in (
        twice,
        f"![]({URI.replace(BODY, base64(PLAIN))}) {twice}",
        twice.replace("data:", "data%3A"),
    ):
        assert guard.check(text, "output").blocked
