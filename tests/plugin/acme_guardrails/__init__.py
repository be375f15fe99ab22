"""Plugins of a made-up company, as a package of its own would have them."""
