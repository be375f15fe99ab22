"""Anthropic's Messages API: its field tables, its stream, and the whole message that a stream makes up."""
