"""Links and their parts: every spelling of a host comes out as one, at the place where it stands."""

from __future__ import annotations

import time
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.urls.url_parts import clean_path, find_links, normalize_host, parse_address
from tests.cases import each_case


@each_case(
    ("text", "expected"),
    [
        ("see https://a.com/x. ok", ["https://a.com/x"]),
        ("(https://en.example.org/wiki/A_(b))", ["https://en.example.org/wiki/A_(b)"]),
        ("[a](https://a.com)![b](https://b.com)", ["https://a.com", "https://b.com"]),
        ("https://a.com,https://b.com", ["https://a.com", "https://b.com"]),
        ("<a href='https://a.com/x'>", ["https://a.com/x"]),
        ("請看https://a.com。謝謝", ["https://a.com"]),
        ("請看a.com\uff0c謝謝", ["a.com"]),
        ("hxxps://a[.]com/x", ["hxxps://a[.]com/x"]),
        ("hxxp[:]//a(dot)com", ["hxxp[:]//a(dot)com"]),
        ("hxxp[://]a.com/b", ["hxxp[://]a.com/b"]),
        ("**a.com/x**", ["a.com/x"]),
        ("_a.com_", ["a.com"]),
        ("me@a.com", []),
        ("view-source:https://a.com", ["https://a.com"]),
        ("https://a.com/x,b.com/y", ["https://a.com/x", "b.com/y"]),
        ("https://a.com/x,10.0.0.1/y", ["https://a.com/x", "10.0.0.1/y"]),
        ("https://a.com/x,y.z", ["https://a.com/x,y.z"]),
        ("https://a.com/(https://b.com", ["https://a.com/", "https://b.com"]),
        ("data:text/plain,b.com,c.com/x", ["data:text/plain,b.com", "c.com/x"]),
        ("https://a.com\n.b.com/x", ["https://a.com\n.b.com/x"]),
        ("https://a.com\n@john is here", ["https://a.com"]),
        ("https://a.com/x\n.b.com", ["https://a.com/x"]),
        ("h\tttps:/\n/a.com", ["h\tttps:/\n/a.com"]),
        ("a.co\tm", ["a.co", "a.co\tm"]),
        ("a.co\nmore text", ["a.co"]),
        ("https://a.com\x85b", ["https://a.com"]),
        ("16.3.2031 and 1.2.3.4", []),
        ("10.0.0.1:80", ["10.0.0.1:80"]),
        ("JavaScript: the good parts", []),
        ("metadata:x,y", []),
        ("File:Name", []),
        ("note: this", []),
        ("", []),
    ],
)
def test_links_are_found_where_they_stand(text: str, expected: list[str]) -> None:
    """The span holds the link without the punctuation and brackets of the sentence around it."""
    assert [text[link.start : link.end] for link in find_links(text)] == expected


@each_case(
    "text",
    [
        "https://evil.com", "HTTPS://EVIL.COM", "https://evil.com.", "https://evil.com:443/x", "https://ev%69l.com",
        "https://ev%2569l.com", "https://a:b@evil.com", "https://a.com@evil.com/", "https:\\\\evil.com\\x", "//evil.com/x",
        "http:evil.com", "http:/evil.com", "http:///evil.com", "https://\uff45\uff56\uff49\uff4c\uff0ecom", "https://evil。com/x",
        "https://ev\u200bil.com/x", "https://evil[.]com", "hxxp://evil.com", "evil.com/x", "a:b@evil.com/x",
        "https://a.com(@evil.com", "https://evil.com\\@a.com",
    ],
)  # fmt: skip
def test_a_host_is_read_as_a_browser_reads_it(text: str) -> None:
    """Whatever stands before, behind or inside it."""
    assert [link.host for link in find_links(text)] == ["evil.com"]


@each_case(
    ("host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("0x7f000001", "127.0.0.1"), ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"), ("127.1", "127.0.0.1"), ("0x7F.0.0x0.01", "127.0.0.1"), ("[::1]", "::1"),
        ("[::ffff:127.0.0.1]", "127.0.0.1"), ("[::ffff:7f00:1]", "127.0.0.1"), ("[fe80::1%25eth0]", "fe80::1"),
        ("\uff11\uff12\uff17.0.0.1", "127.0.0.1"), ("①②⑦.0.0.1", "127.0.0.1"), ("%31%32%37.0.0.1", "127.0.0.1"),
        ("256.1.1.1", None), ("1.2.3.4.5", None), ("4294967296", None), ("089.1.1.1", None), ("a.1", None), ("[::g]", None),
    ],
)  # fmt: skip
def test_addresses_in_every_notation(host: str, expected: str | None) -> None:
    """Dotted, decimal, octal, hexadecimal, mixed, short, IPv6 and mapped."""
    found = normalize_host(host)[1]
    assert (None if found is None else str(found)) == expected


@given(st.ip_addresses(v=4))
def test_a_number_is_its_address(ip: object) -> None:
    """Decimal, hexadecimal and octal forms of one number are one address."""
    number = int(ip_address(str(ip)))
    assert {str(parse_address(form)) for form in (str(number), hex(number), f"0{number:o}", str(ip))} == {
        str(ip)
    }


@each_case(
    ("raw", "expected"),
    [
        ("", ""), ("/", ""), ("/a/b", "/a/b"), ("/a/../b", "/b"), ("/a/%2e%2e/b", "/b"), ("/%252e%252e/b", "/b"),
        ("\\a\\b", "/a/b"), ("//a/./b/", "/a/b"), ("/../../a", "/a"),
    ],
)  # fmt: skip
def test_paths_are_read_as_a_server_reads_them(raw: str, expected: str) -> None:
    """Decoded, resolved, with slashes one way."""
    assert clean_path(raw) == expected


@given(st.text(alphabet="a.:/\\@[](){}%?#&=,;'\"<> \t\n0x1hHtTpPsS。é謝\u200bj-_", max_size=80))
def test_any_text_gives_spans_in_order(text: str) -> None:
    """No text is too odd, and links do not overlap."""
    last = 0
    for link in find_links(text):
        assert last <= link.start < link.end <= len(text)
        last = link.end


@pytest.mark.parametrize(
    "piece", ["http://a,", "a.", "a.com)", "http://a(", "é.com ", "a@", "j\t", "[.]", "://"]
)
def test_time_grows_with_the_text_alone(piece: str) -> None:
    """No repetition of a piece makes the search quadratic."""
    text = piece * (60_000 // len(piece))
    begun = time.process_time()
    list(find_links(text))
    assert time.process_time() - begun < 20


@given(
    st.from_regex(
        r"[a-z\u00c0\u00df\u00fc\u0130\u017f\u0394\u0434\u0439\u0561][a-zA-Z0-9\u0438\u0387\u03f2-]{0,5}(\.[a-z\u0434][a-z0-9]{0,4}){1,3}\.com",
        fullmatch=True,
    ),
    st.sampled_from(["", ":80", ":8443"]),
    st.from_regex(r"(/[a-z]{0,5}){0,3}(\?[a-z=&]{0,8})?", fullmatch=True),
    st.sampled_from(["", "see ", "](", 'src="', "x="]),
)
def test_the_short_way_and_the_long_one_agree(host: str, port: str, rest: str, before: str) -> None:
    """A host with its first letter percent-encoded takes the long way, and comes out with the same parts."""
    encoded = "".join(f"%{byte:02x}" for byte in host[0].encode()) + host[1:]
    short, long = (
        [
            (x.host, x.port, x.rest, x.path, x.embedded, x.bare, x.userinfo, x.ip, x.readings)
            for x in find_links(f"{before}https://{form}{port}{rest}")
        ]
        for form in (host, encoded)
    )
    assert [parts[0] for parts in short] == [normalize_host(host)[0]]
    assert short == long


@each_case(
    ("text", "embedded"),
    [("![a](https://a.com)", True), ("[a]: https://a.com", True), ("<img src=https://a.com>", True),
     ("<img srcset='b.png 1x, https://a.com 2x'>", True), ("url( 'https://a.com')", True), ("see https://a.com", False),
     ("a, https://a.com", False), ("(https://a.com)", False), ("note: https://a.com", False), ("x]( \n\nhttps://a.com", True)],
)  # fmt: skip
def test_what_a_client_fetches_or_a_reader_clicks(text: str, embedded: bool) -> None:
    """Targets of Markdown, HTML and CSS; a link in a sentence is none."""
    assert [link.embedded for link in find_links(text)][-1] is embedded
