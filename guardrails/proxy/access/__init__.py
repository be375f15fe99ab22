"""Decides who may ask, and from where, by the head of a request: keys, hosts, origins and limits."""
