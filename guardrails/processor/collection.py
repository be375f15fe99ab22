"""Has Python's collector of garbage leave alone what a process loads and keeps."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pause_collection(*, collect: bool = False) -> Iterator[None]:
    """Have nothing looked through for garbage within a block that loads what stays to the end, and never after it what is there
    then: to look through it takes a third of the time of a short command, holds all threads of a server up, and writes to memory
    that processes share.

    Args:
        collect: whether the garbage that the block left goes at its end, as it should in a process that stays for long.
    """
    gc.disable()
    try:
        yield
    finally:
        if collect:
            gc.collect()
        gc.freeze()
        gc.enable()
