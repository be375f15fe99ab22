"""Forms: read in one way only, or refused; and written again where a field changes."""

from __future__ import annotations

import string
from email.parser import BytesParser
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import RequestError
from guardrails.wire.forms import Upload, form, is_form
from tests.cases import each_case
from tests.proxy.image_kit import BOUNDARY, file
from tests.proxy.image_kit import form as filled

MEDIA = f"multipart/form-data; boundary={BOUNDARY}"
MARK = f"--{BOUNDARY}".encode()
PROMPT = b'Content-Disposition: form-data; name="prompt"'


def read(*parts: Any) -> dict[str, Any]:
    """Return what a form says."""
    raw, headers = filled(*parts)
    return form(raw, headers["content-type"]).body


def refused(raw: bytes, media: str = MEDIA) -> str:
    """Return the code of the error that a form is."""
    with pytest.raises(RequestError) as caught:
        form(raw, media)
    return caught.value.code


def test_a_form_is_read() -> None:
    """Texts, files, and those that may come several times; flags are flags."""
    picture = file()
    said = read(("prompt", "a cät"), ("n", "2"), ("image[]", picture), ("image[]", b"x"), ("stream", "true"))

    one, two = Upload(picture, "a.png", "image/png"), Upload(b"x", "a.png", "image/png")
    assert said == {"prompt": "a cät", "n": "2", "image[]": [one, two], "stream": True}


@each_case(
    "said", [[("prompt", "a")], [("model", "other"), ("prompt", "a")], [("prompt", "a"), ("model", "")]]
)
def test_a_form_says_what_it_is_to_say(said) -> None:
    """In a field that it has, or in a new one; the rest stays as it was written."""
    raw, headers = filled(*said, ("image", file()))
    before = form(raw, headers["content-type"])

    after = before.saying("model", "mine")

    assert after.body == {**before.body, "model": "mine"}
    assert after.raw == form(after.raw, after.media).raw
    assert file() in after.raw
    assert after.saying("model", "mine") is after
    with pytest.raises(RequestError):
        before.saying("model", f"a--{BOUNDARY}")


@each_case(
    ("media", "told"),
    [("multipart/form-data; boundary=x", True), ("Multipart/Form-Data", True), ("application/json", False), ("", False), ("multipart/mixed; boundary=x", False)],
)  # fmt: skip
def test_what_is_a_form_is_known_by_its_type(media, told) -> None:
    """The boundary does not matter."""
    assert is_form(media) is told


@each_case(
    "media",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={BOUNDARY}; boundary=other",
        f"multipart/form-data; charset=utf-16; boundary={BOUNDARY}",
        f"multipart/form-data; boundary*0={BOUNDARY}",
        'multipart/form-data; boundary="a\\"b"',
        "multipart/form-data; boundary=" + "a" * 71,
        f"multipart/form-data, multipart/form-data; boundary={BOUNDARY}",
    ],
)
def test_a_type_that_could_be_read_in_two_ways_is_refused(media) -> None:
    """One boundary, and nothing else."""
    assert refused(filled(("prompt", "x"))[0], media) == "invalid_form"


def test_the_boundary_may_stand_in_quotes() -> None:
    """What goes on is written in one way."""
    found = form(filled(("prompt", "x"))[0], f'multipart/form-data;boundary="{BOUNDARY}"')
    assert (found.body, found.media) == ({"prompt": "x"}, f'multipart/form-data; boundary="{BOUNDARY}"')


WHOLE = filled(("prompt", "x"))[0]


@each_case(
    "raw",
    [
        b"",
        MARK + b"--\r\n",
        b"preamble\r\n" + WHOLE,
        WHOLE + b"epilogue",
        WHOLE[:-4],
        WHOLE.replace(b"\r\n", b"\n"),
        WHOLE.replace(MARK + b"--", MARK + b" --"),
        WHOLE.replace(MARK + b"\r\n", MARK + b" \r\n", 1),
        WHOLE + WHOLE,
        filled(("prompt", f"x\n--{BOUNDARY}\nContent-Disposition: form-data; name=\"prompt\"\n\ny"))[0],
        filled(("prompt", f"x--{BOUNDARY}--"))[0],
        MARK + b"\r\n" + PROMPT + b"\r\n" + MARK + b"--\r\n",
    ],
)  # fmt: skip
def test_what_is_not_one_form_from_end_to_end_is_refused(raw) -> None:
    """Nothing before, between or behind its parts; no other line ends; the boundary nowhere else."""
    assert refused(raw) == "invalid_form"


@each_case(
    "head",
    [
        b"Content-Type: text/plain",
        b'Content-Disposition: attachment; name="prompt"',
        b"Content-Disposition: form-data; name=prompt",
        b'Content-Disposition: form-data; name="pro\\"mpt"',
        b'Content-Disposition: form-data; name="a"; name="prompt"',
        b"Content-Disposition: form-data; name*=utf-8''prompt",
        b'Content-Disposition: form-data; name="image"; filename*=utf-8\'\'a.png',
        b'Content-Disposition: form-data; name="image"; filename="a.png"; filename="b.png"',
        b'Content-Disposition: form-data; filename="a.png"; name="image"',
        b'Content-Disposition: form-data; name="_charset_"',
        b'Content-Disposition: form-data; name="a b"',
        b'Content-Disposition: form-data; name=""',
        PROMPT + b"\r\n" + PROMPT,
        PROMPT + b"\r\nContent-Transfer-Encoding: base64",
        PROMPT + b"\r\nX-New: 1",
        PROMPT + b"\r\n folded",
        PROMPT + b"\nContent-Type: text/plain",
        PROMPT + b"\r\nContent-Type: text/plain; charset=utf-16",
        PROMPT + b"\r\nContent-Type: application/json",
        PROMPT + b"\r\nContent-Length: 2",
        PROMPT + b"\r\nContent-Type: " + b"a" * 5_000,
        PROMPT + b'; filename="a"\r\nContent-Type: image/png; x=1',
        b'Content-Disposition: form-data; name="\xff"',
    ],
)  # fmt: skip
def test_headers_of_a_part_are_the_three_that_clients_send(head) -> None:
    """Each once, plainly."""
    assert refused(filled(head + b"\r\n\r\nx")[0]) == "invalid_form"


def test_a_part_may_say_its_type_and_its_length() -> None:
    """Where they are true."""
    head = PROMPT + b"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 1"
    assert read(head + b"\r\n\r\nx") == {"prompt": "x"}


@each_case("parts", [[("prompt", "a"), ("prompt", "b")], [("prompt", "a"), ("Prompt", "b")], [("prompt", "a"), ("prompt[]", "b")], [("image", b"a"), ("image[]", b"b")], [("mask", b"a"), ("mask", b"b")]])  # fmt: skip
def test_a_field_stands_there_once(parts) -> None:
    """In whatever spelling; pictures may be several in one."""
    assert refused(filled(*parts)[0]) == "duplicate_key"


@each_case(
    ("part", "code"),
    [((b'Content-Disposition: form-data; name="prompt"\r\n\r\n\xff'), "invalid_utf8"), (("stream", "True"), "invalid_type"), (("stream", ""), "invalid_type")],
)  # fmt: skip
def test_a_value_that_servers_read_differently_is_refused(part, code) -> None:
    """Texts are UTF-8, flags are JSON's."""
    assert refused(filled(part)[0]) == code


def test_there_are_not_more_parts_than_anybody_needs() -> None:
    """128."""
    assert len(read(*((f"x{at}", "") for at in range(128)))) == 128
    assert refused(filled(*((f"x{at}", "") for at in range(129)))[0]) == "invalid_form"


def test_a_form_with_a_field_changed_is_as_it_was_but_for_that() -> None:
    """A text, and a picture among several, whose headers tell its new type."""
    parts = [("prompt", "a"), ("image[]", file()), ("image[]", file(kind="JPEG")), ("user", "jo")]
    raw, headers = filled(*parts)
    found = form(raw, headers["content-type"])
    new = file(green=True, kind="WEBP")

    changed = found.written(
        {**found.body, "prompt": "ä", "image[]": [found.body["image[]"][0], Upload(new, media="image/webp")]}
    )

    assert found.written(found.body) == raw
    assert changed.replace("ä".encode(), b"a").replace(new, file(kind="JPEG")).replace(b"webp", b"png") == raw
    again = form(changed, found.media).body
    assert (again["prompt"], again["image[]"][1]) == ("ä", Upload(new, "a.png", "image/webp"))


def test_a_changed_text_is_no_longer_said_to_be_as_long_as_it_was() -> None:
    """A server that believes the header would read a part of the new text."""
    head = PROMPT + b"\r\nContent-Type: text/plain\r\nContent-Length: 1"
    mark = f"--{BOUNDARY}".encode()
    raw = mark + b"\r\n" + head + b"\r\n\r\na\r\n" + mark + b"--\r\n"
    found = form(raw, f"multipart/form-data; boundary={BOUNDARY}")

    changed = found.written({"prompt": "longer"})

    assert changed == raw.replace(b"\r\nContent-Length: 1", b"").replace(b"\r\na\r\n", b"\r\nlonger\r\n")
    assert form(changed, found.media).body == {"prompt": "longer"}


@each_case("change", [{"prompt": f"a --{BOUNDARY}"}, {"image": [Upload(f"a --{BOUNDARY}".encode())]}])
def test_a_form_that_cannot_be_written_is_refused(change) -> None:
    """Where the boundary stands in what is new, be it a text or a file."""
    raw, headers = filled(("prompt", "a"), ("image", file()))
    found = form(raw, headers["content-type"])
    with pytest.raises(RequestError):
        found.written({**found.body, **change})


NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=8).filter(
    lambda name: name not in ("stream", "image")
)


@given(st.dictionaries(NAMES, st.text(st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=6))
def test_what_clients_write_is_read_as_they_meant_it(fields) -> None:
    """As httpx writes it, which OpenAI's client uses; and another parser reads the same."""
    files = [(name, (None, value.encode())) for name, value in fields.items()]
    request = httpx.Request(
        "POST", "http://x", files=[*files, ("image", ("ä.png", b"\0\r\n--", "image/png"))]
    )
    media, raw = request.headers["content-type"], request.read()

    found = form(raw, media).body

    assert found == {**fields, "image": [Upload(b"\0\r\n--", "ä.png", "image/png")]}
    other = BytesParser().parsebytes(b"content-type: " + media.encode() + b"\r\n\r\n" + raw)
    assert len(other.get_payload()) == len(fields) + 1
