"""What lint looks at: a policy as written and as compiled, and what follows from both, worked out once for all checks."""
