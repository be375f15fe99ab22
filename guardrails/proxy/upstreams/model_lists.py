"""Merges the model lists of several upstreams: what can be asked for here, each once, by the name it has here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from guardrails.errors import BackendError, GuardrailsError, RequestError
from guardrails.protocols.protocol import invalid_answer
from guardrails.protocols.providers import ANTHROPIC, Provider
from guardrails.proxy.upstreams.routing import Upstreams
from guardrails.proxy.upstreams.routing_choice import Row, is_claimed
from guardrails.proxy.upstreams.upstream_client import UpstreamRequest
from guardrails.wire import strict_json

LIST_S = 5.0
"""Seconds that one upstream's list is waited for."""

Entry = dict[str, Any]


async def models(
    upstreams: Upstreams,
    client: Mapping[str, str],
    provider: Provider,
    may_ask: Callable[[str], bool] = lambda model: True,
) -> dict[str, Any]:
    """Return the models of all upstreams that can be reached, as the API of a provider lists them; those that may be asked.

    Raises:
        GuardrailsError: none can be reached, or has a list; the first one's error.
    """
    rows = [row for row in upstreams.rows if upstreams.is_up(row)] or upstreams.rows
    asked = UpstreamRequest("GET", "/models", client, None, provider)
    lists = await asyncio.gather(*(_fetch_list(upstreams, row, asked) for row in rows))
    found = {
        row: each for row, each in zip(rows, lists, strict=True) if not isinstance(each, GuardrailsError)
    }
    if not found:
        raise next(each for each in lists if isinstance(each, GuardrailsError))
    data = [each for each in merge_lists(found, upstreams.named) if may_ask(each["id"])]
    if provider is not ANTHROPIC:
        return {"object": "list", "data": data}
    ends = (
        {"first_id": data[0]["id"], "last_id": data[-1]["id"]}
        if data
        else {"first_id": None, "last_id": None}
    )
    return {"data": data, "has_more": False, **ends}


def merge_lists(found: Mapping[Row, Sequence[Any]], named: Sequence[Row]) -> Iterator[Entry]:
    """Yield what upstreams list, in their order, each model once; `named` are those who are asked for some models alone: the
    others have what is left.
    """
    seen: set[str] = set()
    for row, entries in found.items():
        for entry in entries:
            for name in _names(entry, row):
                if name not in seen and _serves(row, name, named):
                    seen.add(name)
                    yield {**entry, "id": name}


def _names(entry: Any, row: Row) -> Iterable[str]:
    """Return the names by which a model is asked for that an upstream lists."""
    own = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(own, str):
        return ()
    others = (asked for asked, sent in row.rename.items() if sent == own and asked != own)
    return (*((own,) if row.rename.get(own, own) == own else ()), *others)


def _serves(row: Row, model: str, named: Sequence[Row]) -> bool:
    """Tell whether one is asked for a model."""
    if row in named:
        return is_claimed(model, row.models)
    return not any(is_claimed(model, each.models) for each in named)


async def _fetch_list(upstreams: Upstreams, row: Row, asked: UpstreamRequest) -> list[Any] | GuardrailsError:
    """Return what an upstream lists, or why it lists nothing."""
    try:
        async with asyncio.timeout(LIST_S), upstreams.ask_one(row, asked) as response:
            raw = await upstreams.read_whole(response)
        data = strict_json.parse(raw).get("data")
    except TimeoutError:
        return BackendError("the upstream took too long", 504, "upstream_timeout")
    except RequestError as error:
        return invalid_answer(f"the upstream's list of models is malformed: {error.code}")
    except GuardrailsError as error:
        return error
    return (
        data
        if isinstance(data, list)
        else invalid_answer("the upstream's list of models is malformed: it has no data")
    )
