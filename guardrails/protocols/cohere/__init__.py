"""Cohere's chat API (version 2): its field tables, its stream, its refusals. Read by wrapped clients alone."""
