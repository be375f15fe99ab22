"""JSON-RPC and MCP: messages, their field tables and headers, read strictly."""
