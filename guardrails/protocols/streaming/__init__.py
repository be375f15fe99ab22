"""Streamed answers of models: relays events that may go on and judges the rest, for every API that is guarded.

* `relay.Relay`: one answer on its way; `pending_events.PendingEvents` holds each event until everything in it is settled.
* `codec.StreamCodec`: reads the events of one API, each once, and writes how they end: one in each folder beside this one that
  has streams.
* `assembler.Assembler`: builds the whole answer of any API from the patches that a codec reads in its events.
* `response_checker.ResponseChecker`: the verdict on the whole answer, and what is left to send; the proxy and wrapped calls run
  its steps.
"""
