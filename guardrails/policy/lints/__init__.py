"""What `guardrails lint` looks for in a policy: one file for each thing that a policy is made of, each a few functions that take
a `LintContext` and yield what they find. The table of all of them is `guardrails/policy/lints/lint.py`.
"""
