"""Finds what a policy tries and the operator's floor undoes."""
