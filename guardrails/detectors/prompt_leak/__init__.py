"""Finds replies that repeat the system prompt, whole or streamed."""
