"""The guard between an agent and its MCP servers. The primitives of this package:

* `protocol.rpc`: parses and writes one JSON-RPC message, strictly; errors as answers. `protocol.verdicts`: a block as an answer.
* `protocol.fields`, `protocol.methods`: what of a message is judged, and at which stage, as tables; a new method is a row.
* `link.McpLink`: one agent before one server; matches requests with their answers and says what becomes of each message.
* `listing`, `tools`: which tools an agent may see and call; `approvals` remembers how their definitions were.
* `session`: what tools returned in an agent's session, for calls that may carry it.
* `transport.stdio`, `conversation`, `transport.process`, `transport.lines`: an agent before a server that is a process.
* `transport.http`, `.relay`, `.remote_server`, `.streaming`, `protocol.headers`: agents before servers over HTTP;
  `transport.local_server`: those that are processes.
* `settings`: what the operator chooses; `guards.McpGuard`: what all conversations of one guard share.
"""
