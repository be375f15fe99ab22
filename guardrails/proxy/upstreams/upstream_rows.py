"""Makes the rows that requests are routed by of what settings declare."""

from __future__ import annotations

import os

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.upstreams.routing_choice import Row
from guardrails.proxy.upstreams.transport.key_files import read_key
from guardrails.proxy.upstreams.transport.proxies import choose_proxy
from guardrails.proxy.upstreams.upstream_settings import ONLY, UpstreamDoc, base_url


def named_rows(settings: Settings) -> tuple[Row, ...]:
    """Return the upstreams that have a name."""
    return tuple(_named_row(name, doc, settings) for name, doc in settings.upstreams.items())


def unnamed_rows(settings: Settings) -> tuple[Row, ...]:
    """Return the one that has none, where there is one: it serves the models that none of those with a name does."""
    if settings.upstream is None:
        return ()
    row = Row(
        ONLY,
        base_url(settings.upstream),
        settings.upstream_key if settings.upstream_key_file is None else _key_of(settings.upstream_key_file),
        settings.upstream_key_file or settings.upstream_key_env,
        key_file=settings.upstream_key_file,
        proxy=choose_proxy(base_url(settings.upstream), None, os.environ),
        connect_s=settings.connect_s,
        idle_s=settings.idle_s,
        total_s=settings.total_s,
    )
    return (row,)


def _named_row(name: str, doc: UpstreamDoc, settings: Settings) -> Row:
    """Return one of several."""
    key = None if doc.key_env is None else os.environ.get(doc.key_env, "")
    return Row(
        name,
        base_url(doc.url),
        key if doc.key_file is None else _key_of(doc.key_file),
        doc.key_file or doc.key_env or "",
        key_file=doc.key_file,
        key_header=doc.key_header,
        certificates=doc.certificates,
        proxy=choose_proxy(base_url(doc.url), doc.proxy, os.environ),
        models=tuple(doc.models),
        rename=doc.rename,
        connect_s=doc.connect_s or settings.connect_s,
        idle_s=doc.idle_s or settings.idle_s,
        total_s=doc.total_s or settings.total_s,
        tries=doc.tries,
        retry_on_timeout=doc.retry_on_timeout,
        failures=doc.failures,
        open_s=doc.open_s,
        check_s=doc.check_s,
        first_byte_s=doc.first_byte_s,
        weight=doc.weight,
        priority=doc.priority,
    )


def _key_of(path: str) -> str:
    """Return the key of a file, "" where there is none by now: nothing of the client's own goes in its place."""
    try:
        return read_key(path)
    except (OSError, ValueError):
        return ""
