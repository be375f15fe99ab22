"""What stands encoded or invisible in a text: a text goes in, decoded texts with a map back, or runs of invisible characters,
come out.
"""
