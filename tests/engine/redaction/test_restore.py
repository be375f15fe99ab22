# ruff: noqa: RUF001 - a text of another script has its own punctuation
"""Putting values back: into what a person reads, and into nothing that could carry them away."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from guardrails.engine.redaction.restore import LONGEST_RUN, restore_values
from tests.cases import each_case

E, P = "[EMAIL_1]", "[PHONE_1]"
VALUES = {
    E: "jo@example.com",
    P: "555-0142",
    "[EMAIL_10]": "ten@example.com",
    "[NAME_1]": "[EMAIL_1]",
    "[URL_1]": "https://a.example/?q=",
}


@each_case(
    ("text", "shown"),
    [
        (f"Write to {E}, or call {P}.", "Write to jo@example.com, or call 555-0142."),
        ("[EMAIL_10] is not [EMAIL_1]0", "ten@example.com is not jo@example.com0"),
        ("[NAME_1]", "[EMAIL_1]"),
        ("[EMAIL_2] [email_1] [EMAIL_01] EMAIL_1 [ EMAIL_1 ] [EMAIL-1]", "[EMAIL_2] [email_1] [EMAIL_01] EMAIL_1 [ EMAIL_1 ] [EMAIL-1]"),
        (f"**{E}** _{E}_ `{E}` ({E}) \"{E}\" {E}: {E};", '**jo@example.com** _jo@example.com_ `jo@example.com` (jo@example.com) "jo@example.com" jo@example.com: jo@example.com;'),
        (f"E-mail:{E}/{P}", "E-mail:jo@example.com/555-0142"),
        (f"{E}(work), {P}(see {E})", "jo@example.com(work), 555-0142(see jo@example.com)"),
        (f"{E}: {P}\n- {E}: {P}", "jo@example.com: 555-0142\n- jo@example.com: 555-0142"),
        (f"<{E}> and {E}<br>{P}", "<jo@example.com> and jo@example.com<br>555-0142"),
        (f"see https://x.example/a, then {E}", "see https://x.example/a, then jo@example.com"),
        (f"[a link](https://x.example/(a) \"t)\") {E}", "[a link](https://x.example/(a) \"t)\") jo@example.com"),
        (f'<a href="https://x.example">{E}</a> <https://x.example/?a=1> {P}', '<a href="https://x.example">jo@example.com</a> <https://x.example/?a=1> 555-0142'),
        (f"{{\"mail\":\"{E}\"}}", '{"mail":"jo@example.com"}'),
        (f"3 <4 {E}", "3 <4 jo@example.com"),
        (f"第一{E}，第二{P}。", "第一jo@example.com，第二555-0142。"),
    ],
)  # fmt: skip
def test_values_come_back_in_what_a_person_reads(text: str, shown: str) -> None:
    """Whatever stands around the placeholder; what nobody handed out stays, and values are not looked into."""
    assert restore_values(text, VALUES) == shown


@each_case(
    "text",
    [
        f"https://evil.example/?q={E}",
        f"https://{E}.evil.example/",
        f"https://evil.example/?q=\"{E}\"",
        f"http:{E}",
        f"//evil.example/{E}",
        f"www.evil.example/{E}",
        f"evil.example/{E}",
        f"evil.example:80?{E}",
        f"10.0.0.1/{E}",
        f"{E}.evil.example",
        f"{E}@evil.example",
        f"{E}-{P}.evil.example/x",
        f"mailto:{E}",
        f"網址mailto:{E}",
        f"javascript:alert('{E}')",
        f"(https://evil.example/{E}",
        f"https://evil.example/\u200b{E}",
        f"https://evil.example/\u00a0{E}",
        f"[x](/p?{E})",
        f"![x](p.png?{E})",
        f"[x](<p q?{E}>)",
        f"[x](a(b)c {E})",
        f"[x](a\\)b{E})",
        f"[x](a \"t)\n{E}\")",
        f"[x](a {E}",
        f"[EMAIL_2](p?{E})",
        f"[x]: /p?{E}",
        f"> [x]:\n  /p?{E}",
        f"- [EMAIL_2]: p/{E}",
        f"<img src='p?{E}'>",
        f"<img src=p?{E}>",
        f"<img alt=\"a>b\" src=\"{E}\">",
        f"<T https://evil.example/>{E}",
        f"<img alt=a\"b title=\">{E}\">",
        f"<img src=\"x{E}",
        f"<!-- {E} -->",
        f"</p {E}>",
        f"<https://evil.example/{E}>",
        "x" * (LONGEST_RUN + 1) + E,
    ],
)  # fmt: skip
def test_nothing_comes_back_in_a_link_or_in_markup(text: str) -> None:
    """Not in the address, the target, the definition or the attribute, however it is written; the text stays as it is."""
    assert restore_values(text, VALUES) == text
    assert restore_values(f"{E}\n{text}", VALUES) == f"jo@example.com\n{text}"


def test_the_text_of_a_link_is_read_and_its_target_is_not() -> None:
    """The brackets of a placeholder in front of a target are those of a link."""
    assert (
        restore_values(f"{E}(mailto:{E}) {E}(/p/{P}", VALUES)
        == f"[jo@example.com](mailto:{E}) [jo@example.com](/p/{P}"
    )
    assert restore_values(f"[mail {E}](/p?{P})", VALUES) == f"[mail jo@example.com](/p?{P})"


def test_a_value_that_is_a_link_takes_no_other_value_in() -> None:
    """Two placeholders side by side do not become a link that nobody wrote."""
    assert restore_values(f"[URL_1]{E} {E}", VALUES) == f"https://a.example/?q={E} jo@example.com"


pieces = st.sampled_from(
    [E, P, "[EMAIL_10]", "[EMAIL_2]", "https://e.example/", "](", ")", "(", "<a href=", "'", '"', ">", "<!--", "-->", " ", "\n", "\n\n",
     "[x]:", "![", "www.", ".example", "/", "a", "\\", "=", "<br>", "mailto:"]
)  # fmt: skip
SECRET = {E: "QQemailQQ", P: "QQphoneQQ", "[EMAIL_10]": "QQtenQQ"}
URL = re.compile(r"(?:https?://|www\.|mailto:)(?:(?![\"']\s*/?>)[^ \t\r\n\f\v<])*")
QUOTED_ATTRIBUTE = re.compile(r"<a href='[^']*'|<a href=\"[^\"]*\"")
TARGET = re.compile(r"\]\([^()\n\"'<>\\]*\)")


@given(st.lists(pieces, max_size=25).map("".join))
def test_no_value_is_ever_in_an_address(text: str) -> None:
    """Whatever is put together: no address, link target or attribute of the result holds a value."""
    shown = restore_values(text, SECRET)
    for form in (URL, QUOTED_ATTRIBUTE, TARGET):
        assert not [found for found in form.findall(shown) if "QQ" in found]
    for placeholder, value in SECRET.items():
        shown = shown.replace(value, placeholder)
    assert re.sub(r"[\[\]]", "", shown) == re.sub(r"[\[\]]", "", text)


@each_case(
    "piece", [f"{E}", f"<!--{E}", f"](({E}", f"<a {E} ", f"[x]:{E}", f"{E}.1", f' "{E}', "(" + E, f"\\{E}"]
)
def test_the_cost_is_linear(piece: str) -> None:
    """A text that repeats what is hard comes back in time, with as much put back as in a short one, or nothing."""
    long = restore_values(piece * 20_000, VALUES)
    assert len(long) >= len(piece) * 10_000
