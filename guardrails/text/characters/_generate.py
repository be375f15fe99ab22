"""Makes `_tables.py` out of this interpreter's Unicode data: `python -m guardrails.text.characters._generate > FILE`.

Write to another file and move it: this module imports the package, and so the tables it replaces.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable

from guardrails.text import segments

_HEAD = '''"""Generated character classes (bodies of `[...]` in a pattern) for the views.

Made by `python -m guardrails.text.characters._generate` from Unicode {version}; do not edit.
"""

from __future__ import annotations

from typing import Final
'''

# Default-ignorable code points outside category Cf, and reserved ones.
_IGNORABLE = {
    *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2065, 0x3164),
    *(*range(0xFE00, 0xFE10), 0xFFA0, *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)),
}
# Format characters that are drawn: signs which enclose the digits after them.
_DRAWN = {*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD}
# C1 controls are invisible; U+0085 is a line end.
_CONTROLS = {*range(0x80, 0x85), *range(0x86, 0xA0)}
_STANDALONE_JAMO = {*range(0x3131, 0x318F), *range(0xFFA1, 0xFFDD)}
# Blocks whose marks are accents and vowel signs that readers leave out at will.
_ACCENTS = (
    *(range(0x0300, 0x0370), range(0x0483, 0x0488), range(0x0591, 0x05C8), range(0x0610, 0x061B)),
    *(range(0x064B, 0x0660), range(0x0670, 0x0671), range(0x06D6, 0x06EE), range(0x1AB0, 0x1B00)),
    *(range(0x1DC0, 0x1E00), range(0x20D0, 0x2100), range(0xFE20, 0xFE30)),
)
_TATWEEL = 0x0640


def _is_invisible(code: int) -> bool:
    category = unicodedata.category(chr(code))
    if code in _IGNORABLE or code in _CONTROLS:
        return True
    # Enclosing marks (Me) decorate the letter before them and have no combining class to join it by.
    return category in ("Cf", "Me") and code not in _DRAWN


def invisible() -> set[int]:
    """Return the code points that views leave out: without ink, or mere decoration."""
    return {code for code in range(0x80, sys.maxunicode + 1) if _is_invisible(code)}


def combining() -> set[int]:
    """Return the code points that can combine with what stands before them.

    Their NFKD begins with a mark of non-zero combining class, or with the second half of a canonical
    composition (with medial and final jamo). Stand-alone jamo are not among them: views keep them apart.
    """
    seconds = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}
    for code in range(0x80, sys.maxunicode + 1):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and "<" not in parts[0] and unicodedata.normalize("NFC", chr(code)) == chr(code):
            seconds.add(int(parts[1], 16))
    found = set()
    for code in range(0x80, sys.maxunicode + 1):
        first = unicodedata.normalize("NFKD", chr(code))[0]
        if unicodedata.combining(first) or ord(first) in seconds:
            found.add(code)
    return found - invisible() - _STANDALONE_JAMO


def dropped_marks() -> set[int]:
    """Return the marks that the folded view leaves out wherever they stand."""
    codes = {code for block in _ACCENTS for code in block if unicodedata.combining(chr(code))}
    return (codes - invisible()) | {_TATWEEL}


def expanding(*, fold: bool) -> set[int]:
    """Return the code points of the basic plane that do not become exactly one character in a view."""
    marks = re.compile(f"[{character_class(dropped_marks())}]+")
    joiners = invisible() | combining()
    found = set()
    for code in range(0x80, 0x10000):
        if code not in joiners:
            char = chr(code)
            spelling = segments.spell_caseless(char, marks) if fold else segments.spell_plain(char)
            if len(spelling) != 1:
                found.add(code)
    return found


def character_class(codes: Iterable[int]) -> str:
    r"""Return the ranges of `codes` as the escaped body of a character class, such as `\u0300-\u036f`."""
    spans: list[list[int]] = []
    for code in sorted(codes):
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return "".join(_escape(first) + ("-" + _escape(last) if last > first else "") for first, last in spans)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _assignment(name: str, codes: Iterable[int]) -> str:
    lines, line = [], ""
    for item in re.findall(r"\\[uU]\w+(?:-\\[uU]\w+)?", character_class(codes)):
        if len(line) + len(item) > 100:
            lines.append(line)
            line = ""
        line += item
    body = "".join(f'    "{part}"\n' for part in [*lines, line])
    return f"{name}: Final = (\n{body})\n"


def module() -> str:
    """Return the source text of `_tables.py`."""
    hidden, joined = invisible(), combining()
    tables = {
        "INVISIBLE": {code for code in hidden if code < 0x10000},
        "INVISIBLE_ASTRAL": {code for code in hidden if code >= 0x10000},
        "COMBINING": {code for code in joined if code < 0x10000},
        "COMBINING_ASTRAL": {code for code in joined if code >= 0x10000},
        "DROPPED": dropped_marks(),
        "EXPANDING": expanding(fold=False),
        "FOLD_EXPANDING": expanding(fold=True),
    }
    body = "\n".join(_assignment(name, codes) for name, codes in tables.items())
    return _HEAD.format(version=unicodedata.unidata_version) + "\n" + body


if __name__ == "__main__":
    sys.stdout.write(module())
