"""The proxy: HTTP requests in OpenAI's form in, judged answers out. The primitives of this floor:

* `settings.Settings`: what the operator chooses; `serve.run` and `serve.running` start a server with it.
* `wire`: bytes ⇄ JSON, strictly: what two parsers could read in two ways is refused.
* `upstream.Upstream`: the model server behind; `sse` and `assemble` read what it streams.
* `state.State`: what one server process shares; `state.Report` is what an answer's headers say.
* `answer`: what of a completion passes; `stream`, `held`: the same for a stream, which is held until then.
* `chat`, `check`, `health`: the routes; `gate.Gate` counts, sheds and answers errors around them.
"""
