"""APIs of models: one folder for each, with its field tables and its stream; `streaming` has what all streams share. For
`proxy`, `wrapping` and hooks.
"""
