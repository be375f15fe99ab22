"""The server: the ASGI application, its routes, connections, shared state, health and metrics."""
