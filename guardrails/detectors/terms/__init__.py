"""Finds lists of words and phrases of any length with exact spans, whole or streamed."""
