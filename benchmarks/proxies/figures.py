"""What was seen of servers in rounds in, the figures that are shown out: tables, ratios, and the aims with what came of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from proxies.servers import Server

PASS_THROUGH = "floor: fastapi"
"""The pass-through that anybody would write: what a proxy costs is counted over it."""

CONNECTIONS = (1, 8, 64)
CELLS = [(stream, connections) for stream in (False, True) for connections in CONNECTIONS]
Seen = dict[str, float]
Cell = tuple[bool, int]
Failures = dict[tuple[str, bool], str]
Results = dict[tuple[str, Cell], list[Seen | None]]


def middle(
    values: Sequence[Seen | None], other: Sequence[Seen | None], of: Callable[[Seen, Seen], float]
) -> float | None:
    """Return the median over rounds of what two servers' rounds give together; None where one has none."""
    pairs = [of(one, two) for one, two in zip(values, other, strict=True) if one and two]
    return statistics.median(pairs) if pairs else None


class Report:
    """The results as figures."""

    def __init__(self, results: Results, direct: str) -> None:
        self._results = results
        self._direct = direct

    def rate(self, name: str, cell: Cell) -> float | None:
        """Return requests per second."""
        found = self._results[name, cell]
        return middle(found, found, lambda one, _: one["rate"])

    def added(self, name: str, cell: Cell, what: str, over: str = "") -> float | None:
        """Return milliseconds more than another takes: by default the upstream itself; None where that was not asked."""
        found, other = self._results[name, cell], self._results.get((over or self._direct, cell))
        return None if other is None else middle(found, other, lambda one, two: one[what] - two[what])

    def cpu(self, name: str, cell: Cell) -> float | None:
        """Return microseconds of the server's processor for one answer."""
        found = self._results[name, cell]
        return middle(found, found, lambda one, _: one["cpu"])

    def cheaper(self, name: str, other: str) -> float | None:
        """Return how many times the processor time for an answer another takes."""
        pair = self._results[other, (False, 8)], self._results[name, (False, 8)]
        return middle(*pair, lambda one, two: one["cpu"] / two["cpu"])

    @staticmethod
    def ours(servers: Sequence[Server]) -> str:
        """Return the name of our server with lexical rules, to which the aims apply."""
        return next(server.name for server in servers if server.kind == "ours")

    def ratio(self, name: str, other: str, cell: Cell) -> float | None:
        """Return how many times the requests of another."""
        return middle(
            self._results[name, cell], self._results[other, cell], lambda one, two: one["rate"] / two["rate"]
        )

    def whole(self, server: Server) -> dict[str, object]:
        """Return a server's row for whole answers."""
        row: dict[str, object] = {"server": server.name, "guard": server.guarded}
        for connections in CONNECTIONS:
            row[f"req/s @{connections}"] = shown(self.rate(server.name, (False, connections)), 0)
        for connections in CONNECTIONS:
            pair = (shown(self.added(server.name, (False, connections), q), 2) for q in ("p50", "p99"))
            row[f"added p50/p99 ms @{connections}"] = "/".join(pair)
        row["cpu us @8"] = shown(self.cpu(server.name, (False, 8)), 0)
        return {**row, "MB": shown(server.memory_mb(), 0), "cold s": shown(server.cold_s, 2)}

    def streams(self, server: Server) -> dict[str, object]:
        """Return a server's row for streams."""
        row: dict[str, object] = {"server": server.name, "guard": server.guarded}
        for connections in CONNECTIONS:
            cell = (True, connections)
            pair = (shown(self.added(server.name, cell, q), 2) for q in ("first50", "first99"))
            row[f"first added p50/p99 ms @{connections}"] = "/".join(pair)
            row[f"streams/s @{connections}"] = shown(self.rate(server.name, cell), 0)
        return row


def shown(value: float | None, digits: int) -> str:
    """Return a figure as it is shown."""
    return "-" if value is None else f"{value:,.{digits}f}"


def ratios(report: Report, servers: Sequence[Server]) -> str:
    """Return our throughput as a multiple of the others'."""
    mine = report.ours(servers)
    lines = [
        f"Requests per second of `{mine}`, as a multiple of (by cpu: so many times less processor time for an answer)"
    ]
    for server in servers:
        if server.name != mine:
            at = (f"{shown(report.ratio(mine, server.name, (False, c)), 2)} @{c}" for c in CONNECTIONS)
            lines.append(
                f"  {server.name}: {', '.join(at)}; by cpu {shown(report.cheaper(mine, server.name), 2)}"
            )
    return "\n".join(lines)


def aims(report: Report, servers: Sequence[Server]) -> str:
    """Return the aims with what came of them."""
    mine = report.ours(servers)
    added = (
        ("ms added to the p50 of a whole answer, 1 connection", report.added(mine, (False, 1), "p50"), 2.0),
        (
            "ms added to the p50 of a stream's first text, 1 connection",
            report.added(mine, (True, 1), "first50"),
            1.0,
        ),
    )
    lines = ["Aims", *(aim(what, value, "≤", most) for what, value, most in added)]
    if PASS_THROUGH in (server.name for server in servers):
        over = report.added(mine, (False, 1), "p50", PASS_THROUGH)
        lines.append(aim(f"ms over the p50 of {PASS_THROUGH}, 1 connection", over, "≤", 0.2))
    others = ((PASS_THROUGH, 0.8), ("floor", 0.7), ("litellm", 25.0), ("portkey", 3.0))
    for kind, least in others:
        names = [
            server.name for server in servers if kind in (server.kind, server.name) and not server.guarded
        ]
        for connections in CONNECTIONS[1:]:
            found = {name: report.ratio(mine, name, (False, connections)) for name in names}
            lines += _hardest(found, f"requests per second, {connections} connections", least)
        lines += _hardest(
            {name: report.cheaper(mine, name) for name in names}, "throughput by processor time", least
        )
    return "\n".join(lines)


def _hardest(found: dict[str, float | None], what: str, least: float) -> list[str]:
    """Return the aim beside the one who makes it the hardest."""
    known = {name: value for name, value in found.items() if value is not None}
    if not known:
        return []
    name = min(known, key=lambda each: known[each])
    return [aim(f"times the {what} of {name}", known[name], "≥", least)]


def aim(what: str, value: float | None, sign: str, bound: float) -> str:
    """Return the line of one aim."""
    met = value is not None and (value >= bound if sign == "≥" else value <= bound)
    return f"  {'met   ' if met else 'MISSED'}  {shown(value, 2)} {what} (aim: {sign} {bound:g})"
