"""What can be wrapped: the clients, runnables and pipelines of others in, the same with a guard around them out."""
