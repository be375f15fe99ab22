"""Policies: YAML text to a checked, compiled policy."""
