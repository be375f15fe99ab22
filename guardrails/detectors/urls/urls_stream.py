r"""The stream of the `urls` detector: findings as soon as no later text can change them.

The text is cut behind a sign over which no link goes on, in any of its views: a space, mostly. Each stretch is judged by the
detector itself, with what stands in front of it, as that tells what a link is embedded in. Held is the current word; where text
has no spaces, up to the end of a clause or a line. Work: each stretch is judged once, most without any search.
"""

from __future__ import annotations

import re
from typing import Final

from guardrails.detectors.detection_stream import DetectionStream
from guardrails.text import normalize_text, replace_surrogates
from guardrails.types import Detection, Detector, Finding, Text

NEAR: Final = 440
"""Characters in front of a link that may tell what it is embedded in."""

FAR: Final = 2_100
"""Characters in front of a line break that may show that it stands in an attribute, where it is dropped."""

# What a link has in it, each sign before something else; everything beyond ASCII is looked at.
_SIGN: Final = re.compile(r"[./\\&\[({](?! |\Z)|:|[^\x00-\x7f]|0[xX]|[0-9]{8}|instance-")
_CUTS: Final = re.compile('[ "<>\\n\u3000\u3001\uff0c\uff1b\uff01\u300d\u300f\u3011\u300b]')
# `javascript: code` is one link, however its colon is written.
_SCRIPT: Final = re.compile(r"(?::|&[#\w]{1,9};?|[^\x00-\x7f])\Z")
# A line ends there for good: no name that goes on below, no word torn apart.
_ENDED: Final = re.compile(
    "[.!?,;)\u3002\uff01\uff1f\uff0c\uff1b\uff09\u2026\u201d\u300d\u300f\u3011\u300b]\\r?\\Z"
)
_ATTRIBUTE: Final = re.compile(r"=\s{0,4}[\"'][^\"'<>]*\Z")
_KINDS: Final = {"\n": "line", '"': "quote", "<": "quote", ">": "quote"}
_BLOCKS: Final = {
    # The parameters of `data:` may hold quotes.
    "quote": re.compile(r"(?i)a[\t\r\n\0]*:|[&\x80-\U0010ffff]"),
    # A link may be torn over lines.
    "line": re.compile(r"[/\\&]"),
    # A link may have begun that is more than a name.
    "clause": re.compile(r"[/\\:?#(\[{@%&=\"'<]"),
}
"""What a stretch must not have in it to end at a sign of each kind."""


class UrlStream(DetectionStream):
    """The state of one stream."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self._detector = detector
        self._before = ""
        self._rest = ""
        self._looked = 0
        self._blocked: set[str] = set()

    def _take(self, delta: str) -> Detection:
        self._rest += replace_surrogates(delta)
        cut = self._cut()
        self._looked = len(self._rest) - cut
        return Detection(self._judge(cut) if cut else (), self.settled)

    def _finish(self) -> Detection:
        return Detection(self._judge(len(self._rest)), self.settled)

    def _cut(self) -> int:
        """Return the last place in what is held at which it can be cut; 0 if there is none."""
        self.scanned += len(self._rest) - self._looked
        places = [match.start() for match in _CUTS.finditer(self._rest, self._looked)]
        return next((at + 1 for at in reversed(places) if self._ends(at)), 0)

    def _ends(self, at: int) -> bool:
        """Say whether every link has ended in front of a sign, whatever follows it."""
        sign = self._rest[at]
        if sign == " ":
            word = self._rest[max(0, at - NEAR) : at].rstrip()
            return _SCRIPT.search(word[-12:]) is None and (word != "" or at <= NEAR)
        kind = _KINDS.get(sign, "clause")
        if kind in self._blocked or (kind == "line" and not self._ends_line(at)):
            return False
        held = self._rest[:at] if kind == "quote" else normalize_text(self._rest[:at]).text
        self.scanned += at
        if _BLOCKS[kind].search(held):
            # So it stays until all of it has ended.
            self._blocked.add(kind)
            return False
        return True

    def _ends_line(self, at: int) -> bool:
        """Say whether a line break ends what stands before it: a clause, and none in an attribute."""
        if _ENDED.search(self._rest[max(0, at - 2) : at]) is None:
            return False
        near = self._rest[max(0, at - FAR) : at]
        self.scanned += FAR
        return _ATTRIBUTE.search((self._before[len(near) - FAR :] if len(near) < FAR else "") + near) is None

    def _judge(self, end: int) -> tuple[Finding, ...]:
        part = self._rest[:end]
        begin = self.settled
        found: tuple[Finding, ...] = ()
        if _SIGN.search(part):
            near = self._before[-(FAR if "\n" in part or "\t" in part or "\r" in part else NEAR) :]
            shift = begin - len(near)
            self.scanned += len(near) + end
            found = tuple(
                Finding(
                    each.category, each.score, each.detector, (each.span[0] + shift, each.span[1] + shift)
                )
                for each in self._detector.detect([Text(near + part)])[0].findings
                if each.span is not None and each.span[0] >= len(near)
            )
        self._blocked.clear()
        self._before = (self._before + part)[-FAR:]
        self._rest = self._rest[end:]
        self.settled += end
        return found
