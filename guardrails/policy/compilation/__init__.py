"""What compiling a policy is made of: its steps, the checks of what a rule replaces or repairs, and the digest."""
