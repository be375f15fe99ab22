"""What policies say of people who try again: what conditions may ask (`leaves`), and what rules leave behind (`effects`).

In: fields of rules and of tests. Out: names with their types, and compiled effects. Imported by `policy`, and above by `engine`
and `records`, which keep the counts.
"""
