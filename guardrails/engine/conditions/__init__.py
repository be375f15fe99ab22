"""Conditions of rules and exceptions over findings and context: the values of their names, and what exceptions take away."""
