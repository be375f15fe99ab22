"""The tests of openai-guardrails as vectors: its three functions, played by our detectors, under its own assertions.

A list of what was found equals a list in a test when every text that is expected is overlapped by a finding that begins
within it, and every finding overlaps one: where exactly a link ends in punctuation is a matter of taste.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from guardrails.detectors import ConfigProblems, PolicyFolder
from guardrails.detectors.patterns import patterns_detector
from guardrails.detectors.pii import pii_detector
from guardrails.detectors.pii.names import NATIONAL, presidio_entities
from guardrails.detectors.secrets import secrets_detector
from guardrails.detectors.urls import urls_detector
from guardrails.text import normalize_text
from guardrails.types import Text
from vectors_ast import Deliberate, Outcome, Untranslatable, cases, constants, module, outcome

FILES = ("test_urls.py", "test_secret_keys.py", "test_pii.py")
IGNORED = frozenset({"blocked_reasons", "guardrail_name", "duration", "config.", "isinstance("})
"""Assertions that name one of these are about the rival's own reports, classes and timing."""

REASONS = {
    "test_urls.py": (
        Deliberate(
            "a tab or line break ends a link, but in a torn scheme, in an HTML attribute and before .name or @host: "
            "they block an allowed link for the text on its next line",
            r"'control'|ambiguous|_control|markdown|final_lf|prose|independent|separates_adjacent|_control_",
        ),
        Deliberate(
            "a name behind a comma or bracket is judged as a link of its own, in a query and in an exact entry too",
            r"query_owner|owned_query|nested|ownership|exact|terminal_boundary|not_promote",
        ),
        Deliberate(
            "a bare name ends in a top-level domain that exists, a bare address has a path or a port; a full stop separates "
            "no links; every occurrence is reported",
            r"domain_like_urls|period_delimited|deduplicates|category_order|fragment_destination|ipv6_addresses|malformed_ports",
        ),
        Deliberate("a path may hold brackets", "bracketed_presentation"),
    ),
    "test_secret_keys.py": (
        Deliberate(
            "a key is a key in any part of a link, in a file's name and in broken links: they exempt those",
            r"", "is False",
        ),
        Deliberate("no key of this form holds a scheme or a host's name", r"scheme_substring|scheme_text|domain_like_credential"),
        Deliberate("a text of 64 KiB is searched like any other", "oversized"),
    ),
    "test_pii.py": (),
}  # fmt: skip
"""Where we mean to do otherwise, and why."""

RESERVED = {r"\.example(?!\.)": ".com"}
"""Without a scheme a name under `.example` is no link to us, as `.env.example` is a file: the tests get a real domain."""

NAMES = presidio_entities(NATIONAL) | {"CVV": "card_security_code", "BIC_SWIFT": "swift_bic"}


class Found:
    """What a detector found in a text: spans in their order, compared as the module says."""

    translated = True

    def __init__(self, text: str, spans: Sequence[tuple[int, int]]) -> None:
        self.text = text
        self.spans = sorted({*spans})

    def _places(self, expected: Sequence[str]) -> list[tuple[int, int]]:
        places, at = [], 0
        for each in expected:
            start = self.text.find(each, at)
            start = self.text.find(each) if start < 0 else start
            if start < 0:  # the test expects a text that was edited: take the whole
                return [(0, len(self.text))]
            places.append((start, start + len(each)))
            at = start + len(each)
        return places

    def __eq__(self, expected: object) -> bool:
        assert isinstance(expected, list)
        places = self._places(expected)
        hit = all(any(start - 2 <= a < end for a, _ in self.spans) for start, end in places)
        return hit and all(any(a < end and start < b for start, end in places) for a, b in self.spans)

    def __contains__(self, expected: str) -> bool:
        at = self.text.find(expected)
        while at >= 0:
            if any(at - 2 <= start < at + len(expected) for start, _ in self.spans):
                return True
            at = self.text.find(expected, at + 1)
        return False

    def __len__(self) -> int:
        return len(self.spans)


class Result:
    """What the rival's functions return."""

    translated = True

    def __init__(self, tripped: bool, info: dict[str, Any]) -> None:
        self.tripwire_triggered = tripped
        self.info = info


class Settings:
    """A configuration of the rival, kept as it is."""

    translated = True

    def __init__(self, **fields: Any) -> None:
        self.fields = fields
        self.url_allow_list = fields.get("url_allow_list", [])
        self.allow_subdomains = fields.get("allow_subdomains", False)


def allow_entry(entry: str, below: bool) -> list[str]:
    """Return the entries of ours that mean an entry of theirs; a leading `www.` is nothing to them."""
    if below:
        return [entry]
    scheme, mark, rest = entry.rpartition("://")
    bare = rest.removeprefix("www.")
    exact = [bare, f"www.{bare}"] if bare[:1].isalpha() and not _network(bare) else [bare]
    return [each if _network(each) else f"{scheme}{mark}={each}" for each in exact]


def _network(entry: str) -> bool:
    return "/" in entry and entry.rpartition("/")[2].isdigit() and entry[0] in "0123456789[:abcdef" and (
        entry.count(".") == 3 or ":" in entry
    )  # fmt: skip


def _built(kind: Any, config: Any) -> Any:
    try:
        return kind.build("v", config, PolicyFolder(Path()))
    except ConfigProblems as error:
        raise Untranslatable(f"not expressible: {error.problems[0].message}") from None


def _urls_detector(config: Settings | None) -> tuple[Any, bool]:
    fields = config.fields if config else {}
    entries = [
        ours
        for entry in fields.get("url_allow_list", [])
        for ours in allow_entry(entry, fields.get("allow_subdomains", False))
    ]
    schemes = [each.strip() for each in sorted(fields.get("allowed_schemes", {"https"}))]
    # A name without a scheme is judged as any allowed scheme, by them as by us.
    settings = urls_detector.UrlsConfig(use="urls", allow=entries, schemes=schemes)
    return _built(urls_detector.KIND, settings), fields.get("block_userinfo", True)


def _urls_spans(text: str, config: Settings | None) -> tuple[list[tuple[int, int]], set[tuple[int, int]]]:
    detector, userinfo = _urls_detector(config)
    findings = detector.detect([Text(text)])[0].findings
    bad = {"url.not_allowed", "url.scheme", "url.script", *(("url.userinfo",) if userinfo else ())}
    return (
        [each.span for each in findings if each.category == "url.found"],
        {each.span for each in findings if each.category in bad},
    )


def detect_urls(text: str, *_schemes: Any, **_keep: Any) -> Found:
    """`_detect_urls`."""
    return Found(text, _urls_spans(text, None)[0])


def check_urls(data: str = "", config: Settings | None = None, ctx: None = None) -> Result:
    """`urls`."""
    found, bad = _urls_spans(data, config)
    info = {
        "detected": Found(data, found),
        # Of two readings of one link, the bad one decides.
        "allowed": Found(
            data, [span for span in found if not any(a < span[1] and span[0] < b for a, b in bad)]
        ),
        "blocked": Found(data, [*bad]),
    }
    return Result(bool(bad), info)


def validate_url(url: str, config: Settings) -> tuple[Any, str, bool]:
    """`_validate_url_security`: the link, or None and why not."""
    fields = {**config.fields, "url_allow_list": []}
    detector, userinfo = _urls_detector(Settings(**fields))
    leaves = {each.category for each in detector.detect([Text(url)])[0].findings}
    if "url.scheme" in leaves or "url.script" in leaves:
        return None, "Blocked scheme", True
    if "url.userinfo" in leaves and userinfo:
        return None, "userinfo", True
    return (url, "", "://" in url) if leaves else (None, "Invalid URL", True)


def allowed_url(url: str, allow: list[str], below: bool, _had_scheme: bool) -> bool:
    """`_is_url_allowed`."""
    config = Settings(url_allow_list=allow, allow_subdomains=below, allowed_schemes={"https", "http", "ftp"})
    return not _urls_spans(url, config)[1]


def check_secrets(*arguments: Any, cfg: Any = None) -> Result:
    """`secret_keys` and `_detect_secret_keys`."""
    text, config = (arguments[0], cfg) if len(arguments) == 1 else (arguments[1], arguments[2])
    extra = (config.fields.get("custom_regex") or []) if isinstance(config, Settings) else []
    detectors = [_built(secrets_detector.KIND, secrets_detector.SecretsConfig(use="secrets"))]
    if extra:
        detectors.append(
            _built(patterns_detector.KIND, patterns_detector.PatternsConfig(use="patterns", patterns=extra))
        )
    spans = [each.span for one in detectors for each in one.detect([Text(text)])[0].findings]
    # They report the word that a secret stands in.
    words = [(max((text.rfind(c, 0, start) for c in " \n\t"), default=-1) + 1, end) for start, end in spans]
    return Result(bool(spans), {"detected_secrets": Found(text, words)})


class Entities:
    """`PIIEntity`: a name is itself."""

    translated = True

    def __getattr__(self, name: str) -> str:
        return name


def check_pii(_ctx: None, text: str, config: Settings) -> Result:
    """`pii`."""
    wanted = {NAMES.get(each, each.lower()): each for each in config.fields.get("entities", [])}
    if "PERSON" in wanted.values():
        raise Untranslatable("needs a model")
    missing = [theirs for ours, theirs in wanted.items() if ours not in pii_detector.ENTITIES]
    if missing:
        raise Untranslatable(f"no kind: {missing[0]}")
    if config.fields.get("detect_encoded_pii"):
        raise Untranslatable("encoded text: judged by the pipeline's extractors, not by the table")
    detector = _built(pii_detector.KIND, pii_detector.PiiConfig(use="pii", entities=[*wanted]))
    detected: dict[str, list[str]] = {}
    masked = text
    for each in reversed(detector.detect([Text(text)])[0].findings):
        name = wanted[each.category.removeprefix("pii.")]
        start, end = each.span
        detected.setdefault(name, []).insert(0, text[start:end])
        masked = f"{masked[:start]}<{name}>{masked[end:]}"
    blocks = bool(config.fields.get("block"))
    info = {
        "pii_detected": bool(detected), "detected_entities": detected, "checked_text": masked, "block_mode": blocks,
        "entity_types_checked": config.fields.get("entities", []),
    }  # fmt: skip
    return Result(bool(detected) and blocks, info)


KNOWN: dict[str, Any] = {
    "_detect_urls": detect_urls, "_detect_domain_like_urls": detect_urls, "urls": check_urls, "URLConfig": Settings,
    "_validate_url_security": validate_url, "_is_url_allowed": allowed_url, "secret_keys": check_secrets,
    "SecretKeysCfg": Settings, "_detect_secret_keys": check_secrets, "pii": check_pii, "PIIConfig": Settings,
    "PIIEntity": Entities(), "_normalize_unicode": lambda text: normalize_text(text).text,
}  # fmt: skip


def outcomes(root: Path) -> Iterator[Outcome]:
    """Yield what comes of every case of the three files of a checkout."""
    for name in FILES:
        tree = module(root / "tests" / "unit" / "checks" / name, RESERVED)
        known = constants(tree, KNOWN)
        for case in cases(tree, name, known):
            if isinstance(case, str):
                yield Outcome(name, case, 0, "untranslated", "a property or parameters that are computed")
            else:
                yield outcome(case, known, IGNORED, REASONS[name])
