"""Frameworks for agents and applications: their models wrapped, and a guard as an object of their own, for a framework that has
extensions. Each module serves one framework, which is imported once an object of it is met or asked for.
"""
