"""An upstream that streams as a model writes: made-up prose, so many pieces a second, held back where nobody reads.

python -m proxies.paced_upstream PORT [--rate 50] [--chunks 200]
"""

from __future__ import annotations

import argparse
import asyncio
from itertools import count

from proxies import script
from proxies.upstream import STREAM, Upstream, chunk, run

PIECE = 4
"""Characters of a piece, as a model's tokens are."""

NAMES = ("Ada", "Bo", "Chen", "Dora", "Emil", "Fatima", "Goran", "Hana", "Ivo", "June", "Kofi", "Lena")
PLACES = ("the harbour", "a quiet village", "the library", "the old station", "a market", "the north coast")
THINGS = ("a blue kite", "two maps", "a box of tea", "the last letter", "some bread", "a small boat")
ENDS = (
    "and went home before the rain.",
    "while the others sang.",
    "because the road was closed.",
    "as they had agreed in spring.",
)


def tell(number: int, characters: int) -> str:
    """Return made-up prose of so many characters, other prose for every number."""
    told = ""
    for at in count(number * 97):
        name, place = NAMES[at % 12], PLACES[at // 12 % 6]
        thing, end = THINGS[at // 72 % 6], ENDS[at // 5 % 4]
        told += f"On day {at} {name} took {thing} to {place} {end} "
        if len(told) >= characters:
            return told[:characters]
    raise AssertionError


class PacedUpstream(Upstream):
    """One connection whose streams come piece by piece, at a rate, and wait while nobody reads."""

    numbers = count()

    def __init__(self, rate: float, chunks: int) -> None:
        super().__init__(0.0, 1.0 / rate)
        self._chunks = chunks
        self._reading = asyncio.Event()
        self._reading.set()

    def pause_writing(self) -> None:
        """Send nothing more for now."""
        self._reading.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._reading.set()

    def _stream(self, number: int, usage: bool) -> None:
        self._streaming = self._loop.create_task(self._write(next(self.numbers)))

    async def _write(self, number: int) -> None:
        text, due = tell(number, self._chunks * PIECE), self._loop.time()
        self._send(STREAM)
        for at in range(0, len(text), PIECE):
            self._send(chunk(script.piece(text[at : at + PIECE])))
            due += self._pause
            await asyncio.sleep(due - self._loop.time())
            await self._reading.wait()
            if self._transport is None:
                return
        self._send(chunk(script.ending()) + chunk(b"[DONE]") + b"0\r\n\r\n")


async def serve(port: int, rate: float, chunks: int) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: PacedUpstream(rate, chunks), "127.0.0.1", port, backlog=4_096)
    await server.serve_forever()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--chunks", type=int, default=200)
    given = parser.parse_args()
    run(serve(given.port, given.rate, given.chunks))


if __name__ == "__main__":
    main()
