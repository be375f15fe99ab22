r"""Puts values back into a model's text in the place of their placeholders, never inside links or markup.

A link that is shown can be fetched without anybody's doing (a picture, a preview), so that a value in it would be sent
to whoever the model was talked into naming. A placeholder therefore stays one where the text before it on the same run
of characters is or may become a link, where what follows would make a host name of it, in the target of a Markdown link
or picture, in the definition of one, and in an HTML tag. Where that is not certain it stays as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

PLACEHOLDER = re.compile(r"\[[A-Z0-9][A-Z0-9_]*_[1-9][0-9]{0,8}\]")

LONGEST_RUN = 4096
"""Characters without white space beyond which a run is taken for a link: no prose has such."""

_STEP = re.compile(
    rf"""
      (?P<definition>^[ \t>*+\-0-9.)]*(?P<label>\[(?:\\.|[^\]\\\n])+\]):[ \t]*(?:\r?\n[ \t>]*)?[^\n]*)
    | (?P<placeholder>{PLACEHOLDER.pattern})
    | (?P<target>\]\()
    | (?P<tag><[A-Za-z/!?])
    """,
    re.MULTILINE | re.VERBOSE,
)
# An address in angle brackets, a tag as CommonMark has it with its values in quotes, or loosely another tag or a comment,
# which may be text to others. What begins as a tag and is none of these may go on to anywhere.
_ATTRIBUTE = r"\s+[A-Za-z_:][\w.:-]*"
_TAG = re.compile(
    rf"""
      <[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"'`]*>
    | <[A-Za-z][A-Za-z0-9-]*(?:{_ATTRIBUTE}(?:\s*=\s*(?:"[^"]*"|'[^']*'))?)*\s*/?>
    | </[A-Za-z][A-Za-z0-9-]*\s*>
    | (?P<loose>
          <!--.*?-->
        | <(?!!--)[A-Za-z/!?][^<>"'`=]*>
        | <[A-Za-z][A-Za-z0-9-]*(?:{_ATTRIBUTE}(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?)*\s*/?>
      )
    """,
    re.DOTALL | re.VERBOSE,
)
_TARGET_STEP = re.compile(
    r"""\\. | <[^<>\n]*> | (?<=\s)(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')(?=\s*\)) | \n[ \t]*\r?\n | [()]""",
    re.DOTALL | re.VERBOSE,
)
_BREAKS = " \t\r\n\f\v<"
_LINK = re.compile(
    r"""
      //|\\\\|:/|:\\
    | www\.
    | (?:https?|ftps?|wss?|file|mailto|tel|sms|sips?|xmpp|data|blob|javascript|vbscript|magnet|geo|intent|view-source):
    | (?<![@\w.-])[\w.-]{1,253}\.(?:[^\W\d_]{2,}|\d+)(?::[0-9]+)?[/?\#]
    """,
    re.IGNORECASE | re.VERBOSE,
)
_TARGET = re.compile(r"\([ \t]*<?(?:[a-z][a-z0-9+.-]*:[^\s)]|[/#]|www\.)", re.IGNORECASE)
# A host name has at most 253 characters (RFC 1035).
_HOST_AFTER = re.compile(r"[\w.@:%+~\[\]-]{0,253}?(?:[@.][\w-]{0,63}\.?[^\W\d_]{2,}|:/|:\\)")


def restore_values(text: str, values: Mapping[str, str]) -> str:
    """Return the text with each placeholder that `values` has replaced by its value, except in links and markup.

    Values are not looked into: what looks like a placeholder in one stays. Cost: O(n).
    """
    if not any(placeholder in values for placeholder in PLACEHOLDER.findall(text)):
        return text
    writer = _Writer(values)
    position = 0
    while match := _STEP.search(text, position):
        writer.add(text[position : match.start()])
        position = match.end()
        what = match.lastgroup
        if what == "definition" and match["label"] in values:
            writer.add(text[match.start() : match.start("label")])
            if writer.place(match["label"], text, match.end("label")):
                position = match.end("label")  # its brackets are gone with it: this defines nothing
            else:
                writer.add(text[match.end("label") : position])
        elif what == "placeholder":
            bare = writer.place(match[0], text, position)
            if not bare and text.startswith("(", position):
                end = _target_end(text, position + 1)
                writer.add(text[position:end])
                position = end
        elif what == "tag":
            tag = _TAG.match(text, match.start())
            position = len(text) if tag is None else tag.end()
            writer.add(text[match.start() : position])
            if tag is not None and tag["loose"] is None:
                writer.pause()
        else:
            if what == "target":
                position = _target_end(text, position)
            writer.add(text[match.start() : position])
    writer.add(text[position:])
    return "".join(writer.out)


def _target_end(text: str, position: int) -> int:
    """Return where the target of a link ends that begins here: behind its bracket, or at the end of the paragraph."""
    depth = 1
    for step in _TARGET_STEP.finditer(text, position):
        if step[0] in "()":
            depth += 1 if step[0] == "(" else -1
            if depth == 0:
                return step.end()
        elif step[0].isspace():
            return step.start()
    return len(text)


class _Writer:
    """The text so far, and what of it stands before the next character without white space between."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._run = ""
        self.out: list[str] = []

    def add(self, piece: str) -> None:
        """Add a text as it is."""
        self.out.append(piece)
        last = max(map(piece.rfind, _BREAKS))
        self._run = (self._run + piece if last < 0 else piece[last + 1 :])[: LONGEST_RUN + 1]

    def pause(self) -> None:
        """Let no link go on behind what was added."""
        self._run = ""

    def place(self, placeholder: str, text: str, after: int) -> bool:
        """Add a placeholder, or its value where there is one and it may stand here; tell whether its brackets are gone."""
        value = self._values.get(placeholder)
        linked = len(self._run) > LONGEST_RUN or _LINK.search(self._run) or _HOST_AFTER.match(text, after)
        if value is None or linked:
            self.add(placeholder)
            return False
        # In front of the target of a link its brackets are the link's as well.
        bare = _TARGET.match(text, after) is None
        self.add(value if bare else f"[{value}]")
        return bare
