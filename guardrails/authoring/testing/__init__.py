"""Tests beside the rules: a guard and its tests go in, results, coverage and JUnit's XML come out. For `cli` and
`authoring.lint`.
"""
