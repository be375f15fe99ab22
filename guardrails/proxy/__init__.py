"""The proxy: an HTTP server that speaks the APIs of OpenAI, Anthropic, Google and Ollama, and judges what goes in and out.

* `configuration`: the settings that the operator chooses, of a file, the environment and flags.
* `server`: the application with its table of routes, its connections, shared state, health, metrics and reloads.
* `access`: who may ask, from where, and how much.
* `routes`: each API as a table (`exchange.endpoint.Endpoint`), and the endpoints that serve it.
* `exchange`: the one path of all APIs: read, judge, forward, judge, write; whole or as a stream.
* `hooks`: what other gateways ask this one, a file for each protocol.
* `upstreams`: the servers behind, and which of them is asked.
* `media`: answers that are files, which lie on the disk until they were judged.
* `shadow`: policies that judge beside the ones that are served.
"""
