"""Compares two versions of a policy, by their fields and over recorded traffic. For `cli` and the console."""
