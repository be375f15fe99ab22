"""Hosts that stand for themselves lead inside in any notation; numbers, versions and times are none."""

from __future__ import annotations

from guardrails.detectors.urls.host_values import find_host_values
from tests.cases import each_case

HITS = [
    ("169.254.169.254", "169.254.169.254"),
    ("fetch 169.254.169.254:80 now", "169.254.169.254"),
    ("0251.0376.0251.0376", "0251.0376.0251.0376"),
    ("0xa9.0xfe.0xa9.0xfe", "0xa9.0xfe.0xa9.0xfe"),
    ("0xA9FEA9FE", "0xA9FEA9FE"),
    ("[::ffff:169.254.169.254]", "[::ffff:169.254.169.254]"),
    ("::ffff:a9fe:a9fe", "::ffff:a9fe:a9fe"),
    ("fd00:ec2::254", "fd00:ec2::254"),
    ("100.100.100.200", "100.100.100.200"),
    ("metadata.google.internal.", "metadata.google.internal"),
    ("\uff11\uff16\uff19.254.169.254", "\uff11\uff16\uff19.254.169.254"),
    ("169\u3002254\u3002169\u3002254", "169\u3002254\u3002169\u3002254"),
    ("host: 2852039166", "2852039166"),
    ("host: 169.254.169.254:80", "169.254.169.254:80"),
    ("host: 127.1", "127.1"),
    ("host: 0", "0"),
    ("host: 0x7f.1", "0x7f.1"),
    ("Host: [::1]:80", "[::1]:80"),
    ("dbHost: 192.168.1.5", "192.168.1.5"),
    ("server_address: 10.1.2.3", "10.1.2.3"),
    ("ip: 127.0.0.1", "127.0.0.1"),
]
MISSES = [
    "count: 2852039166", "2852039166", "version: 1.2.3.4", "1.2.3.4", "ip: 10.0.0.5", "host: 8.8.8.8", "host: 12", "server: 10.1", "std::string",
    "12:30:45", "aa:bb:cc:dd:ee:ff", "169.254.169.2540", "dead::beef", "address: 5 Main St", "instance-data", "host: localhost.example",
    "host: 127.0.0.1 and more", "in 10.0.0.5 too",
]  # fmt: skip


@each_case(("text", "host"), HITS)
def test_hosts_that_lead_inside_are_found(text: str, host: str) -> None:
    """Once, where they stand."""
    assert [text[link.start : link.end] for link in find_host_values(text)] == [host]


@each_case("text", MISSES)
def test_ordinary_values_are_not(text: str) -> None:
    """A field says what a number is; addresses that are looked up are ordinary."""
    assert [*find_host_values(text)] == []
