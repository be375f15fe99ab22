"""Patterns in texts that grow: parts go in, findings and how far they are settled come out."""
