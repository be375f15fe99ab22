"""Films and sounds written again: a film and edits go in, a new one with these done comes out, from a process that can be
killed.
"""
