"""Streamed answers of models: events in, the events that may go on out, for every API that is guarded.

* `relay.RemoteRelay`: one answer on its way; `held.Held` holds each event until everything in it is settled.
* `teller.Teller`: reads the events of one API and writes how they end: one each in `chat`, `texts`, `messages`, `responses`,
  `gemini`, `ollama`.
* `collector.Collector`: puts the whole answer together: `chat_whole`, `messages_whole`, `responses_whole`, `gemini_whole`.
* `judge.QuestionJudge`: the verdict on the whole answer, and what is left to tell; the proxy and wrapped calls run its steps.
"""
