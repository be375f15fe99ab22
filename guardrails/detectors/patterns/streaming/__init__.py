"""Searches a table of patterns in streamed texts."""
