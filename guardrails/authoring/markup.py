"""Builds the HTML of reports. Only what `tag` made is markup; any other text is escaped.

Nothing here needs the network, and the page forbids it, whatever is on it. One style and one script count, by their hashes: the
package's own. The script sorts, filters and pages tables; all can be read without it.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
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

STACKED: Final = (
    "TABLE,TABLE tbody,TABLE tr,TABLE td{display:block}TABLE tr[hidden]{display:none}TABLE thead{display:none}"
    "TABLE tbody tr{display:flex;flex-wrap:wrap;gap:0 1.25rem;padding:.5rem 0}"
    "TABLE td:first-child{flex-basis:100%;font-weight:700}"
    "TABLE td,TABLE td:not(:first-child){text-align:left;min-width:0;max-width:100%;padding-right:0;white-space:normal}"
    "TABLE .range{display:inline}"
    "TABLE td:empty{display:none}TABLE td[data-label]::before{content:attr(data-label) ': ';color:var(--dim);font-weight:400}"
    "TABLE.live thead{display:block}TABLE.live thead tr{display:flex;flex-wrap:wrap;gap:.25rem 1rem}"
    "TABLE.live thead tr::before{content:'Sort by';color:var(--dim)}TABLE.live th{padding:0;font-weight:400;min-width:0}"
)
"""CSS of a table whose rows are cards, each value behind the name of its column."""

WIDTHS: Final = ((9, "wide"), (6, "middle"), (5, "narrow"), (0, "slim"))
"""Columns from which on a table has a width: the widest page on which its rows are cards (`STYLE`)."""

STYLE: Final = """
:root{color-scheme:light dark;%(light)s}
@media screen and (prefers-color-scheme:dark){:root{%(dark)s}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:84rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;background:var(--page);color:var(--text)}
h1{font-size:1.4rem}h2{font-size:1.15rem;margin:0;overflow-wrap:anywhere}h3{font-size:1rem;margin:1rem 0 .25rem}
a{color:var(--redact)}p,ul,ol{margin:.25rem 0;overflow-wrap:anywhere}.dim{color:var(--dim)}
article{margin:1rem 0;padding:1rem;border:1px solid var(--line);border-radius:.5rem;background:var(--card)}
.action{display:inline-block;padding:0 .5rem;border:2px solid;border-radius:.4rem;font-weight:700;text-transform:uppercase}
.allow{color:var(--allow)}.flag{color:var(--flag)}.redact{color:var(--redact)}.block{color:var(--block)}
.action{white-space:nowrap}h1{overflow-wrap:anywhere}code{overflow-wrap:anywhere}
table{border-collapse:collapse;margin:.25rem 0}
th,td{padding:.2rem .75rem .2rem 0;text-align:left;vertical-align:top;overflow-wrap:anywhere;min-width:4rem}
th{vertical-align:bottom;overflow-wrap:normal}tbody tr{border-top:1px solid var(--line)}tr[hidden]{display:none}
td:last-child:not(:first-child){min-width:8rem}td:first-child:not(:last-child){min-width:8rem}
th button{all:unset;cursor:pointer;text-decoration:underline dotted}th button:focus-visible{outline:2px solid var(--redact)}
[aria-sort=ascending] button::after{content:" ▲"}[aria-sort=descending] button::after{content:" ▼"}
.filter input{font:inherit;max-width:100%%;color:inherit;background:var(--page);border:1px solid var(--line);border-radius:.3rem}
.terms{font-size:.9rem;color:var(--dim);margin:.5rem 0}.terms dt{font-weight:700}.terms dt,.terms dd{display:inline;margin:0}
.terms dt::after{content:': '}.terms dd::after{content:'\\A';white-space:pre}
summary{cursor:pointer;color:var(--redact)}summary:focus-visible{outline:2px solid var(--redact)}
@media (max-width:30rem){%(slim)s}
@media (max-width:44rem){%(narrow)s}
@media (max-width:62rem){%(middle)s}
@media (max-width:76rem){%(wide)s}
@media print{.filter,.more{display:none}article{break-inside:auto}tr,figure{break-inside:avoid}}
.more button{font:inherit;color:var(--redact);background:var(--page);cursor:pointer}
.more button{border:1px solid var(--line);border-radius:.3rem}
meter{width:8rem;vertical-align:middle}meter::-moz-meter-bar{background:var(--score)}
meter::-webkit-meter-optimum-value{background:var(--score)}
.text{padding:.5rem;border:1px solid var(--line);border-radius:.4rem}
.text{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
mark{background:var(--mark);color:var(--text)}sup{font-weight:700}
.sheet{display:flex;flex-wrap:wrap;gap:.75rem;align-items:flex-end}
figure{margin:0}figcaption{font-size:.85rem;color:var(--dim)}
.frame{position:relative;width:max-content}.frame img{display:block}
.frame svg{position:absolute;inset:0;width:100%%;height:100%%}
.lane{margin:0 0 .5rem}.lane svg{display:block;width:100%%;height:3.5rem;border:1px solid var(--line);background:var(--page)}
.lane .numbers{height:1.1rem;border:0;background:none;overflow:visible}
.numbers text{font-size:.8rem;font-weight:700;fill:var(--text);text-anchor:middle}
.lane path{fill:none;stroke:var(--line);vector-effect:non-scaling-stroke;stroke-dasharray:3 3}
.lane .score{fill:var(--score);fill-opacity:.25;stroke:var(--score);stroke-width:1.5;stroke-dasharray:none}
.stretch{fill:var(--mark);stroke:var(--flag);stroke-width:1;vector-effect:non-scaling-stroke}
.axis{display:flex;justify-content:space-between;font-size:.85rem;color:var(--dim)}
.said{white-space:pre-wrap;unicode-bidi:isolate}
""" % (
    {name: ";".join(f"--{key}:{value}" for key, value in of.items()) for name, of in PALETTES.items()}
    | {width: STACKED.replace("TABLE", f"table.{width}") for _, width in WIDTHS}
)

POLICY: Final = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'"
"""What a browser may load for the page: nothing from anywhere. `make_page` adds the hashes of its style and script."""

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
    """Return a table of texts without columns that are empty; where the page is too narrow for it, each row becomes a card."""
    kept = [at for at in range(len(heads)) if not rows or any(row[at] for row in rows)]
    head = tag("tr", *(tag("th", heads[at], scope="col") for at in kept))
    body = [tag("tr", *(tag("td", row[at], data_label=heads[at]) for at in kept)) for row in rows]
    width = next(name for least, name in WIDTHS if len(kept) >= least)
    return tag("div", tag("table", tag("thead", head), tag("tbody", *body), class_=width))


def fold(summary: str, *children: str | None) -> Html:
    """Return what is not seen until a reader asks for it, which takes no script: nor is it printed or copied before."""
    return tag("details", tag("summary", summary), *children)


def cover_text(text: str) -> Html:
    """Return a text that is not seen until a reader asks for it (`fold`)."""
    shown = tag("div", text if isinstance(text, Html) else _cut(text), class_="text")
    return fold("Show the text", shown)


@cache
def _table_script() -> str:
    return (
        files("guardrails.authoring.reports").joinpath("tables.js").read_text("utf-8").replace("\r\n", "\n")
    )


def _hash(text: str) -> str:
    """Return the source of a policy that allows this very text."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def make_page(title: str, children: Iterable[Html], style: str = "") -> str:
    """Return a whole document that needs nothing but itself; `style` is CSS of its own, beside that of all pages."""
    main = tag("main", *children)
    look = STYLE + style
    policy, script = f"{POLICY}; style-src {_hash(look)}", None
    if "<table" in main:  # a text that says so is escaped
        script = tag("script", Html(_table_script()))
        policy += f"; script-src {_hash(_table_script())}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name_="viewport", content="width=device-width"),
        tag("meta", name_="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Html(look)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', main, script), lang='en')}\n"
