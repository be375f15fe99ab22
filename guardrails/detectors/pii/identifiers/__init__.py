"""Checks of numbers that states, companies, banks and insurers issue."""
