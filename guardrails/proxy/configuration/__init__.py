"""What the operator chooses: a file, the environment and flags go in, checked `Settings` come out, or everything that is
wrong.
"""
