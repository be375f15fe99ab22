"""The form of a text: JSON, JSON Schema, XML, Python, SQL, source code, length. A text goes in, the stretches that do not fit
come out.
"""
