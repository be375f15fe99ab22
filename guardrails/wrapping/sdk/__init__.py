"""Clients of SDKs: one goes in, a client of the same class with a guard around every call comes out."""
