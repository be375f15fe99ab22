"""Replies that repeat the system prompt: a reply and the prompt go in, the stretches that repeat it come out; streamed
likewise.
"""
