"""The sockets that a server listens on, and probes, which are answered on a thread and a port of their own: what the event loop
does holds none of them up.
"""
