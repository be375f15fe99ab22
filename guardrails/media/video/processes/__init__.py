"""The processes that decode films, each of which can be killed."""
