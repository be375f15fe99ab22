"""Encoded and invisible text: decoded texts with a map back, and findings for runs of invisible characters."""
