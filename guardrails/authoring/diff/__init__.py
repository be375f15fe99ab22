"""What a change of a policy comes to: two versions and recorded traffic go in, differences, effects and gates come out. For
`cli` and the console.
"""
