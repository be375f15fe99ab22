"""The processes that decode films: tasks go in, what is seen comes out as it is seen; each can be killed."""
