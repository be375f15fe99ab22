"""Edits policy files as text: the canonical form, and changed values with all comments kept."""
