"""Lists of hashes: what a picture's hash takes, and its look-up, beside what others have for it, as rows of tables."""

from __future__ import annotations

import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import image_files as files
from guardrails.media.hashes.cropped_looks import EXTENDED, MIRRORED
from guardrails.media.hashes.hash_lists import HashList
from guardrails.media.hashes.pdq import PdqHashes, count_differing_bits, hash_pixels
from image_files import turns

Row = dict[str, object]


def hashing(rounds: int) -> list[Row]:
    """Return one row a size."""
    reference: Any = import_module("pdqhash") if find_spec("pdqhash") else None
    rows: list[Row] = []
    for width, height in ((256, 256), (512, 512), (640, 480), (1_920, 1_080)):
        pixels = np.asarray(files.drawn(width, height))
        [took] = turns(rounds, lambda _, p=pixels: hash_pixels(p))
        row: Row = {"size": f"{width} x {height}", "8 forms ms": took}
        if reference is not None:
            theirs = np.packbits(np.asarray(reference.compute(pixels)[0], dtype=np.uint8)).tobytes()
            [asked] = turns(rounds, lambda _, p=pixels: reference.compute(p))
            row |= {
                "pdqhash, 1 form, ms": asked,
                "bits apart": count_differing_bits(theirs, hash_pixels(pixels).hash),
            }
        rows.append(row)
    return rows


def looking_up(most: int, rounds: int) -> list[Row]:
    """Return one row a length of a list, beside NumPy's count of differing bits over all of it, for one form."""
    rng, rows = np.random.default_rng(0), []
    with tempfile.TemporaryDirectory() as folder:
        for count in (n for n in (1, 10_000, 100_000, 1_000_000) if n <= most):
            hashes = rng.integers(0, 256, (count, 32), dtype=np.uint8)
            path = Path(folder) / f"{count}.txt"
            path.write_text("\n".join(each.tobytes().hex() for each in hashes))
            start = perf_counter()
            HashList.load(path, name="deny", cache=Path(folder))
            built = perf_counter()
            listed = HashList.load(path, name="deny", cache=Path(folder))
            loaded = perf_counter()
            query = PdqHashes((hashes[0].tobytes(), *(rng.bytes(32) for _ in range(7))), 100)
            assert listed.near(query)[0].id == "line 1"
            words = hashes.view(np.uint64)
            framed = PdqHashes(tuple(rng.bytes(32) for _ in range(8)), 100)
            cut = [PdqHashes(tuple(rng.bytes(32) for _ in range(MIRRORED)), 100) for _ in EXTENDED]
            ours, changed, bare = turns(
                rounds * 3,
                lambda _, of=listed, query=query: of.near(query),
                lambda _, of=listed, query=query, more=(framed, *cut): [
                    of.near(one) for one in (query, *more)
                ],
                lambda _, words=words: np.bitwise_count(words ^ words[0]).sum(axis=1).min(),
            )
            row: Row = {"hashes": count, "first load s": built - start, "load s": loaded - built}
            row |= {"look-up, 8 forms ms": f"{ours:.2f}", "with a frame and cuts ms": f"{changed:.2f}"}
            row |= {"bare count, 1 form ms": f"{bare:.2f}", "ratio, 8 forms": f"{ours / bare / 8:.4f}"}
            rows.append(row)
    return rows
