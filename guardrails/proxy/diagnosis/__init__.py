"""Says everything that is wrong with a server before, or while, it serves: its settings and policies, its files, what is behind
it and its clock, each with a cure. Settings in, findings out; for commands.
"""
