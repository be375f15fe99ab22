"""The server: settings go in, an ASGI application, its connections, state, health and metrics come out."""
