"""Sinks: where verdicts go besides to who asked, such as a file or a system of records.

* `kinds.Sink`: what `use:` names in an entry of `sinks`; `kinds.SINKS` has the built-in ones and those of plugins.
* `json_lines`: the built-in one, a file.
* `delivery.VerdictSinks`: the opened sinks of a guard, each on a thread of its own.

Guards and the proxy's settings import this; it knows no policy.
"""
