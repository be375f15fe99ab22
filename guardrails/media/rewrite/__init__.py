"""Writes films and sounds again with edits, in a process that can be killed."""
