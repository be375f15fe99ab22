"""Logs of what a policy decided and what another one would have: rows of JSON go in, pairs of decisions come out. For `cli` and
`authoring.diff`.
"""
