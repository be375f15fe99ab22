"""The guard between an agent and its MCP servers. The primitives of this package:

* `rpc`: bytes ⇄ one JSON-RPC message, strictly; errors as answers. `verdicts`: a block as an answer.
* `fields`, `methods`: what of a message is judged, and at which stage, as tables; a new method is a row.
* `link.McpLink`: one agent before one server; matches requests with their answers and says what becomes of each message.
* `listing`, `tools`: which tools an agent may see and call; `approvals` remembers how their definitions were.
* `session`: what tools returned in an agent's session, for calls that may carry it.
* `stdio`, `conversation`, `process`, `lines`: an agent before a server that is a process.
* `http`, `relay`, `remote`, `headers`, `streaming`: agents before servers over HTTP; `local`: those that are processes.
* `settings`: what the operator chooses; `guarding.Guarding`: what all conversations of one guard share.
"""
