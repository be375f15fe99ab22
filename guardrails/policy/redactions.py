"""Redactions: what a rule's `with:` names. The built-in ones and those of plugins are registered alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from guardrails.policy.messages.choice import choose_language_tag
from guardrails.registry.registered import Registry
from guardrails.registry.sources import PluginError, PluginOrigin
from guardrails.types import Place

BUILTIN: Final[Mapping[str, str]] = {
    name: f"guardrails.engine.redaction.replacements:{name.upper()}"
    for name in ("placeholder", "mask", "hash", "fake", "vault")
}
"""Name in `with:` → the `Redaction` that describes it, as `module:attribute`."""

OWN_TEXT: Final = "text"
"""The name of a redaction that puts a text of the rule's own, by language."""


def no_languages(offered: Collection[str]) -> Iterable[str]:
    """Return that nothing is known of who reads."""
    return ()


class HandedOut(Protocol):
    """What a conversation was given in the place of values, so that the same value gets the same again."""

    def number_for(self, category: str, value: str, place: Place) -> str:
        """Return the kind of a value with its number: `[EMAIL_1]`; a reply that names it gets the value back."""
        ...

    def fake_for(self, category: str, value: str, place: Place, locale: str) -> str:
        """Return a made-up value of the same kind."""
        ...


@dataclass(frozen=True, slots=True)
class FoundValue:
    """What is to be replaced.

    Attributes:
        category: of the finding, such as `pii.email`.
        text: the stretch that is replaced.
        value: the whole value, which may go on in the following parts of a message; mostly the same as `text`.
        place: where it stands: stage, role, JSON Pointer.
        locale: the language and country that the rule asks for, such as `de_DE`.
        handed_out: what the conversation was given before.
        list_languages: tells of the tags of some languages in which of them who reads is addressed best, the best first.
    """

    category: str
    text: str
    value: str
    place: Place
    locale: str
    handed_out: HandedOut
    list_languages: Callable[[Collection[str]], Iterable[str]] = no_languages


@dataclass(frozen=True, slots=True)
class Redaction:
    """A way to replace what was found in a text.

    Attributes:
        name: what `with:` calls it.
        doc: what it puts there, in one sentence; editors show it.
        replace: makes the new text. It is called once for each stretch, in the order of the text, and has to answer at once: no
            service, no file. What raises, or answers with anything but a text without the value, is a failure of the rule: the
            kind in brackets is put there, and the rule's `on_error` decides.
        keyed: whether its texts depend on the operator's key, so that several processes need the same.
        numbered: whether replies that name its texts get the values back.
        origin: where it comes from; None: built in, or the caller's own.
    """

    name: str
    doc: str
    replace: Callable[[FoundValue], str]
    keyed: bool = False
    numbered: bool = False
    origin: PluginOrigin | None = None


def make_own_text(texts: Mapping[str, str]) -> Redaction:
    """Return the redaction that puts one of some texts, by its language, in the place of each stretch."""
    return Redaction(
        OWN_TEXT,
        "Puts a text of the rule's own.",
        lambda found: texts[choose_language_tag(found.list_languages(texts), texts)],
    )


RedactionLike = Redaction | Callable[[FoundValue], str]
"""What may be registered as a redaction: it, or what makes its texts."""


def read_redaction(name: str, given: object, origin: PluginOrigin | None) -> Redaction:
    """Return the redaction that was registered under a name: a `Redaction`, or a function that makes the new text.

    Raises:
        PluginError: it is neither.
    """
    if isinstance(given, Redaction):
        return replace(given, name=name, origin=origin)
    if callable(given) and not isinstance(given, type):
        doc = (given.__doc__ or "").strip().partition("\n")[0] or f"The redaction {name}."
        return Redaction(name, doc, given, origin=origin)
    raise PluginError(
        "invalid_plugin",
        f"the redaction {name!r} is a {type(given).__name__}",
        "give a guardrails.plugins.Redaction, or a function of a FoundValue that returns a text",
    )


REDACTIONS: Final = Registry("redactions", Redaction, BUILTIN, read_redaction)
"""The redactions by name."""
