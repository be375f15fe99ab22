"""Harmless text that is no language: what a model has to leave alone. A seed goes in, rows come out.

Base64, hexadecimal, hashes, identifiers, keys of no use, numbers, tables of numbers, paths, links, versions, key mash, emoji,
marks, and strings of letters of many scripts. Every head is 0.
"""

from __future__ import annotations

import base64
import string
import uuid
from collections.abc import Callable, Iterator, Sequence
from random import Random

from rows import PROMPT, Row, zeros

COUNT = 2200
HELD_ONE_IN = 10
_WORDS = (
    *("data", "user", "item", "order", "value", "report", "total", "index", "status", "page", "line", "note"),
    *(
        "file",
        "image",
        "table",
        "price",
        "stock",
        "draft",
        "final",
        "copy",
        "north",
        "river",
        "glass",
        "paper",
    ),
    *("green", "seven", "music", "orange", "summer", "winter", "ticket", "garden"),
)
_SCRIPTS = (
    "абвгдежзиклмнопрстуфхцчшы",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "אבגדהוזחטיכלמנסעפצקרשת",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "अआइईउऊकखगघचछजझटठडढतथदधनपफबभमयरलवशसह",
    "กขคงจฉชซญดตถทธนบปผพฟมยรลวสหอ",
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわ",
    "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会",
    "가나다라마바사아자차카타파하고노도로모보소오조초코토포호기니디리미비시이지",
)
_EMOJI = "😀😂🙏🎉🔥✨🌍🍕🚀💡📈🐱🌧️⚽🎵❤️"


def _letters(rng: Random, alphabet: str, least: int, most: int) -> str:
    return "".join(rng.choices(alphabet, k=rng.randint(least, most)))


def _base64(rng: Random) -> str:
    plain = " ".join(rng.choices(_WORDS, k=rng.randint(2, 14))).encode()
    raw = plain if rng.random() < 0.5 else rng.randbytes(rng.randint(9, 90))
    return base64.b64encode(raw).decode()


def _number(rng: Random) -> str:
    return str(
        rng.choice((rng.randint(0, 99_999), round(rng.uniform(0, 9_999), 2), f"{rng.randint(1, 999):,}"))
    )


def _table(rng: Random) -> str:
    mark = rng.choice((",", "\t", " | ", ";"))
    return "\n".join(mark.join(_number(rng) for _ in range(5)) for _ in range(rng.randint(2, 8)))


def _link(rng: Random) -> str:
    path = "/".join(rng.choices(_WORDS, k=rng.randint(1, 4)))
    return f"https://{rng.choice(_WORDS)}.example/{path}?{rng.choice(_WORDS)}={_letters(rng, string.hexdigits, 6, 24)}"


def _pairs(rng: Random) -> str:
    return "\n".join(f"{rng.choice(_WORDS)}: {_number(rng)}" for _ in range(rng.randint(2, 9)))


def _script(rng: Random) -> str:
    alphabet = rng.choice(_SCRIPTS)
    return " ".join(_letters(rng, alphabet, 1, 9) for _ in range(rng.randint(3, 30)))


_KINDS: Sequence[Callable[[Random], str]] = (
    _base64,
    _table,
    _link,
    _pairs,
    _script,
    _script,
    lambda rng: rng.randbytes(rng.choice((8, 16, 20, 32, 64))).hex(),
    lambda rng: str(uuid.UUID(int=rng.getrandbits(128))),
    lambda rng: _letters(rng, string.ascii_letters + string.digits, 12, 60),
    lambda rng: " ".join(_number(rng) for _ in range(rng.randint(1, 25))),
    lambda rng: (
        "/" + "/".join(rng.choices(_WORDS, k=rng.randint(2, 5))) + rng.choice((".py", ".txt", "", ".log"))
    ),
    lambda rng: (
        f"v{rng.randint(0, 9)}.{rng.randint(0, 30)}.{rng.randint(0, 99)}{rng.choice(('', '-rc1', '+build.7'))}"
    ),
    lambda rng: " ".join(_letters(rng, string.ascii_lowercase, 2, 9) for _ in range(rng.randint(1, 12))),
    lambda rng: "".join(rng.choices(_EMOJI, k=rng.randint(1, 12))),
    lambda rng: _letters(rng, string.punctuation, 1, 20),
    lambda rng: " ".join(rng.choices(_WORDS, k=rng.randint(1, 8))),
)


def rows(seed: int) -> Iterator[Row]:
    """Yield the rows, one in ten of them held out."""
    rng = Random(f"{seed}:noise")
    labels = zeros(*PROMPT)
    for index in range(COUNT):
        held = index % HELD_ONE_IN == 0
        yield Row(
            _KINDS[index % len(_KINDS)](rng),
            f"ours:noise{':held' if held else ''}",
            "document",
            labels,
            held=held,
        )
