"""What policies say to people, by language: which text is chosen, the fields that hold texts, and helplines.

Policy fields and the compiler come in here; texts come out. The rest of `policy` and the engine may import it.
"""
