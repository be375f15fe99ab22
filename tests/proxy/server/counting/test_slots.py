"""Memory in which processes count, each for itself."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from guardrails.proxy.server.counting.slots import (
    SERIES,
    SLOT,
    STATE,
    Slots,
    create_slots,
    create_slots_file,
    open_slots_file,
)
from tests.waiting import wait_until


def keys(slots: Slots, at: int) -> dict[bytes, list[float]]:
    """Return the series of a slot."""
    return {key: [*numbers] for key, numbers, _ in slots.all[at].records(0)}


def test_a_slot_holds_series_and_each_is_read_as_it_is_now() -> None:
    """By whoever has the memory; those of other slots are none of it."""
    slots = create_slots(3)
    first, second = slots.all[1].add(b"a", 1), slots.all[1].add("ä\N{SNOWMAN}".encode(), 3)
    assert first is not None
    assert second is not None
    first[0] += 2.0
    second[2] = 0.5
    assert keys(slots, 1) == {b"a": [2.0], "ä\N{SNOWMAN}".encode(): [0.0, 0.0, 0.5]}
    assert keys(slots, 0) == keys(slots, 2) == {}


def test_a_reader_goes_on_where_it_was() -> None:
    """And sees what came since."""
    [slot] = create_slots(1).all
    slot.add(b"a", 1)
    [(_, _, end)] = slot.records(0)
    assert [*slot.records(end)] == []
    slot.add(b"b", 20)
    assert [key for key, _, _ in slot.records(end)] == [b"b"]


def test_a_record_that_was_not_finished_is_none() -> None:
    """Its writer was killed in the middle; the next one writes over it."""
    slots = create_slots(1)
    [slot] = slots.all
    slot.add(b"whole", 1)
    [(_, _, end)] = slot.records(0)
    slot._series[end + 4 : end + 30] = b"\xff" * 26
    assert [key for key, _, _ in slot.records(0)] == [b"whole"]
    numbers = slot.add(b"next", 2)
    assert numbers is not None
    numbers[:] = memoryview(bytearray(16)).cast("d")
    assert keys(slots, 0) == {b"whole": [0.0], b"next": [0.0, 0.0]}


def test_a_full_slot_says_so() -> None:
    """And goes on with what it has."""
    [slot] = create_slots(1).all
    count = 0
    while slot.add(b"%05d" % count + b"x" * 2_000, 20) is not None:
        count += 1
    assert count == len([*slot.records(0)])
    assert count > SERIES // 2_300


def test_who_takes_the_place_of_a_dead_process_counts_on() -> None:
    """What was counted stays, also where the dead one was killed; its state goes."""
    slots = create_slots(2)

    def work() -> None:
        slot = slots.all[1]
        slot.claim(os.getpid())
        numbers = slot.add(b"a", 1)
        assert numbers is not None
        numbers[0] = 7.0
        slot.write_state(b"busy")
        os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    slot = slots.all[1]
    assert (slot.owner, slot.read_state()) == (process.pid, b"busy")
    slot.release()
    assert (slot.owner, slot.read_state()) == (0, b"")
    slot.claim(5)
    assert (slot.owner, slot.read_state(), keys(slots, 1)) == (5, b"", {b"a": [7.0]})
    slot.add(b"b", 1)
    assert [*keys(slots, 1)] == [b"a", b"b"]


def test_a_state_is_the_last_that_was_written_or_none() -> None:
    """Never half of one: not where its writer was killed in the middle, nor while another process writes."""
    slots = create_slots(1)
    [slot] = slots.all
    slot.claim(1)
    assert slot.write_state(b"long state")
    assert slot.write_state(b"short")
    assert slot.read_state() == b"short"
    assert not slot.write_state(b"x" * (STATE + 1))
    assert slot.read_state() == b"short"
    slot._words[1] |= 1  # its writer was killed
    assert slot.read_state() == b""
    assert slot.write_state(b"again")
    assert slot.read_state() == b"again"

    def write() -> None:
        while True:
            for letter in (b"a", b"b", b"c"):
                slot.write_state(letter * 50_000)

    writer = multiprocessing.get_context("fork").Process(target=write)
    writer.start()
    try:
        seen: set[bytes] = set()

        def look() -> bool:
            raw = slot.read_state()
            assert raw in (b"", b"again", *(letter * 50_000 for letter in (b"a", b"b", b"c")))
            seen.add(raw[-1:])
            return seen >= {b"a", b"b", b"c"}

        wait_until(look)
    finally:
        writer.kill()
        writer.join()


def test_processes_that_are_not_forked_share_a_file(tmp_path: Path) -> None:
    """It takes no more of the disk than what is used."""
    created = create_slots_file(tmp_path / "counts", 3)
    opened = open_slots_file(tmp_path / "counts", 2)
    numbers = opened.own_slot.add(b"a", 1)
    assert numbers is not None
    numbers[0] = 3.0
    assert keys(created, 2) == {b"a": [3.0]}
    assert (tmp_path / "counts").stat().st_size == 3 * SLOT
    with pytest.raises(OSError):
        open_slots_file(tmp_path / "none", 0)
