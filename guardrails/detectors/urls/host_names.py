"""Names of hosts: which end as names do, where a customer's own part begins, and which are imitated most.

The public suffix list comes with `publicsuffixlist` and is read once, when a detector is built; nothing is fetched.
"""

from __future__ import annotations

import functools
from typing import Any

# Country codes, and the general names that links in the wild mostly have. Not the whole of IANA's list.
_TLDS = """
    ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw
    by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et
    eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie
    il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv
    ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr
    nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl
    sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz
    va vc ve vg vi vn vu wf ws ye yt za zm zw com net org edu gov mil int info biz name pro mobi app dev
    xyz online site store shop club top icu vip live news blog cloud tech space website link click page
    digital agency email media world today life work works zone fun one win bid loan download stream
    science party review trade date men gdn cam buzz cyou cfd sbs lol monster quest rest bond skin
    beauty hair makeup autos boats homes example test invalid local internal localhost onion arpa zip
    mov
"""
_WIDE_TLDS = (
    "\u0440\u0444 \u4e2d\u56fd \u4e2d\u570b \u9999\u6e2f \u53f0\u6e7e \u53f0\u7063 \ud55c\uad6d "
    "\u0443\u043a\u0440 \u0441\u0440\u0431 \u0431\u0433 \u0435\u044e"
)
TLDS = frozenset(f"{_TLDS} {_WIDE_TLDS}".split())
# Names that end in these are more often files, abbreviations, attributes in code or sentences glued together.
_UNLIKELY = """
    ai am app as at be bz cc date do download email example fun gd hm id im in info internal is it je
    la life link live local md me media men mk ml mm mov ms my name ne news no one page pl pm ps py re
    rest review rs sb sc sh site sl so space st store stream tc test tf th to today top trade us va vi
    win work works world zip
"""
UNLIKELY = frozenset(_UNLIKELY.split())

KNOWN = (
    "adobe.com", "amazon.com", "apple.com", "binance.com", "chase.com", "coinbase.com", "dropbox.com", "ebay.com",
    "facebook.com", "github.com", "gitlab.com", "gmail.com", "google.com", "icloud.com", "instagram.com",
    "linkedin.com", "microsoft.com", "microsoftonline.com", "netflix.com", "openai.com", "outlook.com", "paypal.com",
    "stripe.com", "twitter.com", "wellsfargo.com", "whatsapp.com", "wikipedia.org", "yahoo.com", "youtube.com",
)  # fmt: skip
"""Hosts that are imitated most; a policy's `known` adds its own."""


@functools.cache
def _suffix_list() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=False)


def registrable_domain(host: str) -> str:
    """Return the part of a host that one customer registers: `evil.co.uk` of `a.evil.co.uk`, `me.github.io` itself.

    A public suffix is returned as it is; of names under no known suffix, the last two labels.
    """
    found = _suffix_list().privatesuffix(host)
    if found is None:
        found = host if has_known_suffix(host) else ".".join(host.rsplit(".", 2)[-2:])
    return str(found)


def is_public_suffix(host: str) -> bool:
    """Say whether anybody can have a name below a host: `co.uk`, `github.io`, `com`."""
    return bool(_suffix_list().is_public(host))


def has_known_suffix(host: str) -> bool:
    """Say whether a host ends in a suffix of the list, that is, in a top-level domain that exists."""
    return _suffix_list().publicsuffix(host) is not None


def is_one_edit(one: str, other: str) -> bool:
    """Say whether a letter too many, too few, wrong, or two that changed places make one text of the other."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    at = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    a, b = one[at:], other[at:]
    return a[1:] == b or b[1:] == a or a[1:] == b[1:] or (a[1::-1] == b[:2] and a[2:] == b[2:])
