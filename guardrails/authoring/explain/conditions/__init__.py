"""Conditions term by term: what each reads and says, and what is missing for them to hold."""
