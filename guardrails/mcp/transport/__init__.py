"""How messages of MCP travel: standard input and output, streamable HTTP, processes and servers elsewhere."""
