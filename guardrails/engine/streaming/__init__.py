"""Texts that grow: shows what no later text can change as soon as that is certain."""
