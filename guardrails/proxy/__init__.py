"""The proxy: HTTP requests in OpenAI's, Anthropic's, Google's and Ollama's forms in, judged answers out. Its primitives:

* `settings.Settings`: what the operator chooses; `serve.run` and `serve.running` start a server with it.
* `wire`: bytes ⇄ JSON, strictly: what two parsers could read in two ways is refused.
* `upstream.Upstream`: the model server behind; `sse` reads what it streams.
* `state.State`: what one server process shares; `state.Report` is what an answer's headers say.
* `api.Api`: an API as a table; `exchange.exchange` is the one path of all: read, judge, forward, judge, write.
* `answer`: what of an answer passes; `stream`, `live`: the same for a stream, which goes on as it is judged.
* `chat`, `messages`, `responses`, `gemini`, `ollama` and so on: the APIs; their field tables are in the engine, what collects
  and tells their streams is in `streams`.
* `hooks`: what other gateways ask this one, a file for each protocol; `hooks.hook.serve` is the one path of all.
* `check`, `health`: the other routes; `gate.Gate` counts, sheds and answers errors around all of them.
"""
