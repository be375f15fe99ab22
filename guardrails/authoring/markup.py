"""Builds the HTML of reports. Only what `tag` made is markup; any other text is escaped.

Nothing here needs a script or the network, and the page forbids both, whatever is on it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise
from types import MappingProxyType
from typing import Final

PIECE: Final = 4_000
"""Characters of a stretch of text that are shown; of a longer one its beginning and its end are."""

PALETTES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "light": {
            "page": "#ffffff",
            "card": "#f6f8fa",
            "text": "#1b1f24",
            "dim": "#57606a",
            "line": "#d0d7de",
            "score": "#0550ae",
        }
        | {"mark": "#ffe9a8", "allow": "#116329", "flag": "#7a4b00", "redact": "#0550ae", "block": "#a40e26"},
        "dark": {
            "page": "#0d1117",
            "card": "#161b22",
            "text": "#e6edf3",
            "dim": "#9da7b3",
            "line": "#3d444d",
            "score": "#79c0ff",
        }
        | {"mark": "#5a4300", "allow": "#56d364", "flag": "#e3b341", "redact": "#79c0ff", "block": "#ff8a82"},
    }
)
"""The colours of the page for each scheme that a reader may prefer."""

STYLE: Final = """
:root{color-scheme:light dark;%(light)s}
@media (prefers-color-scheme:dark){:root{%(dark)s}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;background:var(--page);color:var(--text)}
h1{font-size:1.4rem}h2{font-size:1.15rem;margin:0;overflow-wrap:anywhere}h3{font-size:1rem;margin:1rem 0 .25rem}
a{color:var(--redact)}p,ul,ol{margin:.25rem 0}.dim{color:var(--dim)}
article{margin:1rem 0;padding:1rem;border:1px solid var(--line);border-radius:.5rem;background:var(--card)}
.action{display:inline-block;padding:0 .5rem;border:2px solid;border-radius:.4rem;font-weight:700;text-transform:uppercase}
.allow{color:var(--allow)}.flag{color:var(--flag)}.redact{color:var(--redact)}.block{color:var(--block)}
.wide{overflow-x:auto}th,.action{white-space:nowrap}
table{border-collapse:collapse}th,td{padding:.15rem .75rem .15rem 0;text-align:left;vertical-align:top;overflow-wrap:break-word}
td:last-child:not(:first-child){min-width:12rem}
meter{width:8rem;vertical-align:middle}
.text{padding:.5rem;border:1px solid var(--line);border-radius:.4rem}
.text{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
mark{background:var(--mark);color:var(--text)}sup{font-weight:700}
.sheet{display:flex;flex-wrap:wrap;gap:.75rem;align-items:flex-end}
figure{margin:0}figcaption{font-size:.85rem;color:var(--dim)}
.frame{position:relative;width:max-content}.frame img{display:block}
.frame svg{position:absolute;inset:0;width:100%%;height:100%%}
.lane{margin:0 0 .5rem}.lane svg{display:block;width:100%%;height:3.5rem;border:1px solid var(--line);background:var(--page)}
.numbers{position:relative;height:1.1rem;font-size:.8rem;font-weight:700}
.numbers span{position:absolute;transform:translateX(-50%%)}
.lane path{fill:none;stroke:var(--line);vector-effect:non-scaling-stroke;stroke-dasharray:3 3}
.lane .score{fill:var(--score);fill-opacity:.25;stroke:var(--score);stroke-width:1.5;stroke-dasharray:none}
.stretch{fill:var(--mark);stroke:var(--flag);stroke-width:1;vector-effect:non-scaling-stroke}
.axis{display:flex;justify-content:space-between;font-size:.85rem;color:var(--dim)}
.said{white-space:pre-wrap;unicode-bidi:isolate}
""" % {name: ";".join(f"--{key}:{value}" for key, value in of.items()) for name, of in PALETTES.items()}

POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
"""What a browser may load for the page: nothing from anywhere."""

JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible characters that scripts and emoji need, and that move nothing."""

VOID: Final = frozenset(("img", "meta"))
"""Elements without an end."""

_LINES: Final = re.compile(r"\r\n?")


class Html(str):
    """Markup that was made here."""

    __slots__ = ()


def show_invisible(text: str) -> str:
    """Return a text with what one does not see in it made visible: controls, and what turns the direction of writing."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_show_char, _LINES.sub("\n", text)))


def _show_char(char: str) -> str:
    category = unicodedata.category(char)
    hidden = category in ("Cc", "Cf", "Cs", "Zl", "Zp") and char not in "\n\t" and char not in JOINERS
    return f"⟨U+{ord(char):04X}⟩" if hidden else char


def tag(name: str, *children: str | None, **attributes: object) -> Html:
    """Return an element; children that are no markup are escaped, and so is each attribute (`class_`, `aria_hidden`)."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(show_invisible(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{given}>" if name in VOID else f"<{name}{given}>{join_markup(children)}</{name}>")


def join_markup(children: Iterable[str | None]) -> Html:
    """Return children one after the other, texts among them escaped."""
    return Html(
        "".join(
            child if isinstance(child, Html) else escape(show_invisible(child))
            for child in children
            if child is not None
        )
    )


def mark_text(text: str, marks: Sequence[tuple[int, int, int]]) -> Html:
    """Return a text in which each stretch (start, end, number) is marked, with its number behind it; long stretches are cut."""
    spans = [(max(0, start), min(end, len(text)), number) for start, end, number in marks]
    spans = [span for span in spans if span[0] < span[1]]
    cuts = sorted({0, len(text), *(at for start, end, _ in spans for at in (start, end))})
    parts: list[Html] = []
    for begin, end in pairwise(cuts):
        own = [span for span in spans if span[0] <= begin and end <= span[1]]
        numbers = " ".join(str(number) for _, last, number in own if last == end)
        piece = _cut(text[begin:end])
        parts.append(tag("mark", piece, tag("sup", numbers) if numbers else None) if own else piece)
    return join_markup(parts)


def _cut(text: str) -> Html:
    if len(text) <= PIECE:
        return join_markup([text])
    half = PIECE // 2
    note = tag("em", f" … {len(text) - 2 * half:,} characters are not shown … ", class_="dim")
    return join_markup([text[:half], note, text[-half:]])


def make_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    """Return a table of texts, which scrolls where it is too wide."""
    head = tag("tr", *(tag("th", name, scope="col") for name in heads))
    body = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    return tag("div", tag("table", tag("thead", head), tag("tbody", *body)), class_="wide")


def make_page(title: str, children: Iterable[Html], style: str = "") -> str:
    """Return a whole document that needs nothing but itself; `style` is CSS of its own, beside that of all pages."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name_="viewport", content="width=device-width"),
        tag("meta", name_="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Html(STYLE + style)),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', tag('main', *children)), lang='en')}\n"
