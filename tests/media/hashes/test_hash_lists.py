"""Lists of hashes: what a picture is on, and what is done about files that change."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from guardrails.errors import PolicyErrors
from guardrails.media.hashes.cropped_looks import CroppedLook
from guardrails.media.hashes.hash_index import FEW
from guardrails.media.hashes.hash_lists import HashList, HashLists, default_cache
from guardrails.media.hashes.pdq import PdqHashes, hash_pixels

Write = Callable[..., HashList]


def patches(seed: int) -> Any:
    """Return the pixels of a picture with much to see in it."""
    small = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC))


def flipped(hash_: bytes, bits: int) -> str:
    """Return a hash with so many bits changed."""
    return f"{int.from_bytes(hash_, 'big') ^ ((1 << bits) - 1):064x}"


ONE, TWO = hash_pixels(patches(1)), hash_pixels(patches(2))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function: the text of a list in, the list out."""

    def make(text: str, name: str = "deny", **more: Any) -> HashList:
        path = tmp_path / f"{name}.csv"
        path.write_text(text)
        return HashList.load(path, name=name, cache=tmp_path / "cache", **more)

    return make


def test_a_list_of_one_hash_finds_it(write: Write) -> None:
    """Up to its distance, and not beyond."""
    assert [match.distance for match in write(ONE.hash.hex()).near(ONE)] == [0]
    assert [match.distance for match in write(flipped(ONE.hash, 31)).near(ONE)] == [31]
    assert write(flipped(ONE.hash, 32)).near(ONE) == ()
    assert write(ONE.hash.hex()).near(TWO) == ()


def test_a_match_says_which_entry_it_is(write: Write) -> None:
    """The nearest first, and what the list says of each."""
    text = (
        f"hash,id,category,severity\n{flipped(ONE.hash, 9)},far,sexual,high\n{flipped(ONE.hash, 3)},near,,\n"
    )
    matches = write(text).near(ONE, 4)
    assert [(match.id, match.distance, match.category, match.severity) for match in matches] == [
        ("near", 3, "", ""),
        ("far", 9, "sexual", "high"),
    ]
    assert {(match.list, match.kind, match.form, match.frame) for match in matches} == {
        ("deny", "pdq", "original", 4)
    }


def test_mirrored_and_turned_pictures_are_found(write: Write) -> None:
    """By the form that is on the list."""
    listed = write(ONE.hash.hex())
    for turned in (patches(1)[:, ::-1], np.rot90(patches(1)), patches(1)[::-1]):
        (match,) = listed.near(hash_pixels(turned))
        assert match.form != "original"


def test_an_entry_has_a_distance_of_its_own(write: Write) -> None:
    """Nearer or farther than the list's, and beyond what the tables reach."""
    rows = [
        f"{flipped(ONE.hash, 20)},strict,10",
        f"{flipped(ONE.hash, 50)},wide,60",
        f"{flipped(ONE.hash, 25)},plain,",
    ]
    found = write("hash,id,distance\n" + "\n".join(rows)).near(ONE)
    assert [match.id for match in found] == ["plain", "wide"]
    assert [match.id for match in write("hash,id,distance\n" + "\n".join(rows), distance=20).near(ONE)] == [
        "wide"
    ]


def test_a_hash_that_says_little_is_not_looked_up(write: Write) -> None:
    """Nor are such entries kept."""
    blank = hash_pixels(np.zeros((100, 100, 3), np.uint8))
    assert write(blank.hash.hex()).near(blank) == ()
    assert write(ONE.hash.hex()).near(PdqHashes(ONE.forms, 49)) == ()
    listed = write(f"hash,quality\n{ONE.hash.hex()},49\n{TWO.hash.hex()},50\n")
    assert (listed.near(ONE), len(listed.near(TWO)), listed.status()["left_out"]) == ((), 1, 1)


def test_equal_hashes_are_one_entry(write: Write) -> None:
    """The first, with the greatest distance of all."""
    text = (
        f"hash,id,distance\n{flipped(ONE.hash, 20)},a,5\n{TWO.hash.hex()},b,\n{flipped(ONE.hash, 20)},c,25\n"
    )
    listed = write(text)
    assert [match.id for match in listed.near(ONE)] == ["a"]
    assert (len(listed), listed.status()["pdq"]) == (2, 2)


def test_a_file_is_found_by_its_digest(write: Write) -> None:
    """Exactly, among others that begin alike; both kinds may stand in one list."""
    digests = [hashlib.sha256(bytes([each])).hexdigest() for each in range(200)]
    alike = digests[7][:16] + digests[8][16:]
    listed = write("\n".join([*digests, alike]), kind="sha256")
    assert [listed.exact(digest).id for digest in (digests[0], digests[7], alike, digests[199])] == [
        "line 1",
        "line 8",
        "line 201",
        "line 200",
    ]  # type: ignore[union-attr]
    assert listed.exact(digests[7][:16] + digests[9][16:]) is None
    both = write(f"hash,type\n{digests[0]},sha256\n{ONE.hash.hex()},pdq\n")
    assert (both.exact(digests[0]) is not None, len(both.near(ONE)), len(both)) == (True, 1, 2)
    assert both.exact(ONE.hash.hex()) is None


def test_lists_that_allow_win(write: Write) -> None:
    """A frame by its own hash, all of them by the file's."""
    deny = write(f"{ONE.hash.hex()}\n{TWO.hash.hex()}", "deny")
    sha = hashlib.sha256(b"x").hexdigest()
    assert [match.frame for match in HashLists([deny]).find(sha, [ONE, TWO])] == [0, 1]
    allow = write(flipped(ONE.hash, 5), "near")
    assert [match.frame for match in HashLists([deny], [allow]).find(sha, [ONE, TWO])] == [1]
    file = write(sha, "file", kind="sha256")
    assert HashLists([deny, file], [file]).find(sha, [ONE, TWO]) == ()
    assert [match.kind for match in HashLists([file]).find(sha, [ONE])] == ["sha256"]


def test_other_looks_are_asked_for_only_where_nothing_is_found(write: Write) -> None:
    """What was done is in the name of the form; a list that allows a frame, or a look of it, wins."""
    asked: list[int] = []

    def looks(number: int) -> list[CroppedLook]:
        asked.append(number)
        return [CroppedLook("trimmed", hash_pixels(patches(2)[:, ::-1])), CroppedLook("extended", TWO)]

    deny = HashLists([write(TWO.hash.hex())])
    sha = hashlib.sha256(b"x").hexdigest()
    assert [match.form for match in deny.find(sha, [TWO], looks)] == ["original"]
    assert asked == []
    assert [(match.form, match.frame) for match in deny.find(sha, [TWO, ONE], looks)] == [
        ("original", 0),
        ("trimmed_mirrored", 1),
        ("extended", 1),
    ]
    assert asked == [1]
    for allowed in (ONE, TWO):
        assert HashLists(deny.deny, [write(allowed.hash.hex(), "allow")]).find(sha, [ONE], looks) == ()


@pytest.fixture
def many() -> str:
    """So many hashes that they are kept as files of numbers."""
    digests = [hashlib.sha256(str(each).encode()).hexdigest() for each in range(FEW + 100)]
    return "\n".join([*digests, flipped(ONE.hash, 12) + " wanted"])


def test_a_long_list_is_made_once(write: Write, many: str, tmp_path: Path) -> None:
    """Then it is mapped; what is broken is made again, and what is old is removed."""
    first = write(many)
    (place,) = (tmp_path / "cache").iterdir()
    again = write(many)
    for listed in (first, again):
        assert isinstance(listed.arrays["pdq"].base, np.memmap)
        assert [(match.id, match.distance) for match in listed.near(ONE)] == [("wanted", 12)]
    (place / "order.npy").unlink()
    (place / "order.npy").write_bytes(b"zqx")
    assert [match.id for match in write(many).near(ONE)] == ["wanted"]
    other = write(many + f"\n{TWO.hash.hex()} more")
    assert [match.id for match in other.near(TWO)] == ["more"]
    assert place not in [*(tmp_path / "cache").iterdir()]
    assert [match.id for match in first.near(ONE)] == ["wanted"]


def test_one_entry_that_reaches_far_is_found_in_a_long_list(write: Write, many: str) -> None:
    """Beside those that the tables find."""
    digests = [line.split()[0] for line in many.splitlines()]
    text = "hash,id,distance\n" + "\n".join(f"{digest},{at}," for at, digest in enumerate(digests))
    listed = write(text + f"\n{flipped(ONE.hash, 40)},far,50")
    assert [(match.id, match.distance) for match in listed.near(ONE)] == [
        (str(len(digests) - 1), 12),
        ("far", 40),
    ]


def test_a_list_needs_no_place_to_be_kept(many: str, tmp_path: Path) -> None:
    """Where nothing can be written it is in memory."""
    (tmp_path / "no").write_text("a file")
    (tmp_path / "list.txt").write_text(many)
    listed = HashList.load(tmp_path / "list.txt", name="deny", cache=tmp_path / "no")
    assert [match.id for match in listed.near(ONE)] == ["wanted"]


def test_a_file_that_changed_is_read_again(write: Write, tmp_path: Path) -> None:
    """The old list stays as it is; a mistake is told, and changes nothing."""
    lists = HashLists([write(ONE.hash.hex())], [write(TWO.hash.hex(), "allow")])
    assert lists.reload() is lists
    path = tmp_path / "deny.csv"
    path.write_text(f"{TWO.hash.hex()}\n")
    os.utime(path, ns=(0, 1))
    new = lists.reload()
    assert (len(lists.deny[0].near(ONE)), new.deny[0].near(ONE), len(new.deny[0].near(TWO))) == (1, (), 1)
    assert new.allow[0] is lists.allow[0]
    assert new.deny[0].status()["digest"] != lists.deny[0].status()["digest"]
    path.write_text("zqx\n")
    os.utime(path, ns=(0, 2))
    with pytest.raises(PolicyErrors, match=r"deny\.csv:1:1: malformed_hash"):
        new.reload()


def test_the_cache_is_where_others_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the system says, or in the home."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "guardrails" / "hashlists"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache() == Path.home() / ".cache" / "guardrails" / "hashlists"
