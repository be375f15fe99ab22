"""Check digits of numbers that states, companies, banks and insurers issue: a matched text goes in, whether it can be one comes
out.
"""
