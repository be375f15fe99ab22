"""The proxy: HTTP requests in OpenAI's and Anthropic's forms in, judged answers out. The primitives of this floor:

* `settings.Settings`: what the operator chooses; `serve.run` and `serve.running` start a server with it.
* `wire`: bytes ⇄ JSON, strictly: what two parsers could read in two ways is refused.
* `upstream.Upstream`: the model server behind; `sse` reads what it streams.
* `state.State`: what one server process shares; `state.Report` is what an answer's headers say.
* `api.Api`: an API as a table; `exchange.exchange` is the one path of all: read, judge, forward, judge, write.
* `answer`: what of an answer passes; `stream`, `held`: the same for a stream, which is held until then.
* `chat`, `messages`, `responses`: the APIs, each beside what collects and writes its streams (`assemble`,
  `messages_stream`, `responses_stream`); their field tables are in the engine.
* `check`, `health`: the other routes; `gate.Gate` counts, sheds and answers errors around all of them.
"""
