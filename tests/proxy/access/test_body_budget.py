"""What requests hold together: large ones share a room, small ones never wait for it."""

from __future__ import annotations

import threading
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guardrails.proxy.access.body_budget import FREE, BodyBudget, BodyShare
from tests.cases import each_case
from tests.proxy.conftest import WAIT_S
from tests.proxy.image_kit import encoded, form, made

MIB = 1 << 20
EDITS = "/v1/images/edits"
ALLOWED = "unchecked: {part: flag, image: flag}\n"


def test_what_is_free_is_not_counted() -> None:
    """However many have it."""
    bodies = BodyBudget()
    assert all(BodyShare(bodies, 1).take(FREE) for _ in range(9))
    assert bodies.held == 0


def test_the_rest_is_shared() -> None:
    """Until it is given back."""
    bodies = BodyBudget()
    first, second = BodyShare(bodies, 3 * MIB), BodyShare(bodies, 3 * MIB)
    assert all(first.take(MIB) for _ in range(3))
    assert bodies.held == 2 * MIB
    assert second.take(FREE)
    assert second.take(MIB)
    assert not second.take(1)
    assert bodies.held == 3 * MIB
    first.release()
    assert second.take(2 * MIB)
    second.release()
    assert bodies.held == 0


def test_what_is_on_its_way_has_a_limit_of_its_own() -> None:
    """For what is free as well, since it is not counted among the requests; what has arrived is."""
    bodies = BodyBudget()
    first, second = BodyShare(bodies, MIB, 2 * FREE), BodyShare(bodies, MIB, 2 * FREE)
    assert first.take(FREE + 9)
    assert second.take(FREE)
    assert (bodies.coming, bodies.held) == (2 * FREE, 9)
    assert not BodyShare(bodies, MIB, 2 * FREE).take(1)
    first.mark_arrived()
    third = BodyShare(bodies, MIB, 2 * FREE)
    assert third.take(FREE)
    for share in (first, second, third):
        share.release()
    assert (bodies.coming, bodies.held) == (0, 0)


def test_a_small_one_goes_on_beside_one_that_holds_more_than_there_is() -> None:
    """As the large one was alone when it came."""
    bodies = BodyBudget()
    assert BodyShare(bodies, MIB).take(9 * MIB)
    small = BodyShare(bodies, MIB)
    assert small.take(FREE)
    assert not small.take(1)


def test_one_who_is_alone_has_all() -> None:
    """Else what is larger than the room could never be served."""
    bodies = BodyBudget()
    alone = BodyShare(bodies, MIB)
    assert alone.take(9 * MIB)
    assert not BodyShare(bodies, MIB).take(2 * MIB)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3 * MIB)), max_size=40))
def test_no_more_is_held_than_there_is_room_for(steps: list[tuple[int, int]]) -> None:
    """Whatever comes in which order, unless one is alone; and all of it is given back."""
    bodies = BodyBudget()
    shares = [BodyShare(bodies, 4 * MIB) for _ in range(5)]
    for index, size in steps:
        if not shares[index].take(size):
            shares[index].release()
        assert bodies.held == sum(share._held for share in shares)
        holding = [share._held for share in shares if share._held]
        assert bodies.held <= 4 * MIB or holding == [bodies.held]
    for share in shares:
        share.release()
    assert bodies.held == 0


@each_case("as_form", [True, False])
def test_a_large_request_comes_back_and_a_small_one_goes_on(
    serve: Any, guard_of: Any, fake: Any, kit: Any, as_form: bool
) -> None:
    """While another large one is under way; then there is room again."""
    url = serve(guard_of(kit.policy + ALLOWED), max_bodies_bytes=3 * MIB)
    gate = threading.Event()
    fake.answers(made(encoded()), gate=gate)
    if as_form:
        raw, headers = form(("prompt", "x"), ("image", b"x" * 3 * MIB))
    else:
        picture = "data:image/png;base64," + "A" * 3 * MIB
        raw, headers = {"prompt": "x", "images": [{"image_url": picture}]}, {}
    answers: list[int] = []
    first = threading.Thread(target=lambda: answers.append(kit.send(url, EDITS, raw, headers).status))
    first.start()
    assert fake.arrived.wait(WAIT_S)

    second = kit.send(url, EDITS, raw, headers)
    small = kit.send(url, "/v1/check", {"input": "hello"})
    gate.set()
    first.join(WAIT_S)
    third = kit.send(url, EDITS, raw, headers)

    assert (second.status, second.error["code"]) == (503, "guard_unavailable")
    assert int(second.headers["retry-after"]) >= 1
    assert (small.status, answers, third.status) == (200, [200], 200)


def test_pictures_of_many_megabytes_are_served(serve: Any, guard_of: Any, fake: Any, kit: Any) -> None:
    """By default as many as OpenAI's API takes."""
    url = serve(guard_of(kit.policy + ALLOWED))
    fake.answers(made(encoded()))
    raw, headers = form(("prompt", "x"), *(("image[]", b"x" * 10 * MIB) for _ in range(4)))
    assert kit.send(url, EDITS, raw, headers).status == 200
    assert fake.asked[0].raw == raw
