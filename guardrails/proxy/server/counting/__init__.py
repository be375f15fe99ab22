"""Counters and durations of all processes of a server, in memory that they share, and the table of what there is."""
