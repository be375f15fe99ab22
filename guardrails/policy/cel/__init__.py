"""Parses and checks CEL expressions, and words their mistakes for policy editors."""
