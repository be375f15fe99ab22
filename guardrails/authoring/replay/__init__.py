"""Tries policies on records of decisions: a record goes in, what another policy would have decided comes out, or why that cannot
be known. Whatever is not known for certain is told as not known.
"""
