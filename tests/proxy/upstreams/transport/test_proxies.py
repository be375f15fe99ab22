"""Which proxy an upstream is asked through."""

from __future__ import annotations

import pytest

from guardrails.proxy.upstreams.transport.proxies import check_proxy, choose_proxy
from tests.cases import each_case

PROXY = "http://proxy:3128"


@each_case(
    ("url", "own", "environment", "found"),
    [
        ("https://a.example/v1", None, {}, None),
        ("https://a.example/v1", None, {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://a.example/v1", None, {"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, PROXY),
        ("https://a.example/v1", None, {"HTTP_PROXY": PROXY}, None),
        ("https://a.example/v1", None, {"ALL_PROXY": "proxy:3128"}, PROXY),
        ("http://a.example/v1", None, {"HTTP_PROXY": PROXY}, PROXY),
        ("http://127.0.0.1:8000/v1", None, {"HTTP_PROXY": PROXY}, None),
        ("http://localhost:8000/v1", None, {"HTTP_PROXY": PROXY}, None),
        ("https://a.example/v1", "none", {"HTTPS_PROXY": PROXY}, None),
        ("https://a.example/v1", "http://own:1", {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, "http://own:1"),
        *(
            ("https://a.example/v1", None, {"HTTPS_PROXY": PROXY, "NO_PROXY": listed}, found)
            for listed, found in (
                ("*", None), ("a.example", None), ("example", None), (".example", None), ("*.example", None),
                ("b.example, A.EXAMPLE", None), ("a.example:443", None), ("a.example:444", PROXY), ("ample", PROXY),
                ("b.example", PROXY), ("", PROXY),
            )
        ),
        ("https://10.1.2.3/v1", None, {"HTTPS_PROXY": PROXY, "no_proxy": "10.0.0.0/8"}, None),
        ("https://10.1.2.3/v1", None, {"HTTPS_PROXY": PROXY, "no_proxy": "11.0.0.0/8"}, PROXY),
        ("https://[fd00::1]/v1", None, {"HTTPS_PROXY": PROXY, "no_proxy": "fd00::/8"}, None),
    ],
)  # fmt: skip
def test_the_environment_says_so_as_usual_unless_the_settings_do(url, own, environment, found) -> None:
    """Names, networks and ports of `NO_PROXY`; this machine is not asked through `HTTP_PROXY`."""
    assert choose_proxy(url, own, environment) == found


@each_case("written", ["socks5://user:zqx@proxy:1", "ftp://proxy", "http://", "http://proxy:99999999"])
def test_a_proxy_that_cannot_be_asked_is_told_not_passed_by(written) -> None:
    """Nothing goes out by another way than the operator meant; what it is, is not quoted."""
    with pytest.raises(ValueError, match="HTTPS_PROXY must be the URL of an HTTP proxy") as raised:
        choose_proxy("https://a.example", None, {"HTTPS_PROXY": written})
    assert "zqx" not in str(raised.value)


def test_settings_hold_no_password() -> None:
    """The environment may."""
    with pytest.raises(ValueError, match="must not hold a name or password"):
        check_proxy("http://user:zqx@proxy:1", "proxy")
    assert choose_proxy("https://a", None, {"HTTPS_PROXY": "http://u:p@proxy:1"}) == "http://u:p@proxy:1"
