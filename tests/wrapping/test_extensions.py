"""What a guard offers to frameworks: each is of the guard that was asked, and says a wrong option at once."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails import Guard
from tests.cases import each_case


@each_case("name", ["openai_agents", "langchain"])
def test_an_option_that_there_is_not_is_an_error(policy_guard: Guard, name: str) -> None:
    """Before the framework is needed."""
    extension: Any = getattr(policy_guard, name)
    with pytest.raises(TypeError, match=rf"{name}\(\) has no option 'tenent'; did you mean 'tenant'\?"):
        extension(tenent="t")


@each_case(
    ("options", "message"),
    [
        ({"path": ["/x"]}, r"asgi\(\) has no option 'path'; did you mean 'paths'"),
        ({"paths": "/chat"}, "paths must be a list of texts"),
        ({"paths": ["chat"]}, "'chat' must begin with / or \\*"),
        ({"paths": []}, "at least one"),
        ({"fields": "/message"}, "fields must be a list of texts"),
        ({"fields": ["message"]}, "'message' must begin with /"),
        ({"max_bytes": "10"}, "a number of bytes"),
    ],
)
def test_options_that_would_judge_nothing_are_errors(
    policy_guard: Guard, options: dict[str, Any], message: str
) -> None:
    """When the middleware is made."""
    with pytest.raises((TypeError, ValueError), match=message):
        policy_guard.asgi(None, **options)


def test_a_middleware_is_of_the_guard_that_was_asked(policy_guard: Guard) -> None:
    """A web application with it is one of ASGI."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Answer nothing."""

    assert callable(policy_guard.asgi(app))
    assert callable(policy_guard.django()(lambda request: None))
    assert callable(policy_guard.fastapi(str))
