"""JSON-RPC and MCP: bytes go in, messages, their field tables and headers come out, strictly."""
