"""Both versions of a policy over the same traffic: rows go in, pairs of decisions and counts of their effects come out. For
`authoring.diff`.
"""
