"""Evaluates a policy beside the one that is served, counts both decisions and logs them."""
