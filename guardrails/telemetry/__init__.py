"""What OpenTelemetry is told of checks and of requests. Verdicts and requests go in; spans, events and log records come out,
which hold no word of what was judged unless that is asked for.

`conventions` is the one table of names. `check_spans` tells of a guard's verdicts by OpenTelemetry's API alone, so that an
application's own SDK takes them; `request_spans` of the requests of a proxy; `providers` sets up the SDK of a server. Imported
only where telemetry is switched on. For `guard` and `proxy`.
"""
