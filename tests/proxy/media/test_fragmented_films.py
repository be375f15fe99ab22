"""Films of fragments go out as they are judged: what went out was judged, and nothing goes out from what is blocked on."""

from __future__ import annotations

import asyncio
import http.client
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.requests import ClientDisconnect

from guardrails import Guard
from guardrails.media.fragments.cutter import FilmCutter
from guardrails.media.fragments.fragment import Fragment
from guardrails.proxy.media.fragmented_films import RELAYED, FilmResponse
from tests.cases import each_case
from tests.films import FRAGMENTS, Pixels, film, green, scene
from tests.proxy.conftest import WAIT_S, Fake, RawReply
from tests.proxy.metrics_kit import samples

POLICY = """
detectors: {{green: {{use: green_square}}}}
rules: [{{id: green, on: output, when: custom.green_square > 0.5, then: {then}, message: Not that.}}]
films: {{fps: 4}}
{more}
"""
PATH = "/v1/videos/video_1/content"
MEDIA = {"mp4": "video/mp4", "ts": "video/mp2t"}


def fragmented(frames: Iterable[Pixels], ending: str = "mp4") -> bytes:
    """Return a film of fragments, each of a second."""
    packed: Mapping[str, str] = FRAGMENTS if ending == "mp4" else {}
    return film(frames, ending, fps=10, g="10", packed=packed)


def cut(data: bytes) -> list[Fragment]:
    """Return the fragments of a film."""
    cutter = FilmCutter()
    return [*cutter.feed(data), *cutter.close()]


@pytest.fixture(scope="module")
def clean() -> dict[str, bytes]:
    """Films of six seconds."""
    return {ending: fragmented(scene(60), ending) for ending in MEDIA}


@pytest.fixture(scope="module")
def offending() -> dict[str, bytes]:
    """Films with a green square in the middle."""
    return {ending: fragmented(chain(scene(41), green(2), scene(17)), ending) for ending in MEDIA}


@dataclass
class Got:
    """What a client got: all of it, or with `broken` what came until it was broken off."""

    status: int
    headers: dict[str, str]
    raw: bytes
    broken: bool = False


def get(url: str, reads: int | None = None, seen: threading.Event | None = None, **headers: str) -> Got:
    """Get a film, or so many bytes of it before leaving; `seen` happens once its first bytes are there."""
    place = urlsplit(url)
    assert place.hostname
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=WAIT_S)
    connection.request("GET", PATH, headers=headers)
    answer = connection.getresponse()
    told = {name.lower(): value for name, value in answer.getheaders()}
    first = b""
    try:
        if seen is not None:
            first = answer.read(100)
            seen.set()
        return Got(answer.status, told, first + answer.read(reads))
    except http.client.IncompleteRead as error:
        return Got(answer.status, told, first + error.partial, broken=True)
    finally:
        connection.close()


def comes(fake: Fake, pieces: Sequence[bytes | threading.Event], ending: str = "mp4", **more: Any) -> None:
    """Have the upstream send a film in pieces."""
    fake.reply = RawReply(pieces, content_type=MEDIA[ending], **more)


def in_pieces(data: bytes, size: int = 3_000) -> list[bytes]:
    """Return a film in pieces."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def counted(url: str) -> dict[str, float]:
    """Return how films went out, and how many so."""
    place = urlsplit(url)
    assert place.hostname
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=WAIT_S)
    connection.request("GET", "/metrics")
    page = connection.getresponse().read()
    connection.close()
    return {dict(labels)["how"]: value for labels, value in samples(page, "guardrails_films_total").items()}


@pytest.fixture
def start(serve: Callable[..., str], guard_of: Callable[..., Guard]) -> Callable[..., str]:
    """Return a function: what is done about green squares, and more of the policy, in, the address of a proxy that does it out."""

    def run(then: str = "block", more: str = "", **settings: Any) -> str:
        return serve(guard_of(POLICY.format(then=then, more=more)), **settings)

    return run


@pytest.mark.parametrize("ending", MEDIA)
def test_a_clean_film_begins_before_it_has_ended(
    start: Callable[..., str], fake: Fake, clean: dict[str, bytes], ending: str
) -> None:
    """Byte by byte as it came; the upstream goes on once the client has the first part."""
    data, url = clean[ending], start()
    seen = threading.Event()
    middle = cut(data)[3].start + 100
    comes(fake, [*in_pieces(data[:middle]), seen, *in_pieces(data[middle:])], ending)

    got = get(url, seen=seen)  # which happens before the upstream may go on

    assert (got.raw, got.broken) == (data, False)
    assert got.headers["content-type"] == MEDIA[ending]
    assert (got.headers[RELAYED], got.headers["x-guardrails-action"]) == ("true", "allow")
    assert "content-length" not in got.headers
    assert counted(url) == {"relayed": 1}


@pytest.mark.parametrize("ending", ["ts"])
def test_a_film_is_broken_off_before_what_is_blocked(
    start: Callable[..., str],
    fake: Fake,
    offending: dict[str, bytes],
    ending: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What came before it arrives as it came; the client sees that there is no more, and the log says why."""
    data, url = offending[ending], start()
    comes(fake, in_pieces(data), ending)
    with caplog.at_level(logging.WARNING, "guardrails.proxy"):
        got = get(url)

    assert (got.status, got.broken) == (200, True)
    assert data.startswith(got.raw)
    assert 0 < len(got.raw) <= next(each.start for each in cut(data) if (each.end_ms or 0) > 4_101)
    assert counted(url) == {"broken_off": 1}
    (line,) = [each.getMessage() for each in caplog.records if "broken off on its way" in each.getMessage()]
    assert "green" in line
    assert got.headers["x-guardrails-verdict-id"] in line


@pytest.mark.parametrize("ending", ["ts"])
def test_what_is_blocked_at_once_is_an_error(start: Callable[..., str], fake: Fake, ending: str) -> None:
    """As a whole film is: nothing went out before; and nobody waits for the rest of it."""
    data, url = fragmented(chain(green(2), scene(58)), ending), start()
    comes(fake, [*in_pieces(data[: cut(data)[3].end]), threading.Event()], ending)
    got = get(url)
    assert (got.status, got.headers["x-guardrails-action"], got.headers["x-guardrails-rules"]) == (
        403,
        "block",
        "green",
    )
    assert b"Not that." in got.raw
    assert counted(url) == {"blocked": 1}


def test_what_is_flagged_goes_out(start: Callable[..., str], fake: Fake, offending: dict[str, bytes]) -> None:
    """And is counted."""
    data, url = offending["mp4"], start("flag")
    comes(fake, in_pieces(data))
    got = get(url)
    assert (got.status, got.raw, got.broken) == (200, data, False)
    assert counted(url) == {"relayed": 1}


@pytest.mark.parametrize("ending", ["mp4"])
def test_a_film_that_the_upstream_breaks_off_is_broken_off(
    start: Callable[..., str], fake: Fake, clean: dict[str, bytes], ending: str
) -> None:
    """Whether its connection ends early or its last fragment is not whole: what went out was judged."""
    data, url = clean[ending], start()
    middle, end = cut(data)[3].start, cut(data)[4].end - 50
    for more in ({"cut": True}, {}):
        seen = threading.Event()
        comes(fake, [*in_pieces(data[:middle]), seen, *in_pieces(data[middle:end])], ending, **more)
        got = get(url, seen=seen)
        assert (got.status, got.broken) == (200, True)
        assert data[:end].startswith(got.raw)
        assert 0 < len(got.raw) < end
    assert counted(url) == {"broken_off": 2}


def test_a_film_that_becomes_odd_is_broken_off(
    start: Callable[..., str], fake: Fake, clean: dict[str, bytes]
) -> None:
    """What cannot be judged by parts any more is not given out."""
    data, url = clean["mp4"], start()
    at, seen = cut(data)[4].start, threading.Event()
    comes(fake, [data[:at], seen, (16).to_bytes(4) + b"uuid" + bytes(8) + data[at:]])
    got = get(url, seen=seen)
    assert (got.status, got.broken) == (200, True)
    assert data[:at].startswith(got.raw)


@pytest.mark.parametrize(
    ("then", "more", "headers"),
    [
        ("redact", "", {}),
        ("block, stream: whole", "", {}),
        ("block", "", {"Range": "bytes=0-99"}),
    ],
)
def test_what_needs_the_whole_film_waits_for_it(
    start: Callable[..., str],
    fake: Fake,
    clean: dict[str, bytes],
    then: str,
    more: str,
    headers: dict[str, str],
) -> None:
    """A redaction, what the policy says, a range; its headers tell of all of it."""
    data, url = clean["mp4"], start(then, more)
    comes(fake, in_pieces(data))
    got = get(url, **headers)
    assert (got.status, got.raw) == ((206, data[:100]) if headers else (200, data))
    assert RELAYED not in got.headers
    assert got.headers["x-guardrails-action"] == "allow"
    assert counted(url) == {"whole": 1}


@pytest.mark.parametrize(
    ("data", "media", "status"),
    [
        (film(scene(12)), "video/mp4", 200),
        (film(scene(12), "webm"), "video/webm", 200),
        (film(green(12)), "video/mp4", 403),
        (fragmented(scene(30)), "video/webm", 403),
        (fragmented(scene(30)), "application/json", 502),
        (b"no film", "video/mp4", 403),
    ],
    ids=["plain", "webm", "offends", "mistyped", "no film's type", "no film"],
)
def test_what_is_no_such_film_is_judged_as_a_whole(
    start: Callable[..., str], fake: Fake, data: bytes, media: str, status: int
) -> None:
    """As it was before there were any."""
    url = start()
    fake.reply = RawReply(in_pieces(data), content_type=media)
    got = get(url)
    assert got.status == status
    assert (got.raw == data) is (status == 200)
    assert RELAYED not in got.headers
    assert counted(url) == {"whole": 1}


def test_what_holds_films_is_in_the_log(start: Callable[..., str], caplog: pytest.LogCaptureFixture) -> None:
    """Each rule and detector, with the reason, once the server is up."""
    with caplog.at_level(logging.INFO, "guardrails.proxy"):
        start("redact")
    (line,) = [each.getMessage() for each in caplog.records if "holds films" in each.getMessage()]
    assert line.startswith("green holds films of fragments to their end: it redacts films")


def test_what_is_uncertain_of_a_first_part_is_judged_as_a_whole(
    start: Callable[..., str], fake: Fake, clean: dict[str, bytes]
) -> None:
    """A limit that holds for a part might not hold for the film; here it does."""
    data, url = clean["mp4"], start(more="limits: {film_seconds: 1}")
    comes(fake, in_pieces(data))
    got = get(url)
    assert (got.status, got.headers["x-guardrails-rules"]) == (403, "unchecked.limit")
    assert counted(url) == {"whole": 1}


def test_one_limit_of_bytes_holds_for_all_films(
    start: Callable[..., str], fake: Fake, clean: dict[str, bytes]
) -> None:
    """However they go out."""
    data, url = clean["mp4"], start(more="limits: {film_bytes: 20000}")
    comes(fake, in_pieces(data))
    got = get(url)
    assert got.status == 502
    assert b"larger than" in got.raw


def test_who_leaves_ends_it(
    start: Callable[..., str],
    fake: Fake,
    clean: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The upstream's connection is closed, and no file is left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    data, url = clean["mp4"], start()
    comes(fake, in_pieces(data[: cut(data)[3].end]), hang=True)
    got = get(url, 1_000)
    assert got.raw == data[:1_000]
    assert fake.dropped.wait(WAIT_S)
    while [*tmp_path.iterdir()]:  # it is removed right behind
        counted(url)
    assert counted(url) == {"broken_off": 1}


def test_a_client_that_cannot_see_an_end_gets_all_or_nothing(
    start: Callable[..., str], fake: Fake, offending: dict[str, bytes], clean: dict[str, bytes]
) -> None:
    """In HTTP/1.0 a body that is broken off looks like a whole one."""
    url, data = start(), {403: offending["mp4"], 200: clean["mp4"]}
    for status, each in data.items():
        comes(fake, in_pieces(each))
        place = urlsplit(url)
        assert place.hostname
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=WAIT_S)
        connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined] # how it is asked so
        connection.request("GET", PATH)
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        assert (answer.status, raw == each) == (status, status == 200)
    assert counted(url) == {"whole": 2}


class Closed:
    """What comes, as far as an answer knows it."""

    def __init__(self) -> None:
        self.count = 0

    async def close(self) -> None:
        """Count it."""
        self.count += 1


@each_case("takes", [0, 1, 2])
def test_who_takes_nothing_is_let_go(takes: int) -> None:
    """And what comes is closed, once."""

    async def pieces() -> Any:
        yield b"b"
        yield b"c"

    async def run() -> None:
        told: list[Any] = []

        async def send(message: Any) -> None:
            if len(told) > takes:
                await asyncio.Event().wait()
            told.append(message)

        async def receive() -> Any:
            await asyncio.Event().wait()

        coming: Any = Closed()
        answer = FilmResponse(b"a", pieces(), coming, {"x-a": "b"}, "video/mp4", 0.01)
        with pytest.raises(ClientDisconnect):
            await answer({"type": "http"}, receive, send)
        assert coming.count == 1
        assert b"".join(each.get("body", b"") for each in told) == b"abc"[:takes]

    asyncio.run(run())


def test_a_film_is_sent_to_its_end() -> None:
    """The answer ends once all of it is out."""

    async def pieces() -> Any:
        yield b"b"

    async def run() -> list[Any]:
        told: list[Any] = []

        async def send(message: Any) -> None:
            told.append(message)

        async def receive() -> Any:
            await asyncio.Event().wait()

        coming: Any = Closed()
        await FilmResponse(b"a", pieces(), coming, {"x-a": "b"}, "video/mp4", 5.0)(
            {"type": "http"}, receive, send
        )
        return told

    told: Iterator[Any] = iter(asyncio.run(run()))
    headers = dict(next(told)["headers"])
    assert headers == {b"x-a": b"b", b"content-type": b"video/mp4"}
    assert [(each["body"], each["more_body"]) for each in told] == [(b"a", True), (b"b", True), (b"", False)]
