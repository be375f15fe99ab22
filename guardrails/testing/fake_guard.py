"""A guard whose verdicts a table of words, or a function, decides: no model is loaded, and nothing else is found.

It is a real guard with a small policy, so that verdicts, wrapped calls, streams and redactions are what they are elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeAlias

from guardrails.checker import OnVerdict
from guardrails.detectors.kinds import Kind, NoSettings
from guardrails.guard import Guard
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from guardrails.registry.sources import PluginSources
from guardrails.types import CLEAN, Action, ActionName, Content, Detection, Finding, Stage, Text, Verdict

Judge: TypeAlias = Callable[[str], ActionName]
"""A text → what is to be done with it."""

ACTIONS: Final = (Action.BLOCK, Action.REDACT, Action.FLAG)
"""Those for which there is a rule, `fake.block` and so on."""

UNCHECKED: Final = ("language", "limit", "part", "image", "video", "audio", "sealed")


class FakeGuard(Guard):
    """A guard that judges texts by what it is given, and lets all else pass: pictures, films and sounds too.

    Words are found as `use: terms` finds them, in any spelling that it reads and also inside of other words; a function is asked
    for the action of each text that a policy would judge, which it sees as a whole, so that streams are held to their end. What
    is redacted shows as `[REDACT]`. Rules are called `fake.block`, `fake.redact` and `fake.flag`.

    Args:
        actions: what to do with a text that holds a word, by the word; or a function of the text.
        blocks: more words that block.
        redacts: more words that are redacted.
        flags: more words that are flagged.
        message: the message of the rules, for the person who is refused.
        on_verdict: is called with every verdict, as in `Guard.load`.

    Attributes:
        verdicts: all that it gave, in order.
    """

    def __init__(
        self,
        actions: Mapping[str, ActionName] | Judge | None = None,
        *,
        blocks: Iterable[str] = (),
        redacts: Iterable[str] = (),
        flags: Iterable[str] = (),
        message: str | None = None,
        on_verdict: OnVerdict | None = None,
    ) -> None:
        given = {} if actions is None or callable(actions) else actions
        words = {word: Action.parse(action) for word, action in given.items()}
        for action, more in ((Action.FLAG, flags), (Action.REDACT, redacts), (Action.BLOCK, blocks)):
            if isinstance(more, str):
                raise TypeError(f"give words as a list: [{more!r}]")
            words |= dict.fromkeys(more, action)
        policy = build_policy(words, asks=callable(actions), message=message)
        kinds = {"fake": _kind(actions)} if callable(actions) else None
        sources = PluginSources.read([]).with_own("detectors", kinds)
        self.verdicts: list[Verdict] = []
        super().__init__(compile_policy(load(policy, sources)), on_verdict=self._noting(on_verdict))

    def _noting(self, on_verdict: OnVerdict | None) -> OnVerdict:
        def note(verdict: Verdict) -> None:
            self.verdicts.append(verdict)
            if on_verdict is not None:
                on_verdict(verdict)

        return note

    @classmethod
    def load(cls, *args: Any, **options: Any) -> NoReturn:
        """Refuse: a fake guard has no policy to load.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            "a fake guard loads no policy: give it words, FakeGuard(blocks=[…]), or use Guard.load"
        )


def build_policy(words: Mapping[str, Action], *, asks: bool, message: str | None) -> dict[str, Any]:
    """Return the policy of a fake guard: a detector and a rule for each action that a word has, or that a function may give."""
    detectors: dict[str, Any] = {"fake": {"use": "fake"}} if asks else {}
    for action in ACTIONS:
        terms = [word for word, of in words.items() if of is action]
        if terms:
            detectors[f"{action}_words"] = {
                **{"use": "terms", "terms": terms, "category": _category(action), "match": "substring"},
            }
    rules = [
        {
            "id": f"fake.{action}",
            "on": [stage.value for stage in Stage],
            "when": f"{_category(action)} > 0",
            "then": str(action),
            **({} if message is None else {"message": message}),
        }
        for action in ACTIONS
        if asks or f"{action}_words" in detectors
    ]
    unchecked = dict.fromkeys(UNCHECKED, "allow")
    return {"format": 1, "name": "fake", "detectors": detectors, "rules": rules, "unchecked": unchecked}


def _category(action: Action) -> str:
    return f"custom.{action}"


class _JudgeDetector:
    """Finds in each text what a function says of it."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge each text."""
        return [self._detect(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _detect(self, text: str) -> Detection:
        action = Action.parse(self._judge(text)) if text else Action.ALLOW
        if action is Action.ALLOW:
            return CLEAN
        return Detection((Finding(_category(action), 1.0, "fake", (0, len(text))),))


def _kind(judge: Judge) -> Kind:
    given = frozenset(map(_category, ACTIONS))
    detector = _JudgeDetector(judge)
    return Kind("fake", "A function.", NoSettings, given, lambda _n, _c, _f: detector, decoded=False)
