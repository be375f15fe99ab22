"""The worker processes of a server, and the memory that they take. Imported by `serve`."""
