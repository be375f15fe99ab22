"""Tables of regular expressions in linear time: rows and a text go in, spans come out. `pii`, `secrets` and `patterns` are
built on them.
"""
