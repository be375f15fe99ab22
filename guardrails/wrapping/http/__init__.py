"""Clients of SDKs that call a model through a client of httpx, or through one function with JSON: each call is judged there."""
