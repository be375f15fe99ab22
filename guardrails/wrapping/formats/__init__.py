"""What wrapped calls are to answer with: the schema that an answer must fit, and functions that are called again where it
does not. For `wrapping/functions.py` alone; clients ask again in `sdk/client.py`.
"""
