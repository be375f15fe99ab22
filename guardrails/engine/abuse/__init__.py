"""What is known of who asks, as conditions read it, and what a check leaves behind of them.

In: the answers of a store, or of a test, and rules that matched. Out: values of `abuse.*`, and the consequences of a check.
Imported by `engine`, `guard`, `records` (which keeps the counts) and `proxy`.
"""
