"""Texts in a wrong format: at which texts of a body rules with `on_fail` look, how those are repaired, and how JSON
stays JSON where values in it are replaced. For the engine's core alone.
"""
