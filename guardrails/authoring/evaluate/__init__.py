"""How well a policy tells labelled rows apart: rows and verdicts go in, figures, limits and a report come out. For `cli` and
`authoring.tune`.
"""
