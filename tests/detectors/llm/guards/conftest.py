"""What the tests of forms share: answers as servers give them, with the probabilities of tokens."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

import pytest

from guardrails.remote.chat import AnswerToken, ModelAnswer


@pytest.fixture(scope="session")
def said() -> Callable[..., ModelAnswer]:
    """Return a function: the text of an answer in, the answer out; with `top`, what is likely in the place of the first
    token behind `after` that is one of those.
    """

    def make(text: str, top: Mapping[str, float] | None = None, after: str = "") -> ModelAnswer:
        if top is None:
            return ModelAnswer(text)
        tokens, before = [], ""
        words = {word.strip() for word in top}
        waiting = True
        for each in re.findall(r" ?\w+|\s+|[^\w\s]+", text):
            likely: Mapping[str, float] = {each: 1.0}
            if waiting and before.endswith(after) and each.strip() in words:
                likely, waiting = top, False
            pairs = tuple((word, math.log(share)) for word, share in likely.items())
            own = next((value for word, value in pairs if word == each), -20.0)
            tokens.append(AnswerToken(each, own, pairs))
            before += each
        assert not waiting
        return ModelAnswer(text, tuple(tokens))

    return make
