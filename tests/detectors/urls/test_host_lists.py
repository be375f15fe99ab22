"""Lists of hosts: what an entry covers, what it does not, and entries that cannot be meant."""

from __future__ import annotations

import time

import pytest

from guardrails.detectors.urls.host_lists import EntryError, HostList, host_skeleton, mixes_scripts
from guardrails.detectors.urls.url_parts import find_links
from tests.cases import each_case


def covered(entry: str, url: str) -> bool:
    """Say whether a list with this entry covers a link."""
    hosts = HostList()
    hosts.add(entry)
    [link] = find_links(url)
    return hosts.covers(link, link.host)


@each_case(
    ("entry", "yes", "no"),
    [
        ("a.com", "https://a.com https://x.y.a.com/z http://a.com", "https://ba.com https://a.com.b.com https://a.co"),
        ("=a.com", "https://a.com/x", "https://x.a.com"),
        ("*.a.com", "https://x.a.com", "https://a.com"),
        ("a.com/docs", "https://a.com/docs https://a.com/docs/x https://a.com/x/../docs https://x.a.com/docs?q",
         "https://a.com/docsx https://a.com https://a.com/docs/../x https://a.com/docs/%2e%2e/x https://a.com/Docs"),
        ("https://a.com", "https://a.com a.com/x", "http://a.com ftp://a.com"),
        ("HTTPS://A.com/Docs/", "https://a.com/Docs", "https://a.com/docs"),
        ("a.com:8080", "https://a.com:8080/", "https://a.com https://a.com:80"),
        ("a.com:443", "https://a.com https://a.com:443", "http://a.com"),
        ("10.0.0.1", "http://10.0.0.1/x http://0xa.1 http://[::ffff:10.0.0.1]", "http://10.0.0.2"),
        ("10.0.0.0/8", "http://10.1.2.3/x http://0xa010203", "http://11.0.0.1 http://10.0.0.1.a.com"),
        ("2001:db8::/32", "http://[2001:db8::1]/", "http://[2001:db9::1]/"),
        ("*.github.io", "https://me.github.io", "https://github.io"),
        ("=github.io", "https://github.io", "https://me.github.io"),
        ("example.co.uk", "https://a.example.co.uk", "https://b.co.uk"),
        ("xn--mnchen-3ya.de", "https://m\u00fcnchen.de https://xn--mnchen-3ya.de", "https://munchen.de"),
    ],
)  # fmt: skip
def test_what_an_entry_covers(entry: str, yes: str, no: str) -> None:
    """The host and what is below it, unless the entry says otherwise; paths up to a segment's border."""
    assert [url for url in yes.split() if not covered(entry, url)] == []
    assert [url for url in no.split() if covered(entry, url)] == []


@each_case(
    "entry",
    [
        "",
        " ",
        "https://",
        "a b.com",
        "a@b.com",
        "a*.com",
        "*",
        "a.com?x",
        "a.com/x?y",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "co.uk",
        "github.io",
        "com",
        "*.10.0.0.1",
        "a..com",
    ],
)
def test_entries_that_cannot_be_meant(entry: str) -> None:
    """They are errors that name a cure, not entries that cover nothing."""
    with pytest.raises(EntryError) as caught:
        HostList().add(entry)
    assert caught.value.hint


def test_thousands_of_entries_cost_what_one_does() -> None:
    """A look-up asks for each label of the host, however long the list."""
    hosts = HostList()
    for number in range(20_000):
        hosts.add(f"host{number}.example")
    [link] = find_links("https://a.b.c.host7.example/")
    begun = time.process_time()
    assert all(hosts.covers(link, link.host) for _ in range(1000))
    assert time.process_time() - begun < 5


def test_looks() -> None:
    """A skeleton joins what looks alike; scripts in one label count only where they look alike."""
    assert host_skeleton("p\u0430ypa1.com") == host_skeleton("paypal.com")
    assert mixes_scripts("p\u0430ypal")
    assert not mixes_scripts("\u044f\u043d\u0434\u0435\u043a\u0441")
