"""Hand-made tables of characters of any script and the ASCII that they look like.

Sources are escaped so that this file itself holds no look-alikes. Whatever NFKC already maps (full-width,
mathematical, circled letters) is left out. Digits of other scripts are left out too: NFKC keeps their value.
"""

from __future__ import annotations

from functools import cache
from typing import Final

# Shape by shape, in upper and lower case alike; a lower-case source stands under the letter it looks like.
LETTERS: Final[dict[str, str]] = {
    "a": "\u0430\u03b1\u0251\u237a\u1d00",
    "A": "\u0410\u0391\u13aa\u15c5\ua4ee\u15e9",
    "b": "\u044c\u042c\u0184\u0185\u03b2\u0299\u13cf\u15af",
    "B": "\u0412\u0392\u13f4\u15f7\ua4d0\ua7b4",
    "c": "\u0441\u03f2\u1d04\u2ca5",
    "C": "\u0421\u03f9\u13df\u2ca4\ua4da\u1455",
    "d": "\u0501\u13e7\u146f\u1d05\ua4d2",
    "D": "\u0500\u13a0\u15de\ua4d3\u15ea",
    "e": "\u0435\u0454\u04bd\u03b5\u1d07\u212e\uab32\u025b",
    "E": "\u0415\u0404\u0395\u13ac\u22ff\u2d39\ua4f0",
    "f": "\u0192\u03dd\u0584\ua730\uab35\u0284",
    "F": "\u03dc\u15b4\ua4dd",
    "g": "\u0261\u0262\u018d\u0581",
    "G": "\u050c\u13c0\u13f3\ua4d6",
    "h": "\u04bb\u0570\u029c\u13c2",
    "H": "\u041d\u0397\u13bb\u157c\u2c8e\ua4e7",
    "i": "\u0456\u0131\u0269\u026a\u03b9\u13a5\u2373\ua647",
    "I": "\u0406\u04c0\u0399\u16c1\u2d4f\ua4f2",
    "j": "\u0458\u03f3\u0237\u1d0a",
    "J": "\u0408\u037f\u13ab\u148d\ua4d9",
    "k": "\u043a\u03ba\u0138\u1d0b",
    "K": "\u041a\u039a\u13e6\u16d5\u2c94\ua4d7",
    "l": "\u04cf\u01c0\u029f",
    "L": "\u13de\u14aa\u2cd0\ua4e1",
    "m": "\u043c\u1d0d",
    "M": "\u041c\u039c\u03fa\u13b7\u15f0\u16d6\u2c98\ua4df",
    "n": "\u043f\u03b7\u0274\u0578\u057c",
    "N": "\u039d\u2c9a\ua4e0\u144e",
    "o": "\u043e\u03bf\u03c3\u0585\u10ff\u1d0f\u2c9f\uab3d",
    "O": "\u041e\u039f\u0555\u2c9e\u2d54\ua4f3",
    "p": "\u0440\u03c1\u03f1\u1d18\u2374\u2ca3",
    "P": "\u0420\u03a1\u13e2\u146d\u2ca2\ua4d1",
    "q": "\u051b\u0563\u0566\ua7af",
    "Q": "\u051a\u2d55\u146b",
    "r": "\u0433\u0280\u1d26\u2c85\uab47\uab48",
    "R": "\u01a6\u13a1\u13d2\u1587\ua4e3",
    "s": "\u0455\u01bd\ua731",
    "S": "\u0405\u054f\u13d5\u13da\ua4e2\u1515",
    "t": "\u0442\u03c4\u1d1b",
    "T": "\u0422\u03a4\u13a2\u22a4\u27d9\u2ca6\ua4d4",
    "u": "\u03c5\u028b\u057d\u1d1c\ua79f\uab4e\uab52",
    "U": "\u054d\u1200\u144c\u222a\ua4f4",
    "v": "\u0475\u03bd\u1d20",
    "V": "\u0474\u13d9\u142f\u2d38\ua4e6",
    "w": "\u0448\u0461\u051d\u03c9\u026f\u0561\u1d21",
    "W": "\u051c\u13b3\u13d4\ua4ea\u15ef",
    "x": "\u0445\u03c7\u00d7\u157d\u166e\u292b\u2a2f",
    "X": "\u0425\u03a7\u16b7\u2cac\u2d5d\ua4eb\ua7b3\u166d",
    "y": "\u0443\u04af\u03b3\u0263\u028f\u10e7\u1d8c\u1eff",
    "Y": "\u0423\u04ae\u03a5\u13a9\u13bd\u2ca8\ua4ec",
    "z": "\u1d22",
    "Z": "\u0396\u13c3\ua4dc\u1614",
    "2": "\u01a7\u14bf\ua644",
    "3": "\u0417\u021c\u2ccc\ua76a\ua7ab",
    "4": "\u13ce",
    "6": "\u13ee\u2cd2",
    "8": "\u0222\u0223",
    "9": "\u2cca\ua76e",
}

MARKS: Final[dict[str, str]] = {
    "'": "\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\u00b4"
    "\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u055a\u05f3\ua78c",
    '"': "\u201c\u201d\u201e\u201f\u2033\u2036\u00a8\u00ab\u00bb\u02ba\u02dd\u05f4\u301d\u301e\u301f",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2796\u02d7\u058a\u05be\u1806\u2e3a\u2e3b",
    ",": "\u00b8",
    ":": "\u02d0\u0589\u05c3\u2236\ua789",
    "/": "\u2044\u2215\u2571\u29f8",
    "\\": "\u2216\u29f5",
    "|": "\u2223\u23fd\u2758",
    "~": "\u02dc\u2053\u223c\u301c",
    "*": "\u204e\u2217",
    "_": "\u02cd",
    "^": "\u02c4\u02c6",
    "!": "\u01c3",
    "<": "\u02c2",
    ">": "\u02c3",
    "=": "\ua78a",
    # Spaces and line ends that NFKC leaves alone.
    " ": "\u1680\u2800",
    "\n": "\u0085\u2028\u2029",
}

# First code point of a run of look-alikes, and what the run reads.
RUNS: Final[dict[int, str]] = {
    0x1F150: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",  # white on a black circle
    0x1F170: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",  # white on a black square
    0x1F1E6: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",  # regional indicators
    0x1F110: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",  # in parentheses, which NFKC would keep
    0x249C: "abcdefghijklmnopqrstuvwxyz",
    0x24F5: "123456789",
    0x2776: "123456789",
    0x2780: "123456789",
    0x278A: "123456789",
    0x24FF: "0",
}

# Latin letters with a stroke or hook, which no normal form takes apart: an accent, so only folded away.
STROKES: Final[dict[str, str]] = {
    "a": "\u2c65",
    "ae": "\u00e6",
    "b": "\u0180\u0183\u0253",
    "c": "\u0188\u023c",
    "d": "\u0111\u0256\u0257",
    "e": "\u0247",
    "g": "\u01e5\u0260",
    "h": "\u0127\u0266",
    "i": "\u0268",
    "j": "\u0249\u029d",
    "k": "\u0199",
    "l": "\u0142\u019a\u026b\u026c\u026d",
    "m": "\u0271",
    "n": "\u014b\u019e\u0272\u0273",
    "o": "\u00f8\u0275",
    "oe": "\u0153",
    "p": "\u01a5\u1d7d",
    "q": "\u024b\u02a0",
    "r": "\u024d\u027d\u027e",
    "s": "\u023f\u0282",
    "t": "\u0167\u01ab\u01ad\u0288",
    "u": "\u0289",
    "w": "\u2c73",
    "y": "\u01b4\u024f",
    "z": "\u01b6\u0225\u0240\u0290",
}


@cache
def cased_table() -> dict[int, str]:
    """Return the `str.translate` table that keeps case: every look-alike to one ASCII character."""
    table = {
        ord(source): target for rows in (LETTERS, MARKS) for target, row in rows.items() for source in row
    }
    for first, targets in RUNS.items():
        table.update(enumerate(targets, first))
    return table


@cache
def caseless_table() -> dict[int, str]:
    """Return the `str.translate` table for text that is case-folded: look-alikes and strokes to lower case.

    Both cases of a letter must fold to one spelling, or a term in capitals would miss its own lower case. So
    a pair takes the shape of its lower-case form where that has one, else the shape of the capital.
    """
    table: dict[int, str] = {}
    for code, target in cased_table().items():
        small = chr(code).casefold()
        if small == chr(code) or ord(small) not in cased_table():
            table[ord(small)] = target.casefold()
    table.update((ord(source), target) for target, row in STROKES.items() for source in row)
    return table
